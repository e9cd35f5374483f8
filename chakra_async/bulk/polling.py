"""When to look at a background job again. Pure."""

from __future__ import annotations


FIRST = 0.05
SHORTEST = 0.005
LONGEST = 15.0


class JobPace:
    """Learns how long jobs take, so that each is asked rarely and its end is noticed soon.

    What a job takes is a time of its own and a time for each row, told apart by jobs of different sizes: by
    least squares, in which recent jobs count most.
    """

    def __init__(self) -> None:
        self._largest = 0
        self._rows: float = 0.0
        self._seconds: float = 0.0
        self._variance: float = 0.0
        self._covariance: float = 0.0

    def first_wait(self, rows: int) -> float:
        """Seconds from submitting a job of ``rows`` rows to its first poll."""
        if not self._rows:
            return FIRST
        per_row = self._seconds / self._rows
        if self._variance:
            per_row = min(per_row, max(0.0, self._covariance / self._variance))
        expected = self._seconds + per_row * (rows - self._rows)
        if rows > self._largest:
            # What was never seen is looked at soon enough to see how it gets on.
            expected = min(expected, 2 * self._seconds)
        return min(LONGEST, max(SHORTEST, expected))

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
        """Remember that a job was done within ``seconds``.

        One that the first poll found done may have ended long before, so the next is asked sooner.
        """
        seen = seconds * (0.7 if polls <= 1 else 1.0)
        self._largest = max(self._largest, rows)
        if not self._rows:
            self._rows, self._seconds = rows, seen
            return
        larger, longer = rows - self._rows, seen - self._seconds
        self._rows += 0.4 * larger
        self._seconds += 0.4 * longer
        self._variance = 0.6 * (self._variance + 0.4 * larger * larger)
        self._covariance = 0.6 * (self._covariance + 0.4 * larger * longer)
