"""Management of templates."""

from urllib.parse import urlencode

import pytest

from chakra_async import AmbiguousResultError, BadRequestError, DecodeError
from tests.raw import RST, RawServer, answer, quick_client


BASE = "/v1/ext/plugin/whatsapp/api/v19.0"
WABA = "104996122399160"
PATH = f"{BASE}/{WABA}/message_templates"
BODY = [{"type": "BODY", "text": "Hello {{1}}"}]


@pytest.fixture
def templates(chakra):
    return chakra.whatsapp.templates


def page(*names, after=None, host="https://graph.facebook.com", **more):
    data = [{"id": str(n), "name": name, "status": "APPROVED"} for n, name in enumerate(names, 1)]
    paging = {"cursors": {"before": "b", "after": after or "end"}}
    if after:
        query = urlencode({"access_token": "EAAG-secret", "limit": "2", "after": after, **more})
        paging["next"] = f"{host}/v19.0/{WABA}/message_templates?{query}"
    return {"data": data, "paging": paging}


@pytest.mark.fault("S3")
async def test_list_follows_metas_cursors_and_never_leaves_the_host(recorder, templates):
    recorder.raw(page("a", "b", after="c+1")).raw(page("c", "d", after="c2")).raw(page("e"))
    found = [template.name async for template in templates.list(WABA, limit=2, fields=["name", "status"])]
    assert found == ["a", "b", "c", "d", "e"]
    assert [request.path for request in recorder.requests] == [PATH] * 3
    assert [request.method for request in recorder.requests] == ["GET"] * 3
    first = {"limit": "2", "fields": "name,status"}
    assert [dict(request.query) for request in recorder.requests] == [
        first,
        {**first, "after": "c+1"},
        {**first, "after": "c2"},
    ]
    assert "EAAG" not in "".join(request.target for request in recorder.requests)


async def test_list_of_one_page(recorder, templates):
    recorder.raw(page("a"))
    found = await templates.list(WABA, name="a", after="x", api_version="v21.0")
    assert (len(found.items), found.has_more, found.meta["paging"]["cursors"]["after"]) == (1, False, "end")
    assert recorder.last.path == PATH.replace("v19.0", "v21.0")
    assert dict(recorder.last.query) == {"limit": "100", "after": "x", "name": "a"}


async def test_a_next_page_may_be_told_by_the_cursor_alone(recorder, templates):
    first = page("a", after="c1")
    first["paging"]["next"] = f"{recorder.url}{PATH}"
    recorder.raw(first).raw(page("b"))
    assert [template.name async for template in templates.list(WABA)] == ["a", "b"]
    assert dict(recorder.last.query)["after"] == "c1"


@pytest.mark.parametrize("link", ["https://[", "https://x/y?limit=100"])
async def test_a_next_page_that_is_none_is_no_endless_list(recorder, templates, link):
    recorder.raw({"data": [{"id": "1"}], "paging": {"next": link}})
    with pytest.raises(DecodeError):
        [template async for template in templates.list(WABA)]
    assert len(recorder.requests) == 1


@pytest.mark.parametrize("around", [["same"], ["A", "B"], ["A", "B", "C"]])
async def test_pages_that_lead_in_a_circle_are_no_endless_list(recorder, templates, around):
    for after in [*around, *around]:
        recorder.raw(page("a", after=after))
    with pytest.raises(DecodeError, match="itself, or one that came before"):
        [template async for template in templates.list(WABA, limit=2)]
    assert len(recorder.requests) == len(around) + 1


async def test_a_page_may_be_asked_for_again(recorder, templates):
    b, c = page("b", after="B"), page("c")
    recorder.raw(page("a", after="A")).raw(b).raw(c).raw(b).raw(c)
    pager = templates.list(WABA)
    first = await pager
    for _ in range(2):
        second = await pager.page_after(first)
        third = await pager.page_after(second)
        assert (second.items[0].name, third.items[0].name, third.has_more) == ("b", "c", False)


async def test_wrapped_lists_are_understood_too(recorder, templates):
    recorder.data(page("a"))
    assert [template.name async for template in templates.list(WABA)] == ["a"]
    recorder.forget().data([{"id": "1", "name": "b"}], {"total": 1})
    found = await templates.list(WABA)
    assert (found.items[0].name, found.meta) == ("b", {"total": 1})


@pytest.mark.parametrize("value", [{}, {"data": {}}, {"data": None}, {"data": [1]}, "x", {"paging": {}}])
async def test_what_is_no_list_is_told(recorder, templates, value):
    recorder.raw(value)
    with pytest.raises(DecodeError):
        await templates.list(WABA)


async def test_create(recorder, templates):
    recorder.raw({"id": "572279198452421", "status": "PENDING", "category": "UTILITY"})
    made = await templates.create(
        WABA,
        name="order_7",
        category="UTILITY",
        language="en_US",
        components=BODY,
        parameter_format="POSITIONAL",
        fields={"message_send_ttl_seconds": 600},
    )
    assert recorder.seen == (
        "POST",
        PATH,
        {
            "name": "order_7",
            "category": "UTILITY",
            "language": "en_US",
            "components": BODY,
            "parameter_format": "POSITIONAL",
            "message_send_ttl_seconds": 600,
        },
    )
    assert (made.id, made.status, made.category, made.name) == ("572279198452421", "PENDING", "UTILITY", None)


async def test_update(recorder, templates):
    recorder.raw({"success": True})
    await templates.update("572279198452421", components=BODY, category="MARKETING")
    body = {"components": BODY, "category": "MARKETING"}
    assert recorder.seen == ("POST", f"{BASE}/572279198452421", body)
    recorder.raw({"success": False})
    recorder.raw({"success": False})
    with pytest.raises(DecodeError, match="nothing was done"):
        [await templates.update("572279198452421", category="MARKETING") for _ in range(2)]


async def test_delete(recorder, templates):
    recorder.raw({"success": True})
    await templates.delete(WABA, name="order_7")
    assert recorder.seen == ("DELETE", f"{PATH}?name=order_7", None)
    await templates.delete(WABA, name="order_7", hsm_id="572279198452421")
    assert recorder.last.target == f"{PATH}?name=order_7&hsm_id=572279198452421"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda t: t.create(WABA, name="Order 7", category="U", language="en", components=BODY),
            "lower-case",
        ),
        (lambda t: t.create(WABA, name="a", category="U", language="en-US", components=BODY), "write en_US"),
        (lambda t: t.create(WABA, name="a", category="U", language="en", components=[]), "needs components"),
        (lambda t: t.create("waba", name="a", category="U", language="en", components=BODY), "digits only"),
        (lambda t: t.update("1"), "nothing to change"),
        (lambda t: t.update("order_7", category="U"), "template_id must be Meta's id"),
        (lambda t: t.delete(WABA, name=""), "name is empty"),
        (lambda t: t.delete(WABA, name="a", hsm_id="b"), "hsm_id must be Meta's id"),
    ],
)
async def test_refused(recorder, templates, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        await call(templates)
    assert recorder.requests == []


@pytest.mark.parametrize("options", [{"limit": 0}, {"api_version": "19"}])
async def test_a_list_that_cannot_be_is_refused_at_once(templates, options):
    with pytest.raises(ValueError):
        templates.list(WABA, **options)
    with pytest.raises(TypeError):
        templates.list(WABA, fields="name")


async def test_what_meta_refuses(recorder, templates):
    recorder.refuse(400, "(#100) Invalid parameter")
    with pytest.raises(BadRequestError) as caught:
        await templates.create(WABA, name="a", category="UTILITY", language="en", components=BODY)
    assert caught.value.whatsapp_code == 100


async def test_only_reads_and_deletions_are_repeated():
    done = answer(body=b'{"success":true}')
    async with RawServer(RST, RST, RST, done) as server, quick_client(server) as chakra:
        templates = chakra.whatsapp.templates
        with pytest.raises(AmbiguousResultError):
            await templates.create(WABA, name="a", category="UTILITY", language="en", components=BODY)
        with pytest.raises(AmbiguousResultError):
            await templates.update("1", category="UTILITY")
        await templates.delete(WABA, name="a")
    assert [request.line.split()[0] for request in server.requests] == ["POST", "POST", "DELETE", "DELETE"]


def test_the_same_without_await(recorder):
    recorder.raw(page("a", "b", after="c1")).raw(page("c"))
    with recorder.sync_client() as chakra:
        assert [template.name for template in chakra.whatsapp.templates.list(WABA)] == ["a", "b", "c"]
