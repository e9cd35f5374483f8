"""How many jobs of a run are in flight at once. Pure."""

from __future__ import annotations

import math


START = 8
AHEAD = 32
"""Jobs that are sent, while there is nothing else to do, before it is known whether they take any time."""
LATEST = 1 / 6
"""Weight of the latest job in the average of their times."""
EARLY = 3
"""Jobs more for each that is done, as long as the service was never seen to be full."""
FREE, FULL = 1.7, 2.6
"""How much longer than at best jobs take, on average: below, more of them are sent; above, fewer."""
FORGET = 0.0005
"""Share by which each job makes the best average less sure, for a service may become slower for good."""


class JobWindow:
    """Grows while more jobs at once hardly take longer each, and falls when they only wait for one another.

    A service that works on ``n`` jobs at once lets ``2 n`` take twice as long; about there the window stays,
    so that the service always has work and what waits is little. Whoever is refused or has to be sent again
    makes it fall at once. The twofold is judged by averages, for single jobs vary by more than that. What was
    sent while more were allowed waited for more than it would now, and counts for less: else the window would
    fall until the last of them has ended, far too low.
    """

    def __init__(self, most: int, fixed: int | None = None) -> None:
        self.reason: str = "at the beginning" if fixed is None else "as asked for"
        """Why it is as large as it is."""
        self._fixed = fixed is not None
        self._most = most
        self._size: float = fixed or min(START, most)
        self._average = 0.0
        self._best = math.inf
        self._rows = 0
        self._was_full = False

    @property
    def size(self) -> int:
        """Jobs at once."""
        return int(self._size)

    def described(self, limit: str) -> str:
        """Say how many, and why; but first what limits requests, if anything does."""
        jobs = "1 job at a time" if self.size == 1 else f"{self.size} jobs at once"
        return ", ".join(filter(None, (limit, f"{jobs} ({self.reason})")))

    @property
    def may_go_ahead(self) -> bool:
        """Whether one more may be sent because there is nothing to do but to wait for the first."""
        return not (self._fixed or self._average or self._was_full) and self._size < min(AHEAD, self._most)

    def go_ahead(self) -> None:
        """Let one more be sent."""
        self._size += 1

    def done(self, rows: int, seconds: float, *, retries: int, waited: bool = True, among: int = 1) -> None:
        """Learn from a job of so many rows that took so long, and so many retries, from first to last.

        When it was sent ``among`` jobs were under way, itself included.
        Where nobody waited for it, because there was enough else to do, more at once would be no use.
        """
        if self._fixed or seconds <= 0:
            return
        self._rows = max(self._rows, rows)
        if retries:
            self._was_full = True
            self._size, self.reason = max(1.0, self._size - 1), "requests had to be repeated"
        elif rows > self._rows / 2:
            # What a small job takes says nothing about full ones.
            self._learn(seconds * min(1.0, self._size / among), waited=waited)

    def _learn(self, seconds: float, *, waited: bool) -> None:
        self._average += (seconds - self._average) * (LATEST if self._average else 1)
        # One that is alone has nobody to wait for: what it takes is the best there is.
        self._best = min(self._best * (1 + FORGET), self._average) if self._size >= 2 else self._average
        longer = self._average / self._best
        if longer > FULL:
            self._was_full = True
            self._size = max(1.0, self._size - 1)
        if longer >= FREE:
            self.reason = f"they take {longer:.1f} times as long as fewer do"
        elif not waited:
            self.reason = "there is no time to wait for more"
        elif self._size >= self._most:
            self.reason = "Limits.jobs_in_flight"
        else:
            self._size = min(self._most, self._size + (1 / self._size if self._was_full else EARLY))
            self.reason = "growing: more at once take hardly longer"
