"""Results on their way to the caller."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from chakra_async.bulk.rows import RowResult


SHARE = 64
"""Results that are handed out before rows are taken again."""


class Results:
    """A queue of results; those of a job are made one by one as they are taken, not all when it ends."""

    def __init__(self) -> None:
        self.at_hand: Iterator[RowResult] = iter(())
        """A share of the job whose results are being taken; what is left of it is taken first."""
        self._job: Iterator[RowResult] = iter(())
        """What is left of that job, which is not counted in the length."""
        self._jobs: deque[tuple[Iterator[RowResult], int]] = deque()
        self._count = 0

    def put(self, results: Iterator[RowResult], count: int) -> None:
        """Append so many results."""
        self._jobs.append((results, count))
        self._count += count

    def take(self) -> RowResult | None:
        """Take the first, if there is one."""
        while (result := next(self.at_hand, None) or self._from_next_share()) is None and self._jobs:
            self._job, count = self._jobs.popleft()
            self._count -= count
        return result

    def _from_next_share(self) -> RowResult | None:
        self.at_hand = islice(self._job, SHARE)
        return next(self.at_hand, None)

    def put_back(self) -> None:
        """Have what is at hand wait with the rest."""
        self._jobs.appendleft((self._job, 0))
        self._job = self.at_hand = iter(())

    def __len__(self) -> int:
        return self._count
