"""What the journal is told of the rows of a delivery. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from chakra_async.bulk.chunks import Chunk
from chakra_async.bulk.journal import Problem, Rows
from chakra_async.bulk.outcomes import Fate
from chakra_async.bulk.rows import Outcome, row_line


def rows_of(chunk: Chunk, places: Sequence[int]) -> Rows:
    """Return the positions and checksums of rows."""
    indexes, sums = chunk.rows.indexes, chunk.sums
    if len(places) == len(indexes):
        return indexes, sums
    return [indexes[place] for place in places], [sums[place] for place in places]


def outcomes_of(fates: Sequence[Fate]) -> list[Outcome]:
    """Return the outcome of each row."""
    return [fate.outcome for fate in fates]


def problems_of(chunk: Chunk, places: Sequence[int], fates: Sequence[Fate]) -> list[Problem]:
    """Return what is kept of the rows that were not done."""
    if fates and not fates[0].errors and fates.count(fates[0]) == len(fates):
        return []
    bad = [(chunk.rows[place], fate) for place, fate in zip(places, fates, strict=True) if fate.errors]
    return [
        # By the key that was sent: the source may have filled the row with another since.
        Problem(
            row.index,
            fate.outcome,
            row.identity and row.identity[1],
            row_line(row.item),
            fate.errors,
            fate.job_id,
        )
        for row, fate in bad
    ]
