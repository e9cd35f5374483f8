"""Jobs are looked at rarely, and their end is noticed soon."""

import asyncio
import random
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from heapq import heappop, heappush
from itertools import pairwise
from statistics import mean, median
from types import SimpleNamespace

import pytest
from aioresponses import CallbackResult
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import ProcessUpdate
from chakra_async.bulk import courier, engine
from chakra_async.bulk import follow as following
from chakra_async.bulk.polling import AT_ONCE, FIRST, LONGEST, JobPace, Watch


LATENCY = 0.002


def follow(jobs, *, at_once=6, grow=True, batch=1, queued=0.0, clock=True, first=FIRST):
    """Follow jobs (rows, seconds) by a clock of their own; give looks, and delay as a share, of each.

    Args:
        grow: whether their counts grow while they run, ``batch`` rows at a time.
        queued: share of its time that a job waits before its first row.
        clock: whether the service tells how long a job took.
        first: when the first job is looked at.
    """
    pace, events, found = JobPace(first), [], [None] * len(jobs)
    waiting = list(enumerate(jobs))[::-1]

    def submit(now):
        number, (rows, seconds) = waiting.pop()
        heappush(events, (now, len(waiting), number, now, Watch(pace, rows), rows, seconds, 0))

    for _ in range(min(at_once, len(jobs))):
        submit(0.0)
    while events:
        now, _, number, start, watch, rows, seconds, looks = heappop(events)
        if wait := watch.wait(now - start):
            assert wait <= LONGEST
            # Timers are late, never early.
            heappush(events, (now + wait + 1e-5, number, number, start, watch, rows, seconds, looks))
            continue
        now, looks = now + LATENCY, looks + 1
        pace.answered(LATENCY)
        age = now - start
        if age >= seconds:
            watch.ended(age, seconds if clock else None)
            found[number] = looks, (age - seconds) / seconds
            if waiting:
                submit(now)
            continue
        share = max(0.0, age / seconds - queued) / (1 - queued) if grow else 0.0
        watch.unfinished(age, int(rows * share) // batch * batch)
        heappush(events, (now, number, number, start, watch, rows, seconds, looks))
    return found


def some(seconds, spread, count=32, seed=5):
    dice = random.Random(seed)
    return [(1000, seconds * dice.uniform(1 - spread, 1 + spread)) for _ in range(count)]


def medians(found):
    return median(looks for looks, _ in found), median(late for _, late in found)


@pytest.mark.parametrize("clock", [True, False])
@pytest.mark.parametrize("spread", [0.02, 0.2, 0.5])
@pytest.mark.parametrize("seconds", [0.2, 1.0, 4.0, 25.0])
def test_of_jobs_whose_counts_grow_the_end_is_foretold(seconds, spread, clock):
    looks, late = medians(follow(some(seconds, spread), clock=clock))
    assert looks <= 2
    assert late <= 0.05


@pytest.mark.parametrize("clock", [True, False])
@pytest.mark.parametrize("spread", [0.02, 0.2])
@pytest.mark.parametrize("seconds", [0.2, 1.0, 4.0])
def test_of_jobs_whose_counts_jump_the_end_is_learned_from_others(seconds, spread, clock):
    looks, late = medians(follow(some(seconds, spread), grow=False, clock=clock))
    assert looks <= (3 if clock else 4)
    assert late <= 0.1


@pytest.mark.parametrize("seconds", [0.2, 1.0, 4.0, 25.0])
def test_a_first_job_whose_counts_grow_needs_no_other_to_learn_from(seconds):
    singles = [follow([job])[0] for job in some(seconds, 0.2)]
    looks, late = medians(singles)
    assert looks <= 3
    assert late <= 0.05
    assert max(looks for looks, _ in singles) <= 6


def test_a_job_that_has_waited_for_others_is_not_slept_on():
    pace = JobPace()
    for _ in range(8):
        pace.learn(1000, 6.7)
    watch = Watch(pace, 1000)
    watch.unfinished(6.68, 15)
    assert watch.wait(6.68) < 2
    watch.unfinished(8.3, 260)
    assert 8.3 + watch.wait(8.3) == pytest.approx(6.6 + 6.7, rel=0.05)


def test_few_rows_foretell_the_middle_of_a_job_and_not_its_end():
    watch = Watch(JobPace(), 1000)
    watch.unfinished(0.05, 3)
    assert 0.05 + watch.wait(0.05) < 0.75 * 6.6


@given(seconds=st.floats(0.3, 100))
def test_a_first_job_of_which_nothing_is_told_is_noticed_within_a_quarter(seconds):
    [(looks, late)] = follow([(1000, seconds)], grow=False)
    assert late <= 0.27
    assert looks <= 32


@pytest.mark.parametrize("seconds", [0.2, 1.0, 4.0])
def test_many_first_jobs_share_the_looks(seconds):
    alone, _ = medians([follow([job], grow=False)[0] for job in some(seconds, 0.2)])
    looks, late = medians(follow(some(seconds, 0.2), at_once=32, grow=False))
    assert looks <= max(4, alone / 2)
    assert late <= 0.25


@pytest.mark.parametrize("clock", [True, False])
def test_of_many_that_take_no_time_the_first_is_noticed_at_once(clock):
    looks, late = medians(follow(some(0.002, 0.2), first=AT_ONCE, clock=clock))
    assert looks == 1
    assert late * 0.002 <= 2 * AT_ONCE


def test_once_jobs_are_known_to_take_no_time_they_are_looked_at_at_once():
    found = follow([(1000, 1e-6)] * 40, at_once=4, first=AT_ONCE)
    assert all(looks == 1 for looks, _ in found)
    assert all(late * 1e-6 <= LATENCY + 0.001 for _, late in found[20:])


@pytest.mark.parametrize("grow", [True, False])
@pytest.mark.parametrize("seconds", [0.2, 1.0, 25.0])
def test_to_look_at_the_first_at_once_costs_few_looks_in_all(seconds, grow):
    jobs = some(seconds, 0.2)
    early, late = (sum(looks for looks, _ in follow(jobs, grow=grow, first=at)) for at in (AT_ONCE, FIRST))
    assert early <= late + 6


@pytest.mark.parametrize("grow", [True, False])
@pytest.mark.parametrize("per_row", [0.0002, 0.001, 0.004])
def test_the_size_of_a_job_is_told_from_what_every_job_takes(per_row, grow):
    dice = random.Random(4)
    sizes = [dice.choice([1, 10, 50, 200, 500, 1000]) for _ in range(64)]
    jobs = [(rows, (0.05 + rows * per_row) * dice.uniform(0.9, 1.1)) for rows in sizes]
    looks, late = medians(follow(jobs, grow=grow))
    assert looks <= 2
    assert late <= 0.15


@pytest.mark.parametrize("queued", [0.3, 0.6])
@pytest.mark.parametrize("seconds", [1.0, 4.0])
def test_time_spent_waiting_for_other_jobs_is_allowed_for(seconds, queued):
    found = follow(some(seconds, 0.2), queued=queued)
    assert medians(found)[0] <= 3
    assert mean(late for _, late in found) <= 0.08


@pytest.mark.parametrize("seconds", [0.2, 1.0, 4.0])
def test_counts_that_grow_by_batches_are_not_taken_by_their_word(seconds):
    looks, late = medians(follow(some(seconds, 0.2), batch=100))
    assert looks <= 4
    assert late <= 0.1


def test_among_fewer_jobs_one_that_waited_for_the_others_takes_less():
    pace = JobPace()
    for among in range(17, 33):
        pace.learn(1000, among * 0.1, among)
    early, late = pace.window(1000, 5)
    assert early == pytest.approx(0.5, rel=0.01)
    assert late == pytest.approx(0.5, rel=0.01)
    assert pace.window(1000, 100) == pace.window(1000, 32)


def test_among_fewer_jobs_one_that_waited_for_none_takes_as_long():
    pace = JobPace()
    for _ in range(15):
        pace.learn(1000, 1.0, 32)
    assert pace.window(1000, 1)[0] < 0.1
    pace.learn(1000, 1.0, 1)
    assert pace.window(1000, 1)[0] > 0.9


def test_runs_in_several_threads_may_learn_at_once():
    pace, before = JobPace(), sys.getswitchinterval()

    def follow_some():
        for _ in range(300):
            pace.learn(1000, 1.0)
            assert pace.window(1000)[1] == pytest.approx(1.0, rel=0.5)

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(follow_some) for _ in range(4)]:
                done.result()
    finally:
        sys.setswitchinterval(before)


def test_a_service_that_becomes_slower_is_learned_anew():
    jobs = some(1.0, 0.05) + some(3.0, 0.05, count=48)
    found = follow(jobs, grow=False)
    looks, late = medians(found[56:])
    assert looks <= 3
    assert late <= 0.1


def test_what_is_asked_for_over_a_long_way_is_asked_sooner():
    waits = []
    for latency in (0.0, 0.1):
        pace = JobPace()
        for _ in range(30):
            pace.learn(1000, 2.0)
            pace.answered(latency)
        waits.append(Watch(pace, 1000).wait(1.0))
    near, far = waits
    assert near - far == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("grow", [True, False])
def test_a_large_job_after_small_ones_is_as_unknown_as_a_first_one(grow):
    jobs = [(1, 0.004)] * 3 + [(1000, 4.0)]
    looks, late = follow(jobs, at_once=1, grow=grow)[-1]
    assert looks <= (4 if grow else 20)
    assert late <= 0.27


def test_a_job_that_stands_still_is_left_alone_ever_longer():
    watch, age, looks = Watch(JobPace(), 1000), 0.0, 0
    while age < 900:
        if wait := watch.wait(age):
            age += wait
            continue
        looks += 1
        watch.unfinished(age, 500 if age > 0.3 else 0)
    assert looks < 100


@given(
    jobs=st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 1000), st.integers(1, 64)), max_size=20),
    among=st.integers(1, 64),
    rows=st.integers(0, 5000),
    steps=st.lists(st.tuples(st.floats(0, 100), st.integers(0, 5000)), max_size=10),
    seconds=st.none() | st.floats(0, 1e6),
)
def test_whatever_was_learned_waits_are_bounded_and_come_to_an_end(jobs, among, rows, steps, seconds):
    pace = JobPace()
    for size, took, then in jobs:
        pace.learn(size, took, then)
    watch, age = Watch(pace, rows, among=among), 0.0
    for later, processed in steps:
        age += later
        watch.unfinished(age, processed)
        asked = 0
        while wait := watch.wait(age):
            assert 0 < wait <= LONGEST
            age += wait
            asked += 1
            assert asked < 200
    watch.ended(age, seconds)
    assert 0 <= Watch(pace, rows).wait(0.0) <= LONGEST


@pytest.mark.parametrize(("processed", "seconds"), [(900, None), (900, 3.0), (0, 3.0), (0, 1e9)])
def test_a_job_that_was_there_before_it_was_followed_teaches_nothing(processed, seconds):
    pace = JobPace()
    Watch(pace, 1000, processed).ended(0.1, seconds)
    assert pace.window(1000) is None


def test_nothing_is_looked_at_before_it_can_have_ended():
    assert Watch(JobPace(), 1000).wait(0.0) > 0
    assert Watch(JobPace(), 1000).wait(FIRST) == 0


class Service:
    """Works on a few jobs of one row at once, in the order in which they came; none tells of progress."""

    def __init__(self, seconds, workers=32):
        self.seconds, self.free, self.jobs = seconds, [0.0] * workers, []
        self.looks = []
        """The ages at which each job was looked at."""

    def submit(self, url, **_):
        now = asyncio.get_running_loop().time()
        end = max(now, heappop(self.free)) + self.seconds
        heappush(self.free, end)
        self.jobs.append((now, end))
        self.looks.append([])
        return self.answer(len(self.jobs) - 1, now)

    def look(self, url, **_):
        number, now = int(url.name), asyncio.get_running_loop().time()
        self.looks[number].append(now - self.jobs[number][0])
        return self.answer(number, now)

    def answer(self, number, now):
        begun, end = self.jobs[number]
        done = now >= end
        times = {"createdAt": 10**12 + 1000 * begun, "completedAt": done and 10**12 + 1000 * end}
        meta = {"bjEntryCompletionStatusVsCount": {"SUCCESS": int(done), "NOT_STARTED": 1 - done}}
        return CallbackResult(payload={"_data": {"id": str(number), **times}, "_meta": meta})


@pytest.fixture
def take(virtual_time, mocked, monkeypatch):
    """Have one client make runs, one after another, with a job for each row; give the seconds it takes."""

    def take(service, *runs):
        async def main():
            now = asyncio.get_running_loop().time
            clock = SimpleNamespace(monotonic=now, thread_time=lambda: 0.0)
            for module in (courier, engine, following):
                monkeypatch.setattr(module, "time", clock)
            mocked.get(re.compile(".*/background-job/.*"), callback=service.look, repeat=True)
            mocked.patch(re.compile(".*/process"), callback=service.submit, repeat=True)
            async with virtual_time.client() as chakra:
                for procedure, rows in runs:
                    updates = [ProcessUpdate(id=f"P{n}", data={"a": 1}) for n in range(rows)]
                    assert (await chakra.processes.bulk_update(procedure, updates, chunk_size=1).run()).ok
            return now()

        return virtual_time.run(main())

    return take


def test_a_run_knows_how_long_the_jobs_of_those_before_it_took(take):
    service = Service(4.0)
    take(service, *[("lead", 1)] * 6)
    first, *others = service.looks
    assert len(first) > 10
    assert all(len(looks) <= 3 and looks[-1] < 1.15 * service.seconds for looks in others)


def test_what_jobs_of_one_procedure_take_says_nothing_about_another(take):
    service = Service(4.0)
    take(service, ("lead", 1), ("visit", 1))
    lead, visit = service.looks
    assert visit == pytest.approx(lead, rel=0.01)


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_a_service_that_works_on_few_jobs_at_once_is_kept_busy(take, workers):
    jobs, seconds = 60, 0.25
    assert take(Service(seconds, workers), ("lead", jobs)) < 1.2 * jobs * seconds / workers


def test_looks_of_a_run_before_are_not_shared():
    pace = JobPace(AT_ONCE)
    pace.looks[(1000).bit_length()] = 60.0
    following.Follower(None, "updated", None, 60.0, pace)
    watch, age, ages = Watch(pace, 1000), 0.0, []
    while age < 10:
        if wait := watch.wait(age):
            age += wait
            continue
        ages.append(age)
        watch.unfinished(age, 0)
    assert all(later < 1.3 * sooner for sooner, later in pairwise(ages) if sooner > 0.2)
