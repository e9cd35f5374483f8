"""Changes to processes, a batch at a time, in memory; written together with their effects at the end.

A single call is a batch of one, so single and bulk cannot disagree.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson
from attrs import frozen

from chakra_async.emulator.catalog import Procedure
from chakra_async.emulator.processes import Processes, Row
from chakra_async.emulator.records import EffectKind
from chakra_async.emulator.refusals import Refusal
from chakra_async.emulator.schema import STATUSES, key_text
from chakra_async.emulator.settings import Settings
from chakra_async.emulator.store import now_ms


@frozen
class Cause:
    """Why something changes: the call, who made it, and the job that runs it."""

    request_id: str
    actor: str
    job: int | None = None


class Batch:
    """Changes to processes of one procedure, inside one transaction.

    A change is checked whole before any of it is applied, so a refused one leaves no trace.

    Args:
        db: connection with an open transaction.
        processes: reads what is there.
        procedure: the procedure.
        settings: what to do with a key that exists.
        cause: noted with every effect.
        assignee: turns the name of a user into an id.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        processes: Processes,
        procedure: Procedure,
        settings: Settings,
        cause: Cause,
        assignee: Callable[[str], str],
    ) -> None:
        self._db = db
        self._processes = processes
        self._procedure = procedure
        self._settings = settings
        self._cause = cause
        self._assignee = assignee
        self._now = now_ms()
        # What has been read so far, misses included.
        self._by_seq: dict[int, Row | None] = {}
        self._by_key: dict[tuple[str, str], Row | None] = {}
        # What is to be written.
        self._created: list[Row] = []
        self._updated: dict[int, Row] = {}
        self._flagged: dict[int, Row] = {}
        self._keys: dict[tuple[str, str], Row | None] = {}
        self._effects: list[tuple[Any, ...]] = []
        self._next_seq = 0

    def preload(self, name: str, values: Iterable[str]) -> None:
        """Read at once what ``find`` will be asked for."""
        if name == "id":
            seqs = [seq for seq in map(self._processes.seq, values) if seq not in self._by_seq]
            self._by_seq.update(dict.fromkeys(seqs))
            for row in self._processes.with_seqs(self._procedure, seqs):
                self._by_seq[row.seq] = row
            return
        texts = [text for text in values if (name, text) not in self._by_key]
        self._by_key.update(((name, text), None) for text in texts)
        for text, row in self._processes.with_keys(self._procedure, name, texts).items():
            # Found by its id or another key before, it must stay one object.
            self._by_key[name, text] = self._by_seq.get(row.seq) or row
            self._by_seq.setdefault(row.seq, row)

    def find(self, name: str, value: str) -> Row | None:
        """Find a process by ``"id"`` or by a primary key, as it stands after the changes so far."""
        if name == "id":
            seq = self._processes.seq(value)
            if seq not in self._by_seq:
                self.preload(name, [value])
            return self._by_seq[seq]
        if (name, value) not in self._by_key:
            self.preload(name, [value])
        return self._by_key[name, value]

    def create(self, fields: dict[str, Any], *, item: int | None = None) -> Row:
        """Create a process, or update the one that has the key when the settings say so."""
        data: dict[str, Any] = fields.get("data") or {}
        keys = self._keys_in(data)
        self._check_rules(fields)
        if self._settings.on_existing_key == "upsert":
            owners = (self.find(name, text) for name, text in keys.items() if text is not None)
            if (owner := next(filter(None, owners), None)) is not None:
                self.update(owner, {**fields, "isDeleted": False}, item=item)
                return owner
        self._check_free(keys, None)
        assigned_to = self._assigned(fields, None)
        row = Row(
            self._take_seq(),
            fields.get("status", STATUSES[0]),
            fields.get("state", self._procedure.first_state),
            assigned_to,
            self._cause.actor,
            fields.get("nextActionAt"),
            self._now,
            self._now,
            False,
            dict(data),  # later changes must not show in the job's kept request
            fields.get("record"),
        )
        self._by_seq[row.seq] = row
        for name, text in keys.items():
            if text is not None:
                self._keys[name, text] = self._by_key[name, text] = row
        self._created.append(row)
        self._note("create", row, item)
        return row

    def update(self, row: Row, fields: dict[str, Any], *, item: int | None = None) -> None:
        """Apply the fields that are there; ``data`` is merged per attribute."""
        data: dict[str, Any] | None = fields.get("data")
        self._check_rules(fields)
        assigned_to = self._assigned(fields, row.assigned_to)
        if data:
            keys = self._keys_in(data)
            self._check_free(keys, row)
            for name, text in keys.items():
                self._move_key(name, text, row)
            row.data.update(data)
        row.status = fields.get("status", row.status)
        row.state = fields.get("state", row.state)
        row.assigned_to = assigned_to
        row.next_action_at = fields.get("nextActionAt", row.next_action_at)
        row.updated_at = self._now
        is_deleted = fields.get("isDeleted")
        if is_deleted is not None and is_deleted != row.is_deleted:
            row.is_deleted = is_deleted
            self._flagged[row.seq] = row
        self._updated[row.seq] = row
        self._note("delete" if is_deleted else "update", row, item)

    def _keys_in(self, data: dict[str, Any]) -> dict[str, str | None]:
        keys = self._procedure.keys
        return {name: key_text(data[name], name) for name in keys if name in data}

    def _check_rules(self, fields: dict[str, Any]) -> None:
        states = self._procedure.states
        if states is not None and (state := fields.get("state")) is not None and state not in states:
            raise Refusal(
                f"State '{state}' does not exist in procedure '{self._procedure.short_id}':"
                f" expected one of {', '.join(states)}"
            )
        if (status := fields.get("status")) is not None and status not in STATUSES:
            raise Refusal(f"Status '{status}' is not one of {', '.join(STATUSES)}")

    def _assigned(self, fields: dict[str, Any], before: str | None) -> str | None:
        name = fields.get("assignedTo", before)
        return name if name is None or name == before else self._assignee(name)

    def _check_free(self, keys: dict[str, str | None], row: Row | None) -> None:
        for name, text in keys.items():
            if text is not None and (owner := self.find(name, text)) is not None and owner is not row:
                procedure = self._procedure.short_id
                raise Refusal(f"A process of procedure '{procedure}' with {name} '{text}' exists already")

    def _move_key(self, name: str, text: str | None, row: Row) -> None:
        old = key_text(row.data.get(name), name)
        if old == text:
            return
        if old is not None:
            self._keys[name, old] = self._by_key[name, old] = None
        if text is not None:
            self._keys[name, text] = self._by_key[name, text] = row

    def _take_seq(self) -> int:
        if not self._next_seq:
            self._next_seq = _next(self._db, "process")
        self._next_seq += 1
        return self._next_seq - 1

    def _note(self, kind: EffectKind, row: Row, item: int | None) -> None:
        cause, keys = self._cause, self._procedure.keys
        key = key_text(row.data.get(keys[0]), keys[0]) if keys else None
        # A job's row knows the request already.
        request_id = cause.request_id if cause.job is None else None
        self._effects.append((self._now, kind, row.seq, key, request_id, cause.job, item))

    def write(self) -> range:
        """Write everything down and return the numbers of the effects in the ledger."""
        db, procedure = self._db, self._procedure.seq
        if self._created:
            db.executemany(_INSERT, [_inserted(row, procedure) for row in self._created])
            for row in self._created:
                self._updated.pop(row.seq, None)
        db.executemany(_UPDATE, map(_update_of, self._updated.values()))
        db.executemany(
            "UPDATE process SET is_deleted = ? WHERE seq = ?",
            [(row.is_deleted, row.seq) for row in self._flagged.values()],
        )
        db.executemany(
            "DELETE FROM process_key WHERE procedure = ? AND name = ? AND value = ?",
            [(procedure, *key) for key, row in self._keys.items() if row is None],
        )
        db.executemany(
            "INSERT OR REPLACE INTO process_key VALUES (?, ?, ?, ?)",
            [(procedure, *key, row.seq) for key, row in self._keys.items() if row is not None],
        )
        first = _next(db, "ledger")
        db.executemany(_EFFECT, self._effects)
        return range(first, first + len(self._effects))


_INSERT: Final = "INSERT INTO process VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Without `is_deleted`: naming it would make sqlite rewrite the index of live processes for every row.
_UPDATE: Final = (
    "UPDATE process SET status = ?, state = ?, assigned_to = ?, next_action_at = ?, updated_at = ?,"
    " data = ? WHERE seq = ?"
)
_EFFECT: Final = (
    "INSERT INTO ledger (at, kind, process, key, request_id, job, item) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def _next(db: sqlite3.Connection, table: str) -> int:
    (last,) = db.execute(f"SELECT coalesce(max(seq), 0) FROM {table}").fetchone()
    return int(last) + 1


def _inserted(row: Row, procedure: int) -> tuple[Any, ...]:
    return (
        row.seq,
        procedure,
        row.status,
        row.state,
        row.assigned_to,
        row.created_by,
        row.next_action_at,
        row.created_at,
        row.updated_at,
        row.is_deleted,
        orjson.dumps(row.data).decode(),
        None if row.record is None else orjson.dumps(row.record).decode(),
    )


def _update_of(row: Row) -> tuple[Any, ...]:
    return (
        row.status,
        row.state,
        row.assigned_to,
        row.next_action_at,
        row.updated_at,
        orjson.dumps(row.data).decode(),
        row.seq,
    )
