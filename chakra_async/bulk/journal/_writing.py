"""Writing a journal."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import weakref
from array import array
from collections.abc import Sequence
from contextlib import ExitStack, closing
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from attrs import asdict

from chakra_async.bulk.journal._commits import Commits, Step
from chakra_async.bulk.journal._differences import compare
from chakra_async.bulk.journal._file import (
    ACCEPTED,
    APPLICATION_ID,
    DONE,
    ROWS,
    SENDING,
    TABLES,
    VERSION,
    Lock,
    another_version,
    connect,
    explained,
    read_head,
    read_plan,
)
from chakra_async.bulk.journal._reading import read_past
from chakra_async.bulk.journal._records import OUTCOMES, Past, Plan, Problem, pack_places
from chakra_async.bulk.rows import Outcome
from chakra_async.errors import JournalError


Rows: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""Positions in the source, and a checksum of each row."""

MANY = 500
"""Notes that are too many to be kept in memory until something else is written."""

_INSERT = "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM delivery WHERE id = ?"


class Journal:
    """The open journal of one run."""

    def __init__(self, path: str | PathLike[str], plan: Plan) -> None:
        """Open or make the file.

        Raises:
            JournalError: it is in use, of another plan, no journal, damaged, or cannot be written.
        """
        self.path: Path = Path(path)
        self._plan = plan
        self._lock = Lock(self.path)
        with ExitStack() as undo:
            undo.callback(self._lock.release)
            with explained(self.path):
                self._db: sqlite3.Connection = undo.enter_context(closing(connect(self.path)))
                self._prepare()
                self.past: Past = read_past(self._db, plan.operation)
            undo.pop_all()
        self._next_id = self._last_id() + 1
        # Its thread does not hold the journal itself, which therefore can be collected.
        self._commits = Commits(self.path, self._db, self._lock.release)
        # However a run goes, left or collected after a Ctrl-C at a bad moment, its journal is free again.
        self._finalizer = weakref.finalize(self, _end, os.getpid(), self._commits)
        self._finalizer.atexit = False
        self._commits.start()

    async def sending(self, places: Sequence[int], sums: Sequence[int]) -> int:
        """Make a delivery durable before it is sent, and return its number."""
        row = self._delivery(places, sums)
        try:
            await self._commits.do([(_INSERT, row)])
        except asyncio.CancelledError:
            # Whoever is cancelled here sends nothing; in order, and durable at the latest when it is closed.
            self._commits.add([(_DELETE, row[:1])])
            raise
        return row[0]

    def accepted(self, number: int, job_id: str) -> None:
        """Note the job that carries a delivery; durable soon.

        Nothing depends on it but how an interrupted run goes on: it looks at the job, or sends again or
        looks up what may have been done, as after an answer that was lost.
        """
        update = "UPDATE delivery SET state = ?, job_id = ? WHERE id = ?"
        self._commits.add_soon([(update, (ACCEPTED, job_id, number))])

    async def done(self, number: int, outcomes: Sequence[Outcome], problems: Sequence[Problem]) -> None:
        """Note the outcome of every row of a delivery; without problems, it is that of the operation."""
        codes = _codes(outcomes) if problems else None
        update = "UPDATE delivery SET state = ?, outcomes = ? WHERE id = ?"
        await self._commits.do([(update, (DONE, codes, number))], problems)

    async def divide(
        self,
        number: int | None,
        settled: Rows,
        outcomes: Sequence[Outcome],
        problems: Sequence[Problem],
        rest: Rows | None = None,
    ) -> int | None:
        """Note rows that are settled without being sent, in one commit with what becomes of their delivery.

        Args:
            number: a delivery of theirs, which was perhaps sent; it is replaced by the two parts.
            settled: positions and checksums of the settled rows.
            outcomes: the outcome of each.
            problems: those among them that were not done.
            rest: the other rows of the delivery; it stays unknown what has become of them.

        Returns:
            The number of the delivery that holds the rest.
        """
        steps: list[Step] = []
        if settled[0]:
            steps.append((_INSERT, self._delivery(*settled, DONE, _codes(outcomes))))
        new = self._delivery(*rest) if rest is not None and rest[0] else None
        if new is not None:
            steps.append((_INSERT, new))
        if number is not None:
            steps.append((_DELETE, (number,)))
        await self._commits.do(steps, problems)
        return None if new is None else new[0]

    def ended(self, rows: int) -> None:
        """Note that the source has so many rows; durable with the next commit."""
        self._commits.add([("INSERT OR REPLACE INTO plan VALUES (?, ?)", (ROWS, str(rows)))])

    async def withdraw(self, number: int) -> None:
        """Forget a delivery that the service has refused whole; its rows go in others, or fail."""
        await self._commits.do([(_DELETE, (number,))])

    def note(self, problem: Problem) -> None:
        """Note a row that cannot be sent; durable with the next commit."""
        self._commits.add([], [problem])

    @property
    def has_gathered(self) -> bool:
        """Whether so much was noted that :meth:`flush` is to be called."""
        return self._commits.gathered >= MANY

    async def flush(self) -> None:
        """Have what was noted written soon, and wait for it if it is much: no disk is outrun.

        Raises:
            JournalError: it cannot be written.
        """
        if self.has_gathered:
            await self._commits.do([])
        else:
            self._commits.flush()

    def close(self) -> None:
        """Write what is left, and release the file; may be called more than once."""
        self._finalizer()

    def _delivery(
        self, places: Sequence[int], sums: Sequence[int], state: int = SENDING, codes: bytes | None = None
    ) -> tuple[int, int, None, bytes, bytes, bytes | None]:
        number = self._next_id
        self._next_id += 1
        return number, state, None, pack_places(places), array("I", sums).tobytes(), codes

    def _prepare(self) -> None:
        application_id, version, tables = read_head(self._db)
        if not tables:
            # Not orjson, which refuses the name of a file that is not all text.
            plan = [(name, json.dumps(value)) for name, value in asdict(self._plan).items()]
            self._db.executescript(
                f"BEGIN; {TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
            )
            self._db.executemany("INSERT INTO plan VALUES (?, ?)", plan)
            self._db.commit()
        elif application_id != APPLICATION_ID:
            raise JournalError(
                f"{self.path} is a database of something else; give the journal a file of its own."
            )
        elif version != VERSION:
            raise another_version(self.path, version)
        else:
            compare(self.path, read_plan(self._db), self._plan)

    def _last_id(self) -> int:
        [last] = self._db.execute("SELECT coalesce(max(id), 0) FROM delivery").fetchone()
        return int(last)


def _codes(outcomes: Sequence[Outcome]) -> bytes:
    return bytes(OUTCOMES.index(outcome) + 1 for outcome in outcomes)


def _end(process: int, commits: Commits) -> None:
    """Let the commits end; a forked child leaves them to the parent."""
    if process == os.getpid():
        commits.close()
