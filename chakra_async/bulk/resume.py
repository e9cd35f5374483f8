"""Recognise the rows of an earlier run as the source gives them again. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field

from chakra_async.bulk.chunks import Chunk, PlannedRow, checksum
from chakra_async.bulk.encode import EncodedRow, Identity
from chakra_async.bulk.journal import PENDING, REFUSED, Delivery, Past
from chakra_async.errors import JournalError


@define(eq=False)
class _Gathering:
    """A delivery that was not done, and its rows as they come again, each in its place."""

    delivery: Delivery
    rows: list[tuple[int, Any, EncodedRow] | None]
    missing: int

    def put(self, place: int, row: tuple[int, Any, EncodedRow]) -> None:
        self.rows[place] = row
        self.missing -= 1

    def chunk(self) -> Chunk:
        chunk = Chunk(checked=True, number=self.delivery.id, job_id=self.delivery.job_id)
        for index, item, encoded in filter(None, self.rows):
            chunk.add(index, item, encoded)
        return chunk


@define
class Recall:
    """What an earlier run has done with each row."""

    past: Past
    hold: Callable[[Identity], None]
    """Called for each process whose row is in a delivery that may still be under way."""
    ready: deque[Chunk] = field(factory=deque[Chunk], init=False)
    """Deliveries to take up again: all their rows have come."""
    _places: dict[int, tuple[_Gathering, int]] = field(factory=dict[int, tuple[_Gathering, int]], init=False)

    def __attrs_post_init__(self) -> None:
        for delivery in self.past.pending:
            gathering = _Gathering(delivery, [None] * len(delivery.places), len(delivery.places))
            for place, row in enumerate(delivery.places):
                self._places[row] = (gathering, place)

    def has(self, index: int) -> bool:
        """Whether the earlier run has taken in a row from this place of the source."""
        return index < len(self.past.known) and bool(self.past.known[index])

    def awaits(self, index: int) -> bool:
        """Whether the earlier run has sent a row from this place, and not learnt what became of it."""
        return self.has(index) and self.past.known[index] == PENDING

    def knows(self, index: int, item: Any, encoded: EncodedRow) -> bool:
        """Take in a row that can be sent, and say whether the earlier run has seen to it.

        Raises:
            JournalError: another row stood in its place.
        """
        past = self.past
        if not self.has(index):
            return False
        text, identity, _ = encoded
        if past.sums[index] != checksum(text) or past.known[index] == REFUSED:
            raise _changed(index, "is not the row that stood there")
        if self.awaits(index):
            gathering, place = self._places.pop(index)
            gathering.put(place, (index, item, encoded))
            if identity is not None:
                self.hold(identity)
            if not gathering.missing:
                self.ready.append(gathering.chunk())
        return True

    def knows_refused(self, index: int) -> bool:
        """Take in a row that cannot be sent, and say whether the earlier run has refused it too.

        Raises:
            JournalError: it could be sent then.
        """
        if not self.has(index):
            return False
        if self.past.known[index] != REFUSED:
            raise _changed(index, "cannot be sent, and could before")
        return True

    def abandon(self) -> list[PlannedRow]:
        """Give back the rows that have come again and whose delivery was not taken up."""
        waiting = {id(gathering): gathering for gathering, _ in self._places.values()}.values()
        rows = [
            PlannedRow(index, item, identity, expected)
            for gathering in waiting
            for index, item, (_, identity, expected) in filter(None, gathering.rows)
        ]
        rows += [row for chunk in self.ready for row in chunk.rows]
        self.ready.clear()
        self._places.clear()
        return sorted(rows, key=lambda row: row.index)

    def check_end(self, rows: int) -> None:
        """Note that the source has ended after so many rows.

        Raises:
            JournalError: there were more.
        """
        if rows < len(self.past.known):
            raise JournalError(
                f"The source has changed: it ends after {rows:,} rows, and the journal knows "
                f"{len(self.past.known):,}. Restore it, or begin anew with another journal."
            )


def _changed(index: int, what: str) -> JournalError:
    return JournalError(
        f"The source has changed: row {index} (counted from 0) {what}. Restore it, or begin anew with "
        "another journal."
    )
