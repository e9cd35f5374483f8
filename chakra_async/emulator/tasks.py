"""Tasks of processes."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from chakra_async.emulator.catalog import Procedure
from chakra_async.emulator.documents import Document, Documents
from chakra_async.emulator.schema import STATUSES
from chakra_async.emulator.shapes import (
    ID,
    INSTANT,
    INTEGER,
    NULL_INTEGER,
    NULL_STRING,
    OBJECT,
    STRING,
    Schema,
    obj,
    one_of,
)
from chakra_async.emulator.store import Store, now_ms


NEW_TASK: Final[Schema] = obj({"data": OBJECT, "status": one_of(*STATUSES), "assignedTo": NULL_STRING})

TASK: Final[Schema] = obj(
    {
        "id": ID,
        "createdAt": INSTANT,
        "updatedAt": INSTANT,
        "title": STRING,
        "description": NULL_STRING,
        "order": INTEGER,
        "status": one_of(*STATUSES),
        "team": ID,
        "stateTask": ID,
        "taskType": ID,
        "process": ID,
        "createdBy": ID,
        "assignedTo": NULL_STRING,
        "belongsTo": NULL_STRING,
        "startsAt": NULL_INTEGER,
        "endsAt": NULL_INTEGER,
        "dueBy": NULL_INTEGER,
        "startedAt": NULL_INTEGER,
        "completedAt": NULL_INTEGER,
        "cancelledAt": NULL_INTEGER,
        "data": OBJECT,
    },
    "id",
    "status",
    "data",
)


def state_task_id(procedure: Procedure, short_id: str) -> str:
    """Return the uuid of a kind of task."""
    return str(uuid5(UUID(procedure.id), f"task:{short_id}"))


def task_type_id(team: str) -> str:
    """Return the uuid of the one type of task."""
    return str(uuid5(UUID(team), "task type"))


class Tasks:
    """The tasks of a store."""

    def __init__(self, store: Store, documents: Documents) -> None:
        self._store = store
        self._documents = documents

    def create(
        self, procedure: Procedure, process_id: str, short_id: str, fields: dict[str, Any], actor: str
    ) -> Document:
        """Create a task of a process; one may begin its life completed, to log what was done."""
        now, status = now_ms(), fields.get("status", STATUSES[0])
        with self._store.transaction():
            order = len(self._documents.all("task", process_id)) + 1
            task: Document = {
                "id": str(uuid4()),
                "createdAt": now,
                "updatedAt": now,
                "title": short_id,
                "description": None,
                "order": order,
                "status": status,
                "team": self._store.team,
                "stateTask": state_task_id(procedure, short_id),
                "taskType": task_type_id(self._store.team),
                "process": process_id,
                "createdBy": actor,
                "assignedTo": fields.get("assignedTo"),
                "belongsTo": None,
                "startsAt": None,
                "endsAt": None,
                "dueBy": None,
                "startedAt": None if status == "OPEN" else now,
                "completedAt": now if status == "COMPLETED" else None,
                "cancelledAt": now if status == "CANCELLED" else None,
                "data": fields.get("data") or {},
            }
            return self._documents.add("task", task, parent=process_id)

    def all(self, process_id: str | None = None) -> list[Document]:
        """List the tasks, or those of one process."""
        return self._documents.all("task", process_id)
