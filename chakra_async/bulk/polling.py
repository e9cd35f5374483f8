"""When to look at a background job again. Pure."""

from __future__ import annotations


FIRST = 0.05
SHORTEST = 0.005
LONGEST = 15.0


class JobPace:
    """Learns how long jobs take, so that each is asked rarely and its end is noticed soon."""

    def __init__(self) -> None:
        self._seconds_per_row: float | None = None

    def first_wait(self, rows: int) -> float:
        """Seconds from submitting a job of ``rows`` rows to its first poll."""
        if self._seconds_per_row is None:
            return FIRST
        return min(LONGEST, max(SHORTEST, self._seconds_per_row * rows))

    def next_wait(self, elapsed: float, done: float) -> float:
        """Seconds to the next poll of a job that has run ``elapsed`` seconds and is ``done`` (0 to 1).

        A job that shows progress is asked when the rest should be done; one that shows none is asked
        after a seventh of its age, so that its end is noticed within about 15 % of its duration.
        """
        growing = max(FIRST, elapsed / 7)
        if 0 < done < 1:
            rest = elapsed * (1 - done) / done
            return min(LONGEST, max(SHORTEST, min(rest, 4 * growing)))
        return min(LONGEST, growing)

    def learn(self, rows: int, seconds: float, *, polls: int) -> None:
        """Remember that a job was done within ``seconds``; recent jobs count most.

        One that the first poll found done may have ended long before, so the next is asked sooner.
        """
        seen = seconds / rows * (0.7 if polls <= 1 else 1.0)
        known = self._seconds_per_row
        self._seconds_per_row = seen if known is None else 0.6 * known + 0.4 * seen
