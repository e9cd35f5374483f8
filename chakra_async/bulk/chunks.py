"""Which rows go together into which job. No I/O.

Rows leave in the order they came, in chunks bounded by count and by encoded bytes, with one exception:
a row of a process that is in a job not yet done waits until that job is done, so that two rows for one
process are never in flight in two jobs at once. Rows for one process may share a job: there they stand in
their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from attrs import define, field

from chakra_async.bulk.encode import Identity


@define
class PlannedRow:
    """A row on its way: its place in the source, what it was, and which process it concerns."""

    index: int
    item: Any
    identity: Identity | None


@define(eq=False)
class Chunk:
    """The rows of one job, and their encoded items, joined by commas.

    Items are appended to one buffer as they are encoded. Kept one by one they would cost ten times the
    time: orjson returns each in a block far larger than itself, which only a copy lets go.
    """

    rows: list[PlannedRow] = field(factory=list[PlannedRow])
    body: bytearray = field(factory=bytearray)
    ends: list[int] = field(factory=list[int])
    number: int | None = None
    """Its number in the journal, where an earlier run has begun to send it."""
    job_id: str | None = None
    """The job that carries it already."""

    def add(self, row: PlannedRow, item: bytes) -> None:
        """Append a row."""
        if self.rows:
            self.body += b","
        self.body += item
        self.rows.append(row)
        self.ends.append(len(self.body))

    def item(self, place: int) -> bytes:
        """Return the item of one row."""
        return bytes(self.body[self.ends[place - 1] + 1 if place else 0 : self.ends[place]])

    def items(self, places: Sequence[int]) -> bytes:
        """Return the items of some rows, joined by commas."""
        if isinstance(places, range):
            first = self.ends[places[0] - 1] + 1 if places[0] else 0
            return bytes(self.body[first : self.ends[places[-1]]])
        return b",".join([self.item(place) for place in places])


class Planner:
    """Turns a stream of rows into chunks that may be sent."""

    def __init__(self, chunk_size: int, max_chunk_bytes: int) -> None:
        self._chunk_size = chunk_size
        self._max_bytes = max_chunk_bytes
        self._open = Chunk()
        self._sealed: deque[Chunk] = deque()
        # Each process of a sealed chunk that is not done, with the rows that wait for it.
        self._busy: dict[Identity, list[tuple[PlannedRow, bytes]] | None] = {}
        self.unfinished: int = 0
        """Rows added and not yet done."""

    def add(self, row: PlannedRow, item: bytes) -> None:
        """Take in the next row of the source, with its encoded item."""
        self.unfinished += 1
        self._place(row, item)

    def take(self, *, partial: bool) -> Chunk | None:
        """Return the next chunk to send, a full one or, if ``partial``, whatever can go now."""
        if not self._sealed and partial and self._open.rows:
            self._seal()
        return self._sealed.popleft() if self._sealed else None

    @property
    def ready(self) -> int:
        """Full chunks that can be taken."""
        return len(self._sealed)

    def hold(self, identity: Identity) -> None:
        """Let rows of this process wait: an earlier run may have one under way."""
        self._busy.setdefault(identity, None)

    def adopt(self, chunk: Chunk) -> None:
        """Count in a chunk that was not made here, and is taken by whoever made it."""
        self.unfinished += len(chunk.rows)

    def done(self, chunk: Chunk) -> None:
        """Release a chunk's processes, and place the rows that waited for them."""
        self.unfinished -= len(chunk.rows)
        released: list[tuple[PlannedRow, bytes]] = []
        for row in chunk.rows:
            if row.identity is not None and (waiting := self._busy.pop(row.identity, None)):
                released += waiting
        for row, item in released:
            self._place(row, item)

    @property
    def stuck(self) -> bool:
        """Whether nothing can be taken, whatever the caller does, before more rows are added."""
        return not self._sealed and not self._open.rows

    def abandon(self) -> list[PlannedRow]:
        """Give back every row that no taken chunk holds, in order; nothing of them will be sent."""
        rows = [row for chunk in (*self._sealed, self._open) for row in chunk.rows]
        rows += [row for waiting in self._busy.values() if waiting for row, _ in waiting]
        self.unfinished -= len(rows)
        self._open = Chunk()
        self._sealed.clear()
        self._busy.clear()
        return sorted(rows, key=lambda row: row.index)

    def limit(self, max_bytes: int) -> None:
        """Make the chunks to come no larger than ``max_bytes``; the service takes no more."""
        self._max_bytes = max(1, min(self._max_bytes, max_bytes))

    def _place(self, row: PlannedRow, item: bytes) -> None:
        identity = row.identity
        if identity is not None and identity in self._busy:
            waiting = self._busy[identity] or []
            waiting.append((row, bytes(memoryview(item))))
            self._busy[identity] = waiting
            return
        if self._open.rows and len(self._open.body) + 1 + len(item) > self._max_bytes:
            self._seal()
            # Sealing may have made this very process busy.
            self._place(row, item)
            return
        self._open.add(row, item)
        if len(self._open.rows) >= self._chunk_size:
            self._seal()

    def _seal(self) -> None:
        chunk, self._open = self._open, Chunk()
        self._sealed.append(chunk)
        self._busy.update((row.identity, None) for row in chunk.rows if row.identity is not None)
