"""The sqlite database underneath: its tables, one connection, one lock.

Every thread may use the store. The lock is held for one statement or one transaction, never longer, so
that a test which reads the state does not stall the server.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from uuid import uuid4

from chakra_async.emulator.ids import Ids
from chakra_async.emulator.tables import CHUNKS, SCHEMA


MEMORY: Final = ":memory:"

_VERSION: Final = 3
_UPGRADES: Final = {2: "ALTER TABLE procedure ADD COLUMN attributes TEXT"}

_ALWAYS: Final = ("secure_delete = OFF", "temp_store = MEMORY")
_IN_MEMORY: Final = (*_ALWAYS, "journal_mode = MEMORY", "synchronous = OFF")
# Exclusive: two emulators on one file would each believe its own memory of the procedures.
_IN_A_FILE: Final = (
    *_ALWAYS,
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "cache_size = -65536",
)


def now_ms() -> int:
    """Return the time as the API writes it: epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Store:
    """One open database, in memory or in a file that persists.

    Args:
        path: a file, or ``":memory:"``.

    Raises:
        ValueError: the file is not an emulator's database, or another emulator has it open.
    """

    def __init__(self, path: str = MEMORY) -> None:
        self._lock = threading.RLock()
        with ExitStack() as undo:
            try:
                self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.5)
                undo.callback(self._db.close)
                self._prepare(in_memory=path == MEMORY)
            except sqlite3.Error as error:
                raise ValueError(f"cannot use {path!r} as the emulator's database: {error}") from error
            undo.pop_all()
        meta = dict(self.rows("SELECT name, value FROM meta"))
        self.team: str = meta["team"]
        self.ids: Ids = Ids(meta["ids"])

    def _prepare(self, *, in_memory: bool) -> None:
        # First of all, so that somebody else's file is left as it is.
        version = self.rows("PRAGMA user_version")[0][0]
        is_new = version == 0 and not self.rows("SELECT 1 FROM sqlite_master LIMIT 1")
        if not is_new and version != _VERSION and version not in _UPGRADES:
            raise sqlite3.DatabaseError("it holds something else")
        if in_memory:
            # Before temp_store, which would keep this one in memory as well.
            self._db.execute("ATTACH DATABASE '' AS spill")
        for pragma in _IN_MEMORY if in_memory else _IN_A_FILE:
            self._db.execute(f"PRAGMA {pragma}")
        with self.transaction():
            if is_new:
                self._create()
                self._db.execute(CHUNKS.format(place="spill" if in_memory else "main"))
            elif version in _UPGRADES:
                self._db.execute(_UPGRADES[version])
            if version != _VERSION:
                self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def _create(self) -> None:
        for statement in SCHEMA.split(";"):
            self._db.execute(statement)
        meta = [("team", str(uuid4())), ("ids", Ids().secret)]
        self._db.executemany("INSERT INTO meta VALUES (?, ?)", meta)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one reading statement and return all its rows."""
        with self._lock:
            return self._db.execute(sql, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Hold the lock and a write transaction; commit at the end, roll back on an exception.

        Inside another transaction it is a part of that one.
        """
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the database; a file keeps everything that was committed."""
        with self._lock:
            self._db.close()
