"""Processes as they stand: one row, its shape on the wire, and the ways to find it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import orjson
from attrs import define

from chakra_async.emulator.catalog import Procedure
from chakra_async.emulator.query import Condition
from chakra_async.emulator.store import Store


_COLUMNS: Final = (
    "process.seq, status, state, assigned_to, created_by, next_action_at, created_at, updated_at,"
    " is_deleted, data, record"
)

_LOOKED_AT: Final = 1000


@define
class Row:
    """One process in memory."""

    seq: int
    status: str
    state: str | None
    assigned_to: str | None
    created_by: str
    next_action_at: int | None
    created_at: int
    updated_at: int
    is_deleted: bool
    data: dict[str, Any]
    record: dict[str, Any] | None


def _row(columns: tuple[Any, ...]) -> Row:
    row = Row(*columns)
    row.is_deleted = bool(columns[8])
    row.data = orjson.loads(columns[9])
    if columns[10] is not None:
        row.record = orjson.loads(columns[10])
    return row


def wire(row: Row, procedure: Procedure, store: Store) -> dict[str, Any]:
    """Shape a process as the API shows it."""
    return {
        "id": store.ids.uuid(row.seq),
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "isDeleted": row.is_deleted,
        "team": store.team,
        "procedure": procedure.id,
        "entity": entity_id(procedure.id),
        "createdBy": row.created_by,
        "assignedTo": row.assigned_to,
        "belongsTo": None,
        "record": row.record,
        "status": row.status,
        "state": row.state,
        "data": row.data,
        "nextActionAt": row.next_action_at,
    }


@lru_cache
def entity_id(procedure_id: str) -> str:
    """Return the uuid of the entity that the processes of a procedure are about."""
    return str(uuid5(NAMESPACE_URL, procedure_id))


class Processes:
    """Reads the processes of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def seq(self, process_id: str) -> int:
        """Return the row number in a uuid, -1 when there is none."""
        return self._store.ids.seq(process_id)

    def by_id(self, procedure: Procedure, process_id: str) -> Row | None:
        """Find a process by its uuid, deleted or not."""
        found = self.with_seqs(procedure, [self.seq(process_id)])
        return found[0] if found else None

    def by_key(self, procedure: Procedure, name: str, value: str) -> Row | None:
        """Find a process by one of its primary keys, deleted or not."""
        return self.with_keys(procedure, name, [value]).get(value)

    def with_seqs(self, procedure: Procedure, seqs: Iterable[int]) -> list[Row]:
        """Find many processes by row number."""
        return self._select(
            "process WHERE seq IN (SELECT value FROM json_each(?)) AND procedure = ?",
            _json(seqs),
            procedure.seq,
        )

    def with_keys(self, procedure: Procedure, name: str, values: Iterable[str]) -> dict[str, Row]:
        """Find many processes by the values of one primary key."""
        found = self._store.rows(
            f"SELECT value, {_COLUMNS} FROM process_key JOIN process ON process.seq = process_key.process"
            " WHERE process_key.procedure = ? AND name = ? AND value IN (SELECT value FROM json_each(?))",
            (procedure.seq, name, _json(values)),
        )
        return {columns[0]: _row(columns[1:]) for columns in found}

    def page(self, procedure: Procedure, condition: Condition, *, skip: int, limit: int) -> list[Row]:
        """List the live processes that match, in the order of their creation."""
        # Of the two indexes sqlite would guess the wrong one: it knows nothing about their sizes.
        hint = "NOT INDEXED" if condition.by_key else "INDEXED BY process_live"
        return self._select(
            f"process {hint} WHERE procedure = ? AND is_deleted = 0 AND ({condition.sql})"
            " ORDER BY seq LIMIT ? OFFSET ?",
            procedure.seq,
            *condition.parameters,
            limit,
            skip,
        )

    def all(self, procedure: Procedure) -> list[Row]:
        """List every process, deleted ones included, in the order of their creation."""
        return self._select("process WHERE procedure = ? ORDER BY seq", procedure.seq)

    def states(self, procedure: Procedure) -> tuple[str, ...]:
        """List the states that its first processes are in."""
        found = self._store.rows(
            "SELECT DISTINCT state FROM (SELECT state FROM process WHERE procedure = ? LIMIT ?)"
            " WHERE state IS NOT NULL",
            (procedure.seq, _LOOKED_AT),
        )
        return tuple(state for (state,) in found)

    def attributes(self, procedure: Procedure) -> dict[str, str]:
        """List the attributes of its first processes, and the JSON type of one value of each."""
        found = self._store.rows(
            "SELECT key, max(type) FROM (SELECT data FROM process WHERE procedure = ? LIMIT ?),"
            " json_each(data) WHERE type <> 'null' GROUP BY key ORDER BY key",
            (procedure.seq, _LOOKED_AT),
        )
        return dict(found)

    def _select(self, rest: str, *parameters: Any) -> list[Row]:
        return [_row(found) for found in self._store.rows(f"SELECT {_COLUMNS} FROM {rest}", parameters)]


def _json(values: Iterable[str | int]) -> str:
    return orjson.dumps(list(values)).decode()
