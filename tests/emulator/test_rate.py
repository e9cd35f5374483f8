"""The allowed rate: who is refused, in which words, and what is counted. Nothing waits for time to pass."""

from __future__ import annotations

import json
import math

import pytest
from attrs import astuple
from hypothesis import example, given
from hypothesis import strategies as st

from chakra_async.emulator import Emulator, Settings
from chakra_async.emulator.cli import main
from chakra_async.emulator.rate import Rate


USERS = "/v1/ext/users"
ALGORITHMS = ("token_bucket", "fixed_window", "sliding_window")


class Clock:
    def __init__(self, now=1000.0):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock(emulator):
    emulator.rate.clock = clock = Clock()
    return clock


def wait_of(answer):
    """The seconds that a refusal tells to the millisecond; 0 where there is none."""
    return 0.0 if answer is None else json.loads(answer.body)["retry_after_ms"] / 1000


def allowed_at(algorithm, times, *, rate=10.0, span=1.0):
    settings = Settings(requests_per_second=rate, burst_seconds=span, rate_algorithm=algorithm)
    clock = Clock()
    limit = Rate(settings, clock)
    passed = []
    for clock.now in times:
        if limit.refuse("token") is None:
            passed.append(clock.now)
    assert (limit.allowed, limit.refused) == (len(passed), len(times) - len(passed))
    return passed


def test_without_a_rate_all_is_allowed_and_counted(api, emulator, clock):
    assert [api("GET", USERS).status for _ in range(5)] == [200] * 5
    assert (emulator.rate.allowed, emulator.rate.refused, emulator.rate.used) == (5, 0, None)


def test_what_comes_too_fast_is_refused_in_the_recorded_shape(api, emulator, clock):
    emulator.settings.requests_per_second = 0.4
    assert api("GET", USERS).status == 200
    answer = api("GET", USERS)
    assert (answer.status, answer.data, len(answer.errors)) == (429, [], 1)
    assert emulator.token not in answer.errors[0]
    assert answer.headers["Retry-After"] == "3"
    assert answer.headers["X-Request-Id"] == emulator.requests[-1].request_id
    assert emulator.requests[-1].status == 429
    clock.now += 2.4
    assert api("GET", USERS).headers["Retry-After"] == "1"
    clock.now += 0.1
    assert api("GET", USERS).status == 200


def test_a_refused_request_does_nothing_and_uses_up_no_fault(api, emulator, clock):
    emulator.settings.requests_per_second = 1
    fault = emulator.faults.next(status=503, after=1)
    api.create({"tailnum": "N1"})
    big = b'{"data": {"note": "' + b"x" * 300_000 + b'"}}'
    assert api.raw("POST", "/v1/ext/procedure/aircraft/process", big).status == 429
    assert api.upload("/v1/ext/photo", [("photo", b"x" * 300_000, "a.png", "image/png")]).status == 429
    assert len(emulator.processes("aircraft")) == len(emulator.ledger) == 1
    assert emulator.requests[-2].size == len(big)
    assert fault.fired == 0
    clock.now += 1
    assert api("GET", USERS).status == 503


@pytest.mark.parametrize(("where", "wait"), [("header", None), ("body", 2500), ("nowhere", None)])
def test_the_wait_is_told_where_the_settings_want_it(api, emulator, clock, where, wait):
    emulator.settings.requests_per_second = 0.4
    emulator.settings.rate_retry_after = where
    api("GET", USERS)
    answer = api("GET", USERS)
    assert (answer.status, answer.data) == (429, [])
    assert answer.headers["Retry-After"] == ("3" if where == "header" else None)
    assert json.loads(answer.body).get("retry_after_ms") == wait


def test_each_token_has_a_rate_of_its_own(api, emulator, clock):
    emulator.settings.requests_per_second = 2
    other = emulator.add_token()
    assert [api("GET", USERS).status for _ in range(3)] == [200, 200, 429]
    assert [api("GET", USERS, token=other).status for _ in range(3)] == [200, 200, 429]
    assert [api("GET", USERS, token="wrong").status for _ in range(3)] == [401] * 3
    preflight = {"Authorization": None, "Origin": "http://x", "Access-Control-Request-Method": "GET"}
    assert api.raw("OPTIONS", USERS, headers=preflight).status == 204
    assert (emulator.rate.allowed, emulator.rate.refused) == (4, 2)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_rate_may_change_while_it_runs(api, emulator, clock, algorithm):
    emulator.settings.rate_algorithm = algorithm
    emulator.settings.requests_per_second = 3

    def let_through():
        clock.now += 1
        return [api("GET", USERS).status for _ in range(6)].count(200)

    assert let_through() == 3
    emulator.settings.requests_per_second = 1
    assert let_through() == 1
    emulator.settings.requests_per_second = 5
    assert let_through() == 5
    emulator.settings.requests_per_second = None
    assert let_through() == 6


def test_the_three_ways_to_measure_a_rate():
    bunch = [1000.9] * 20 + [1001.1] * 20
    # 10 at once, and what 0.2 s bring.
    assert allowed_at("token_bucket", bunch) == [1000.9] * 10 + [1001.1] * 2
    # 10 in each second by the clock, so 20 within 0.2 s.
    assert allowed_at("fixed_window", bunch) == [1000.9] * 10 + [1001.1] * 10
    # 10 in any second.
    assert allowed_at("sliding_window", bunch) == [1000.9] * 10
    assert allowed_at("token_bucket", bunch, span=0.1) == [1000.9, 1001.1]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(
    rate=st.floats(0.2, 50),
    span=st.floats(0.05, 3),
    gaps=st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.7]), max_size=60),
)
def test_no_more_than_the_rate_and_one_burst_passes_in_any_time(algorithm, rate, span, gaps):
    times = [1000 + sum(gaps[:number]) for number in range(len(gaps))]
    passed = allowed_at(algorithm, times, rate=rate, span=span)
    burst = max(1.0, rate * span) * (2 if algorithm == "fixed_window" else 1)
    for first, begin in enumerate(passed):
        for last, end in enumerate(passed[first:], first):
            assert last - first + 1 <= burst + rate * (end - begin) + 1e-3


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(rate=st.floats(0.2, 50), span=st.floats(0.05, 3), start=st.floats(0, 10_000))
@example(rate=0.3125, span=1.0, start=13.0)
def test_who_waits_as_long_as_told_gets_through(algorithm, rate, span, start):
    settings = Settings(
        requests_per_second=rate, burst_seconds=span, rate_algorithm=algorithm, rate_retry_after="body"
    )
    clock = Clock(start)
    limit = Rate(settings, clock)
    while not (wait := wait_of(limit.refuse("token"))):
        assert limit.allowed <= max(1, math.ceil(rate * span))
    clock.now += wait
    assert limit.refuse("token") is None


def test_requests_are_counted_by_the_second(api, emulator, clock):
    emulator.settings.requests_per_second = 2
    for now in (1000.5, 1000.5, 1000.5, 1001.4, 1004.5, 1005.0, 1005.0):
        clock.now = now
        api("GET", USERS)
    assert [astuple(one) for one in emulator.rate.seconds] == [(0, 3, 1, 2), (4, 3, 0, 2)]
    assert (emulator.rate.allowed, emulator.rate.refused) == (6, 1)
    assert emulator.rate.used == pytest.approx(6 / (2 * 4.5))
    emulator.rate.reset()
    assert (emulator.rate.allowed, emulator.rate.seconds, emulator.rate.used) == (0, [], None)
    api("GET", USERS)
    assert emulator.rate.seconds[0].second == 0


def test_the_share_used_goes_by_the_rate_that_was_allowed_at_the_time(api, emulator, clock):
    for rate, now in [(10, 1000.0), (10, 1001.0), (2, 1002.0), (2, 1003.0), (None, 1004.0), (None, 1009.0)]:
        emulator.settings.requests_per_second, clock.now = rate, now
        api("GET", USERS)
    assert emulator.rate.used == pytest.approx(4 / (10 + 10 + 2 + 2))


def test_a_rate_may_be_given_at_once(make_api):
    with Emulator(requests_per_second=1, burst_seconds=3, rate_algorithm="sliding_window") as emulator:
        emulator.rate.clock = Clock()
        assert [make_api(emulator)("GET", USERS).status for _ in range(4)] == [200, 200, 200, 429]
    assert emulator.rate.refused == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests_per_second": 0},
        {"requests_per_second": -1.0},
        {"burst_seconds": 0},
        {"rate_algorithm": "leaky"},
        {"rate_retry_after": "both"},
    ],
)
def test_settings_that_make_no_sense_are_refused(emulator, wrong):
    with pytest.raises(ValueError):
        Settings(**wrong)
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError):
        setattr(emulator.settings, name, value)


@pytest.mark.parametrize("text", ["0", "-1", "fast", "inf", "nan"])
def test_the_command_refuses_a_rate_that_is_none(capsys, text):
    with pytest.raises(SystemExit):
        main([f"--requests-per-second={text}"])
    assert f"'{text}' is no rate: expected requests per second" in capsys.readouterr().err
