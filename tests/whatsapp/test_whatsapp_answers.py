"""Answers with missing, extra, null and mistyped fields: read, or refused with an error of ours."""

from contextlib import nullcontext, suppress

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import DecodeError, Reply
from chakra_async._codec import read_object
from chakra_async._pages import Place
from chakra_async._whatsapp import expect_success, items, next_place, surroundings
from chakra_async.models import accounts, calling, flows, groups, messages, phone_numbers, plugins, templates
from chakra_async.resources.whatsapp_messages import _sent
from tests.raw import RawServer, answer, quick_client


MODELS = [
    cls
    for module in (accounts, calling, flows, groups, messages, phone_numbers, plugins, templates)
    for cls in vars(module).values()
    if attrs.has(cls) and cls.__module__ == module.__name__
]

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=8
)


def wire(cls, name):
    if getattr(cls, "_wire_case", "camel") == "snake":
        return name
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def answers(cls):
    """Objects that have some of the fields, with anything in them."""
    known = {wire(cls, field.name): values for field in attrs.fields(cls) if field.name != "extra"}
    return st.fixed_dictionaries({}, optional=known | {"somethingNew": values})


def reply(value):
    return Reply(200, {}, value, {}, "GET", "/x", repeatable=True)


@pytest.mark.parametrize("cls", MODELS, ids=lambda cls: cls.__name__)
def test_any_object_is_read_or_lacks_a_required_field(cls):
    required = [field.name for field in attrs.fields(cls) if field.default is attrs.NOTHING]

    @given(answers(cls))
    def check(source):
        try:
            found = read_object(reply(source), source, cls)
        except DecodeError:
            assert any(not isinstance(source.get(wire(cls, name)), str) for name in required)
            return
        assert ("somethingNew" in found.extra) == ("somethingNew" in source)
        # Nothing is lost: what was sent is in its field or in extra.
        for field in attrs.fields(cls):
            sent = source.get(wire(cls, field.name))
            if field.name != "extra" and sent is not None and wire(cls, field.name) not in found.extra:
                assert getattr(found, field.name) is not None or sent == 0

    check()


def test_only_these_fields_are_required():
    required = {
        (cls.__name__, field.name)
        for cls in MODELS
        for field in attrs.fields(cls)
        if field.default is attrs.NOTHING
    }
    assert required == {("SentMessage", "whatsapp_message_id"), ("Plugin", "id"), ("Call", "id")}


@given(values | st.fixed_dictionaries({}, optional={"whatsappMessageId": values, "messages": values}))
def test_a_sent_message_is_named_or_it_is_a_failure(value):
    with suppress(DecodeError):
        assert _sent(reply(value)).whatsapp_message_id


@given(values | st.fixed_dictionaries({}, optional={"data": values, "paging": values}))
def test_any_list_is_read_or_refused(value):
    try:
        found = items(reply(value), templates.Template)
    except DecodeError:
        return
    assert all(isinstance(item, templates.Template) for item in found)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "next": values | st.text().map(lambda text: f"https://graph.facebook.com/x?{text}"),
            "cursors": values | st.fixed_dictionaries({"after": values}),
        },
    )
)
def test_any_paging_leads_to_another_page_to_an_end_or_to_an_error(paging):
    query = {"limit": "2", "after": "here"}
    try:
        following = next_place(reply({"data": [], "paging": paging}), Place(query))
    except DecodeError:
        return
    assert following is None or (following.query != query and "access_token" not in following.query)
    assert surroundings(reply({"data": [], "paging": paging})) == {"paging": paging}


@given(values)
def test_success_is_believed_unless_denied(value):
    expect_success(reply(None))
    denied = value == "false" or (isinstance(value, bool | int | float) and value == 0)
    with pytest.raises(DecodeError) if denied else nullcontext():
        expect_success(reply({"success": value}))


def calls_that_promise_no_body(chakra):
    whatsapp = chakra.whatsapp
    return [
        chakra.partner.update_plugin_config(enable_chakra_webhook=True),
        whatsapp.messages.mark_read("wamid.x"),
        whatsapp.templates.update("1", category="UTILITY"),
        whatsapp.templates.delete("1", name="a"),
        whatsapp.calling.update_settings(status="ENABLED"),
        whatsapp.calling.reject("c"),
        whatsapp.flows.set_public_key("-----BEGIN PUBLIC KEY-----"),
        whatsapp.plugins.delete("p"),
        whatsapp.groups.update("g", subject="A"),
        whatsapp.groups.delete("g"),
        whatsapp.groups.remove_participants("g", ["917701214822"]),
    ]


@pytest.mark.parametrize(("body", "taken"), [(b"OK", True), (b"", True), (b"<html>", False)])
async def test_where_no_answer_is_known_any_but_a_web_page_is_taken(body, taken):
    async with (
        RawServer(answer(body=body, kind="text/html")) as server,
        quick_client(server, plugin_id="p", phone_number_id="1") as chakra,
    ):
        for call in calls_that_promise_no_body(chakra):
            with nullcontext() if taken else pytest.raises(DecodeError, match="not JSON"):
                await call
