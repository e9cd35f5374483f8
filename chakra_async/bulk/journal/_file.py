"""The sqlite file of a journal: its tables, its lock, and what is said when it fails."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from chakra_async.bulk.journal._records import Plan
from chakra_async.errors import JournalError


# "Chakra", and the version of the tables, in the places sqlite has for them.
APPLICATION_ID = 0x43686B72
VERSION = 1

SENDING, ACCEPTED, DONE = 1, 2, 3

# Beside the plan: how many rows the source has, once it was read to its end.
ROWS = "rows"

TABLES = """
CREATE TABLE plan (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL,
    job_id TEXT,
    places BLOB NOT NULL,     -- positions of its rows in the source, 8 bytes each unless they are a stretch
    sums BLOB NOT NULL,       -- a checksum a row, 4 bytes each
    outcomes BLOB             -- an outcome a row, 1 byte each; NULL when all are `done`
);
CREATE TABLE problem (        -- every row that was not done
    row INTEGER PRIMARY KEY, outcome TEXT NOT NULL, key TEXT, line INTEGER, errors TEXT NOT NULL, job_id TEXT
);
"""


class Lock:
    """Keeps a second run away, for as long as this process lives.

    A lock of sqlite's own on a second file: unlike a lock file it goes with the process, however that ends,
    and unlike a lock on the journal it lets others read.
    """

    def __init__(self, journal: Path) -> None:
        self._path = _lock_path(journal)
        try:
            while not self._take():
                pass
        except (sqlite3.OperationalError, OSError) as error:
            if "locked" in str(error):
                raise JournalError(
                    f"{journal} is in use by another run; wait for it, or give this one another journal."
                ) from None
            raise JournalError(
                f"{journal} cannot be locked: {error}. Is its folder there and writable?"
            ) from None

    def _take(self) -> bool:
        """Take the lock, unless whoever held it has meanwhile deleted the file that was opened."""
        self._path.touch()
        before = self._path.stat().st_ino
        # Whoever only looks whether it is taken holds it for a moment.
        self._db = sqlite3.connect(self._path, timeout=0.1, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("BEGIN EXCLUSIVE")
        except BaseException as error:
            self._db.close()
            if isinstance(error, sqlite3.OperationalError) and not self._is(before):
                return False
            raise
        if not self._is(before):
            self._db.close()
            return False
        return True

    def _is(self, inode: int) -> bool:
        return self._path.exists() and self._path.stat().st_ino == inode

    def release(self) -> None:
        """Let others have the journal."""
        self._path.unlink(missing_ok=True)
        self._db.close()


class explained:  # noqa: N801
    """Turns what sqlite says into a `JournalError` that says what to do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, sqlite3.Error):
            return
        text = str(error)
        if "full" in text:
            what = "has no room left on its disk; make room, then run the same again"
        elif "readonly" in text or "unable to open" in text:
            what = "cannot be written; check the folder and its permissions"
        elif "malformed" in text or "not a database" in text:
            what = "is damaged or no journal; restore it, or begin anew with another file"
        elif "locked" in text:
            what = "is being read by another program; wait for it, then run the same again"
        else:
            what = "failed"
        raise JournalError(f"The journal {self._path} {what} ({text}).") from error


@contextmanager
def malformed() -> Generator[None]:
    """Tell of contents that no run has written as sqlite tells of a file that none has."""
    try:
        yield
    except (ValueError, TypeError, LookupError, OverflowError, MemoryError) as error:
        raise sqlite3.DatabaseError(f"malformed contents: {error!r}") from error


def connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
    except BaseException:
        db.close()
        raise
    return db


@malformed()
def read_head(db: sqlite3.Connection) -> tuple[int, int, int]:
    """Say whose a database is: the id of its application, its version, and how many tables it has."""
    queries = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    application_id, version, tables = (db.execute(query).fetchone()[0] for query in queries)
    return application_id, version, tables


def _look_into(path: Path, mode: str) -> tuple[sqlite3.Connection, tuple[int, int, int]]:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)
    try:
        return db, read_head(db)
    except BaseException:
        db.close()
        raise


def open_for_reading(path: Path) -> closing[sqlite3.Connection]:
    if not path.exists():
        raise JournalError(f"There is no journal {path}.")
    with explained(path):
        try:
            db, (application_id, version, tables) = _look_into(path, "ro")
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorname", "") != "SQLITE_READONLY_ROLLBACK":
                raise
            # A run was killed as it opened or closed the file, and who only reads may not undo what it began.
            db, (application_id, version, tables) = _look_into(path, "rw")
    if not tables:
        db.close()
        raise JournalError(f"{path} is empty: its run ended before anything was sent; begin that anew.")
    if application_id != APPLICATION_ID:
        db.close()
        raise JournalError(f"{path} is no journal of a bulk run.")
    if version != VERSION:
        db.close()
        raise another_version(path, version)
    return closing(db)


@malformed()
def read_plan(db: sqlite3.Connection) -> Plan:
    """Return what a journal is about."""
    found = db.execute("SELECT name, value FROM plan WHERE name != ?", [ROWS]).fetchall()
    plan = Plan(**{name: json.loads(value) for name, value in found})
    if plan.operation not in {"updated", "created", "deleted"}:
        raise ValueError(f"operation {plan.operation!r}")
    return plan


def another_version(path: Path, version: int) -> JournalError:
    """Make the error for a journal of another release."""
    return JournalError(
        f"{path} is a journal of version {version}, and this release reads {VERSION}. "
        "Finish the run with the release that began it."
    )


def _lock_path(journal: Path) -> Path:
    # One journal may have several names, and has one lock; unlike `Path.resolve`, this takes circular links.
    file = Path(os.path.realpath(journal))
    return file.with_name(f"{file.name}-lock")


def is_locked(journal: Path) -> bool:
    """Look, and leave no trace: neither a file, nor one fewer."""
    path = _lock_path(journal)
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    return False
