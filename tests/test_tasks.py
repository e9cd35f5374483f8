"""Tasks: what is sent, what is read, what is refused."""

from datetime import UTC, datetime

import pytest

from chakra_async import AmbiguousResultError, DecodeError, Task
from tests.raw import RST, RawServer, quick_client


TASK = {
    "id": "t-1",
    "title": "Call",
    "order": 2,
    "status": "COMPLETED",
    "stateTask": "u-1",
    "data": {"call_disposition": "RNR"},
    "completedAt": 1767323045678,
    "startsAt": 0,
    "color": "red",
}


async def test_create(recorder, recorded):
    recorder.data(TASK)
    task = await recorded.tasks.create(
        "lead",
        "LEAD/7",
        "call_customer",
        data={"call_disposition": "RNR", "note": None},
        status="COMPLETED",
        assigned_to="john@paisapay.com",
    )
    assert recorder.seen == (
        "POST",
        "/v1/ext/p/lead/LEAD%2F7/task/call_customer",
        {
            "data": {"call_disposition": "RNR", "note": None},
            "status": "COMPLETED",
            "assignedTo": "john@paisapay.com",
        },
    )
    assert recorder.last.headers["content-type"] == "application/json"
    assert task == Task(
        id="t-1",
        title="Call",
        order=2,
        status="COMPLETED",
        state_task="u-1",
        data={"call_disposition": "RNR"},
        completed_at=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        extra={"color": "red"},
    )


async def test_only_what_is_given_is_sent(recorder, recorded):
    recorder.data(TASK)
    await recorded.tasks.create("lead", 7, "call")
    assert recorder.seen == ("POST", "/v1/ext/p/lead/7/task/call", {})
    await recorded.tasks.create("lead", "x", "call", data={})
    assert recorder.last.json == {"data": {}}


@pytest.mark.parametrize(
    ("ids", "options", "reason"),
    [
        (("lead", "1", "call"), {"status": "DONE"}, "status must be one of OPEN, COMPLETED, CANCELLED"),
        (("lead", "1", "call"), {"status": "open"}, "status must be one of"),
        (("lead", "1", "call"), {"data": [1]}, "data must be a mapping"),
        (("lead", "1", "call"), {"data": {"a": float("nan")}}, "not a number JSON can hold"),
        (("lead", "1", "call"), {"assigned_to": ""}, "assigned_to must be a username"),
        (("", "1", "call"), {}, "procedure is empty"),
        (("lead", "..", "call"), {}, "would name another path"),
        (("lead", "1", "\n"), {}, "state_task is empty"),
    ],
)
async def test_what_cannot_work_is_refused_before_it_is_sent(recorder, recorded, ids, options, reason):
    with pytest.raises(ValueError, match=reason):
        await recorded.tasks.create(*ids, **options)
    assert recorder.requests == []


async def test_a_task_is_never_created_twice():
    async with RawServer(RST) as server, quick_client(server) as chakra:
        with pytest.raises(AmbiguousResultError):
            await chakra.tasks.create("lead", "1", "call")
    assert len(server.requests) == 1


async def test_an_answer_without_a_task_does_not_pass_for_one(recorder, recorded):
    recorder.raw({})
    with pytest.raises(DecodeError, match=r"Task\.id is missing") as caught:
        await recorded.tasks.create("lead", "1", "call")
    assert caught.value.retry_safe is False
