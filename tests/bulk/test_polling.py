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


@given(elapsed=st.floats(0, 1e6), done=st.floats(0, 1))
def test_waits_are_bounded(elapsed, done):
    assert SHORTEST <= JobPace().next_wait(elapsed, done) <= LONGEST
