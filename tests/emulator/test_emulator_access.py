"""Who gets in, what is refused, and in which words."""

from __future__ import annotations

import socket

import pytest


AIRCRAFT = "/v1/ext/procedure/aircraft/process"


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic abc", "Bearer", "{token}"])
def test_every_call_needs_a_token(api, emulator, authorization):
    header = authorization and authorization.replace("{token}", emulator.token)
    answer = api("POST", f"{AIRCRAFT}/list", {}, headers={"Authorization": header})
    assert answer.status == 401
    assert answer.data == []
    assert [type(error) for error in answer.errors] == [str]
    assert emulator.token not in answer.errors[0]


@pytest.mark.parametrize("authorization", [None, "Bearer wrong"])
def test_health_needs_no_token(api, authorization):
    assert api("GET", "/v1/health", headers={"Authorization": authorization}).status == 200


def test_a_read_only_token_reads_and_never_writes(api, emulator):
    (process,) = api.create({"tailnum": "N1"})
    token = emulator.add_token("read-only")
    one = f"{AIRCRAFT}/{process['id']}"
    assert api("GET", one, token=token).data == process
    assert api("POST", f"{AIRCRAFT}/list", {}, token=token).data == [process]
    for method, path in [
        ("POST", AIRCRAFT),
        ("PATCH", AIRCRAFT),
        ("POST", f"{AIRCRAFT}/bulk-create"),
        ("PUT", one),
        ("DELETE", one),
        ("PUT", f"{AIRCRAFT}/tailnum/N1"),
        ("DELETE", f"{AIRCRAFT}/tailnum/N1"),
    ]:
        answer = api(method, path, {}, token=token)
        assert (answer.status, answer.data, len(answer.errors)) == (403, [], 1)
    assert len(emulator.ledger) == 1


@pytest.mark.parametrize("token", ["", " ", " x ", "x\t", "two\nlines", "ключ"])
def test_a_token_that_no_header_carries_is_refused(emulator, token):
    with pytest.raises(ValueError, match="printable ASCII without spaces around it"):
        emulator.add_token(token=token)


def test_a_known_token_keeps_its_user_in_another_role(api, emulator):
    emulator.add_token("read-only", "mine")
    before = api("GET", "/v1/ext/users").data
    emulator.add_token("admin", "mine")
    assert api("GET", "/v1/ext/users").data == before
    assert api("POST", AIRCRAFT, {}, token="mine").data["createdBy"] == before[-1]["id"]


def test_tokens_can_be_chosen_and_further_admins_added(api, emulator):
    assert emulator.add_token("admin", "my-token") == "my-token"
    assert api("POST", AIRCRAFT, {}, token="my-token").status == 200
    with pytest.raises(ValueError, match="unknown role"):
        emulator.add_token("owner")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1/nothing"),
        ("DELETE", "/v1/health"),
        ("POST", "/v1/ext/procedure/aircraft/process/"),
        ("GET", "/v1/ext/procedure/aircraft/process//"),
        ("GET", "/v1/ext/procedure//process/x"),
        ("GET", "/v1//health"),
    ],
)
def test_an_unknown_route_is_plain_text(api, method, path):
    answer = api.raw(method, path)
    assert (answer.status, answer.body) == (404, b"Not Found")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Request-Id"]


def test_a_missing_procedure_process_or_job_is_json(api):
    for path in [
        "/v1/ext/procedure/none/process/1",
        f"{AIRCRAFT}/3396ea03-cc82-4a52-967b-dc2a94b50f12",
        "/v1/ext/background-job/3396ea03-cc82-4a52-967b-dc2a94b50f12",
        "/v1/ext/background-job/x/entries",
    ]:
        answer = api("GET", path)
        assert (answer.status, answer.data, len(answer.errors)) == (404, [], 1)
    assert api("PUT", f"{AIRCRAFT}/colour/red", {}).status == 404


def test_each_answer_has_its_own_request_id(api, emulator):
    ids = [api.raw("GET", path).headers["X-Request-Id"] for path in ("/v1/health", "/v1/health", "/x")]
    assert len(set(ids)) == 3
    assert [request.request_id for request in emulator.requests] == ids


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("PATCH", "", {}, "constraint 'required' at 'body': must have required property 'processes'"),
        ("PATCH", "", {"processes": {}}, "constraint 'type' at 'body.processes': must be array"),
        ("PATCH", "", [], "constraint 'type' at 'body': must be object"),
        ("POST", "/bulk-create", {"processes": []}, "constraint 'type' at 'body': must be array"),
        ("POST", "/list", {"limit": "10"}, "constraint 'type' at 'body.limit': must be integer"),
        ("POST", "/list", {"limit": True}, "constraint 'type' at 'body.limit': must be integer"),
        ("POST", "/list", {"limit": 101}, "constraint 'maximum' at 'body.limit': must be <= 100"),
        ("POST", "/list", {"limit": 0}, "constraint 'minimum' at 'body.limit': must be >= 1"),
        ("POST", "/list", {"skip": -1}, "constraint 'minimum' at 'body.skip': must be >= 0"),
        ("POST", "/list", {"where": []}, "constraint 'type' at 'body.where': must be object"),
        ("POST", "", {"data": []}, "constraint 'type' at 'body.data': must be object"),
        ("POST", "", {"record": 1}, "constraint 'type' at 'body.record': must be object"),
        ("POST", "", {"status": 1}, "constraint 'type' at 'body.status': must be string"),
        ("POST", "", {"nextActionAt": "1"}, "constraint 'type' at 'body.nextActionAt': must be integer"),
        ("POST", "", {"nextActionAt": 1.5}, "constraint 'type' at 'body.nextActionAt': must be integer"),
        ("POST", "", {"nextActionAt": 2**63}, "constraint 'type' at 'body.nextActionAt': must be integer"),
        ("POST", "", {"assignedTo": 1}, "constraint 'type' at 'body.assignedTo': must be string"),
        ("POST", "", {"data": {"tailnum": []}}, "a primary key must be string or number"),
        ("POST", "", {"data": {"tailnum": "a\0b"}}, "a primary key must not contain a NUL character"),
        ("POST", "", "text", "constraint 'type' at 'body': must be object"),
    ],
)
def test_a_body_of_the_wrong_shape_names_the_constraint(api, method, path, body, text):
    answer = api(method, AIRCRAFT + path, body)
    assert (answer.status, answer.data) == (400, [])
    assert answer.errors[0].startswith("Your request has violated JSON schema constraint '")
    assert text in answer.errors[0]


def test_a_body_that_is_no_json_is_refused(api):
    answer = api.raw("POST", AIRCRAFT, b'{"data": ')
    assert answer.status == 400
    assert b"not valid JSON" in answer.body


def _nested(depth):
    value = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def test_a_body_too_deep_to_be_answered_is_refused_before_it_is_stored(api, emulator):
    assert api("POST", AIRCRAFT, {"data": _nested(199)}).status == 200
    for method, path, body in [
        ("POST", "", {"data": _nested(200)}),
        ("POST", "", {"record": _nested(200)}),
        ("PATCH", "", {"processes": [{"id": "x", "update": {"data": _nested(197)}}]}),
        ("POST", "/bulk-create", [{"data": _nested(900)}]),
    ]:
        refused = api(method, AIRCRAFT + path, body)
        assert (refused.status, refused.errors) == (400, ["The request body is nested more than 200 deep"])
    assert len(api.list().data) == len(emulator.ledger) == 1
    (process,) = emulator.processes("aircraft")
    (entry,) = api.done({"id": process["id"], "update": {"data": _nested(196)}})
    assert entry["completionStatus"] == "SUCCESS"


def test_a_body_above_the_limit_is_413_and_not_applied(api, emulator):
    emulator.settings.max_body_bytes = 1000
    big = {"data": {"note": "x" * 1000}}
    answer = api("POST", AIRCRAFT, big)
    assert (answer.status, answer.data, len(answer.errors)) == (413, [], 1)
    assert emulator.processes("aircraft") == []
    assert emulator.requests[-1].size > 1000
    emulator.settings.max_body_bytes = 2000
    assert api("POST", AIRCRAFT, big).status == 200


def test_a_client_that_asks_first_may_go_on(emulator):
    host, port = emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        head = f"POST {AIRCRAFT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {emulator.token}\r\n"
        wire.sendall(f"{head}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n".encode())
        assert wire.recv(100).startswith(b"HTTP/1.1 100 ")
        wire.sendall(b"{}")
        assert wire.recv(100).startswith(b"HTTP/1.1 200 ")
