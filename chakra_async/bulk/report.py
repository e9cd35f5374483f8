"""What became of the rows of a chunk, kept up to date while they are under way. No I/O."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

from attrs import define, field

from chakra_async._retry import RetryCount
from chakra_async.bulk.chunks import Chunk
from chakra_async.bulk.encode import Identity
from chakra_async.bulk.outcomes import Fate
from chakra_async.bulk.review import Findings
from chakra_async.bulk.rows import Outcome, RowResult
from chakra_async.bulk.search import Search


# Requests that one refused chunk may cost while its bad rows are searched by halving: enough for a handful
# of bad rows, little enough that a request which is wrong as a whole does not become thousands.
SEARCH_REQUESTS = 64


@define
class Parcel:
    """Rows of a chunk that travel together."""

    places: Sequence[int]
    number: int | None = None
    """Their delivery in the journal."""
    doubt: bool = False
    """Whether they may have been done before, by a request whose answer was lost."""
    search: Search | None = None
    """What has found that they were not, if it has looked."""
    round: int = 0
    """How often they were looked up."""


@define
class Report:
    """What became of a chunk, kept up to date on the way, so that it is true whenever work is broken off."""

    chunk: Chunk
    among: int = 1
    """Chunks under way when this one was sent, itself included."""
    fates: list[Fate | None] = field(factory=list[Fate | None])
    """By the row's place in the chunk."""
    pending: list[tuple[Sequence[int], Fate | None]] = field(
        factory=list[tuple[Sequence[int], "Fate | None"]]
    )
    """What rows under way become if nothing more is heard of them; the last word on each counts."""
    jobs: int = 0
    seconds: float | None = None
    """How long it took in all, once it has ended."""
    requests_left: int = SEARCH_REQUESTS
    count: RetryCount = field(factory=RetryCount)
    stop: Exception | None = None
    """Why the run cannot go on."""
    too_large: int | None = None
    """Size of a body that the service would not take."""
    found: Findings = field(factory=Findings)
    """What was found before rows were sent."""
    common: Fate | None = None
    """The fate of all rows, once closed, where it is the same."""
    unsettled: set[Identity | None] = field(factory=set["Identity | None"])
    """Processes, once closed, of which nobody can tell whether a row is still under way."""

    def __attrs_post_init__(self) -> None:
        self.fates = [None] * len(self.chunk.rows)

    def pend(self, places: Sequence[int], reason: str, job_id: str | None = None) -> None:
        """Say what rows become if nothing more is heard of them."""
        self.pending.append((places, Fate("unknown", (reason,), job_id=job_id)))

    def unpend(self, places: Sequence[int]) -> None:
        """Say that rows are not under way."""
        self.pending.append((places, None))

    def give(self, places: Sequence[int], fates: Sequence[Fate]) -> None:
        """Say what became of rows."""
        if places == range(len(fates)) == range(len(self.fates)):
            self.fates = list(fates)
            return
        for place, fate in zip(places, fates, strict=True):
            self.fates[place] = fate

    def behind(self, places: Sequence[int]) -> list[int]:
        """Return which of these rows must wait: one before them that is not among them may be under way."""
        if not self.pending:
            return []
        identities, among = self.chunk.rows.identities, set(places)
        first: dict[Identity | None, int] = {}
        for place in sorted(self._under_way().keys() - among):
            first.setdefault(identities[place], place)
        # Rows that name no process are behind none.
        first.pop(None, None)
        return [place for place in places if first.get(identities[place], place) < place]

    def _under_way(self) -> dict[int, Fate]:
        """Return what rows become of which nothing more is heard, by their places."""
        last = {place: fate for places, fate in self.pending for place in places}
        return {place: fate for place, fate in last.items() if fate is not None and self.fates[place] is None}

    def items(self, places: Sequence[int]) -> bytes:
        """Return what is sent for some rows, joined by commas."""
        if not (reduced := self.found.reduced):
            return self.chunk.items(places)
        return b",".join([reduced.get(place) or self.chunk.item(place) for place in places])

    def close(self, unsent: str) -> Mapping[Outcome, int]:
        """Settle the rows without a fate, and return how many have which outcome."""
        fates = self.fates
        if fates and fates[0] is not None and fates.count(fates[0]) == len(fates):
            self.common = fates[0]
            return {self.common.outcome: len(fates)}
        left = Fate("failed", (unsent,))
        pending = self._under_way()
        identities = self.chunk.rows.identities
        self.unsettled = {identities[place] for place in pending}
        self.fates = [fate or pending.get(place) or left for place, fate in enumerate(fates)]
        return Counter(fate.outcome for fate in self.fates if fate is not None)

    def results(self) -> Iterator[RowResult]:
        """Make the results, once closed, one by one as they are taken; each lets go of its row."""
        rows, fate = self.chunk.rows, self.common
        items = map(deque[Any].popleft, repeat(deque(rows.items)))
        if fate is None or self.found.changes or self.found.warnings:
            return map(RowResult, rows.indexes, items, *self._columns())
        same = map(repeat, (fate.outcome, fate.errors, fate.job_id, fate.process_id))
        return map(RowResult, rows.indexes, items, *same)

    def _columns(self) -> Iterable[Iterable[Any]]:
        fates = [fate for fate in self.fates if fate is not None]
        for name in ("outcome", "errors", "job_id", "process_id"):
            yield map(attrgetter(name), fates)
        for found in (self.found.changes, self.found.warnings):
            yield [found.get(place, ()) for place in range(len(fates))]

    def bad(self) -> Iterator[RowResult]:
        """Make the results of the rows that were not done."""
        return (result for result in self.results() if not result.ok)
