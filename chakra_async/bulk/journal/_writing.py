"""Writing a journal: one thread, and one commit for everything that waits."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import weakref
from array import array
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from os import PathLike
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias

import orjson
from attrs import asdict, define

from chakra_async._signals import signals_later
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
    read_plan,
)
from chakra_async.bulk.journal._reading import read_past
from chakra_async.bulk.journal._records import OUTCOMES, Past, Plan, Problem, pack_places
from chakra_async.bulk.rows import Outcome
from chakra_async.errors import JournalError


Rows: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""Positions in the source, and a checksum of each row."""

_Step: TypeAlias = tuple[str, tuple[Any, ...]]

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
        self._work: SimpleQueue[_Write | None] = SimpleQueue()
        # It does not hold the journal itself, which therefore can be collected.
        thread = threading.Thread(
            target=_write,
            args=(self.path, self._db, self._lock, self._work),
            name="chakra-journal",
            daemon=True,
        )
        # However a run goes, left or collected after a Ctrl-C at a bad moment, its journal is free again.
        self._finalizer = weakref.finalize(self, _end, os.getpid(), self._work, thread)
        self._finalizer.atexit = False
        with signals_later():
            thread.start()

    async def sending(self, places: Sequence[int], sums: Sequence[int]) -> int:
        """Make a delivery durable before it is sent, and return its number."""
        row = self._delivery(places, sums)
        try:
            await self._do([(_INSERT, row)])
        except asyncio.CancelledError:
            # Whoever is cancelled here sends nothing; in order, and durable at the latest when it is closed.
            self._work.put(_Write([(_DELETE, row[:1])], (), None))
            raise
        return row[0]

    async def accepted(self, number: int, job_id: str) -> None:
        """Note the job that carries a delivery."""
        update = "UPDATE delivery SET state = ?, job_id = ? WHERE id = ?"
        await self._do([(update, (ACCEPTED, job_id, number))])

    async def done(self, number: int, outcomes: Sequence[Outcome], problems: Sequence[Problem]) -> None:
        """Note the outcome of every row of a delivery; without problems, it is that of the operation."""
        codes = _codes(outcomes) if problems else None
        update = "UPDATE delivery SET state = ?, outcomes = ? WHERE id = ?"
        await self._do([(update, (DONE, codes, number))], problems)

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
        steps: list[_Step] = []
        if settled[0]:
            steps.append((_INSERT, self._delivery(*settled, DONE, _codes(outcomes))))
        new = self._delivery(*rest) if rest is not None and rest[0] else None
        if new is not None:
            steps.append((_INSERT, new))
        if number is not None:
            steps.append((_DELETE, (number,)))
        await self._do(steps, problems)
        return None if new is None else new[0]

    def ended(self, rows: int) -> None:
        """Note that the source has so many rows; durable with the next commit."""
        self._work.put(_Write([("INSERT OR REPLACE INTO plan VALUES (?, ?)", (ROWS, str(rows)))], (), None))

    async def withdraw(self, number: int) -> None:
        """Forget a delivery that the service has refused whole; its rows go in others, or fail."""
        await self._do([(_DELETE, (number,))])

    def note(self, problem: Problem) -> None:
        """Note a row that cannot be sent; durable with the next commit."""
        self._work.put(_Write([], [problem], None))

    def close(self) -> None:
        """Write what is left, and release the file; may be called more than once."""
        self._finalizer()

    async def _do(self, steps: Sequence[_Step], problems: Sequence[Problem] = ()) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._work.put(_Write(steps, problems, done))
        await done

    def _delivery(
        self, places: Sequence[int], sums: Sequence[int], state: int = SENDING, codes: bytes | None = None
    ) -> tuple[int, int, None, bytes, bytes, bytes | None]:
        number = self._next_id
        self._next_id += 1
        return number, state, None, pack_places(places), array("I", sums).tobytes(), codes

    def _prepare(self) -> None:
        [application_id] = self._db.execute("PRAGMA application_id").fetchone()
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        [tables] = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables:
            self._db.executescript(
                f"BEGIN; {TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
            )
            plan = [(name, orjson.dumps(value).decode()) for name, value in asdict(self._plan).items()]
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


@define
class _Write:
    """What is to be in one commit, and the future of whoever waits for it."""

    steps: Sequence[_Step]
    problems: Sequence[Problem]
    done: asyncio.Future[None] | None

    def execute(self, db: sqlite3.Connection) -> None:
        for sql, row in self.steps:
            db.execute(sql, row)
        if self.problems:
            db.executemany(
                "INSERT OR REPLACE INTO problem VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (p.row, p.outcome, p.key, p.line, orjson.dumps(p.errors).decode(), p.job_id)
                    for p in self.problems
                ],
            )


def _settle(waiting: Sequence[asyncio.Future[None]], error: JournalError | None) -> None:
    for done in waiting:
        if done.cancelled():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)


def _write(path: Path, db: sqlite3.Connection, lock: Lock, work: SimpleQueue[_Write | None]) -> None:
    """Commit whatever waits, again and again, and release the file; runs in the journal's own thread."""
    ending = False
    while not ending:
        batch = [work.get()]
        while not work.empty():
            batch.append(work.get())
        ending = None in batch
        writes = [write for write in batch if write is not None]
        error: JournalError | None = None
        try:
            with explained(path), db:
                for write in writes:
                    write.execute(db)
        except JournalError as caught:
            error = caught
        waiting = [write.done for write in writes if write.done is not None]
        # The loop may have ended before the disk was done.
        with suppress(RuntimeError):
            if waiting:
                waiting[0].get_loop().call_soon_threadsafe(_settle, waiting, error)
    with suppress(sqlite3.Error), closing(db):
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # Else whoever reads it later leaves files beside it, and cannot in a folder that is not writable.
        db.execute("PRAGMA busy_timeout = 100")
        db.execute("PRAGMA journal_mode = DELETE")
    lock.release()


def _end(process: int, work: SimpleQueue[_Write | None], thread: threading.Thread) -> None:
    """End the thread, and wait for it; a forked child leaves it to the parent."""
    if process == os.getpid():
        work.put(None)
        # It may not have begun yet; and it may be the one in which the journal is collected.
        if thread.is_alive() and thread is not threading.current_thread():
            thread.join()
