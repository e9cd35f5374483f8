"""Jobs are asked rarely, and their end is noticed soon."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async.bulk.polling import LONGEST, SHORTEST, JobPace


def polls(pace, rows, duration, *, progress):
    """Times at which a job of the given duration is asked, up to the poll that finds it done."""
    now = pace.first_wait(rows)
    times = [now]
    while now < duration:
        now += pace.next_wait(now, now / duration if progress else 0.0)
        times.append(now)
    pace.learn(rows, times[-1], polls=len(times))
    return times


@given(duration=st.floats(0.5, 60), progress=st.booleans())
def test_the_end_is_noticed_soon_even_at_the_first_job(duration, progress):
    times = polls(JobPace(), 1000, duration, progress=progress)
    assert times[-1] <= duration * 1.2 + 0.1


@pytest.mark.parametrize("duration", [0.3, 2.0, 30.0])
def test_jobs_like_those_before_take_few_polls(duration):
    pace = JobPace()
    counts = [len(polls(pace, 1000, min(duration, LONGEST), progress=True)) for _ in range(6)]
    assert max(counts[2:]) <= 3


@pytest.mark.parametrize("per_job", [0.02, 2.0])
def test_the_size_of_a_job_is_told_from_what_every_job_takes(per_job):
    pace = JobPace()
    sizes = [1, 1000, 30, 400, 1, 7, 1000, 90, 1, 1000]
    counts = [len(polls(pace, rows, per_job + rows / 1000, progress=False)) for rows in sizes]
    assert max(counts[5:]) <= 4


@given(seconds=st.floats(0.001, 10), rows=st.integers(2, 1000))
def test_a_large_job_after_small_ones_is_not_left_alone_for_long(seconds, rows):
    pace = JobPace()
    pace.learn(1, seconds, polls=2)
    assert pace.first_wait(rows) <= max(SHORTEST, 2 * seconds)


@given(
    jobs=st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 1000)), max_size=20), rows=st.integers(1, 5000)
)
def test_whatever_was_learned_the_first_wait_is_bounded(jobs, rows):
    pace = JobPace()
    for size, seconds in jobs:
        pace.learn(size, seconds, polls=1)
    assert SHORTEST <= pace.first_wait(rows) <= LONGEST


@given(elapsed=st.floats(0, 1e6), done=st.floats(0, 1))
def test_waits_are_bounded(elapsed, done):
    assert SHORTEST <= JobPace().next_wait(elapsed, done) <= LONGEST
