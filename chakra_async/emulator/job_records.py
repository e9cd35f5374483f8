"""Background jobs as they are stored and shown: counts, entries, pages.

Only failed entries have rows of their own. The entry of a successful item is put together from the
request body and the effect in the ledger.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, Literal, cast
from uuid import uuid4

import orjson
from attrs import frozen

from chakra_async.emulator.bulk import Failure
from chakra_async.emulator.catalog import Procedure
from chakra_async.emulator.changes import Cause
from chakra_async.emulator.settings import JobSettings
from chakra_async.emulator.store import Store, now_ms


JobKind = Literal["create", "update"]

_KEPT_JOBS: Final = 16
_KEPT_BODY: Final = 1024 * 1024

_COLUMNS: Final = (
    "seq, id, procedure, kind, request_id, actor, total, success, invalid, error, created_at, updated_at,"
    " started_at, completed_at"
)


@frozen
class Job:
    """One background job as it stands."""

    seq: int
    id: str
    procedure: int
    kind: JobKind
    request_id: str
    actor: str
    total: int
    success: int
    invalid: int
    error: int
    created_at: int
    updated_at: int
    started_at: int
    completed_at: int

    @property
    def done(self) -> int:
        """Items worked through; they are worked in order."""
        return self.success + self.invalid + self.error

    @property
    def cause(self) -> Cause:
        """The cause of everything this job changes."""
        return Cause(self.request_id, self.actor, self.seq)

    def counts(self) -> dict[str, int]:
        """Count the entries by status, the zeros too."""
        return {
            "INVALID": self.invalid,
            "NOT_STARTED": self.total - self.done,
            "SUCCESS": self.success,
            "ERROR": self.error,
        }

    def wire(self, team: str, *, show_status: bool) -> dict[str, Any]:
        """Shape the job as the API shows it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "startedAt": self.started_at,
            "completedAt": self.completed_at,
            "statusMessage": None,
            "team": team,
            "type": "bulk_api_job",
        }
        if show_status:
            shown["completionStatus"] = "COMPLETED" if self.completed_at else "IN_PROGRESS"
        return shown


@frozen
class _Outcome:
    status: str
    at: int
    process: str | None = None
    message: str | None = None


class JobRecords:
    """The jobs of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._decoded: OrderedDict[int, Sequence[Any]] = OrderedDict()

    def add(
        self, kind: JobKind, procedure: Procedure, cause: Cause, body: bytes, items: Sequence[Any]
    ) -> Job:
        """Store a new job and the request it will work through."""
        now = now_ms()
        with self._store.transaction() as db:
            seq = db.execute(
                "INSERT INTO job (id, procedure, kind, request_id, actor, total, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (str(uuid4()), procedure.seq, kind, cause.request_id, cause.actor, len(items), now, now),
            ).lastrowid
            db.execute("INSERT INTO job_body VALUES (?, ?)", (seq, body))
        job = self._one("seq = ?", seq)
        self._keep(job, body, items)
        return job

    def _one(self, condition: str, value: Any) -> Job:
        return Job(*self._store.rows(f"SELECT {_COLUMNS} FROM job WHERE {condition}", (value,))[0])

    def get(self, seq: int) -> Job:
        """Fetch a job by its row number."""
        return self._one("seq = ?", seq)

    def find(self, job_id: str) -> Job | None:
        """Fetch a job by its uuid, unless it has vanished."""
        found = self._store.rows(f"SELECT {_COLUMNS} FROM job WHERE id = ? AND vanished = 0", (job_id,))
        return Job(*found[0]) if found else None

    def unfinished(self) -> list[Job]:
        """List the jobs that a former run left behind."""
        found = self._store.rows(
            f"SELECT {_COLUMNS} FROM job WHERE completed_at = 0 AND vanished = 0 ORDER BY seq"
        )
        return [Job(*columns) for columns in found]

    def items(self, job: Job) -> Sequence[Any]:
        """Return the items of a job's request."""
        items = self._decoded.get(job.seq)
        if items is None:
            ((body,),) = self._store.rows("SELECT body FROM job_body WHERE job = ?", (job.seq,))
            decoded = orjson.loads(body)
            items = cast("Sequence[Any]", decoded["processes"] if job.kind == "update" else decoded)
            self._keep(job, body, items)
        return items

    def _keep(self, job: Job, body: bytes, items: Sequence[Any]) -> None:
        """Keep the items of the latest jobs decoded: soon they will run, and be asked for page by page."""
        if len(body) <= _KEPT_BODY:
            self._decoded[job.seq] = items
        if len(self._decoded) > _KEPT_JOBS:
            self._decoded.popitem(last=False)

    def start(self, job: Job) -> None:
        """Note that a job has begun."""
        self._set(job, "started_at")

    def finish(self, job: Job) -> None:
        """Note that a job has ended."""
        self._set(job, "completed_at")

    def vanish(self, job: Job) -> None:
        """Hide a job for good."""
        self._set(job, "vanished")

    def _set(self, job: Job, column: Literal["started_at", "completed_at", "vanished"]) -> None:
        now = now_ms()
        with self._store.transaction() as db:
            db.execute(f"UPDATE job SET {column} = ?, updated_at = ? WHERE seq = ?", (now, now, job.seq))

    def entries(self, job: Job, skip: int, limit: int, settings: JobSettings) -> list[dict[str, Any]]:
        """Show the entries of a page, in the order of the request."""
        stop = min(skip + limit, job.total)
        outcomes = self._outcomes(job, skip, stop)
        shown: list[dict[str, Any]] = []
        for index, request in enumerate(self.items(job)[skip:stop], skip):
            outcome = outcomes.get(index, _Outcome("NOT_STARTED", job.created_at))
            optional = {"index": index, "request": request, "process": outcome.process}
            entry = {
                # Made from the job's id, so that it needs no place: same bits, the index at the end.
                "id": f"{job.id[:24]}{index:012x}",
                "createdAt": job.created_at,
                "updatedAt": outcome.at,
                "backgroundJob": job.id,
                "completionStatus": outcome.status,
                "statusMessage": outcome.message,
            }
            entry.update((name, value) for name, value in optional.items() if name in settings.entry_fields)
            shown.append(entry)
        return shown

    def _outcomes(self, job: Job, start: int, stop: int) -> dict[int, _Outcome]:
        succeeded = self._store.rows(
            "SELECT item, at, process FROM job_slice CROSS JOIN ledger"
            " ON ledger.seq BETWEEN first_effect AND last_effect"
            " WHERE job_slice.job = ? AND first_item < ? AND last_item >= ? AND item >= ? AND item < ?",
            (job.seq, stop, start, start, stop),
        )
        failed = self._store.rows(
            "SELECT item, status, message, process FROM failed_entry"
            " WHERE job = ? AND item >= ? AND item < ?",
            (job.seq, start, stop),
        )
        uuid = self._store.ids.uuid
        outcomes = {item: _Outcome("SUCCESS", at, uuid(process)) for item, at, process in succeeded}
        for item, status, message, process in failed:
            process_id = None if process is None else uuid(process)
            outcomes[item] = _Outcome(status, job.updated_at, process_id, message)
        return outcomes


def record_slice(
    db: sqlite3.Connection, job: Job, items: range, effects: range, failures: list[Failure]
) -> None:
    """Write down how a slice of a job went, in the transaction that applied it.

    Args:
        db: the connection.
        job: the job.
        items: positions of the slice in the bulk call.
        effects: numbers of its effects in the ledger.
        failures: the items that had none.
    """
    db.execute(
        "INSERT INTO job_slice VALUES (?, ?, ?, ?, ?)",
        (job.seq, items.start, items.stop - 1, effects.start, effects.stop - 1),
    )
    db.executemany(
        "INSERT INTO failed_entry VALUES (?, ?, ?, ?, ?)",
        [(job.seq, one.item, one.status, one.message, one.process) for one in failures],
    )
    invalid = sum(one.status == "INVALID" for one in failures)
    db.execute(
        "UPDATE job SET success = success + ?, invalid = invalid + ?, error = error + ?, updated_at = ?"
        " WHERE seq = ?",
        (len(effects), invalid, len(failures) - invalid, now_ms(), job.seq),
    )
