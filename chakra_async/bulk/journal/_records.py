"""What a journal knows: plans, deliveries, problems, and how positions are packed."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from attrs import define, field, frozen

from chakra_async.bulk.rows import Outcome, RowResult, writable


OUTCOMES: tuple[Outcome, ...] = (
    "updated",
    "created",
    "deleted",
    "invalid",
    "failed",
    "unknown",
    "unchanged",
)
"""What a row may end as, each known by its number from 1: new ones come last."""

REFUSED = 254
"""Stands, among the numbers of outcomes, for a row that could not be sent; its outcome is ``invalid``."""

PENDING = 255
"""Stands, among the numbers of outcomes, for a row that was sent and not settled."""


@frozen(kw_only=True)
class Plan:
    """What a journal is about; another run on it must be about the same."""

    base_url: str
    procedure: str
    operation: str
    """``updated``, ``created`` or ``deleted``: the outcome of a row that succeeds."""
    source: Mapping[str, Any] | None = None
    """How a file is read (path, size, checksums of head and tail, columns), where the source is a file."""
    options: Mapping[str, Any] | None = None
    """How the first run went about it; another may do otherwise."""


@define
class Delivery:
    """A delivery of an earlier run that was not done when it ended."""

    id: int
    job_id: str | None
    places: Sequence[int]
    sums: Sequence[int]


@define
class Past:
    """What an earlier run on the same journal has left."""

    sums: array[int] = field(factory=lambda: array("I"))
    """Checksum of each row in a delivery, by position."""
    known: bytearray = field(factory=bytearray)
    """By position: 0 for a row that was not sent, else the number of its outcome, `REFUSED` or `PENDING`."""
    counts: dict[Outcome, int] = field(factory=dict[Outcome, int])
    """Rows with an outcome."""
    jobs: int = 0
    pending: list[Delivery] = field(factory=list[Delivery])


def _writable(errors: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(writable, errors))


@frozen
class Problem:
    """A row that was not done, as the journal knows it."""

    row: int
    outcome: str
    key: str | None
    line: int | None
    errors: tuple[str, ...] = field(converter=_writable)
    job_id: str | None

    def result(self, item: Any) -> RowResult:
        """Return it as the result of the row, which the source has given again."""
        return RowResult(self.row, item, cast("Outcome", self.outcome), self.errors, self.job_id)


def pack_places(places: Sequence[int]) -> bytes:
    """Write positions: a stretch as its first one, anything else one by one."""
    # As many as lie between the first and the last, and in their order: a stretch.
    if places[-1] - places[0] == len(places) - 1 and list(places) == sorted(places):
        return array("Q", places[:1]).tobytes()
    return array("Q", places).tobytes()


def unpack_places(packed: bytes, rows: int) -> Sequence[int]:
    places = array("Q", packed)
    return range(places[0], places[0] + rows) if len(places) == 1 else places
