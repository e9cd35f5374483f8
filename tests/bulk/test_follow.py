"""However a job misbehaves, each row ends with what became of it, or with ``unknown``."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import DecodeError, Job, JobEntry, NotFoundError, ProcessUpdate
from chakra_async.bulk import follow
from chakra_async.bulk.chunks import PlannedRow
from chakra_async.bulk.follow import Follower
from chakra_async.bulk.patience import Patience


OUTCOME = {"SUCCESS": "updated", "INVALID": "invalid", "ERROR": "failed", "NOT_STARTED": "failed"}


class Script:
    """A service that answers from a list: jobs in turn (the last again and again), and entries."""

    def __init__(self, jobs, entries=(), break_after=None):
        self.jobs, self.listed, self.break_after = list(jobs), list(entries), break_after

    async def get(self, job_id, /):
        job = self.jobs.pop(0) if len(self.jobs) > 1 else self.jobs[0]
        if isinstance(job, Exception):
            raise job
        return job

    async def entries(self, job_id, /):
        for number, entry in enumerate(self.listed):
            if number == self.break_after:
                raise DecodeError("the next page is a page that came before", retry_safe=True)
            yield entry


def rows(count):
    return [PlannedRow(n, ProcessUpdate(key=("k", f"K{n}")), ("k", f"K{n}")) for n in range(count)]


def settled(script, count, stall=0.05):
    follower = Follower(script, "updated", Patience(stall), stall)
    return asyncio.run(follower.settle(rows(count), Job(id="J", completion_status="IN_PROGRESS")))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    async def at_once(_):
        await sleep(0)

    sleep = asyncio.sleep
    monkeypatch.setattr(follow.asyncio, "sleep", at_once)


def job(statuses, *, finished=None, only=None):
    counts = Counter(statuses if only is None else statuses[:only])
    if only is not None:
        counts["NOT_STARTED"] += len(statuses) - only
    match finished:
        case "time":
            return Job(id="J", counts=dict(counts), completed_at=datetime(2026, 1, 1, tzinfo=UTC))
        case "word":
            return Job(id="J", counts=dict(counts), completion_status="COMPLETED")
        case _:
            return Job(id="J", counts=dict(counts))


def entry(number, status, *, index, payload):
    return JobEntry(
        id=f"e{number}",
        completion_status=status,
        status_message=None if status == "SUCCESS" else "no",
        index=number if index else None,
        extra={"request": {"k": f"K{number}"}} if payload else {},
    )


@pytest.mark.fault("B5")
@given(data=st.data(), statuses=st.lists(st.sampled_from(sorted(OUTCOME)), min_size=1, max_size=12))
def test_no_outcome_is_ever_untrue(data, statuses):
    # On the way the job goes forward and back, and shows counts now and then.
    way = data.draw(st.lists(st.integers(0, len(statuses) - 1), max_size=5))
    jobs = [job(["SUCCESS"] * len(statuses), only=done) if done % 2 else Job(id="J") for done in way]
    jobs.append(job(statuses, finished=data.draw(st.sampled_from(["time", "word"]))))
    index, payload = data.draw(st.sampled_from([(True, False), (False, True), (True, True)]))
    listed = [entry(n, status, index=index, payload=payload) for n, status in enumerate(statuses)]
    # Pages are repeated, skipped and out of order, and may end in nowhere.
    listed = data.draw(st.lists(st.sampled_from(listed), max_size=30)) if listed else []
    broken = data.draw(st.none() | st.integers(0, 30))
    fates = settled(Script(jobs, listed, broken), len(statuses))
    for status, fate in zip(statuses, fates, strict=True):
        assert fate.outcome in {OUTCOME[status], "unknown"}
        assert (fate.errors == ()) == (fate.outcome == "updated")


@given(statuses=st.lists(st.sampled_from(sorted(OUTCOME)), min_size=1, max_size=12), shuffle=st.randoms())
def test_nothing_is_unknown_when_every_entry_comes_in_whatever_order(statuses, shuffle):
    listed = [entry(n, status, index=False, payload=True) for n, status in enumerate(statuses)] * 2
    shuffle.shuffle(listed)
    fates = settled(Script([job(statuses, finished="word")], listed), len(statuses))
    assert [fate.outcome for fate in fates] == [OUTCOME[status] for status in statuses]


def test_totals_that_shrink_or_grow_are_not_believed():
    statuses = ["SUCCESS"] * 3
    for counts in ({"SUCCESS": 2}, {"SUCCESS": 7}):
        jobs = [Job(id="J", counts=counts, completion_status="COMPLETED")]
        fates = settled(Script(jobs, [entry(0, "SUCCESS", index=True, payload=True)]), len(statuses))
        assert [fate.outcome for fate in fates] == ["updated", "unknown", "unknown"]


@pytest.mark.fault("B5")
def test_a_job_that_never_ends_is_given_up_and_keeps_its_id():
    assert settled(Script([Job(id="J", counts={"NOT_STARTED": 2})]), 2) is None


@pytest.mark.fault("B5")
def test_a_job_that_vanishes_for_a_moment_is_asked_again():
    missing = NotFoundError("gone", status=404, retry_safe=True)
    script = Script([missing, missing, job(["SUCCESS"], finished="time")])
    assert [fate.outcome for fate in settled(script, 1)] == ["updated"]
    with pytest.raises(NotFoundError):
        settled(Script([missing]), 1)


def test_a_job_without_counts_or_status_is_judged_by_its_entries():
    script = Script(
        [Job(id="J", completed_at=datetime(2026, 1, 1, tzinfo=UTC))],
        [entry(n, "SUCCESS", index=True, payload=False) for n in range(2)],
    )
    assert [fate.outcome for fate in settled(script, 2)] == ["updated", "updated"]


class Clock:
    """Time that goes on by what is slept."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch, no_waiting):
    clock, sleep = Clock(), follow.asyncio.sleep

    async def passing(seconds):
        clock.now += seconds
        await sleep(seconds)

    monkeypatch.setattr(follow, "time", clock)
    monkeypatch.setattr(follow.asyncio, "sleep", passing)
    return clock


@pytest.mark.parametrize("began", [False, True])
def test_a_job_that_has_not_begun_may_wait_for_others_and_one_that_has_may_not(clock, began):
    stall, needs = 60.0, 400.0

    class Service:
        async def get(self, job_id, /):
            done = min(20, int(clock.now / needs * 20))
            if job_id == "second" and done < 20:
                done = 1 if began else 0
            found = job(["SUCCESS"] * 20, only=done, finished="time" if done == 20 else None)
            return evolve(found, id=job_id)

    follower = Follower(Service(), "updated", Patience(stall), stall)

    async def both():
        following = (follower.settle(rows(20), Job(id=name)) for name in ("first", "second"))
        return await asyncio.gather(*following)

    first, second = asyncio.run(both())
    assert {fate.outcome for fate in first} == {"updated"}
    assert second is None if began else {fate.outcome for fate in second} == {"updated"}
