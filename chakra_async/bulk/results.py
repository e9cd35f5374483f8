"""Results on their way to the caller."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from chakra_async.bulk.rows import RowResult


class Results:
    """A queue of results; those of a job are made one by one as they are taken, not all when it ends."""

    def __init__(self) -> None:
        self.at_hand: Iterator[RowResult] = iter(())
        """What is left of the job whose results are being taken; not counted in the length."""
        self._jobs: deque[tuple[Iterator[RowResult], int]] = deque()
        self._count = 0

    def put(self, results: Iterator[RowResult], count: int) -> None:
        """Append so many results."""
        self._jobs.append((results, count))
        self._count += count

    def take(self) -> RowResult | None:
        """Take the first, if there is one."""
        while (result := next(self.at_hand, None)) is None and self._jobs:
            self.at_hand, count = self._jobs.popleft()
            self._count -= count
        if result is None:
            # Though at its end, it may hold the rows still.
            self.at_hand = iter(())
        return result

    def put_back(self) -> None:
        """Have what is at hand wait with the rest."""
        self._jobs.appendleft((self.at_hand, 0))
        self.at_hand = iter(())

    def __len__(self) -> int:
        return self._count
