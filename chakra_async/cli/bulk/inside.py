"""The one place where the command uses more of a run than iterating over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chakra_async.bulk.rows import Progress, RowResult
from chakra_async.bulk.run import BulkRun


class Watched:
    """A run that can be asked at any time how far it is, stopped tidily, and emptied after it was left."""

    def __init__(self, begin: Callable[[Callable[[Progress], object]], BulkRun]) -> None:
        self._progress = Progress()
        self._cut = False
        self.run: BulkRun = begin(self._take)

    def look(self) -> Progress:
        """Tell how far the run has got."""
        self.run.engine.tell_progress()
        return self._progress

    def stop(self, reason: str) -> None:
        """Send nothing more. Iterating goes on with what is in flight, and then ends."""
        self._cut = not self.run.engine.exhausted
        self.run.engine.stop(reason)

    @property
    def whole(self) -> bool:
        """Whether the source was read to its end."""
        return self.run.engine.exhausted and not self._cut

    def left_over(self) -> Iterator[RowResult]:
        """Hand out the results that were not yet iterated over when the run was left."""
        results = self.run.engine.results
        while results:
            yield results.popleft()

    def _take(self, progress: Progress) -> None:
        self._progress = progress
