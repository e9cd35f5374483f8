"""From the wire to events: three formats, the same attributes; nothing strange is an error."""

import copy
import pickle
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime

import attrs
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chakra_async import DecodeError
from chakra_async.webhooks import (
    EchoEvent,
    EventError,
    Location,
    Media,
    MessageEvent,
    RawEvent,
    Reaction,
    StatusEvent,
    TemplateEvent,
    parse,
)
from tests.webhooks import bodies
from tests.webhooks.bodies import AT, PHONE_NUMBER_ID, WABA


WHEN = datetime.fromtimestamp(AT, UTC)


def one(body):
    [event] = parse(body)
    return event


def meta_message(content, **more):
    kind = content["type"]
    message = {"from": "919901258433", "id": "wamid.A", "timestamp": str(AT), **content, **more}
    event = one(bodies.meta_messages(message))
    assert isinstance(event, MessageEvent)
    assert (event.type, event.message_id, event.id) == (kind, "wamid.A", "message:wamid.A")
    return event


def test_a_message_of_each_format_has_the_same_attributes():
    message = bodies.text("wamid.A", "Hello", context={"id": "wamid.Q", "from": "918045678900"})
    passed_through, wrapped = one(bodies.meta_messages(message)), one(bodies.chakra_message(message))
    assert passed_through == MessageEvent(
        name="message",
        id="message:wamid.A",
        at=WHEN,
        account_id=WABA,
        phone_number_id=PHONE_NUMBER_ID,
        format="meta",
        raw=message,
        message_id="wamid.A",
        sender="919901258433",
        sender_name="Asha Rao",
        type="text",
        content={"body": "Hello"},
        text="Hello",
        reply_to="wamid.Q",
        extra={"context": {"id": "wamid.Q", "from": "918045678900"}},
    )
    own = {"format": "chakra", "chakra_id": "5a7e", "phone_number_id": None, "raw": wrapped.raw}
    assert attrs.evolve(passed_through, **own) == wrapped
    assert wrapped.raw["message"] == message


def test_a_status_of_each_format_has_the_same_attributes():
    events = [
        one(bodies.meta_statuses(bodies.meta_status("wamid.A", "delivered"))),
        one(bodies.chakra_status("wamid.A", "DELIVERED")),
        one(bodies.chakra_status("wamid.A", "delivered")),
        one(bodies.delivery_status("wamid.A", "DELIVERED")),
    ]
    assert [type(event) for event in events] == [StatusEvent] * 4
    shared = {(e.name, e.id, e.at, e.message_id, e.status, *e.errors) for e in events}
    assert shared == {("status", "status:wamid.A:delivered", WHEN, "wamid.A", "delivered")}
    assert [e.format for e in events] == ["meta", "chakra", "chakra", "delivery_status"]
    assert [e.chakra_id for e in events] == [None, "5a7e", "5a7e", "5a7e"]
    assert [e.recipient for e in events] == ["919901258433", None, None, "919901258433"]


REASON = {"code": 131047, "title": "Re-engagement message", "message": "Re-engagement message"}


@pytest.mark.parametrize(
    "body",
    [
        bodies.meta_statuses(bodies.meta_status("wamid.A", "failed", errors=[REASON])),
        bodies.chakra_status("wamid.A", "FAILED", errors=[REASON]),
        bodies.chakra_status("wamid.A", "failed", errorContext={"providerPayload": REASON}),
        bodies.chakra_status("wamid.A", "failed", errors=[], errorContext={"providerPayload": REASON}),
        bodies.chakra_status("wamid.A", "Failed", errors=[REASON], errorContext={"providerPayload": REASON}),
    ],
)
def test_the_reason_of_a_failure_wherever_it_stands(body):
    event = one(body)
    assert (event.status, event.errors) == ("failed", [EventError(**REASON)])


def test_the_details_of_an_error():
    reason = {**REASON, "error_data": {"details": "More than 24 hours"}, "href": "https://x.test"}
    event = one(bodies.meta_statuses(bodies.meta_status("wamid.A", "failed", errors=[reason])))
    [error] = event.errors
    assert (error.code, error.details, error.extra["href"]) == (
        131047,
        "More than 24 hours",
        "https://x.test",
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            {
                "type": "image",
                "image": {
                    "id": "77",
                    "mime_type": "image/jpeg",
                    "sha256": "q8=",
                    "url": "https://x.test",
                    "caption": "Door",
                },
            },
            {
                "text": "Door",
                "media": Media(
                    id="77",
                    mime_type="image/jpeg",
                    sha256="q8=",
                    url="https://x.test",
                    extra={"caption": "Door"},
                ),
            },
        ),
        (
            {
                "type": "document",
                "document": {"id": "78", "mime_type": "application/pdf", "filename": "a.pdf"},
            },
            {"text": None, "media": Media(id="78", mime_type="application/pdf", filename="a.pdf")},
        ),
        (
            {"type": "location", "location": {"latitude": 15.5, "longitude": "73.8", "name": "Panjim"}},
            {"text": None, "location": Location(latitude=15.5, longitude=73.8, name="Panjim")},
        ),
        (
            {"type": "reaction", "reaction": {"message_id": "wamid.Q", "emoji": "👍"}},
            {"reaction": Reaction(message_id="wamid.Q", emoji="👍")},
        ),
        (
            {"type": "reaction", "reaction": {"message_id": "wamid.Q"}},
            {"reaction": Reaction(message_id="wamid.Q")},
        ),
        ({"type": "button", "button": {"payload": "YES", "text": "Yes"}}, {"text": "Yes", "choice": "YES"}),
        (
            {
                "type": "interactive",
                "interactive": {"type": "button_reply", "button_reply": {"id": "1", "title": "One"}},
            },
            {"text": "One", "choice": "1"},
        ),
        (
            {
                "type": "interactive",
                "interactive": {"type": "list_reply", "list_reply": {"id": "r", "title": "Row"}},
            },
            {"text": "Row", "choice": "r"},
        ),
        (
            {
                "type": "interactive",
                "interactive": {"type": "nfm_reply", "nfm_reply": {"body": "Sent", "response_json": "{}"}},
            },
            {"text": "Sent", "choice": None},
        ),
        (
            {"type": "unsupported", "errors": [{"code": 131051, "title": "Unsupported"}]},
            {"text": None, "errors": [EventError(code=131051, title="Unsupported")]},
        ),
        (
            {"type": "contacts", "contacts": [{"name": {"first_name": "Asha"}}]},
            {"content": [{"name": {"first_name": "Asha"}}]},
        ),
        (
            {"type": "system", "system": {"body": "Asha changed her number"}},
            {"text": "Asha changed her number"},
        ),
    ],
)
def test_what_messages_hold(content, expected):
    event = meta_message(content)
    assert {name: getattr(event, name) for name in expected} == expected


@pytest.mark.parametrize(
    "content",
    [
        {"type": "hologram", "hologram": {"beams": 3}},
        {"type": "hologram", "hologram": "3 beams"},
        {"type": "hologram"},
        {"type": "interactive", "interactive": {"type": ["new"], "new": 1}},
        {"type": "text", "text": None},
        {"type": "image", "image": [1]},
    ],
)
def test_W7_a_new_message_type_comes_through(content):
    event = meta_message(content)
    assert event.content == content.get(content["type"])
    assert (event.text, event.media, event.sender_name) == (None, None, "Asha Rao")
    assert event.raw["type"] == content["type"]


def test_W7_a_message_without_a_type():
    message = bodies.text("wamid.A")
    del message["type"]
    assert one(bodies.meta_messages(message)).type == "unknown"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (bodies.envelope("billing", {"amount": 3}), "billing"),
        (bodies.envelope("billing", None), "billing"),
        (bodies.meta(bodies.change({"calls": [{"id": "c"}], "statuses": [{"id": "c"}]}, "calls")), "calls"),
        (bodies.meta(bodies.change({"history": [{"threads": []}]}, "history")), "history"),
        (bodies.meta(bodies.change({"event": "DISABLED_UPDATE"}, "account_update")), "account_update"),
        (bodies.meta(bodies.change({"errors": [REASON]})), "messages"),
        (bodies.meta(bodies.change({}, "status")), "unreadable"),
        (bodies.meta(bodies.change({"messages": "none"})), "messages"),
        (bodies.meta({"id": WABA}), "unknown"),
        (bodies.meta("entry"), "unknown"),
        (bodies.meta({"id": WABA, "changes": ["change"]}), "messages"),
        (b'{"hello": "world"}', "unknown"),
        (b"{}", "unknown"),
        (bodies.envelope("message", {"message": {"type": "text"}}), "unreadable"),
        (bodies.envelope("message", "text"), "unreadable"),
        (bodies.meta_messages({"id": ""}), "unreadable"),
        (bodies.meta_messages("text"), "unreadable"),
        (bodies.envelope("status", {"deliveryStatus": "SENT"}), "unreadable"),
        (bodies.envelope("status", {"externalId": "wamid.A", "deliveryStatus": None}), "unreadable"),
        (bodies.meta(bodies.change({"event": "APPROVED"}, "message_template_status_update")), "unreadable"),
    ],
)
def test_W7_what_is_unknown_or_unreadable_comes_raw(body, name):
    event = one(body)
    assert type(event) is RawEvent
    assert event.name == name
    assert event.raw
    assert event.id == one(body).id


def test_one_delivery_holds_many_events_in_their_order():
    statuses = [bodies.meta_status("wamid.S", status) for status in ("sent", "read")]
    body = bodies.meta(
        bodies.change(
            {"messages": [bodies.text("wamid.A"), 5, bodies.text("wamid.B")], "statuses": statuses}
        ),
        bodies.change({"messages": [bodies.text("wamid.C")], "errors": [REASON]}, account="another"),
        bodies.change({"event": "FLAGGED"}, "account_update"),
    )
    events = parse(body)
    assert [event.name for event in events] == [
        "message",
        "unreadable",
        "message",
        "status",
        "status",
        "message",
        "messages",
        "account_update",
    ]
    assert [event.account_id for event in events] == [WABA] * 5 + ["another"] * 2 + [WABA]
    assert len({event.id for event in events}) == len(events)
    assert parse(b'{"object": "whatsapp_business_account", "entry": []}') == []


def test_echoes_are_not_messages():
    echo = {**bodies.text("wamid.E", sender="918045678900"), "to": "919901258433"}
    phone = one(
        bodies.meta(
            bodies.change({"contacts": bodies.contacts(), "message_echoes": [echo]}, "smb_message_echoes")
        )
    )
    assert type(phone) is EchoEvent
    assert (phone.name, phone.id) == ("smb_message_echo", "echo:wamid.E")
    assert (phone.sender, phone.recipient, phone.text) == ("918045678900", "919901258433", "Hello")
    assert phone.extra == {}
    assert phone.sender_name is None  # the contact beside it is the customer
    for name in ("message_echo", "smb_message_echo"):
        event = one(bodies.chakra_message(echo, event=name))
        assert (type(event), event.name, event.id, event.recipient) == (
            EchoEvent,
            name,
            "echo:wamid.E",
            "919901258433",
        )
        assert event.sender_name is None
    outbound = one(bodies.chakra_message(bodies.text("wamid.O"), direction="OUTBOUND"))
    assert (type(outbound), outbound.name) == (EchoEvent, "message_echo")
    inbound = one(bodies.chakra_message(bodies.text("wamid.O"), direction="INBOUND"))
    assert (type(inbound), inbound.extra) == (MessageEvent, {"direction": "INBOUND"})


def test_what_becomes_of_one_message_are_different_events():
    def echo(kind, at):
        item = {"from": "1", "to": "2", "id": "wamid.E", "timestamp": str(at), "type": kind, kind: {}}
        return one(bodies.meta(bodies.change({"message_echoes": [item]}, "smb_message_echoes"))).id

    ids = [echo(kind, at) for kind in ("text", "edit", "revoke") for at in (AT, AT + 9)]
    assert len(set(ids)) == 5
    assert ids == [echo(kind, at) for kind in ("text", "edit", "revoke") for at in (AT, AT + 9)]


def test_the_name_of_the_sender():
    def name(*people):
        contacts = [person for phone, called in people for person in bodies.contacts(phone, called)]
        return one(
            bodies.meta(bodies.change({"contacts": contacts, "messages": [bodies.text("wamid.A")]}))
        ).sender_name

    sender, other = ("919901258433", "Asha Rao"), ("919901258434", "Binu")
    assert name(other, sender) == name(sender) == "Asha Rao"
    # Some numbers are written in two ways, as in Brazil; a single contact is the sender nevertheless.
    assert (name(other), name(other, ("1", "Charu")), name()) == ("Binu", None, None)


def test_templates():
    value = {
        "event": "REJECTED",
        "message_template_id": 594425479261596,
        "message_template_name": "visit_tomorrow",
        "message_template_language": "en_US",
        "reason": "INVALID_FORMAT",
        "new": 1,
    }
    entry = bodies.change({}, time=AT)
    entry["changes"] = [{"field": "message_template_status_update", "value": value}]
    event = one(bodies.meta(entry))
    assert event == TemplateEvent(
        name="message_template_status_update",
        id=event.id,
        at=WHEN,
        account_id=WABA,
        format="meta",
        raw=value,
        template_id="594425479261596",
        template_name="visit_tomorrow",
        language="en_US",
        status="REJECTED",
        reason="INVALID_FORMAT",
        extra={"new": 1},
    )
    assert one(bodies.meta({**entry, "time": AT + 1})).id != event.id


def test_a_status_in_a_group_is_each_participants_own():
    def status(**who):
        return one(bodies.meta_statuses(bodies.meta_status("wamid.G", "read", **who)))

    first, second = status(recipient_participant_id="1"), status(participant_recipient_id="2")
    assert (first.participant, second.participant) == ("1", "2")
    assert len({first.id, second.id, status().id}) == 3


def test_the_two_ids_are_told_apart_by_look():
    swapped = {"id": "wamid.A", "externalId": None, "deliveryStatus": "SENT"}
    assert one(bodies.envelope("status", swapped)).message_id == "wamid.A"
    never_taken = one(bodies.envelope("status", {"id": "5a7e", "deliveryStatus": "FAILED"}))
    assert (never_taken.message_id, never_taken.chakra_id) == (None, "5a7e")
    assert never_taken.id == "status:5a7e:failed"
    named = one(bodies.envelope("message", {"messageId": "wamid.A", "message": {"type": "text"}}))
    assert (named.message_id, named.chakra_id) == ("wamid.A", None)


def test_an_id_stays_short():
    event = one(bodies.meta_messages(bodies.text("wamid." + "A" * 5000)))
    assert len(event.id) < 200
    assert event.id != one(bodies.meta_messages(bodies.text("wamid." + "A" * 5001))).id


def test_a_BOM_is_tolerated():
    body = b"\xef\xbb\xbf" + bodies.meta_messages(bodies.text("wamid.A"))
    assert one(body).message_id == "wamid.A"


def test_a_text_cut_inside_a_character_costs_no_message():
    body = bodies.meta_messages(bodies.text("wamid.A"), bodies.text("wamid.B", "cut *"))
    first, second = parse(body.replace(b"*", rb"\ud83d"))
    assert (first.text, second.text) == ("Hello", "cut \ufffd")
    assert second.raw["text"]["body"] == "cut \ufffd"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"event"',
        b"[" * 100_000,
        b'{"event": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b'{"a": NaN}',
        b'{"event": "x", "payload": ' + b"[" * 500 + b"]" * 500 + b"}",
        b"hub.mode=subscribe",
        bodies.meta({"id": "1", "changes": [0] * 10_001}),
    ],
)
def test_what_is_no_delivery(body):
    with pytest.raises(DecodeError) as caught:
        parse(body)
    assert caught.value.body == ""


PLACES = [
    '{"event": "message", "payload": {"message": {"id": "A", "from": X}}}',
    '{"event": "message", "payload": {"message": {"id": "A", "type": X}}}',
    '{"event": "message", "payload": {"message": {"id": "A", "type": "interactive", "interactive": X}}}',
    '{"event": "message", "payload": {"messageId": X, "direction": X, "message": {"id": "A"}}}',
    '{"event": "message", "payload": {"contacts": [{"wa_id": X}], "message": {"id": "A", "from": X}}}',
    '{"event": "status", "payload": {"id": X, "externalId": "A", "deliveryStatus": "SENT", "errors": X}}',
    '{"entry": [{"id": X, "changes": [{"value": {"statuses": [{"id": "A", "status": "sent"}]}}]}]}',
    '{"entry": [{"changes": [{"field": X, "value": {"messages": [{"id": "A", "timestamp": X}]}}]}]}',
]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_nested_deeply_is_kept_aside(place):
    for deep in ("[" * 1000 + "]" * 1000, '{"type": ' * 1000 + "1" + "}" * 1000):
        event = one(place.replace("X", deep).encode())
        assert type(event) in {MessageEvent, StatusEvent}
        assert event.message_id == "A"


def test_too_many_events_cost_no_memory():
    body = b'{"entry":[{"changes":[{"value":{"statuses":[' + b"{}," * 300_000 + b"{}]}}]}]}"
    tracemalloc.start()
    with pytest.raises(DecodeError, match="more than 10,000"):
        parse(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * 2**20  # of which the parser takes half


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SHAPED = {"messages", "statuses", "message_echoes", "contacts", "metadata", "errors"}
FIELDS = st.sampled_from(["messages", "smb_message_echoes", "message_template_status_update", "calls", 7])
ITEM = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ["id", "from", "to", "timestamp", "type", "text", "image", "interactive", "context", "errors"]
        + ["status", "recipient_id", "recipient_participant_id"],
        JSON | st.sampled_from(["text", "interactive", "edit", "image", "wamid.A", "0", "sent"]),
    ),
)
VALUE = st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(SHAPED), st.lists(ITEM, max_size=3) | JSON))
CHANGE = st.fixed_dictionaries({}, optional={"field": FIELDS, "value": VALUE | JSON})
ENTRY = st.fixed_dictionaries(
    {}, optional={"id": JSON, "time": JSON, "changes": st.lists(CHANGE | JSON, max_size=3)}
)
PAYLOAD = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(["id", "messageId", "externalId", "wabaId", "timestamp", "deliveryStatus"], JSON),
        **dict.fromkeys(["errors", "errorContext", "direction", "contacts"], JSON),
        "message": ITEM | JSON,
    },
)
NAMES = st.sampled_from(["message", "status", "message_echo", "deliveryStatus", "billing", ""])
DELIVERIES = (
    st.fixed_dictionaries({"entry": st.lists(ENTRY | JSON, max_size=3)})
    | st.fixed_dictionaries({"event": NAMES, "payload": PAYLOAD | JSON})
    | st.dictionaries(st.text(max_size=8), JSON, max_size=3)
)


@given(tree=DELIVERIES)
@example(
    tree={
        "event": "message",
        "payload": {"message": {"id": "A", "sender": 1, "name": 2, "raw": 3, "extra": 4}},
    }
)
def test_W7_any_object_is_read(tree):
    body = orjson.dumps(tree)
    events = parse(body)
    assert events == parse(body)
    for event in events:
        assert event.id
        assert event.raw
        assert len(event.id) <= 200
        assert isinstance(event.raw, dict)
        assert event.at is None or event.at.tzinfo is UTC
        assert isinstance(event, RawEvent) != (
            event.name in {"message", "status", "message_echo", "smb_message_echo"}
        )
        assert repr(event)
        assert pickle.loads(pickle.dumps(event)) == copy.deepcopy(event) == event


@given(body=st.binary(max_size=50))
def test_any_bytes_are_events_or_a_decode_error(body):
    with suppress(DecodeError):
        parse(body)
