"""Groups: all inferred, so the tests hold what was inferred."""

from datetime import UTC, datetime

import pytest

from chakra_async import AmbiguousResultError, DecodeError
from tests.raw import RST, RawServer, answer, quick_client


PLUGIN = "1f0c2a4e-9a54-4a5d-8e3a-0b6f0f3f6a11"
NUMBER = "106540352242922"
BASE = f"/v1/ext/plugin/whatsapp/{PLUGIN}/api/v19.0"
GROUP = "Y2FwaV9ncm91cDox/Mg=="
PATH = f"{BASE}/Y2FwaV9ncm91cDox%2FMg%3D%3D"
PRODUCT = {"messaging_product": "whatsapp"}
SECONDS = 1767323045
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def groups(chakra):
    return chakra.whatsapp.groups


async def test_create(recorder, groups):
    recorder.raw({**PRODUCT, "request_id": "r1"})
    made = await groups.create(subject="Buyers", description="News", join_approval_mode="approval_required")
    body = {"subject": "Buyers", "description": "News", "join_approval_mode": "approval_required"}
    assert recorder.seen == ("POST", f"{BASE}/{NUMBER}/groups", {**PRODUCT, **body})
    assert (made.request_id, made.id, made.extra) == ("r1", None, PRODUCT)


async def test_list(recorder, groups):
    recorder.raw(
        {
            "data": {"groups": [{"id": "g1", "subject": "A", "created_at": SECONDS}]},
            "paging": {"cursors": {"after": "c1"}, "next": "https://graph.facebook.com/x?after=c1"},
        }
    ).raw({"data": {"groups": [{"id": "g2", "created_at": str(SECONDS)}]}})
    found = [group async for group in groups.list(limit=1)]
    assert [(group.id, group.created_at) for group in found] == [("g1", WHEN), ("g2", WHEN)]
    path = f"{BASE}/{NUMBER}/groups"
    assert [request.target for request in recorder.requests] == [
        f"{path}?limit=1",
        f"{path}?limit=1&after=c1",
    ]
    recorder.forget().raw({"data": [{"id": "g3"}]})
    assert [group.id for group in (await groups.list(after="c9")).items] == ["g3"]
    assert recorder.last.target == f"{path}?limit=100&after=c9"


async def test_get(recorder, groups):
    recorder.raw(
        {
            **PRODUCT,
            "id": GROUP,
            "subject": "A",
            "suspended": False,
            "total_participant_count": 2,
            "participants": [{"wa_id": "919901258433"}],
            "creation_timestamp": SECONDS,
        }
    )
    group = await groups.get(GROUP)
    assert recorder.seen == ("GET", PATH, None)
    assert (group.participants[0].wa_id, group.total_participant_count) == ("919901258433", 2)
    assert (group.creation_timestamp, group.suspended) == (WHEN, False)
    await groups.get(GROUP, fields=["subject", "participants"])
    assert recorder.last.target == f"{PATH}?fields=subject%2Cparticipants"


async def test_update_and_delete(recorder, groups):
    recorder.raw({**PRODUCT, "request_id": "r2"})
    assert (await groups.update(GROUP, subject="B")).request_id == "r2"
    assert recorder.seen == ("POST", PATH, {**PRODUCT, "subject": "B"})
    assert (await groups.delete(GROUP)).request_id == "r2"
    assert recorder.seen == ("DELETE", PATH, None)


@pytest.mark.parametrize("done", [{"success": True}, {}, []])
async def test_other_answers_that_mean_yes(recorder, groups, done):
    recorder.raw(done)
    assert (await groups.update(GROUP, subject="B")).request_id is None
    await groups.delete(GROUP)
    assert (await groups.remove_participants(GROUP, ["919901258433"])).removed_participants == []


async def test_answers_that_mean_no(recorder, groups):
    recorder.raw({"success": False})
    with pytest.raises(DecodeError):
        await groups.update(GROUP, subject="B")


async def test_invite_link(recorder, groups):
    recorder.raw({**PRODUCT, "invite_link": "https://chat.whatsapp.com/x"})
    assert await groups.get_invite_link(GROUP) == "https://chat.whatsapp.com/x"
    assert recorder.seen == ("GET", f"{PATH}/invite_link", None)
    assert await groups.reset_invite_link(GROUP) == "https://chat.whatsapp.com/x"
    assert recorder.seen == ("POST", f"{PATH}/invite_link", PRODUCT)
    recorder.forget().raw(PRODUCT)
    with pytest.raises(DecodeError, match="invite_link"):
        await groups.get_invite_link(GROUP)


async def test_join_requests(recorder, groups):
    recorder.raw(
        {"data": [{"join_request_id": "j1", "wa_id": "919901258433", "creation_timestamp": SECONDS}]}
    )
    [request] = [one async for one in groups.list_join_requests(GROUP)]
    assert recorder.seen == ("GET", f"{PATH}/join_requests", None)
    assert (request.join_request_id, request.creation_timestamp) == ("j1", WHEN)

    recorder.forget().raw(
        {**PRODUCT, "approved_join_requests": ["j1"], "failed_join_requests": [{"join_request_id": "j2"}]}
    )
    answered = await groups.approve_join_requests(GROUP, ["j1", "j2"])
    assert recorder.seen == ("POST", f"{PATH}/join_requests", {**PRODUCT, "join_requests": ["j1", "j2"]})
    assert answered.approved_join_requests == ["j1"]
    assert answered.failed_join_requests == [{"join_request_id": "j2"}]

    recorder.forget().raw({**PRODUCT, "rejected_join_requests": ["j1"]})
    assert (await groups.reject_join_requests(GROUP, ("j1",))).rejected_join_requests == ["j1"]
    assert recorder.seen == ("DELETE", f"{PATH}/join_requests", {**PRODUCT, "join_requests": ["j1"]})


async def test_remove_participants(recorder, groups):
    told = {
        "removed_participants": [{"user": "919901258433"}],
        "failed_participants": [{"user": "919901258434"}],
    }
    recorder.raw({**PRODUCT, **told})
    removed = await groups.remove_participants(GROUP, ["+91 99012 58433", 919901258434])
    assert (removed.removed_participants, removed.failed_participants) == tuple(told.values())
    members = [{"user": "919901258433"}, {"user": "919901258434"}]
    assert recorder.seen == ("DELETE", f"{PATH}/participants", {**PRODUCT, "participants": members})
    assert recorder.last.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda g: g.create(subject=""), "subject is empty"),
        (lambda g: g.create(subject="x" * 129), "128 at most"),
        (lambda g: g.create(subject="x", description="x" * 2049), "2,048 at most"),
        (lambda g: g.update(GROUP), "nothing to change"),
        (lambda g: g.get(".."), "would name another path"),
        (lambda g: g.get(GROUP, fields="subject"), "fields must be a list"),
        (lambda g: g.approve_join_requests(GROUP, []), "join_request_ids is empty"),
        (lambda g: g.reject_join_requests(GROUP, "j1"), "must be a list"),
        (lambda g: g.remove_participants(GROUP, ["x"]), "phones is 'x'"),
        (lambda g: g.list(limit=0).first_page(), "at least 1"),
    ],
)
async def test_refused(recorder, groups, call, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        await call(groups)
    assert recorder.requests == []


async def test_what_is_repeated():
    done = answer(body=b'{"success":true}')
    async with (
        RawServer(RST, RST, RST, RST, done) as server,
        quick_client(server, plugin_id=PLUGIN, phone_number_id=NUMBER) as chakra,
    ):
        groups = chakra.whatsapp.groups
        for call in (
            groups.create(subject="A"),
            groups.reset_invite_link("g"),
            groups.remove_participants("g", ["919901258433"]),
        ):
            with pytest.raises(AmbiguousResultError):
                await call
        await groups.delete("g")
    assert [request.line.split()[0] for request in server.requests] == [
        "POST",
        "POST",
        "DELETE",
        "DELETE",
        "DELETE",
    ]
