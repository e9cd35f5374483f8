"""Group commit: what waits at one moment is written together, and the disk is waited for once."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias

import orjson
from attrs import define

from chakra_async._signals import signals_later
from chakra_async.bulk.journal._file import explained
from chakra_async.bulk.journal._records import Problem
from chakra_async.errors import JournalError


BETWEEN = 0.002
"""Seconds from the end of a commit to the beginning of the next: what comes meanwhile shares it."""

Step: TypeAlias = tuple[str, tuple[Any, ...]]
"""A statement and its values."""


@define
class _Write:
    """What is to be in one commit, and the future of whoever waits for it."""

    steps: Sequence[Step]
    problems: Sequence[Problem] = ()
    done: asyncio.Future[None] | None = None

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


class Commits:
    """Writes to the file of a journal, for the tasks of one event loop.

    Statements touch little but memory, and run in the loop's thread. Commits wait for the disk, and run in a
    thread of their own; there, each statement would have to win Python's lock back from a busy loop.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, release: Callable[[], None]) -> None:
        """Prepare to write to ``db``, which is closed in the end; then ``release`` is called."""
        self._path = path
        self._db = db
        self._release = release
        # Added to by the caller's thread, too.
        self._waiting: deque[_Write] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0
        self._under_way = False
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="chakra-journal", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        with signals_later():
            self._thread.start()

    def add(self, steps: Sequence[Step], problems: Sequence[Problem] = ()) -> None:
        """Let this be durable with the next commit; may be called in any thread."""
        self._waiting.append(_Write(steps, problems))

    def add_soon(self, steps: Sequence[Step]) -> None:
        """Let this be durable soon, and do not wait for it."""
        self.add(steps)
        self._schedule()

    @property
    def gathered(self) -> int:
        """How much waits for a commit."""
        return len(self._waiting)

    def flush(self) -> None:
        """Let what nobody waits for be durable soon, in the loop."""
        if self._waiting:
            self._schedule()

    async def do(self, steps: Sequence[Step], problems: Sequence[Problem] = ()) -> None:
        """Return once this is durable.

        Raises:
            JournalError: it cannot be written.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Write(steps, problems, done))
        self._schedule()
        await done

    def close(self) -> None:
        """Write what is left and close the file; may be called in any thread."""
        self._work.put(None)
        # It may not have begun yet; and it may be the one in which the journal is collected.
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    # -- the loop's thread

    def _schedule(self) -> None:
        """Begin a commit, with whatever else comes in this turn of the loop, unless one is under way."""
        if self._timer is None and not self._under_way:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(self._not_before, loop.time()), self._begin)

    def _begin(self) -> None:
        self._timer = None
        if not (writes := self._drain()):
            # The journal was closed meanwhile.
            return
        waiting = [write.done for write in writes if write.done is not None]
        if (error := self._attempt(partial(self._execute, writes))) is not None:
            self._settle(waiting, error)
            return
        self._work.put(partial(self._commit, asyncio.get_running_loop(), waiting))
        self._under_way = True

    def _settle(self, waiting: Sequence[asyncio.Future[None]], error: JournalError | None) -> None:
        """Tell those who wait for a commit that it has ended."""
        self._under_way = False
        self._not_before = asyncio.get_running_loop().time() + BETWEEN
        for done in waiting:
            if done.cancelled():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
        if self._waiting:
            self._schedule()

    # -- the journal's thread

    def _run(self) -> None:
        while (commit := self._work.get()) is not None:
            commit()
            # It knows the tasks that wait, they the journal, and that one is to be collected with its run.
            del commit
        try:
            self._attempt(partial(self._execute, self._drain()))
            self._attempt(self._db.commit)
            with suppress(sqlite3.Error), closing(self._db) as db:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                # Else whoever reads it later leaves files beside it, and cannot in a folder that is not
                # writable.
                db.execute("PRAGMA busy_timeout = 100")
                db.execute("PRAGMA journal_mode = DELETE")
        finally:
            self._release()

    def _commit(self, loop: asyncio.AbstractEventLoop, waiting: Sequence[asyncio.Future[None]]) -> None:
        error = self._attempt(self._db.commit)
        # The loop may have ended before the disk was done.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._settle, waiting, error)

    # -- either

    def _drain(self) -> Sequence[_Write]:
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    def _execute(self, writes: Sequence[_Write]) -> None:
        for write in writes:
            write.execute(self._db)

    def _attempt(self, step: Callable[[], None]) -> JournalError | None:
        """Do a step of a commit, all or nothing, and return whatever it raises: somebody waits for it."""
        try:
            with explained(self._path):
                step()
        except Exception as error:
            with suppress(sqlite3.Error):
                self._db.rollback()
            if isinstance(error, JournalError):
                return error
            failed = JournalError(f"The journal {self._path} cannot be written ({error!r}).")
            failed.__cause__ = error
            return failed
        return None
