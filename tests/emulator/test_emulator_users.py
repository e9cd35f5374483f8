"""Users, tasks and the configuration: who people are, and what the uuids mean."""

from __future__ import annotations

import pytest


LEAD = "/v1/ext/procedure/lead/process"
NOBODY = "3396ea03-cc82-4a52-967b-dc2a94b50f12"


@pytest.fixture
def amy(emulator):
    return emulator.add_user("amy@example.com", first_name="Amy", last_name="Pond", phones=["919812345678"])


def test_users_are_listed_and_fetched(api, amy):
    users = api("GET", "/v1/ext/users").data
    assert [user["firstName"] for user in users] == ["Admin", "Amy"]
    assert {len(user) for user in users} == {25}
    assert users[1] == api("GET", f"/v1/ext/user/{amy}").data
    assert users[1]["phones"] == ["919812345678"]
    assert len(users[1]["emails"][0]) == 8
    answer = api("GET", f"/v1/ext/user/{NOBODY}")
    assert (answer.status, answer.data, len(answer.errors)) == (404, [], 1)


def test_the_second_version_has_names_instead_of_ids(api, amy):
    config = api("GET", "/v1/ext/config").data
    plain, human = (api("GET", f"/{version}/ext/user/{amy}").data for version in ("v1", "v2"))
    assert [config["roles"][role]["name"] for role in plain["roles"]] == human["roles"] == ["Admin"]
    assert [config["pods"][pod]["name"] for pod in plain["pods"]] == human["pods"]
    assert plain["team"] == config["team"]["id"]
    assert human in api("GET", "/v2/ext/users").data
    assert api("GET", f"/v2/ext/user/{NOBODY}").status == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_update_changes_what_a_caller_may_change(api, amy, method):
    before = api("GET", f"/v1/ext/user/{amy}").data
    changes = {"firstName": "Amelia", "data": {"team": 1}, "username": "x", "id": "y", "roles": []}
    after = api(method, f"/v1/ext/user/{amy}", changes).data
    assert after == api("GET", f"/v1/ext/user/{amy}").data
    expected = {**before, "firstName": "Amelia", "data": {"team": 1}, "updatedAt": after["updatedAt"]}
    assert after == expected
    assert after["updatedAt"] >= before["updatedAt"]


def test_an_update_is_checked_and_needs_the_right_method(api, emulator, amy):
    answer = api("PUT", f"/v1/ext/user/{amy}", {"firstName": 1})
    assert answer.status == 400
    assert "constraint 'type' at 'body.firstName': must be string" in answer.errors[0]
    assert api("PUT", f"/v1/ext/user/{NOBODY}", {}).status == 404
    assert api("PUT", f"/v1/ext/user/{amy}", {}, token=emulator.add_token()).status == 403
    emulator.settings.user_update_methods = {"PATCH"}
    assert api.raw("PUT", f"/v1/ext/user/{amy}", b"{}").body == b"Not Found"
    assert api("PATCH", f"/v1/ext/user/{amy}", {}).status == 200


def test_usernames_are_unique(emulator, amy):
    for name in ("amy@example.com", ""):
        with pytest.raises(ValueError, match="empty or taken"):
            emulator.add_user(name)


def test_a_username_becomes_the_id_of_the_user(api, emulator, amy):
    by_name = api("POST", LEAD, {"assignedTo": "amy@example.com"}).data
    by_id = api("POST", LEAD, {"assignedTo": amy}).data
    kept = api("POST", LEAD, {"assignedTo": "somebody"}).data
    assert [one["assignedTo"] for one in (by_name, by_id, kept)] == [amy, amy, "somebody"]
    for name in ("amy@example.com", amy):
        assert api.list({"assignedTo": name}, path=LEAD).data == [by_name, by_id]
        assert api.list({"assignedTo": {"!=": name}}, path=LEAD).data == [kept]
    job_id = api.update({"id": kept["id"], "update": {"assignedTo": "amy@example.com"}}, path=LEAD)
    api.wait(job_id)
    assert len(api.list({"assignedTo": "amy@example.com"}, path=LEAD).data) == 3


def test_an_unknown_assignee_may_be_refused(api, emulator):
    emulator.settings.unknown_assignee = "error"
    answer = api("POST", LEAD, {"assignedTo": "somebody"})
    assert (answer.status, answer.errors) == (400, ["User 'somebody' not found"])
    assert emulator.processes("lead") == []
    emulator.settings.unknown_assignee = "keep"
    (lead,) = api.create({"lead_id": 1}, path=LEAD)
    api("PUT", f"{LEAD}/{lead['id']}", {"assignedTo": "somebody"})
    emulator.settings.unknown_assignee = "error"
    # What it has already is not looked at again.
    assert api("PUT", f"{LEAD}/{lead['id']}", {"data": {"a": 1}}).status == 200
    items = [{"lead_id": 1, "update": {"assignedTo": "nobody"}}]
    (entry,) = api.done(*items, path=LEAD)
    assert entry["completionStatus"] == "ERROR"


def test_what_creates_is_a_user(api, emulator):
    (lead,) = api.create({"lead_id": 1}, path=LEAD)
    assert api("GET", f"/v1/ext/user/{lead['createdBy']}").data["firstName"] == "Admin"


def test_a_task_of_a_process(api, emulator, amy):
    (lead,) = api.create({"lead_id": "L/1", "phone_number": "919812345678"}, path=LEAD)
    config = api("GET", "/v1/ext/config").data
    body = {"data": {"note": "hi"}, "status": "COMPLETED", "assignedTo": "amy@example.com"}
    for number, key in enumerate((lead["id"], "L%2F1", "919812345678"), 1):
        task = api("POST", f"/v1/ext/p/lead/{key}/task/call", body).data
        assert (task["process"], task["order"], task["title"]) == (lead["id"], number, "call")
        assert (task["status"], task["data"], task["assignedTo"]) == ("COMPLETED", {"note": "hi"}, amy)
        assert task["completedAt"] == task["createdAt"]
        assert task["cancelledAt"] is None
    config = api("GET", "/v1/ext/config").data
    assert config["stateTasks"][task["stateTask"]]["shortId"] == "call"
    assert task["taskType"] in config["taskTypes"]
    plain = api("POST", f"/v1/ext/p/lead/{lead['id']}/task/visit").data
    assert (plain["status"], plain["data"], plain["completedAt"]) == ("OPEN", {}, None)
    assert [one["title"] for one in emulator.tasks] == ["call"] * 3 + ["visit"]


def test_tasks_that_are_refused(api, emulator):
    (lead,) = api.create({"lead_id": 1}, path=LEAD)
    emulator.add_procedure("visit", tasks=("measure",))
    (visit,) = api.create({}, path="/v1/ext/procedure/visit/process")
    assert api("POST", f"/v1/ext/p/visit/{visit['id']}/task/measure", {}).status == 200
    for path in ("none/1", f"visit/{lead['id']}", "lead/9"):
        assert api("POST", f"/v1/ext/p/{path}/task/measure", {}).status == 404
    assert api("POST", f"/v1/ext/p/visit/{visit['id']}/task/paint", {}).status == 404
    answer = api("POST", "/v1/ext/p/lead/1/task/x", {"status": "DONE"})
    assert answer.status == 400
    assert "constraint 'enum' at 'body.status'" in answer.errors[0]
    assert len(emulator.tasks) == 1


def test_the_configuration_explains_the_uuids_of_processes(api, emulator):
    (plane,) = api.create({"tailnum": "N1", "seats": 4, "email": "a@b.c", "note": None})
    config = api("GET", "/v1/ext/config").data
    assert (
        list(config)
        == (
            "team entities procedures attributeTypes attributes derivedAttributes attributeGroups roles pods"
            " taskTypes forms formFields formActionButtons stateTasks userProfiles attributeConfig skillTypes"
        ).split()
    )
    procedure = config["procedures"][plane["procedure"]]
    assert (procedure["shortId"], procedure["primaryKeys"]) == ("aircraft", ["tailnum"])
    assert [state["shortId"] for state in procedure["states"]] == ["NEW", "IN_SERVICE", "RETIRED"]
    assert config["entities"][plane["entity"]]["id"] == procedure["entity"]
    assert config["team"]["id"] == plane["team"]
    assert plane["createdBy"] in config["userProfiles"]
    kinds = {}
    for one in procedure["attributes"]:
        attribute = config["attributes"][one]
        kinds[attribute["shortId"]] = config["attributeTypes"][attribute["attributeType"]]["shortId"]
    assert kinds == {"tailnum": "string", "seats": "integer", "email": "email"}
    assert {one["shortId"] for one in config["procedures"].values()} == {"lead", "ticket", "aircraft"}


def test_health_may_look_at_the_token(api, emulator):
    assert api("GET", "/v1/health", headers={"Authorization": None}).status == 200
    emulator.settings.health_needs_token = True
    assert api("GET", "/v1/health", headers={"Authorization": None}).status == 401
    assert api("GET", "/v1/health").status == 200


def test_leads_are_processes(api, emulator):
    lead = api("POST", LEAD, {"data": {"name": "Asha", "phone_number": "919812345678"}}).data
    updated = api("PUT", f"{LEAD}/phone_number/919812345678", {"data": {"email": "a@b.c"}}).data
    assert updated["id"] == lead["id"]
    assert updated["data"] == {"name": "Asha", "phone_number": "919812345678", "email": "a@b.c"}
    assert api("PUT", f"{LEAD}/phone_number/1", {}).status == 404
