"""A store in a file: survives the process, and is shared by all processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from chakra_async.webhooks.stores import Claim


_TABLE = """
CREATE TABLE IF NOT EXISTS webhook_event (
    key TEXT PRIMARY KEY,
    owner TEXT,             -- of a claim; NULL when done
    until REAL NOT NULL     -- seconds since the epoch
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhook_event_until ON webhook_event (until);
"""
_CLAIM = """
INSERT INTO webhook_event (key, owner, until) VALUES (:key, :owner, :until)
ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until WHERE until <= :now
"""
_DONE = "INSERT OR REPLACE INTO webhook_event (key, owner, until) VALUES (?, NULL, ?)"
_RELEASE = "DELETE FROM webhook_event WHERE key = ? AND owner = ?"
_FORGET = "DELETE FROM webhook_event WHERE until <= ?"

_BETWEEN_CLEANINGS = 60.0
_PATIENCE = 10.0
_PAUSE = 0.005

# Connections of a parent process, kept because sqlite forbids its children even to close them.
_left_to_parent: list[sqlite3.Connection | None] = []


class SqliteStore:
    """Remembers in an sqlite file, opened at the first use.

    A killed process loses nothing of it; after a power cut the last moments may be missing, so that an event
    may be handled again.

    Args:
        path: the file; made when it is not there.
        clock: seconds since the epoch, the same for all processes.

    Raises:
        ValueError: ``path`` is ``":memory:"``, which is no file.
        sqlite3.Error: from any method, when the file cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.time) -> None:
        if path == ":memory:":
            raise ValueError("SqliteStore needs a file; to remember in memory alone, take MemoryStore()")
        self._path = Path(path).absolute()
        self._clock = clock
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._cleaned = 0.0

    # Not weakref.finalize, which at exit would come before handlers that are waited for.
    def __del__(self) -> None:
        if hasattr(self, "_db"):
            self.close()

    def claim(self, key: str, owner: str, seconds: float) -> Claim:
        """See `Store`."""
        now = self._clock()
        values = {"key": key, "owner": owner, "until": now + seconds, "now": now}
        with self._guard(), self._connection() as db:
            if now - self._cleaned > _BETWEEN_CLEANINGS:
                db.execute(_FORGET, [now])
                self._cleaned = now
            if db.execute(_CLAIM, values).rowcount:
                return "claimed"
            [holder] = db.execute("SELECT owner FROM webhook_event WHERE key = ?", [key]).fetchone()
            return "done" if holder is None else "busy"

    def done(self, key: str, seconds: float) -> None:
        """See `Store`."""
        with self._guard(), self._connection() as db:
            db.execute(_DONE, [key, self._clock() + seconds])

    def release(self, key: str, owner: str) -> None:
        """See `Store`."""
        with self._guard(), self._connection() as db:
            db.execute(_RELEASE, [key, owner])

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._guard():
            if self._db is not None:
                self._db.close()
            self._db = None

    def _guard(self) -> threading.Lock:
        if self._pid != os.getpid():
            _left_to_parent.append(self._db)
            self._begin_anew()
        return self._lock

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = _connect(self._path)
        return self._db


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False)
    try:
        _use_wal(db)
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(_TABLE)
    except BaseException:
        db.close()
        raise
    return db


def _use_wal(db: sqlite3.Connection) -> None:
    # While another process does the same to a new file, sqlite refuses at once, whatever its timeout.
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_PAUSE)
        else:
            return
