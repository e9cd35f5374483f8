"""Writing a journal: one thread, and one commit for everything that waits."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from array import array
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from os import PathLike
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import orjson
from attrs import asdict, define

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
    compare,
    connect,
    explained,
    read_plan,
)
from chakra_async.bulk.journal._reading import read_past
from chakra_async.bulk.journal._records import OUTCOMES, Past, Plan, Problem, pack_places
from chakra_async.bulk.rows import Outcome
from chakra_async.errors import JournalError


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
        self._thread = threading.Thread(target=self._write, name="chakra-journal", daemon=True)
        self._thread.start()

    async def sending(self, places: Sequence[int], sums: Sequence[int]) -> int:
        """Make a delivery durable before it is sent, and return its number."""
        number = self._next_id
        self._next_id += 1
        row = (number, SENDING, None, pack_places(places), array("I", sums).tobytes(), None)
        await self._do("INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?)", [row])
        return number

    async def accepted(self, number: int, job_id: str) -> None:
        """Note the job that carries a delivery."""
        await self._do("UPDATE delivery SET state = ?, job_id = ? WHERE id = ?", [(ACCEPTED, job_id, number)])

    async def done(self, number: int, outcomes: Sequence[Outcome], problems: Sequence[Problem]) -> None:
        """Note the outcome of every row of a delivery."""
        codes = bytes(OUTCOMES.index(outcome) + 1 for outcome in outcomes) if problems else None
        await self._do(
            "UPDATE delivery SET state = ?, outcomes = ? WHERE id = ?", [(DONE, codes, number)], problems
        )

    def ended(self, rows: int) -> None:
        """Note that the source has so many rows; durable with the next commit."""
        self._work.put(_Write("INSERT OR REPLACE INTO plan VALUES (?, ?)", [(ROWS, str(rows))], (), None))

    async def withdraw(self, number: int) -> None:
        """Forget a delivery that the service has refused whole; its rows go in others, or fail."""
        await self._do("DELETE FROM delivery WHERE id = ?", [(number,)])

    def note(self, problem: Problem) -> None:
        """Note a row that cannot be sent; durable with the next commit."""
        self._work.put(_Write("", [], [problem], None))

    def close(self) -> None:
        """Write what is left, and release the file."""
        self._work.put(None)
        self._thread.join()
        with suppress(sqlite3.Error), closing(self._db):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            # Else whoever reads it later leaves files beside it, and cannot in a folder that is not writable.
            self._db.execute("PRAGMA busy_timeout = 100")
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._lock.release()

    async def _do(self, sql: str, rows: list[tuple[Any, ...]], problems: Sequence[Problem] = ()) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._work.put(_Write(sql, rows, problems, done))
        await done

    def _write(self) -> None:
        """Commit whatever waits, again and again; runs in the journal's own thread."""
        ending = False
        while not ending:
            batch = [self._work.get()]
            while not self._work.empty():
                batch.append(self._work.get())
            ending = None in batch
            writes = [write for write in batch if write is not None]
            error: JournalError | None = None
            try:
                with explained(self.path), self._db:
                    for write in writes:
                        write.execute(self._db)
            except JournalError as caught:
                error = caught
            for write in writes:
                write.settle(error)

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


@define
class _Write:
    """One thing to write, and the future of whoever waits for it."""

    sql: str
    rows: list[tuple[Any, ...]]
    problems: Sequence[Problem]
    done: asyncio.Future[None] | None

    def execute(self, db: sqlite3.Connection) -> None:
        if self.rows:
            db.executemany(self.sql, self.rows)
        if self.problems:
            db.executemany(
                "INSERT OR REPLACE INTO problem VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (p.row, p.outcome, p.key, p.line, orjson.dumps(p.errors).decode(), p.job_id)
                    for p in self.problems
                ],
            )

    def settle(self, error: JournalError | None) -> None:
        done = self.done
        if done is None:
            return

        def tell() -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        # The loop may have ended before the disk was done.
        with suppress(RuntimeError):
            done.get_loop().call_soon_threadsafe(tell)
