"""What the emulator remembers: the requests and the ledger."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import attrs
import pytest


AIRCRAFT = "/v1/ext/procedure/aircraft/process"


def test_a_request_is_kept_as_it_arrived(api, emulator):
    body = b'{"data": {"tailnum":  "N1"}}'
    answer = api.raw("POST", f"{AIRCRAFT}?a=1&b=%20", body, headers={"X-Mine": "7"})
    (request,) = emulator.requests
    assert (request.method, request.path, request.query) == ("POST", AIRCRAFT, "a=1&b=%20")
    assert (request.body, request.size) == (body, len(body))
    assert request.sha256 == hashlib.sha256(body).hexdigest()
    assert request.json() == {"data": {"tailnum": "N1"}}
    assert request.headers["x-mine"] == request.headers["X-Mine"] == "7"
    assert (request.status, request.request_id) == (200, answer.headers["X-Request-Id"])
    assert abs(request.at - datetime.now(UTC)) < timedelta(seconds=5)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        request.status = 0


@pytest.mark.parametrize("path", ["/a%2Fb/../%2e%2e/c", "//h/x", "/%E2%82%AC?x=/../y", "http://h/x"])
def test_a_path_is_not_tidied(api, emulator, path):
    api.raw("GET", path)
    request = emulator.requests[-1]
    assert request.path + ("?" + request.query if request.query else "") == path


def test_the_token_does_not_show_in_a_record(api, emulator):
    api("GET", "/v1/health")
    assert emulator.token not in repr(emulator.requests)


def test_a_long_body_is_kept_by_its_digest(api, emulator):
    for size, kept in [(65536, True), (65537, False)]:
        body = b"x" * size
        api.raw("POST", "/nowhere", body)
        request = emulator.requests[-1]
        assert (request.size, request.sha256) == (size, hashlib.sha256(body).hexdigest())
        assert request.body == (body if kept else b"")


def test_the_log_is_bounded_and_the_count_is_not():
    from chakra_async.emulator.request_log import RequestLog

    log = RequestLog()
    for n in range(10_010):
        log.arrived("GET", f"/{n}", {})
    assert log.count == 10_010
    records = log.records()
    assert (len(records), records[0].path, records[-1].path) == (10_000, "/10", "/10009")


def test_of_the_bodies_the_last_are_kept():
    from chakra_async.emulator.request_log import RequestLog

    log = RequestLog()

    def take(size):
        arrival = log.arrived("POST", "/", {})
        log.received(arrival, b"x" * size, size, "")
        return arrival

    large = [take(65536) for _ in range(600)]
    assert [len(record.body) for record in log.records()] == [0] * 88 + [65536] * 512
    small = [take(1) for _ in range(10_000)]
    assert not any(arrival.body for arrival in large)
    assert all(arrival.body for arrival in small)


def test_the_ledger_holds_each_effect(api, emulator):
    created = api("POST", AIRCRAFT, {"data": {"tailnum": 7}})
    process_id = created.data["id"]
    update = {"data": {"tailnum": "N8"}}
    updates = [api("PUT", f"{AIRCRAFT}/{process_id}", update) for _ in range(2)]
    job_id = api.update(
        {"tailnum": "N9", "update": {}},
        {"tailnum": "N8", "update": {"state": "RETIRED"}},
        {"tailnum": "N8", "update": {"isDeleted": True}},
    )
    bulk_request = emulator.requests[-1].request_id
    api.wait(job_id)
    single = [answer.headers["X-Request-Id"] for answer in (created, *updates)]
    assert [
        (one.seq, one.kind, one.key, one.request_id, one.job_id, one.index) for one in emulator.ledger
    ] == [
        (1, "create", "7", single[0], None, None),
        (2, "update", "N8", single[1], None, None),
        (3, "update", "N8", single[2], None, None),
        (4, "update", "N8", bulk_request, job_id, 1),
        (5, "delete", "N8", bulk_request, job_id, 2),
    ]
    assert {(one.procedure, one.process_id) for one in emulator.ledger} == {("aircraft", process_id)}
    assert all(abs(one.at - datetime.now(UTC)) < timedelta(seconds=5) for one in emulator.ledger)


def test_the_ledger_counts_and_slices(api, emulator):
    api.create({"tailnum": "N1"}, {"tailnum": "N2"}, {})
    first = emulator.processes("aircraft")[0]["id"]
    api("PUT", f"{AIRCRAFT}/tailnum/N1", {})
    ledger = emulator.ledger
    assert len(ledger) == ledger.count() == 4
    assert ledger.count(kind="create", procedure="aircraft") == 3
    assert ledger.count(key="N1") == ledger.count(process_id=first) == 2
    assert ledger.count(process_id="not-an-id") == ledger.count(job_id="none") == 0
    assert ledger.count(request_id=ledger[-1].request_id) == 1
    everything = list(ledger)
    assert ledger[0] == everything[0]
    assert ledger[-1] == everything[-1]
    assert ledger[1:3] == everything[1:3]
    assert ledger[::-1] == everything[::-1]
    assert ledger[3:1] == []
    with pytest.raises(IndexError):
        ledger[4]


def test_a_refused_call_has_no_effect(api, emulator):
    api("POST", AIRCRAFT, {"state": "LOST"})
    api("DELETE", f"{AIRCRAFT}/tailnum/N1")
    assert list(emulator.ledger) == []


def test_a_long_ledger_is_read_in_parts(api, emulator):
    job_id = api("POST", f"{AIRCRAFT}/bulk-create", [{}] * 2500).data["id"]
    api.wait(job_id)
    assert [one.index for one in emulator.ledger] == list(range(2500))
