"""Each fault, seen from the other end of the wire."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time

import pytest

from tests.waiting import until


AIRCRAFT = "/v1/ext/procedure/aircraft/process"


@pytest.fixture
def wire(emulator):
    """Send one request over a socket of our own and read all that comes back."""

    def exchange(method="POST", path=AIRCRAFT, body=b"{}", after=b""):
        host, port = emulator.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {emulator.token}\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body + after)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received

    return exchange


def test_a_status_answers_instead_of_applying(api, emulator):
    emulator.faults.next("POST", path="/process", status=503, errors=["Down for a moment"])
    answer = api("POST", AIRCRAFT, {})
    assert (answer.status, answer.data, answer.errors) == (503, [], ["Down for a moment"])
    assert len(emulator.ledger) == 0
    assert emulator.requests[-1].status == 503
    assert api("POST", AIRCRAFT, {}).status == 200


def test_a_status_may_apply_first(api, emulator):
    emulator.faults.next(status=500, apply=True)
    assert api("POST", AIRCRAFT, {}).status == 500
    assert len(emulator.ledger) == 1


def test_a_status_of_success_keeps_the_answer(api, emulator):
    emulator.faults.next(status=201)
    answer = api("POST", AIRCRAFT, {"data": {"a": 1}})
    assert (answer.status, answer.data["data"]) == (201, {"a": 1})


@pytest.mark.parametrize("value", [1, 0.5, -3, "Wed, 21 Oct 2026 07:28:00 GMT", "soon"])
def test_retry_after(api, emulator, value):
    emulator.faults.next("GET", status=429, retry_after=value)
    answer = api("GET", "/v1/health")
    assert (answer.status, answer.headers["Retry-After"]) == (429, str(value))


def test_any_body_type_and_headers(api, emulator):
    emulator.faults.next(
        status=502, body="<html>Bad gateway</html>", content_type="text/html", headers={"X-Edge": "7"}
    )
    answer = api.raw("GET", "/v1/health")
    assert (answer.status, answer.body) == (502, b"<html>Bad gateway</html>")
    assert (answer.headers["Content-Type"], answer.headers["X-Edge"]) == ("text/html", "7")
    assert answer.headers["X-Request-Id"]


def test_a_body_without_a_status_replaces_the_answer_of_what_was_applied(api, emulator):
    emulator.faults.next(body=b'\xef\xbb\xbf{"_data":1}')
    assert api.raw("POST", AIRCRAFT, b"{}").body == b'\xef\xbb\xbf{"_data":1}'
    assert len(emulator.ledger) == 1


def test_which_requests_are_hit(api, emulator):
    planned = emulator.faults.next("get", path="/v1/hea", times=2, after=1, status=500)
    statuses = [api.raw("GET", "/v1/health").status for _ in range(5)]
    assert statuses == [200, 500, 500, 200, 200]
    assert planned.fired == 2
    emulator.faults.next("DELETE", status=500)
    emulator.faults.next(path="/entries", status=500)
    assert api.raw("GET", "/v1/health").status == 200


def test_a_method_that_does_not_exist_would_hit_nothing(emulator):
    with pytest.raises(ValueError, match="no method 'GTE': expected one of CONNECT, DELETE, GET, "):
        emulator.faults.next("GTE", status=500)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"status": 100}, "status must be 200 to 599, not 100"),
        ({"status": 0}, "status must be 200 to 599, not 0"),
        ({"status": 1000}, "status must be 200 to 599, not 1000"),
        ({"reset": "x"}, "reset must be 'before' or 'after', not 'x'"),
        ({"delay": -1}, "'delay' must be >= 0: -1"),
        ({"cut": -5}, "'cut' must be >= 0: -5"),
        ({"huge": -1}, "'huge' must be >= 0: -1"),
        ({"after": -1}, "'after' must be >= 0: -1"),
        ({"times": -1}, "'times' must be >= 0: -1"),
    ],
)
def test_an_option_out_of_its_range_plans_nothing(api, emulator, option, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        emulator.faults.next(**option)
    assert api("GET", "/v1/health").status == 200


@pytest.mark.parametrize("name", ["errors", "errors_in_success"])
def test_one_text_is_not_one_error_a_letter(emulator, name):
    with pytest.raises(TypeError, match=rf"{name} must be a list such as \['oops'\], not the text 'oops'"):
        emulator.faults.next(status=400, **{name: "oops"})


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"ending": "x"}, "ending must be 'stuck' or 'vanish' or 'stop', not 'x'"),
        ({"pages": "x"}, "pages must be 'repeat' or 'skip', not 'x'"),
        ({"rows_per_second": 0}, "'rows_per_second' must be > 0: 0"),
        ({"latency": -1}, "'latency' must be >= 0: -1"),
        ({"after_rows": -1}, "'after_rows' must be >= 0: -1"),
        ({"times": -1}, "'times' must be >= 0: -1"),
    ],
)
def test_an_option_of_a_job_out_of_its_range_is_refused(emulator, option, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        emulator.faults.next_job(**option)


def test_an_error_of_a_message_has_a_number(emulator):
    with pytest.raises(ValueError, match="'code' must be >= 0: -1"):
        emulator.faults.next_message(-1)
    with pytest.raises(ValueError, match="'after' must be >= 0: -1"):
        emulator.faults.next_message(after=-1)


def test_faults_happen_in_the_order_they_were_planned(api, emulator):
    emulator.faults.next(status=500)
    emulator.faults.next(status=501, times=2)
    emulator.faults.next(status=502)
    assert [api.raw("GET", "/v1/health").status for _ in range(5)] == [500, 501, 501, 502, 200]


def test_an_outage_lasts_until_it_is_cleared(api, emulator):
    emulator.faults.next(times=None, status=503)
    emulator.faults.next_job("stuck")
    assert {api.raw("GET", "/v1/health").status for _ in range(5)} == {503}
    emulator.faults.clear()
    assert api.raw("GET", "/v1/health").status == 200
    assert api.done() == []


def test_a_delay_comes_after_applying(api, emulator):
    emulator.faults.next(delay=0.05)
    started = time.monotonic()
    assert api("POST", AIRCRAFT, {}).status == 200
    assert time.monotonic() - started >= 0.05
    emulator.faults.next(delay=5)
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=0.03)
    connection.request("POST", AIRCRAFT, b"{}", {"Authorization": f"Bearer {emulator.token}"})
    until(lambda: len(emulator.ledger) == 2)
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert emulator.requests[-1].status is None


@pytest.mark.parametrize(("moment", "effects"), [("before", 0), ("after", 1)])
def test_a_reset_is_a_reset(emulator, wire, moment, effects):
    emulator.faults.next("POST", reset=moment)
    with pytest.raises(ConnectionResetError):
        wire()
    assert len(emulator.ledger) == effects
    assert emulator.requests[-1].status is None
    assert emulator.requests[-1].body == b"{}"


@pytest.mark.parametrize("count", [0, 1, 20])
def test_a_cut_answer_announces_all_of_it(api, emulator, wire, count):
    emulator.faults.next("POST", cut=count)
    head, _, body = wire().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    whole = api.raw("GET", f"{AIRCRAFT}/{emulator.processes('aircraft')[0]['id']}").body
    assert f"content-length: {len(whole)}".encode() in head.lower()
    assert body == whole[:count]
    assert b"connection: close" not in head.lower()


def test_broken_json(api, emulator):
    emulator.faults.next(broken_json=True)
    answer = api.raw("POST", AIRCRAFT, b"{}")
    assert answer.status == 200
    assert answer.body.startswith(b'{"_data":{')
    with pytest.raises(ValueError):
        json.loads(answer.body)
    assert len(emulator.ledger) == 1


def test_an_empty_answer(api, emulator):
    emulator.faults.next(empty=True)
    answer = api.raw("GET", "/v1/health")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")


@pytest.mark.parametrize("size", [40, 1000, 65536, 3_000_001])
def test_a_huge_answer_is_still_the_right_one(api, emulator, size):
    emulator.faults.next(huge=size)
    answer = api.raw("GET", "/v1/health")
    assert len(answer.body) == size
    assert json.loads(answer.body)["_data"] == {"status": "ok"}


def test_compressed_answers(api, emulator):
    plain = api.raw("GET", "/v1/health").body
    emulator.faults.next(gzip=True)
    packed = api.raw("GET", "/v1/health")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain
    emulator.faults.next(gzip=True, huge=20_000_000)
    bomb = api.raw("GET", "/v1/health").body
    assert len(bomb) < 50_000
    assert len(gzip.decompress(bomb)) == 20_000_000


def test_an_encoding_that_is_not_true(api, emulator):
    emulator.faults.next(headers={"Content-Encoding": "gzip"})
    assert api.raw("GET", "/v1/health").body.startswith(b"{")


def test_errors_in_a_success(api, emulator):
    emulator.faults.next(errors_in_success=("Half of it failed",))
    answer = api("POST", AIRCRAFT, {})
    assert (answer.status, answer.errors) == (200, ["Half of it failed"])
    assert answer.data["id"] == emulator.processes("aircraft")[0]["id"]


def test_a_redirect(api, emulator):
    emulator.faults.next(redirect="http://127.0.0.1:1/elsewhere")
    emulator.faults.next(redirect="/there", status=302)
    first, second = api("POST", AIRCRAFT, {}), api("POST", AIRCRAFT, {})
    assert (first.status, first.headers["Location"]) == (307, "http://127.0.0.1:1/elsewhere")
    assert (second.status, second.headers["Location"]) == (302, "/there")
    assert len(emulator.ledger) == 0


def test_a_refused_request_stays_refused_under_a_fault(api, emulator):
    emulator.faults.next(huge=500, errors_in_success=["no"])
    answer = api("POST", AIRCRAFT, {}, token="wrong")
    assert (answer.status, len(answer.body)) == (401, 500)
    assert answer.errors[0].startswith("Unauthorized")


@pytest.mark.parametrize(
    ("method", "plan", "effects"),
    [
        ("POST", {"status": 204}, 1),
        ("POST", {"status": 204, "huge": 1000, "gzip": True}, 1),
        ("POST", {"status": 304, "body": "{}"}, 0),
        ("HEAD", {"status": 500}, 0),
    ],
)
def test_an_answer_that_may_have_no_body_has_none(emulator, wire, method, plan, effects):
    emulator.faults.next(**plan)
    after = b"GET /v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    head, _, rest = wire(method, after=after).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {plan['status']} ".encode())
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert len(emulator.ledger) == effects


def test_a_client_that_leaves_disturbs_nobody(api, emulator):
    emulator.faults.next(huge=50_000_000)
    host, port = emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(100)
    assert api("GET", "/v1/health").status == 200
