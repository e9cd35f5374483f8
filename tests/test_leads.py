"""Leads: what is sent, what is refused."""

from datetime import UTC, datetime

import pytest

from chakra_async import AmbiguousResultError, NotFoundError
from tests.raw import RST, RawServer, quick_client, wrapped


BASE = "/v1/ext/procedure/lead/process"
WHEN = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
LEAD = {"id": "p-1", "data": {"name": "Asha"}}


async def test_create(recorder, recorded):
    recorder.data(LEAD)
    lead = await recorded.leads.create(
        name="Asha",
        phone_number="+91 77012-14822",
        email="asha@example.com",
        data={"city": "Goa"},
        state="NEW",
        status="OPEN",
        assigned_to="john",
        next_action_at=WHEN,
    )
    assert recorder.seen == (
        "POST",
        BASE,
        {
            "data": {
                "city": "Goa",
                "name": "Asha",
                "phone_number": "917701214822",
                "email": "asha@example.com",
            },
            "state": "NEW",
            "status": "OPEN",
            "assignedTo": "john",
            "nextActionAt": 1767323045678,
        },
    )
    assert lead.data == {"name": "Asha"}


async def test_attributes_may_all_stand_in_data(recorder, recorded):
    recorder.data(LEAD)
    given = {"phone_number": "+91 77012 14822", "name": None}
    await recorded.leads.create(data=given)
    assert recorder.last.json == {"data": {"phone_number": "917701214822", "name": None}}
    assert given["phone_number"] == "+91 77012 14822"


async def test_update_by_phone(recorder, recorded):
    recorder.data(LEAD)
    lead = await recorded.leads.update_by_phone(
        "+91 77012-14822", data={"city": "Goa"}, state="WON", next_action_at=WHEN
    )
    assert recorder.seen == (
        "PUT",
        f"{BASE}/phone_number/917701214822",
        {"data": {"city": "Goa"}, "state": "WON", "nextActionAt": 1767323045678},
    )
    assert lead.id == "p-1"
    await recorded.leads.update_by_phone(917701214822, status="CANCELLED", assigned_to="j")
    assert recorder.last.json == {"status": "CANCELLED", "assignedTo": "j"}


async def test_a_lead_is_found_by_the_number_it_was_made_with(client, emulator):
    made = await client.leads.create(name="Asha", phone_number="+91 77012 14822")
    found = await client.leads.update_by_phone("0091-77012-14822", data={"city": "Goa"})
    assert found.id == made.id
    assert emulator.process("lead", made.id)["data"]["city"] == "Goa"
    with pytest.raises(NotFoundError):
        await client.leads.update_by_phone("+91 77012 14823", state="WON")


async def test_what_cannot_work_is_refused_before_it_is_sent(recorder, recorded):
    leads = recorded.leads
    for call, reason in (
        (leads.create(), "a lead needs at least one of"),
        (leads.create(data={}), "a lead needs at least one of"),
        (leads.create(data=[1]), "data must be a mapping"),
        (leads.create(name="A", data={"name": "B"}), "name is given by name and in data"),
        (leads.create(phone_number="asha"), "is no part of a phone number"),
        (leads.create(data={"phone_number": "12"}), "7 to 15 digits"),
        (leads.create(name="A", next_action_at=datetime(2026, 1, 1)), "no time zone"),
        (leads.update_by_phone("917701214822"), "nothing to change"),
        (leads.update_by_phone("917701214822", data={}), "nothing to change"),
        (leads.update_by_phone("07701214822", state="WON"), "with its country code"),
    ):
        with pytest.raises(ValueError, match=reason):
            await call
    assert recorder.requests == []


async def test_a_create_is_never_sent_twice_and_an_update_is():
    async with RawServer(RST) as server, quick_client(server) as chakra:
        with pytest.raises(AmbiguousResultError):
            await chakra.leads.create(name="Asha")
    assert len(server.requests) == 1
    async with RawServer(RST, wrapped(LEAD)) as server, quick_client(server) as chakra:
        await chakra.leads.update_by_phone("917701214822", state="WON")
    assert len(server.requests) == 2


async def test_a_change_of_the_number_itself_is_never_sent_twice():
    async with RawServer(RST) as server, quick_client(server) as chakra:
        with pytest.raises(AmbiguousResultError):
            await chakra.leads.update_by_phone("917701214822", data={"phone_number": "918801214822"})
    assert len(server.requests) == 1


def test_without_await(emulator):
    from chakra_async.sync import Client

    with Client(emulator.token, base_url=emulator.url) as chakra:
        made = chakra.leads.create(phone_number="+917701214822")
        assert chakra.leads.update_by_phone("917701214822", data={"city": "Goa"}).id == made.id
