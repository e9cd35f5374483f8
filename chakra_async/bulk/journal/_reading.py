"""Reading a journal: for the run that takes it up, and for people."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import cast

import orjson
from attrs import define

from chakra_async.bulk.journal._file import (
    DONE,
    ROWS,
    explained,
    is_locked,
    malformed,
    open_for_reading,
    read_plan,
)
from chakra_async.bulk.journal._records import (
    OUTCOMES,
    PENDING,
    REFUSED,
    Delivery,
    Past,
    Plan,
    Problem,
    unpack_places,
)
from chakra_async.bulk.rows import Outcome


_LEFT_OUT = 2**26
"""More rows than a run ever leaves out before one that it notes: those it holds, or has given back unsent."""


def _query(db: sqlite3.Connection, sql: str) -> closing[sqlite3.Cursor]:
    """Ask for rows of which perhaps not all are taken; a cursor left to an error would keep the file open."""
    return closing(db.execute(sql))


@malformed()
def read_past(db: sqlite3.Connection, done: str) -> Past:
    past = Past()
    [known] = db.execute(
        "SELECT (SELECT coalesce(sum(length(sums)), 0) / 4 FROM delivery) + (SELECT count(*) FROM problem)"
    ).fetchone()
    end = known + _LEFT_OUT
    with _query(db, "SELECT id, state, job_id, places, sums, outcomes FROM delivery ORDER BY id") as rows:
        for number, state, job_id, packed, packed_sums, codes in rows:
            sums = array("I", packed_sums)
            places = unpack_places(packed, len(sums))
            past.jobs += job_id is not None
            if state == DONE:
                marks = codes or bytes([OUTCOMES.index(cast("Outcome", done)) + 1]) * len(sums)
                if not 0 < min(marks) <= max(marks) <= len(OUTCOMES):
                    raise ValueError(f"outcome {max(marks)}")
            else:
                marks = bytes([PENDING]) * len(sums)
                past.pending.append(Delivery(number, job_id, places, sums))
            _extend(past, max(places), end)
            for place, total, mark in zip(places, sums, marks, strict=True):
                past.sums[place], past.known[place] = total, mark
    with _query(db, "SELECT row FROM problem") as rows:
        for (row,) in rows:
            _extend(past, row, end)
            if not past.known[row]:
                past.known[row] = REFUSED
    past.counts = {
        outcome: count for mark, outcome in enumerate(OUTCOMES, 1) if (count := past.known.count(mark))
    }
    if refused := past.known.count(REFUSED):
        past.counts["invalid"] = past.counts.get("invalid", 0) + refused
    return past


def _extend(past: Past, place: int, end: int) -> None:
    if not 0 <= place < end:
        raise ValueError(f"row {place} of {end}")
    missing = place + 1 - len(past.known)
    if missing > 0:
        past.known.extend(bytes(missing))
        past.sums.frombytes(bytes(4 * missing))


@define
class Report:
    """What a journal tells, read without disturbing a run that writes it."""

    plan: Plan
    counts: dict[str, int]
    pending_rows: int
    """Rows sent, or about to be, whose outcome is not known."""
    jobs: int
    running: bool
    """Whether a run has it open now."""
    rows: int | None
    """Rows in the source, once a run has read it to its end."""
    pending: list[Delivery]
    """What the `pending_rows` travelled in."""


def read_report(path: str | PathLike[str]) -> Report:
    """Read what a journal tells.

    Raises:
        JournalError: there is none, or it is damaged.
    """
    journal = Path(path)
    with open_for_reading(journal) as db, explained(journal):
        plan = read_plan(db)
        past = read_past(db, plan.operation)
        counts = {str(outcome): count for outcome, count in past.counts.items()}
        return Report(
            plan,
            counts,
            past.known.count(PENDING),
            past.jobs,
            is_locked(journal),
            _read_rows(db),
            past.pending,
        )


@malformed()
def _read_rows(db: sqlite3.Connection) -> int | None:
    [rows] = db.execute("SELECT max(value) FROM plan WHERE name = ?", [ROWS]).fetchone()
    return None if rows is None else int(rows)


def read_problems(path: str | PathLike[str]) -> Iterator[Problem]:
    """Read the rows that were not done, in the order of the source.

    Raises:
        JournalError: there is no journal, or it is damaged.
    """
    journal = Path(path)
    query = "SELECT * FROM problem ORDER BY row"
    with open_for_reading(journal) as db, explained(journal), malformed(), _query(db, query) as rows:
        for row, outcome, key, line, errors, job_id in rows:
            if outcome not in OUTCOMES or not (isinstance(key, str | None) and isinstance(line, int | None)):
                raise ValueError(f"row {row}: {outcome!r}, {key!r}, {line!r}")
            yield Problem(row, outcome, key, line, tuple(orjson.loads(errors)), job_id)
