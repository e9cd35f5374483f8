"""Processes: fetching, listing, creating, updating and deleting them, one by one or in bulk."""

from __future__ import annotations

from typing import Any, Final

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.catalog import Procedure
from chakra_async.emulator.endpoints.jobs import JOB
from chakra_async.emulator.processes import Row, wire
from chakra_async.emulator.query import compile_where
from chakra_async.emulator.refusals import Missing
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.schema import (
    STATUSES,
    an_array,
    an_object,
    count,
    parse,
    process_fields,
    required,
)
from chakra_async.emulator.shapes import (
    BOOLEAN,
    ID,
    INSTANT,
    NULL_INTEGER,
    NULL_OBJECT,
    NULL_STRING,
    OBJECT,
    STRING,
    Schema,
    arr,
    obj,
    one_of,
    wrapped,
)


def fetch(call: Call, name: str, process_id: str) -> Answer:
    """Fetch a process, deleted or not."""
    procedure = _procedure(call, name)
    row = call.service.processes.by_id(procedure, process_id)
    return _shown(call, procedure, _existing(row, procedure, "id", process_id))


def list_(call: Call, name: str) -> Answer:
    """List the live processes that match a query."""
    procedure = _procedure(call, name)
    body = an_object(parse(call.body), "body")
    where = an_object(body.get("where", {}), "body.where")
    skip = count(body.get("skip", 0), "body.skip", minimum=0)
    limit = count(body.get("limit", 10), "body.limit", minimum=1, maximum=100)
    condition = compile_where(
        where,
        procedure=procedure.seq,
        keys=procedure.keys,
        seq_of=call.service.store.ids.seq,
        user_of=call.service.users.resolve,
    )
    rows = call.service.processes.page(procedure, condition, skip=skip, limit=limit + 1)
    return success(
        [wire(row, procedure, call.service.store) for row in rows[:limit]], {"hasMore": len(rows) > limit}
    )


def create(call: Call, name: str) -> Answer:
    """Create a process."""
    procedure = _procedure(call, name)
    fields = _fields(call)
    with call.service.store.transaction() as db:
        batch = call.service.batch(db, procedure, call.cause)
        row = batch.create(fields)
        batch.write()
    return _shown(call, procedure, row)


def update(call: Call, name: str, process_id: str) -> Answer:
    """Update a process."""
    return _change(call, name, "id", process_id, _updatable(call))


def update_by_key(call: Call, name: str, key: str, value: str) -> Answer:
    """Update the process with this primary key value."""
    return _change(call, name, key, value, _updatable(call))


def delete(call: Call, name: str, process_id: str) -> Answer:
    """Delete a process softly."""
    return _change(call, name, "id", process_id, {"isDeleted": True})


def delete_by_key(call: Call, name: str, key: str, value: str) -> Answer:
    """Delete the process with this primary key value softly."""
    return _change(call, name, key, value, {"isDeleted": True})


def bulk_create(call: Call, name: str) -> Answer:
    """Accept a bare array of create bodies as a background job."""
    procedure = _procedure(call, name)
    items = an_array(parse(call.body), "body")
    job = call.jobs.submit("create", procedure, call.cause, call.body, items)
    return success(job.wire(call.service.store.team, show_status=True))


def bulk_update(call: Call, name: str) -> Answer:
    """Accept updates of many processes as a background job."""
    procedure = _procedure(call, name)
    body = an_object(parse(call.body), "body")
    items = an_array(required(body, "processes"), "body.processes")
    job = call.jobs.submit("update", procedure, call.cause, call.body, items)
    return success(job.wire(call.service.store.team, show_status=True))


def _procedure(call: Call, name: str) -> Procedure:
    procedure = call.service.catalog.procedure(name)
    if procedure is None:
        raise Missing(f"Procedure '{name}' not found")
    return procedure


def _fields(call: Call) -> dict[str, Any]:
    fields = an_object(parse(call.body), "body")
    process_fields(fields, "body")
    return fields


def _updatable(call: Call) -> dict[str, Any]:
    # Restoring is documented for bulk updates only.
    return {name: value for name, value in _fields(call).items() if name != "isDeleted"}


def _change(call: Call, name: str, key: str, value: str, fields: dict[str, Any]) -> Answer:
    procedure = _procedure(call, name)
    if key != "id" and key not in procedure.keys:
        raise Missing(f"'{key}' is no primary key of procedure '{procedure.short_id}'")
    with call.service.store.transaction() as db:
        batch = call.service.batch(db, procedure, call.cause)
        row = _existing(batch.find(key, value), procedure, key, value)
        batch.update(row, fields)
        batch.write()
    return _shown(call, procedure, row)


def _existing(row: Row | None, procedure: Procedure, key: str, value: str) -> Row:
    if row is None:
        raise Missing(f"Process of procedure '{procedure.short_id}' with {key} '{value}' not found")
    return row


def _shown(call: Call, procedure: Procedure, row: Row) -> Answer:
    return success(wire(row, procedure, call.service.store))


# The bodies are described here and checked in ``schema``, as the items of a bulk call are: the same way.
_STATUS: Final = one_of(*STATUSES)
_FIELDS: Final[dict[str, Schema]] = {
    "data": OBJECT,
    "state": STRING,
    "status": _STATUS,
    "assignedTo": NULL_STRING,
    "nextActionAt": INSTANT,
}
_CHANGES: Final = obj(_FIELDS)
_NEW: Final = obj({**_FIELDS, "record": OBJECT})
_UPDATE: Final = obj({"id": STRING, "update": obj({**_FIELDS, "isDeleted": BOOLEAN})})
_PROCESS: Final = obj(
    {
        "id": ID,
        "createdAt": INSTANT,
        "updatedAt": INSTANT,
        "isDeleted": BOOLEAN,
        "team": ID,
        "procedure": ID,
        "entity": ID,
        "createdBy": STRING,
        "assignedTo": NULL_STRING,
        "belongsTo": NULL_STRING,
        "record": NULL_OBJECT,
        "status": _STATUS,
        "state": NULL_STRING,
        "data": OBJECT,
        "nextActionAt": NULL_INTEGER,
    },
    "id",
    "status",
    "data",
)
_QUERY: Final = obj(
    {
        "where": OBJECT,
        "skip": {"type": "integer", "minimum": 0},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
    }
)
_ALL: Final = "/v1/ext/procedure/{procedure}/process"
_ONE: Final = _ALL + "/{id}"
_KEYED: Final = _ALL + "/{key}/{value}"
_SHOWN: Final = wrapped(_PROCESS)

ROUTES = (
    Route("GET", _ONE, fetch, gives=_SHOWN),
    Route(
        "POST",
        _ALL + "/list",
        list_,
        body=_QUERY,
        gives=wrapped(arr(_PROCESS), obj({"hasMore": BOOLEAN}, "hasMore")),
    ),
    Route("POST", _ALL, create, writes=True, body=_NEW, gives=_SHOWN),
    Route("PUT", _ONE, update, writes=True, body=_CHANGES, gives=_SHOWN),
    Route("PUT", _KEYED, update_by_key, writes=True, body=_CHANGES, gives=_SHOWN),
    Route("DELETE", _ONE, delete, writes=True, gives=_SHOWN),
    Route("DELETE", _KEYED, delete_by_key, writes=True, gives=_SHOWN),
    Route("POST", _ALL + "/bulk-create", bulk_create, writes=True, body=arr(OBJECT), gives=wrapped(JOB)),
    Route(
        "PATCH",
        _ALL,
        bulk_update,
        writes=True,
        body=obj({"processes": arr(_UPDATE)}, "processes"),
        gives=wrapped(JOB),
    ),
)
