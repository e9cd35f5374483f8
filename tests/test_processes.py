"""The single-call endpoints of processes: what they return, and what arrives."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import orjson
import pytest

from chakra_async import AmbiguousResultError, BadRequestError, NotFoundError, ProcessCreate, ProcessUpdate
from tests.raw import RST, RawServer, quick_client, wrapped


NAIVE = datetime(2026, 1, 1)
BASE = "/v1/ext/procedure/lead/process"
WHEN = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
MS = 1767323045678


@pytest.fixture
async def lead(client):
    return await client.processes.create(
        "lead", data={"lead_id": "L/7", "phone_number": "7701214822", "city": "Goa"}
    )


def last(emulator):
    request = emulator.requests[-1]
    return request.method, request.path, orjson.loads(request.body) if request.body else None


async def test_create(client, emulator):
    process = await client.processes.create(
        "lead",
        data={"lead_id": "L1", "note": None},
        record={"data": {"a": 1}},
        state="NEW",
        status="OPEN",
        assigned_to="john@paisapay.com",
        next_action_at=WHEN,
    )
    body = {
        "data": {"lead_id": "L1", "note": None},
        "record": {"data": {"a": 1}},
        "state": "NEW",
        "status": "OPEN",
        "assignedTo": "john@paisapay.com",
        "nextActionAt": MS,
    }
    assert last(emulator) == ("POST", BASE, body)
    assert process.data["lead_id"] == "L1"
    assert (process.state, process.status, process.next_action_at) == ("NEW", "OPEN", WHEN)
    assert emulator.process("lead", "L1")["id"] == process.id


async def test_get(client, emulator, lead):
    assert await client.processes.get("lead", lead.id) == lead
    assert last(emulator) == ("GET", f"{BASE}/{lead.id}", None)


async def test_update_sends_only_what_changes(client, emulator, lead):
    process = await client.processes.update(
        "lead", lead.id, data={"score": 5}, state="WON", next_action_at=WHEN
    )
    body = {"data": {"score": 5}, "state": "WON", "nextActionAt": MS}
    assert last(emulator) == ("PUT", f"{BASE}/{lead.id}", body)
    assert process.data == {**lead.data, "score": 5}
    assert (process.state, process.next_action_at) == ("WON", WHEN)


async def test_update_by_key(client, emulator, lead):
    process = await client.processes.update_by_key(
        "lead", "phone_number", 7701214822, status="COMPLETED", assigned_to="j"
    )
    assert last(emulator) == (
        "PUT",
        f"{BASE}/phone_number/7701214822",
        {"status": "COMPLETED", "assignedTo": "j"},
    )
    assert (process.id, process.status) == (lead.id, "COMPLETED")
    await client.processes.update_by_key("lead", "lead_id", "L/7", data={"city": None})
    assert last(emulator) == ("PUT", f"{BASE}/lead_id/L%2F7", {"data": {"city": None}})
    assert emulator.process("lead", lead.id)["data"]["city"] is None


async def test_delete(client, emulator, lead):
    process = await client.processes.delete("lead", lead.id)
    assert last(emulator) == ("DELETE", f"{BASE}/{lead.id}", None)
    assert (process.id, process.is_deleted) == (lead.id, True)


async def test_delete_by_key(client, emulator, lead):
    process = await client.processes.delete_by_key("lead", "lead_id", "L/7")
    assert last(emulator) == ("DELETE", f"{BASE}/lead_id/L%2F7", None)
    assert process.id == lead.id
    assert emulator.process("lead", lead.id)["isDeleted"] is True


@pytest.mark.parametrize("value", [WHEN, WHEN.astimezone(timezone(timedelta(hours=5, minutes=30)))])
async def test_instants_travel_as_milliseconds_whatever_their_zone(client, emulator, lead, value):
    process = await client.processes.update("lead", lead.id, next_action_at=value)
    assert last(emulator)[2] == {"nextActionAt": MS}
    assert process.next_action_at == value


async def test_a_missing_process_is_not_found(client):
    for call in (
        client.processes.get("lead", "none"),
        client.processes.update("lead", "none", state="X"),
        client.processes.update_by_key("lead", "lead_id", "none", state="X"),
        client.processes.delete("lead", "none"),
        client.processes.delete_by_key("lead", "lead_id", "none"),
        client.processes.get("nothing", "1"),
        client.processes.list("nothing").first_page(),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_a_refused_value_is_a_bad_request(client):
    with pytest.raises(BadRequestError):
        await client.processes.create("lead", status="ODD")


async def test_what_cannot_be_sent_is_refused_before_anything_is(client, emulator):
    processes = client.processes
    for call in (
        processes.update("lead", "1"),
        processes.update("lead", "1", data={}),
        processes.update_by_key("lead", "lead_id", "1"),
        processes.update("lead", "1", state=""),
        processes.update("lead", "1", state=7),
        processes.create("lead", data=[1]),
        processes.create("lead", data={"a": float("nan")}),
        processes.create("lead", next_action_at=NAIVE),
        processes.create("lead", next_action_at="tomorrow"),
        processes.start_bulk_update("lead", []),
    ):
        with pytest.raises(ValueError):
            await call
    assert emulator.requests == []


async def test_every_call_names_the_attribute_that_cannot_be_sent(client, emulator):
    data = {"name": "A", "due": Decimal("1.5")}
    for call in (
        client.processes.create("lead", data=data),
        client.processes.create("lead", record={"data": data}),
        client.processes.update("lead", "1", data=data),
        client.processes.update_by_key("lead", "lead_id", "1", data=data),
        client.processes.start_bulk_create("lead", [{"data": data}]),
        client.processes.start_bulk_update("lead", [{"id": "1", "data": data}]),
        client.leads.create(data=data),
        client.leads.update_by_phone("917701214822", data=data),
        client.tasks.create("lead", "1", "call", data=data),
        client.users.update("1", data=data),
    ):
        with pytest.raises(ValueError, match=r"data'?\]?\['due'\]: Decimal has no JSON form"):
            await call
    assert emulator.requests == []


@pytest.mark.parametrize(
    "options", [{"limit": 0}, {"limit": 101}, {"skip": -1}, {"where": {"createdAt": NAIVE}}]
)
async def test_a_list_that_cannot_be_is_refused_at_once(client, options):
    with pytest.raises(ValueError):
        client.processes.list("lead", **options)


async def test_list_follows_its_pages(client, emulator):
    for n in range(25):
        await client.processes.create("lead", data={"lead_id": f"L{n}"})
    before = emulator.request_count
    found = [process.data["lead_id"] async for process in client.processes.list("lead", limit=10)]
    assert found == [f"L{n}" for n in range(25)]
    bodies = [orjson.loads(request.body) for request in emulator.requests[before:]]
    assert bodies == [{"skip": skip, "limit": 10} for skip in (0, 10, 20)]
    page = await client.processes.list("lead", skip=20, limit=3)
    assert ([one.data["lead_id"] for one in page.items], page.has_more) == (["L20", "L21", "L22"], True)


async def test_conditions_travel_with_instants_as_iso_text(client, emulator, lead):
    where = {"status": "OPEN", "city": ["Goa", "Pune"], "createdAt": {">": WHEN}}
    found = [process.id async for process in client.processes.list("lead", where=where)]
    assert emulator.requests[-1].json()["where"] == {
        "status": "OPEN",
        "city": ["Goa", "Pune"],
        "createdAt": {">": "2026-01-02T03:04:05.678000Z"},
    }
    assert isinstance(found, list)


async def test_a_list_is_a_read_and_repeated_although_it_is_a_post():
    async with RawServer(RST, wrapped([], {"hasMore": False})) as server, quick_client(server) as chakra:
        assert [one async for one in chakra.processes.list("lead")] == []
    assert [request.line.split()[0] for request in server.requests] == ["POST", "POST"]


async def test_start_bulk_update_is_one_request(client, emulator, lead):
    rows = [ProcessUpdate(id=lead.id, state="WON"), {"key": ("lead_id", "L/7"), "data": {"score": 1}}]
    job = await client.processes.start_bulk_update("lead", rows)
    assert last(emulator) == (
        "PATCH",
        BASE,
        {
            "processes": [
                {"id": lead.id, "update": {"state": "WON"}},
                {"lead_id": "L/7", "update": {"data": {"score": 1}}},
            ]
        },
    )
    assert job.completion_status == "IN_PROGRESS"
    done = await client.jobs.wait(job.id, timeout=10)
    assert done.all_succeeded(2)
    assert emulator.process("lead", lead.id)["data"]["score"] == 1


async def test_start_bulk_create_is_one_request(client, emulator):
    rows = [
        ProcessCreate(data={"lead_id": "L1"}, key=("lead_id", "L1")),
        {"data": {"lead_id": "L2"}, "state": "NEW"},
    ]
    job = await client.processes.start_bulk_create("lead", rows)
    assert last(emulator) == (
        "POST",
        f"{BASE}/bulk-create",
        [{"data": {"lead_id": "L1"}, "lead_id": "L1"}, {"data": {"lead_id": "L2"}, "state": "NEW"}],
    )
    await client.jobs.wait(job.id, timeout=10)
    assert len(emulator.processes("lead")) == 2


async def test_a_row_that_cannot_be_sent_is_named(client, emulator):
    rows = [ProcessUpdate(id="1", state="WON"), ProcessUpdate(id="2")]
    with pytest.raises(ValueError, match="row 1 cannot be sent: nothing to change"):
        await client.processes.start_bulk_update("lead", rows)
    assert emulator.requests == []


async def test_a_bulk_update_is_repeated_and_a_bulk_create_is_not():
    job = wrapped({"id": "j", "completionStatus": "IN_PROGRESS"})
    async with RawServer(RST, job) as server, quick_client(server) as chakra:
        await chakra.processes.start_bulk_update("lead", [ProcessUpdate(id="1", state="WON")])
    assert server.requests[0].body == server.requests[1].body
    async with RawServer(RST, job) as server, quick_client(server) as chakra:
        with pytest.raises(AmbiguousResultError):
            await chakra.processes.start_bulk_create("lead", [ProcessCreate(data={"a": 1})])
    assert len(server.requests) == 1


async def test_a_create_is_applied_exactly_once_when_its_answer_is_lost(client, emulator):
    emulator.faults.next("POST", reset="after")
    with pytest.raises(AmbiguousResultError):
        await client.processes.create("lead", data={"lead_id": "L1"})
    assert len(emulator.processes("lead")) == 1
    assert emulator.request_count == 1


@pytest.mark.parametrize(
    "fault", [{"cut": 10}, {"broken_json": True}, {"empty": True}, {"errors_in_success": ["no"]}]
)
async def test_an_update_whose_answer_is_spoilt_never_passes_for_success(client, emulator, lead, fault):
    from chakra_async import ChakraError

    emulator.faults.next("PUT", times=None, **fault)
    with pytest.raises(ChakraError):
        await client.processes.update("lead", lead.id, state="WON")


async def test_an_update_survives_a_lost_answer_a_limit_and_an_outage(client, emulator, lead):
    emulator.faults.next("PUT", reset="after")
    emulator.faults.next("PUT", reset="before")
    emulator.faults.next("PUT", status=429, retry_after=0)
    emulator.faults.next("PUT", status=503)
    assert (await client.processes.update("lead", lead.id, state="WON")).state == "WON"
    assert sum(request.method == "PUT" for request in emulator.requests) == 5
