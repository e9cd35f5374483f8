"""Results on their way to the caller."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from chakra_async.bulk.rows import RowResult


class Results:
    """A queue of results; those of a job are made one by one as they are taken, not all when it ends."""

    def __init__(self) -> None:
        self._left = 0
        self._jobs: deque[Iterator[RowResult]] = deque()
        self._job: Iterator[RowResult] = iter(())

    def put(self, results: Iterator[RowResult], count: int) -> None:
        """Append so many results."""
        self._jobs.append(results)
        self._left += count

    def take(self) -> RowResult | None:
        """Take the first, if there is one."""
        while (result := next(self._job, None)) is None and self._jobs:
            self._job = self._jobs.popleft()
        if result is not None:
            self._left -= 1
        return result

    def __len__(self) -> int:
        return self._left
