"""The slots that Redis hands out, one call at a time."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import _redis_slots
from chakra_async._redis_slots import RedisSlots, Reservation
from chakra_async.settings import RedisUrl


PATIENCE = 10


@pytest.fixture
def worker(url, monkeypatch):
    """Make workers that have slots every 10 s: whatever a test takes is little to that."""
    monkeypatch.setattr(_redis_slots, "TIMEOUT", PATIENCE)
    with ExitStack() as stack:

        def make():
            made = RedisSlots(RedisUrl(url), "rate", interval=10, quiet=100)
            stack.callback(made.close)
            return made

        yield make


def ahead(reservation):
    return reservation.first - time.monotonic()


def test_slots_follow_one_another_whoever_takes_them(worker):
    one, other = worker(), worker()
    first = one.reserve(2, None, alone=False)
    second = other.reserve(1, None, alone=False)
    third = one.reserve(1, first, alone=False)
    assert -5 < ahead(first) <= 0
    assert second.first - first.first == pytest.approx(20, abs=2)
    assert third.first - first.first == pytest.approx(30, abs=2)


def test_what_was_not_taken_in_time_is_not_saved_up(worker, keys, state):
    one = worker()
    known = one.reserve(1, None, alone=False)
    keys.hset(state(), "slot", time.time_ns() // 1000 - 25_000_000)
    known = one.reserve(1, known, alone=False)
    assert -5 < ahead(known) <= 0
    assert 5 < ahead(one.reserve(1, known, alone=False)) <= 10


def test_workers_know_how_many_they_are_and_which_they_are(worker, keys):
    workers = [worker() for _ in range(3)]
    for one in workers:
        one.reserve(0, None, alone=False)
    known = [one.reserve(0, None, alone=False) for one in workers]
    assert {one.workers for one in known} == {3}
    assert {one.rank for one in known} == {0, 1, 2}
    workers[0].leave()
    assert workers[1].reserve(0, known[1], alone=False).workers == 2
    (name,) = keys.keys("*:workers")
    now = time.time_ns() // 1000
    keys.zadd(name, {b"silent for 29 s": now - 29_000_000, b"silent for 31 s": now - 31_000_000})
    assert workers[1].reserve(0, known[1], alone=False).workers == 3


def test_the_clock_of_redis_is_known_ever_better(worker):
    one, known, right = worker(), None, time.time() - time.monotonic()
    for _ in range(5):
        before, known = known, one.reserve(0, known, alone=False)
        assert known.offset < right + 0.001
        assert before is None or before.offset <= known.offset
    assert known.offset > right - 0.2
    for wrong in (-3, 3):
        again = one.reserve(0, known._replace(offset=right + wrong), alone=False)
        assert again.offset == pytest.approx(right, abs=1)


@given(
    workers=st.integers(1, 9),
    interval=st.floats(0.001, 10),
    offset=st.floats(0, 2e9),
    moments=st.lists(st.floats(0, 1e6), min_size=2, max_size=20),
)
def test_the_turns_of_all_workers_are_slots_of_one_row(workers, interval, offset, moments):
    """Whenever each of them looks, on whatever clock."""
    slots = []
    for number, moment in enumerate(moments):
        own_clock = offset + number
        known = Reservation(0.0, workers, number % workers, own_clock, "")
        slot = known.turn(moment, interval)
        assert moment - 1e-3 <= slot <= moment + workers * interval + 1e-3
        slots.append((slot + own_clock) / interval)
        assert round(slots[-1]) % workers == number % workers
    assert slots == pytest.approx([round(slot) for slot in slots], abs=1e-2 / interval + 1e-2)


def test_lost_keys_are_noticed_by_all_who_knew_them(worker, keys):
    one, other = worker(), worker()
    known, also = (it.reserve(1, None, alone=False) for it in (one, other))
    keys.flushall()
    newcomer = worker().reserve(1, None, alone=False)
    assert ahead(newcomer) <= 0
    assert ahead(one.reserve(1, known, alone=False)) > 100
    again = other.reserve(1, also, alone=False)
    assert 100 < ahead(again) < 150
    assert ahead(other.reserve(1, again, alone=False)) < 160


def test_the_first_to_return_leaves_the_others_time_to_notice(worker):
    one, other = worker(), worker()
    known, also = (it.reserve(0, None, alone=False) for it in (one, other))
    assert ahead(one.reserve(1, known, alone=True)) > 100
    assert 100 < ahead(other.reserve(1, also, alone=True)) < 150


def test_who_was_lost_alone_does_not_hold_up_the_others(worker):
    one, other = worker(), worker()
    known = one.reserve(0, None, alone=False)
    other.reserve(3, None, alone=False)
    assert ahead(one.reserve(1, known, alone=True)) < 50


def test_a_request_that_nobody_waits_for_any_more_reserves_nothing(worker):
    one = worker()
    known = one.reserve(1, None, alone=False)
    late = known._replace(offset=known.offset - PATIENCE - 1)
    with pytest.raises(redis.ResponseError, match="LATE"):
        one.reserve(1, late, alone=False)
    assert ahead(one.reserve(0, late, alone=False)) < 11


def test_a_redis_that_does_not_answer_is_not_asked_again(monkeypatch):
    """Until all have noticed nobody may go, so none may take several times as long."""
    monkeypatch.setattr(_redis_slots, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one = RedisSlots(
            RedisUrl(f"redis://127.0.0.1:{silent.getsockname()[1]}"), "rate", interval=10, quiet=100
        )
        with pytest.raises(redis.TimeoutError):
            one.reserve(0, None, alone=False)
        one.close()
        silent.accept()[0].close()
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_clock_of_redis_that_was_put_back_stops_nobody_for_long(worker, keys, state):
    one = worker()
    known = one.reserve(1, None, alone=False)
    keys.hset(state(), "slot", (time.time_ns() // 1000) + 3_600_000_000)
    assert ahead(one.reserve(1, known, alone=False)) < 230
