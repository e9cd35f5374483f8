"""What a bulk run must not forget: a sqlite file, written before the bytes leave.

A *delivery* is what travels in one request: some rows of the source, in order. It is durable as SENDING
before its first byte leaves, as ACCEPTED once the service has named its job, and as DONE with the outcome of
every row. Rows are known by their position in the source and by a checksum of their encoded form; their
contents are not stored, and neither is the token.

The file is in WAL mode with full synchronisation, and has one writer: a thread that puts everything waiting
at the moment into one commit, so that many jobs in flight share the cost of the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import pairwise
from os import PathLike
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast, get_args

import orjson
from attrs import asdict, define, field, frozen

from chakra_async._shapes import as_object
from chakra_async.bulk.rows import Outcome, RowResult
from chakra_async.errors import JournalError


# "Chakra", and the version of the tables, in the places sqlite has for them.
APPLICATION_ID = 0x43686B72
VERSION = 1

SENDING, ACCEPTED, DONE = 1, 2, 3

_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

# Beside the plan: how many rows the source has, once it was read to its end.
_ROWS = "rows"

_TABLES = """
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


@frozen(kw_only=True)
class Plan:
    """What a journal is about; another run on it must be about the same."""

    base_url: str
    procedure: str
    operation: str
    """``updated``, ``created`` or ``deleted``: the outcome of a row that succeeds."""
    source: Mapping[str, Any] | None = None
    """How a file is read (path, size, checksums of head and tail, columns), where the source is a file."""


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
    """Checksum of each row in a delivery, by position; 0 for the others."""
    known: bytearray = field(factory=bytearray)
    """By position: 0 for a row that was not sent, else the number of its outcome, or `PENDING`."""
    counts: dict[Outcome, int] = field(factory=dict[Outcome, int])
    """Rows with an outcome."""
    jobs: int = 0
    pending: list[Delivery] = field(factory=list[Delivery])


PENDING = 255


@frozen
class Problem:
    """A row that was not done, as the journal knows it."""

    row: int
    outcome: str
    key: str | None
    line: int | None
    errors: tuple[str, ...]
    job_id: str | None

    def result(self, item: Any) -> RowResult:
        """Return it as the result of the row, which the source has given again."""
        return RowResult(self.row, item, cast("Outcome", self.outcome), self.errors, self.job_id)


class Journal:
    """The open journal of one run."""

    def __init__(self, path: str | PathLike[str], plan: Plan) -> None:
        """Open or make the file.

        Raises:
            JournalError: it is in use, of another plan, no journal, damaged, or cannot be written.
        """
        self.path: Path = Path(path)
        self._plan = plan
        self._lock = _Lock(self.path)
        try:
            with _explained(self.path):
                self._db = _connect(self.path)
                self._prepare()
                self.past: Past = _read_past(self._db, plan.operation)
        except BaseException:
            self._lock.release()
            raise
        self._next_id = self._last_id() + 1
        self._work: SimpleQueue[_Write | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="chakra-journal", daemon=True)
        self._thread.start()

    async def sending(self, places: Sequence[int], sums: Sequence[int]) -> int:
        """Make a delivery durable before it is sent, and return its number."""
        number = self._next_id
        self._next_id += 1
        row = (number, SENDING, None, _pack_places(places), array("I", sums).tobytes(), None)
        await self._do("INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?)", [row])
        return number

    async def accepted(self, number: int, job_id: str) -> None:
        """Note the job that carries a delivery."""
        await self._do("UPDATE delivery SET state = ?, job_id = ? WHERE id = ?", [(ACCEPTED, job_id, number)])

    async def done(self, number: int, outcomes: Sequence[Outcome], problems: Sequence[Problem]) -> None:
        """Note the outcome of every row of a delivery."""
        codes = bytes(_OUTCOMES.index(outcome) + 1 for outcome in outcomes) if problems else None
        await self._do(
            "UPDATE delivery SET state = ?, outcomes = ? WHERE id = ?", [(DONE, codes, number)], problems
        )

    def ended(self, rows: int) -> None:
        """Note that the source has so many rows; durable with the next commit."""
        self._work.put(_Write("INSERT OR REPLACE INTO plan VALUES (?, ?)", [(_ROWS, str(rows))], (), None))

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
                with _explained(self.path), self._db:
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
                f"BEGIN; {_TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
            )
            plan = [(name, orjson.dumps(value).decode()) for name, value in asdict(self._plan).items()]
            self._db.executemany("INSERT INTO plan VALUES (?, ?)", plan)
            self._db.commit()
        elif application_id != APPLICATION_ID:
            raise JournalError(
                f"{self.path} is a database of something else; give the journal a file of its own."
            )
        elif version != VERSION:
            raise JournalError(
                f"{self.path} is a journal of version {version}, and this release reads {VERSION}. "
                "Finish the run with the release that began it."
            )
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


class _Lock:
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


class _explained:  # noqa: N801
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


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
    except BaseException:
        db.close()
        raise
    return db


def read_plan(db: sqlite3.Connection) -> Plan:
    """Return what a journal is about."""
    found = db.execute("SELECT name, value FROM plan WHERE name != ?", [_ROWS])
    return Plan(**{name: orjson.loads(value) for name, value in found})


def compare(path: Path, was: Plan, now: Plan) -> None:
    """Refuse to go on with another plan, and say what differs.

    Raises:
        JournalError: something does.
    """
    differences = [
        f"{name} was {getattr(was, name)!r} and is {getattr(now, name)!r}"
        for name in ("base_url", "procedure", "operation")
        if getattr(was, name) != getattr(now, name)
    ]
    old, new = as_object(was.source), as_object(now.source)
    differences += [
        f"the source's {name} was {old.get(name)!r} and is {new.get(name)!r}"
        for name in sorted((old.keys() | new.keys()) - {"path"})
        if old.get(name) != new.get(name)
    ]
    if differences:
        raise JournalError(
            f"{path} belongs to another run: {'; '.join(differences)}. Restore what changed, or begin "
            "anew with another journal."
        )


def _pack_places(places: Sequence[int]) -> bytes:
    """Write positions: a stretch as its first one, anything else one by one."""
    first = places[0]
    if places[-1] - first == len(places) - 1 and all(a < b for a, b in pairwise(places)):
        return array("Q", [first]).tobytes()
    return array("Q", places).tobytes()


def _unpack_places(packed: bytes, rows: int) -> Sequence[int]:
    places = array("Q", packed)
    return range(places[0], places[0] + rows) if len(places) == 1 else places


def _read_past(db: sqlite3.Connection, done: str) -> Past:
    past = Past()
    rows = db.execute("SELECT id, state, job_id, places, sums, outcomes FROM delivery ORDER BY id")
    for number, state, job_id, packed, packed_sums, codes in rows:
        sums = array("I", packed_sums)
        places = _unpack_places(packed, len(sums))
        past.jobs += job_id is not None
        if state == DONE:
            marks = codes or bytes([_OUTCOMES.index(cast("Outcome", done)) + 1]) * len(sums)
        else:
            marks = bytes([PENDING]) * len(sums)
            past.pending.append(Delivery(number, job_id, places, sums))
        _extend(past, max(places))
        for place, total, mark in zip(places, sums, marks, strict=True):
            past.sums[place], past.known[place] = total, mark
    for row, outcome in db.execute("SELECT row, outcome FROM problem"):
        _extend(past, row)
        if not past.known[row]:
            past.known[row] = _OUTCOMES.index(outcome) + 1
    past.counts = {
        outcome: count for mark, outcome in enumerate(_OUTCOMES, 1) if (count := past.known.count(mark))
    }
    return past


def _extend(past: Past, place: int) -> None:
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
    with _open_for_reading(journal) as db, _explained(journal):
        plan = read_plan(db)
        past = _read_past(db, plan.operation)
        counts = {str(outcome): count for outcome, count in past.counts.items()}
        [rows] = db.execute("SELECT max(value) FROM plan WHERE name = ?", [_ROWS]).fetchone()
        return Report(
            plan,
            counts,
            past.known.count(PENDING),
            past.jobs,
            _is_locked(journal),
            None if rows is None else int(rows),
            past.pending,
        )


def read_problems(path: str | PathLike[str]) -> Iterator[Problem]:
    """Read the rows that were not done, in the order of the source.

    Raises:
        JournalError: there is no journal, or it is damaged.
    """
    journal = Path(path)
    with _open_for_reading(journal) as db, _explained(journal):
        for row, outcome, key, line, errors, job_id in db.execute("SELECT * FROM problem ORDER BY row"):
            yield Problem(row, outcome, key, line, tuple(orjson.loads(errors)), job_id)


def _open_for_reading(path: Path) -> closing[sqlite3.Connection]:
    if not path.exists():
        raise JournalError(f"There is no journal {path}.")
    with _explained(path):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            [application_id] = db.execute("PRAGMA application_id").fetchone()
        except BaseException:
            db.close()
            raise
    if application_id != APPLICATION_ID:
        db.close()
        raise JournalError(f"{path} is no journal of a bulk run.")
    return closing(db)


def _lock_path(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}-lock")


def _is_locked(journal: Path) -> bool:
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
