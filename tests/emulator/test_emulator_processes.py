"""Processes one by one: create, fetch, update, delete, by id and by key."""

from __future__ import annotations

import time
from urllib.parse import quote
from uuid import UUID

import pytest


AIRCRAFT = "/v1/ext/procedure/aircraft/process"
LEAD = "/v1/ext/procedure/lead/process"


def test_a_new_process_has_every_documented_field(api, emulator):
    before = time.time() * 1000
    body = {
        "data": {"tailnum": "N1", "seats": 55},
        "record": {"data": {"owner": "UA"}},
        "status": "OPEN",
        "state": "IN_SERVICE",
        "nextActionAt": 1_700_000_000_000,
        "assignedTo": "john",
    }
    created = api("POST", AIRCRAFT, body).data
    assert {name: created[name] for name in body} == body
    for name in ("id", "team", "procedure", "createdBy", "entity"):
        assert str(UUID(created[name])) == created[name]
    assert before - 5 < created["createdAt"] == created["updatedAt"] < time.time() * 1000 + 5
    assert created["isDeleted"] is False
    assert created["belongsTo"] is None
    assert created == api("GET", f"{AIRCRAFT}/{created['id']}").data == emulator.process("aircraft", "N1")


def test_defaults_of_a_new_process(api):
    created = api("POST", AIRCRAFT).data
    assert (created["status"], created["state"], created["data"]) == ("OPEN", "NEW", {})
    assert created["nextActionAt"] is created["assignedTo"] is created["record"] is None


def test_a_procedure_is_addressed_by_uuid_too(api, emulator):
    procedure = emulator.add_procedure("boat", primary_key="hull")
    created = api("POST", f"/v1/ext/procedure/{procedure}/process", {"data": {"hull": 1}}).data
    assert created["procedure"] == procedure
    assert emulator.process("boat", 1) == created
    assert api("GET", f"{AIRCRAFT}/{created['id']}").status == 404


def test_an_update_merges_data_and_changes_only_what_is_sent(api):
    (created,) = api.create({"tailnum": "N1", "seats": 55})
    time.sleep(0.002)
    answer = api("PUT", f"{AIRCRAFT}/{created['id']}", {"data": {"seats": 60, "dest": None}})
    expected = {**created, "data": {"tailnum": "N1", "seats": 60, "dest": None}}
    assert answer.data == {**expected, "updatedAt": answer.data["updatedAt"]}
    assert answer.data["updatedAt"] > created["updatedAt"]
    fields = {"state": "RETIRED", "status": "CANCELLED", "nextActionAt": 5, "assignedTo": "amy"}
    updated = api("PUT", f"{AIRCRAFT}/tailnum/N1", fields).data
    assert updated == {**expected, **fields, "updatedAt": updated["updatedAt"]}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"state": "LOST"}, "State 'LOST' does not exist in procedure 'aircraft'"),
        ({"status": "DONE"}, "Status 'DONE' is not one of OPEN, COMPLETED, CANCELLED"),
        ({"data": {"tailnum": "N2"}}, "with tailnum 'N2' exists already"),
    ],
)
def test_a_refused_update_leaves_no_trace(api, emulator, fields, text):
    before = api.create({"tailnum": "N1"}, {"tailnum": "N2"})
    answer = api("PUT", f"{AIRCRAFT}/tailnum/N1", {"data": {"x": 1, **fields.pop("data", {})}, **fields})
    assert (answer.status, answer.data) == (400, [])
    assert text in answer.errors[0]
    assert emulator.processes("aircraft") == before
    assert len(emulator.ledger) == 2


def test_a_procedure_without_states_takes_any(api):
    assert api("POST", LEAD, {"state": "ANYTHING"}).data["state"] == "ANYTHING"


def test_deleting_is_soft(api, emulator):
    created = api.create({"tailnum": "N1"}, {"tailnum": "N2"})
    deleted = api("DELETE", f"{AIRCRAFT}/{created[0]['id']}").data
    assert deleted == {**created[0], "isDeleted": True, "updatedAt": deleted["updatedAt"]}
    assert api("DELETE", f"{AIRCRAFT}/tailnum/N2").data["isDeleted"] is True
    assert api.list().data == []
    assert api("GET", f"{AIRCRAFT}/{created[0]['id']}").data == deleted
    assert [process["isDeleted"] for process in emulator.processes("aircraft")] == [True, True]
    (entry,) = api.done({"tailnum": "N1", "update": {"isDeleted": False}})
    assert entry["completionStatus"] == "SUCCESS"
    assert [process["id"] for process in api.list().data] == [created[0]["id"]]
    assert [effect.kind for effect in emulator.ledger] == ["create", "create", "delete", "delete", "update"]


def test_a_deleted_process_keeps_its_keys(api, emulator):
    (created,) = api.create({"tailnum": "N1"})
    api("DELETE", f"{AIRCRAFT}/{created['id']}")
    assert "exists already" in api("POST", AIRCRAFT, {"data": {"tailnum": "N1"}}).errors[0]
    emulator.settings.on_existing_key = "upsert"
    again = api("POST", AIRCRAFT, {"data": {"tailnum": "N1"}}).data
    assert (again["id"], again["isDeleted"]) == (created["id"], False)


def test_a_single_update_does_not_restore(api):
    (created,) = api.create({"tailnum": "N1"})
    api("DELETE", f"{AIRCRAFT}/{created['id']}")
    assert api("PUT", f"{AIRCRAFT}/tailnum/N1", {"isDeleted": False}).data["isDeleted"] is True


def test_a_lead_is_found_by_each_of_its_keys(api, emulator):
    (lead,) = api.create({"lead_id": "L7", "phone_number": "7701214822"}, path=LEAD)
    for key, value in [("lead_id", "L7"), ("phone_number", "7701214822")]:
        assert api("PUT", f"{LEAD}/{key}/{value}", {"data": {key + "_seen": True}}).data["id"] == lead["id"]
        assert emulator.process("lead", value)["id"] == lead["id"]
    api.create({"ticket_id": 1}, path="/v1/ext/procedure/ticket/process")
    assert len(emulator.processes("ticket")) == 1


def test_keys_are_compared_as_text(api):
    (lead,) = api.create({"lead_id": 7}, path=LEAD)
    assert api("POST", LEAD, {"data": {"lead_id": "7"}}).status == 400
    assert api("PUT", f"{LEAD}/lead_id/7", {}).data["id"] == lead["id"]
    assert api.list({"lead_id": "7"}, path=LEAD).data[0]["data"] == {"lead_id": 7}
    assert api("POST", LEAD, {"data": {"lead_id": 7.0}}).status == 400


def test_empty_keys_are_no_keys(api):
    api.create({"tailnum": ""}, {"tailnum": None}, {"tailnum": ""}, {})
    assert len(api.list().data) == 4


def test_changing_a_key_frees_the_old_value(api, emulator):
    first, second = api.create({"tailnum": "N1"}, {"tailnum": "N2"})
    api("PUT", f"{AIRCRAFT}/tailnum/N1", {"data": {"tailnum": "N3"}})
    assert api("PUT", f"{AIRCRAFT}/tailnum/N1", {}).status == 404
    assert emulator.process("aircraft", "N3")["id"] == first["id"]
    assert api("PUT", f"{AIRCRAFT}/tailnum/N2", {"data": {"tailnum": "N1"}}).data["id"] == second["id"]
    api("PUT", f"{AIRCRAFT}/tailnum/N3", {"data": {"tailnum": None}})
    assert emulator.process("aircraft", "N3") is None


@pytest.mark.parametrize("value", ["a/b", "..", ".", "ü €", "%2F", "a?b#c", "x\ny", "😀", " "])
def test_any_key_survives_the_path(api, emulator, value):
    (created,) = api.create({"tailnum": value})
    path = f"{AIRCRAFT}/tailnum/{quote(value, safe='')}"
    assert api("PUT", path, {"state": "RETIRED"}).data["id"] == created["id"]
    assert emulator.requests[-1].path == path


def test_creating_with_a_taken_key(api, emulator):
    (first,) = api.create({"tailnum": "N1", "seats": 1})
    refused = api("POST", AIRCRAFT, {"data": {"tailnum": "N1"}})
    assert (refused.status, refused.data) == (400, [])
    assert "tailnum 'N1' exists already" in refused.errors[0]
    api("DELETE", f"{AIRCRAFT}/{first['id']}")
    emulator.settings.on_existing_key = "upsert"
    merged = api("POST", AIRCRAFT, {"data": {"tailnum": "N1", "dest": "IAH"}}).data
    assert merged["id"] == first["id"]
    assert merged["isDeleted"] is False
    assert merged["data"] == {"tailnum": "N1", "seats": 1, "dest": "IAH"}
    assert [effect.kind for effect in emulator.ledger] == ["create", "delete", "update"]


def test_an_id_is_exact_but_its_case_is_free(api):
    (created,) = api.create({})
    assert api("GET", f"{AIRCRAFT}/{created['id'].upper()}").data == created
    for wrong in (created["id"][:-1], created["id"] + "0", created["id"].replace("-", ""), "1", "-1"):
        assert api("GET", f"{AIRCRAFT}/{wrong}").status == 404


def test_ids_are_uuids_that_lead_back_to_their_row():
    from chakra_async.emulator.ids import Ids

    ids = Ids()
    texts = [ids.uuid(seq) for seq in range(1, 2000)]
    assert {UUID(text).version for text in texts} == {4}
    assert [ids.seq(text) for text in texts] == list(range(1, 2000))
    assert Ids(ids.secret).uuid(5) == texts[4]
    assert Ids().seq(texts[4]) == -1
