"""Which rows go together into which job. No I/O.

Rows leave in the order they came, in chunks bounded by count and by encoded bytes, with one exception:
a row of a process that is in a job not yet done waits until that job is done, so that two rows for one
process are never in flight in two jobs at once. Rows for one process may share a job: there they stand in
their order.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import accumulate, chain
from typing import Any, overload
from zlib import crc32

from attrs import define, field

from chakra_async.bulk.encode import EncodedRow, Expected, Identity


checksum = crc32
"""What the journal keeps of an encoded row."""


def compact(item: bytes) -> bytes:
    """Return a copy that takes no more than it must: what orjson returns lies in a block far larger."""
    return bytes(memoryview(item))


@define
class PlannedRow:
    """A row on its way: its place in the source, what it was, and which process it concerns."""

    index: int
    item: Any
    identity: Identity | None
    expected: Expected | None = None


@define(eq=False)
class Rows(Sequence[PlannedRow]):
    """Rows, kept column by column.

    Most are only counted in the end, and an object for each would be one more for the garbage collector to
    look at again and again while they are under way.
    """

    indexes: list[int] = field(factory=list[int])
    items: list[Any] = field(factory=list[Any])
    identities: list[Identity | None] = field(factory=list["Identity | None"])
    expected: dict[int, Expected] = field(factory=dict[int, Expected])
    """By place, for those that rely on current values."""

    @overload
    def __getitem__(self, place: int) -> PlannedRow: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[PlannedRow]: ...

    def __getitem__(self, place: int | slice) -> PlannedRow | Sequence[PlannedRow]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        expected = self.expected.get(place % len(self)) if self.expected else None
        return PlannedRow(self.indexes[place], self.items[place], self.identities[place], expected)

    def __len__(self) -> int:
        return len(self.items)


@define(eq=False)
class Chunk:
    """The rows of one job, and their encoded items.

    Items are joined by commas as they come, some at a time: one by one they would take ten times the time
    and the memory, for orjson returns each in a block far larger than itself, which only a copy lets go.
    Where each begins is found only if it is asked for, which is if something goes wrong.
    """

    rows: Rows = field(factory=Rows)
    joined: list[bytes] = field(factory=list[bytes])
    """Its items, some in each."""
    size: int = 0
    """Bytes of its items."""
    lengths: list[int] = field(factory=list[int])
    """Bytes of each item."""
    processes: list[set[Identity | None]] = field(factory=list["set[Identity | None]"])
    """The processes concerned, some at a time."""
    checked: bool = False
    sums: array[int] = field(factory=lambda: array("I"))
    """A checksum of each row, if it is ``checked``, as for a journal."""
    number: int | None = None
    """Its number in the journal, where an earlier run has begun to send it."""
    job_id: str | None = None
    """The job that carries it already."""
    _ends: list[int] = field(factory=list[int], init=False)

    def add(self, index: int, item: Any, encoded: EncodedRow) -> None:
        """Append a row."""
        text, identity, expected = encoded
        self.extend((index,), (item,), (compact(text),), (len(text),), (identity,), {identity}, (expected,))

    def extend(
        self,
        indexes: Iterable[int],
        items: Iterable[Any],
        texts: Sequence[bytes],
        lengths: Sequence[int],
        identities: Iterable[Identity | None],
        processes: set[Identity | None],
        expected: Sequence[Expected | None],
    ) -> None:
        """Append rows, column by column; the last is the one that counts, should Ctrl-C come between."""
        rows = self.rows
        if expected.count(None) < len(expected):
            places = enumerate(expected, len(rows))
            rows.expected.update((place, one) for place, one in places if one is not None)
        rows.indexes.extend(indexes)
        rows.identities.extend(identities)
        self.processes.append(processes)
        self.joined.append(b",".join(texts))
        self.lengths.extend(lengths)
        self.size += sum(lengths)
        if self.checked:
            self.sums.extend(map(checksum, texts))
        rows.items.extend(items)

    @property
    def length(self) -> int:
        """Bytes of its items, each with a comma after it."""
        return self.size + len(self.lengths)

    def item(self, place: int) -> bytes:
        """Return the item of one row."""
        return self.items(range(place, place + 1))

    def items(self, places: Sequence[int]) -> bytes:
        """Return the items of some rows, joined by commas."""
        if places == range(len(self.lengths)):
            return b",".join(self.joined)
        self.joined = [b",".join(self.joined)]
        if len(self._ends) < len(self.lengths):
            self._ends = list(accumulate(self.lengths, lambda end, length: end + 1 + length))
        if isinstance(places, range):
            first = self._ends[places[0] - 1] + 1 if places[0] else 0
            return self.joined[0][first : self._ends[places[-1]]]
        return b",".join([self.item(place) for place in places])


_Waiting = tuple[int, Any, EncodedRow]


class Planner:
    """Turns a stream of rows into chunks that may be sent."""

    def __init__(self, chunk_size: int, max_chunk_bytes: int, *, sums: bool = False) -> None:
        """Make chunks of so many rows and bytes at the most, with checksums or without."""
        self._chunk_size = chunk_size
        self._sums = sums
        self._max_bytes = max_chunk_bytes
        self._open = self._new()
        self._sealed: deque[Chunk] = deque()
        # The processes of sealed chunks that are not done: whole sets of them come and go, for a set knows
        # how to tell its members apart without asking each again.
        self._busy: set[Identity | None] = set()
        self._waiting: dict[Identity | None, list[_Waiting]] = {}
        self._unsettled: set[Identity | None] = set()
        self.stranded: list[PlannedRow] = []
        """Rows that cannot be sent in their order: one before them may be under way for ever."""
        # Of rows sealed, taken or waiting; those of the open chunk are counted when it is sealed.
        self._rows = 0
        self._bytes = 0

    def add(self, index: int, item: Any, encoded: EncodedRow) -> None:
        """Take in a row of the source."""
        text, identity, expected = encoded
        chunk = self._open
        if identity in self._unsettled:
            self.stranded.append(PlannedRow(index, item, identity, expected))
            return
        if identity in self._busy:
            kept = (compact(text), *encoded[1:])
            self._waiting.setdefault(identity, []).append((index, item, kept))
            self._rows += 1
            self._bytes += len(text)
            return
        if chunk.lengths and chunk.length + len(text) > self._max_bytes:
            self._seal()
            # Sealing may have made this very process busy.
            self.add(index, item, encoded)
            return
        chunk.add(index, item, encoded)
        if not self.room:
            self._seal()

    def extend(self, first: int, items: Sequence[Any], encoded: Sequence[EncodedRow]) -> None:
        """Take in rows that follow one another in the source, the first of them from place ``first``."""
        texts, identities, expected = zip(*encoded, strict=True)
        chunk = self._open
        processes, lengths = set(identities), list(map(len, texts))
        room = self._max_bytes - chunk.length - len(texts) + 1
        if len(items) <= self.room and sum(lengths) <= room and self._busy.isdisjoint(processes):
            indexes = range(first, first + len(items))
            chunk.extend(indexes, items, texts, lengths, identities, processes, expected)
            if not self.room:
                self._seal()
            return
        for index, (item, one) in enumerate(zip(items, encoded, strict=True), first):
            self.add(index, item, one)

    def _new(self) -> Chunk:
        return Chunk(checked=self._sums)

    @property
    def unfinished(self) -> int:
        """Rows added and not yet done."""
        return self._rows + len(self._open.rows)

    @property
    def unfinished_bytes(self) -> int:
        """Their size, encoded."""
        return self._bytes + self._open.size

    def take(self, *, partial: bool) -> Chunk | None:
        """Return the next chunk to send, a full one or, if ``partial``, whatever can go now."""
        if not self._sealed and partial and self._open.rows:
            self._seal()
        return self._sealed.popleft() if self._sealed else None

    @property
    def room(self) -> int:
        """Rows that the chunk being filled can take, by their number."""
        return self._chunk_size - len(self._open.rows)

    @property
    def ready(self) -> int:
        """Full chunks that can be taken."""
        return len(self._sealed)

    def hold(self, identity: Identity) -> None:
        """Let rows of this process wait: an earlier run may have one under way."""
        self._busy.add(identity)

    def adopt(self, chunk: Chunk) -> None:
        """Count in a chunk that was not made here, and is taken by whoever made it."""
        self._rows += len(chunk.rows)
        self._bytes += chunk.size

    def done(self, chunk: Chunk, unsettled: AbstractSet[Identity | None] = frozenset()) -> None:
        """Release a chunk's processes but the unsettled ones, and place the rows that waited for them."""
        self._rows -= len(chunk.rows)
        self._bytes -= chunk.size
        # All of them are released before the first row that waited is placed.
        self._busy.difference_update(*chunk.processes)
        self._unsettled |= unsettled
        self._busy |= unsettled
        # Rows that name no process wait for none.
        self._unsettled.discard(None)
        self._busy.discard(None)
        if not self._waiting:
            return
        released = [self._waiting.pop(identity, ()) for identity in chunk.rows.identities]
        for index, item, encoded in chain.from_iterable(released):
            self._rows -= 1
            self._bytes -= len(encoded[0])
            self.add(index, item, encoded)

    @property
    def stuck(self) -> bool:
        """Whether nothing can be taken, whatever the caller does, before more rows are added."""
        return not self._sealed and not self._open.rows

    def abandon(self) -> list[PlannedRow]:
        """Give back every row that no taken chunk holds, in order; nothing of them will be sent."""
        chunks = {id(chunk): chunk for chunk in (*self._sealed, self._open)}
        rows = [row for chunk in chunks.values() for row in chunk.rows]
        rows += [
            PlannedRow(index, item, identity, expected)
            for waiting in self._waiting.values()
            for index, item, (_, identity, expected) in waiting
        ]
        self._rows -= len(rows) - len(self._open.rows)
        self._open = self._new()
        self._sealed.clear()
        self._busy.clear()
        self._waiting.clear()
        return sorted(rows, key=lambda row: row.index)

    def limit(self, max_bytes: int) -> None:
        """Make the chunks to come no larger than ``max_bytes``; the service takes no more."""
        self._max_bytes = max(1, min(self._max_bytes, max_bytes))

    def _seal(self) -> None:
        chunk = self._open
        # Should Ctrl-C come between the two, it stands in both places rather than in none.
        self._sealed.append(chunk)
        self._open = self._new()
        self._rows += len(chunk.rows)
        self._bytes += chunk.size
        self._busy.update(*chunk.processes)
        # Rows that name no process wait for none.
        self._busy.discard(None)
