"""The pace that a service allows, found by what it answers. Simulated: no socket, no clock."""

import math
import random
from functools import partial
from heapq import heappop, heappush

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.simulation import Bucket, Service, Sliding, Windowed, simulate
from chakra_async._pace import Rate, Window
from chakra_async.bulk.pace import AHEAD, JobWindow


def allowed(rate):
    return lambda _: rate


KINDS = {
    "a bucket of a second": (Bucket, 0.98),
    "a bucket of half a second": (partial(Bucket, seconds=0.5), 0.92),
    "a bucket of a tenth": (partial(Bucket, seconds=0.1), 0.89),
    "counted each second": (Windowed, 0.9),
    "a sliding second": (Sliding, 0.9),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("latency", [0.005, 0.02])
@pytest.mark.parametrize("rate", [50, 200])
def test_most_of_an_unknown_rate_is_used_and_hardly_anything_is_refused(kind, rate, latency):
    service, share = KINDS[kind]
    found = simulate(service(allowed(rate)), latency=latency, workers=50, seconds=60, seed=1)
    assert found.used > share
    assert found.refused < 0.02


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_limit_of_few_requests_is_not_passed_again_and_again(seed):
    found = simulate(Windowed(allowed(10)), latency=0.02, workers=50, seconds=60, seed=seed)
    assert found.used > 0.93
    assert sum(found.refused_by_second[2:]) <= 4


@pytest.mark.parametrize("a_minute", [60, 300, 1000])
def test_a_limit_per_minute_is_met_at_full_speed_but_once(a_minute):
    found = simulate(
        Windowed(allowed(a_minute / 60), seconds=60),
        latency=0.02,
        workers=50,
        seconds=300,
        seed=1,
        retry_after=60.0,
    )
    assert found.used > 0.99
    assert max(found.refused_by_second[60:]) <= 20


@pytest.mark.parametrize("retry_after", [None, 3.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_wait_that_is_too_short_or_too_long_does_not_mislead(kind, retry_after):
    service, _ = KINDS[kind]
    found = simulate(
        service(allowed(50)), latency=0.02, workers=50, seconds=60, seed=1, retry_after=retry_after
    )
    assert found.used > (0.9 if retry_after is None else 0.6)
    assert found.refused < 0.03


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_that_changes_is_followed(kind):
    service, _ = KINDS[kind]
    limit = service(lambda now: 40 if 30 <= now < 60 else 100)
    found = simulate(limit, latency=0.02, workers=50, seconds=100, seed=1)
    lowered, raised = found.by_second[45:55], found.by_second[85:]
    assert 0.8 * 40 < sum(lowered) / len(lowered) < 1.1 * 40
    assert sum(raised) / len(raised) > 0.75 * 100
    assert found.refused < 0.03


@pytest.mark.fault("R4")
def test_a_lowered_limit_is_met_again_within_30_seconds():
    found = simulate(
        Bucket(lambda now: 100 if now < 30 else 40), latency=0.02, workers=50, seconds=90, seed=1
    )
    late = found.by_second[60:]
    assert sum(late) / len(late) == pytest.approx(40, rel=0.1)
    assert found.refused_by_second[60:].count(0) > 20


def test_a_raised_limit_is_found():
    found = simulate(
        Bucket(lambda now: 40 if now < 30 else 120), latency=0.02, workers=50, seconds=90, seed=1
    )
    late = found.by_second[70:]
    assert sum(late) / len(late) > 100


def test_without_refusals_nothing_is_limited():
    class Generous(Service):
        def allows(self, now):
            return True

    found = simulate(Generous(allowed(math.inf)), latency=0.05, workers=100, seconds=5, seed=1)
    assert sum(found.by_second[-2:]) == pytest.approx(2 * 100 / 0.05, rel=0.05)


def test_many_refusals_of_one_moment_count_as_one():
    rate = Rate()
    rate.take(0.0)
    rate.accepted = 100
    assert rate.refused(1.9, 2.0)
    slow = rate.now(2.0)
    assert slow == pytest.approx(0.98 * 50)
    assert not any(rate.refused(1.95, 2.0 + n / 100) for n in range(50))
    assert rate.now(2.0) == slow
    assert rate.refusals == 51


def test_a_refusal_after_an_hour_of_few_requests_is_searched_like_any():
    rate, now = Rate(), 0.0
    for _ in range(3600):
        rate.take(now)
        rate.answered(now)
        now += 1.0
    rate.refused(now, now)
    for _ in range(40):
        now = now + max(0.0, rate.wait(now))
        rate.take(now)
        rate.answered(now)
    rate.refused(now, now)
    assert 0.5 < rate.now(now) < 50


def test_what_was_learned_is_forgotten():
    rate = Rate()
    rate.take(0.0)
    rate.accepted = 10
    rate.refused(1.0, 2.0)
    assert rate.now(3.0) < math.inf
    assert rate.now(1000.0) == math.inf


def test_a_refusal_before_anything_was_accepted_tells_no_rate():
    rate = Rate()
    rate.take(0.0)
    rate.refused(0.0, 0.1)
    assert rate.now(0.5) == math.inf


@given(
    st.lists(
        st.tuples(st.sampled_from(["take", "accepted", "refused", "pause"]), st.floats(0, 20)),
        max_size=200,
    )
)
@example([("accepted", 1), ("refused", 3), ("pause", 3), ("refused", 0), ("pause", 3), ("refused", 0)])
def test_no_history_leads_to_a_rate_that_stands_still(history):
    rate, now = Rate(), 0.0
    for what, seconds in history:
        now += seconds
        match what:
            case "take":
                now = max(now, now + rate.wait(now)) if rate.limited else now
                rate.take(now)
            case "accepted":
                rate.accepted += 1
            case "refused":
                rate.refused(max(0.0, now - seconds), now)
            case _:
                rate.pause(seconds, now)
        assert rate.now(now) > 0
        assert rate.wait(now) < math.inf
    # A minute after the last trouble, requests go again.
    assert rate.wait(max(now, rate.not_before) + 60) <= 60


def test_a_window_grows_by_successes_and_falls_by_refusals_of_requests_sent_since():
    window = Window(100)
    for n in range(300):
        window.answered(n * 0.01, n * 0.01 + 0.05)
    assert window.size == 100
    window.overloaded(3.0, 3.1)
    once = window.size
    assert once < 80
    window.overloaded(3.05, 3.2)
    assert window.size == once
    window.overloaded(3.3, 3.4)
    assert window.size < once


def test_a_window_falls_while_latency_rises_but_stays_useful():
    window = Window(100)
    now = 0.0
    for _ in range(300):
        window.answered(now, now + 0.05)
        now += 0.01
    for _ in range(200):
        window.answered(now, now + 0.5)
        now += 0.05
    assert 10 <= window.size < 50


def test_latency_that_only_varies_limits_nothing():
    dice, window, now = random.Random(1), Window(100), 0.0
    for _ in range(3000):
        window.answered(now, now + dice.uniform(0.02, 0.1))
        now += 0.01
    assert window.size == 100


@pytest.mark.parametrize(("workers", "least", "most"), [(4, 5, 16), (16, 16, 32), (100, 32, 32)])
def test_jobs_at_once_follow_what_the_service_works_on_at_once(workers, least, most):
    dice, window = random.Random(1), JobWindow(32)
    for _ in range(300):
        window.done(1000, dice.uniform(0.8, 1.2) * max(1.0, window.size / workers), retries=0)
    assert least <= window.size <= most
    assert window.reason


@pytest.mark.parametrize("workers", [4, 8])
def test_jobs_that_were_sent_ahead_do_not_make_the_service_idle_when_they_have_waited(workers):
    window, free, flying = JobWindow(32), [0.0] * workers, []

    def send(now):
        heappush(free, end := max(now, heappop(free)) + 1.0)
        heappush(flying, (end, now, len(flying) + 1))

    while window.may_go_ahead:
        window.go_ahead()
    for _ in range(window.size):
        send(0.0)
    for _ in range(300):
        now, sent, among = heappop(flying)
        window.done(1000, now - sent, retries=0, among=among)
        while len(flying) < window.size:
            send(now)
        assert len(flying) >= workers
    assert len(flying) < 4 * workers


def test_more_jobs_are_sent_ahead_only_until_the_first_has_ended():
    window = JobWindow(32)
    while window.may_go_ahead:
        window.go_ahead()
    assert window.size == AHEAD
    window = JobWindow(32)
    window.done(1000, 1.0, retries=0)
    assert not window.may_go_ahead
    for window in (JobWindow(4), JobWindow(32, fixed=3)):
        assert not window.may_go_ahead
    refused = JobWindow(32)
    refused.done(1000, 1.0, retries=1)
    assert not refused.may_go_ahead


def test_jobs_at_once_stay_as_asked_for():
    window = JobWindow(32, fixed=3)
    for _ in range(50):
        window.done(1000, 1.0, retries=0)
    assert window.size == 3


def test_jobs_at_once_recover_from_a_best_that_was_none():
    # Such as that of jobs which an earlier run had begun, or of a service that was idle then.
    window = JobWindow(32)
    for _ in range(6):
        window.done(1000, 0.01, retries=0)
    for _ in range(400):
        window.done(1000, 2.0, retries=0)
    assert window.size > 4


def test_the_pace_in_words():
    window = JobWindow(32, fixed=1)
    assert window.described("") == "1 job at a time (as asked for)"
    said = "at most 20 requests/s (the service answered 429 once), 1 job at a time (as asked for)"
    assert window.described("at most 20 requests/s (the service answered 429 once)") == said


def test_jobs_that_had_to_be_sent_again_are_fewer_next_time_and_never_none():
    window = JobWindow(32)
    for _ in range(50):
        window.done(1000, 1.0, retries=2)
    assert window.size == 1
