"""One row to the bytes of one item of a bulk request, or to the reasons why not. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, cast

import attrs

from chakra_async._codec import UnsendableError, encode, shown
from chakra_async._process_fields import milliseconds, process_fields
from chakra_async._shapes import as_mapping, as_pair, as_plain
from chakra_async.models.rows import ProcessCreate, ProcessUpdate


RowT = TypeVar("RowT", ProcessUpdate, ProcessCreate)

_KEY_TYPES = (str, int)

_CREATE_FIELDS = frozenset({"data", "record", "state", "status", "assignedTo", "nextActionAt"})

ROOTS = {
    "state": "state",
    "status": "status",
    "assigned_to": "assignedTo",
    "next_action_at": "nextActionAt",
    "is_deleted": "isDeleted",
}
"""Our names, and those on the wire, of the fields of an update beside ``data``."""

Identity = tuple[str, str]
"""What tells processes apart: (short id or "id", value as text)."""

Place: TypeAlias = tuple[str, str | None]
"""A field of a process: its name on the wire, and, of ``data``, the attribute's short id."""

Expected: TypeAlias = Mapping[Place, Any]
"""The current values, as the wire writes them, that an update relies on."""


EncodedRow: TypeAlias = tuple[bytes, Identity | None, Expected | None]
"""A row ready to be sent: its item, the process it concerns, and what it relies on.

A tuple, for one is made for each row, and a class of ours would cost as much as the encoding itself."""


def encode_update(item: ProcessUpdate | Mapping[str, Any]) -> EncodedRow:
    """Encode ``{<"id" or short id>: value, "update": {…}}``.

    Raises:
        UnsendableError: the row names no process, or nothing to change, or holds what JSON cannot.
    """
    row = item if type(item) is ProcessUpdate else _as_row(item, ProcessUpdate)
    key = row.key
    # Nearly every row has such a key, and a call for each would cost more than to look here.
    if row.id is not None or type(key) is not tuple or len(key) != 2:
        key = _name(row)
    name, value = key
    if not (type(name) is type(value) is str and name and value):
        name, value = key = _key(key)
    if name == "update":
        raise UnsendableError("'update' cannot be the short id of a key: the API uses the name itself")
    changes = process_fields(row.data, row.state, row.status, row.assigned_to, row.next_action_at)
    if row.is_deleted is not None:
        changes["isDeleted"] = row.is_deleted
    if not changes:
        raise UnsendableError("nothing to change: data, state, status and the other fields are all empty")
    expected = None if row.expect is None else _expected(row.expect)
    identity: Any = key if type(value) is str else (name, str(value))
    return encode({name: value, "update": changes}), identity, expected


def encode_delete(item: str | tuple[str, str | int] | ProcessUpdate | Mapping[str, Any]) -> EncodedRow:
    """Encode a soft deletion, which is an update of ``isDeleted``, of a process named by id, key or row.

    Raises:
        UnsendableError: the row names no process, or asks for other changes as well.
    """
    if isinstance(item, str):
        row = ProcessUpdate(item)
    elif isinstance(item, tuple):
        row = ProcessUpdate(key=item)
    else:
        row = _as_row(item, ProcessUpdate, "an id, a key (short_id, value), ")
    given = process_fields(row.data, row.state, row.status, row.assigned_to, row.next_action_at)
    if given or row.is_deleted is False or row.expect is not None:
        raise UnsendableError("a row of a bulk delete takes id or key and nothing else")
    return encode_update(ProcessUpdate(row.id, row.key, is_deleted=True))


def encode_create(item: ProcessCreate | Mapping[str, Any]) -> EncodedRow:
    """Encode the body of a new process, its key beside ``data`` as in the documentation's sample.

    Raises:
        UnsendableError: the row is empty, or holds what JSON cannot.
    """
    row = _as_row(item, ProcessCreate)
    body = process_fields(row.data, row.state, row.status, row.assigned_to, row.next_action_at)
    if row.record:
        body["record"] = row.record
    identity = None
    if row.key is not None:
        name, value = _key(row.key)
        if name in _CREATE_FIELDS:
            raise UnsendableError(f"{name!r} cannot be the short id of a key: the API uses the name itself")
        body[name] = value
        identity = (name, str(value))
    if not body:
        raise UnsendableError("the row is empty")
    return encode(body), identity, None


def wrap_updates(items: bytes) -> bytes:
    """Put encoded items, joined by commas, into the body of a bulk update."""
    return b"".join((b'{"processes":[', items, b"]}"))


def wrap_creates(items: bytes) -> bytes:
    """Put encoded items, joined by commas, into the body of a bulk create, a bare array."""
    return b"".join((b"[", items, b"]"))


def _expected(expect: Any) -> dict[Place, Any]:
    """Read what an update expects to find, and check that it is JSON."""
    given = as_mapping(expect)
    data = as_mapping({} if given is None else given.get("data", {}))
    if given is None or data is None:
        raise UnsendableError("expect must be a mapping of fields to values, and its data one too")
    if unknown := _names(name for name in given if name not in {"data", *ROOTS}):
        raise UnsendableError(f"expect knows no field {', '.join(unknown)}; attributes go into its data")
    found: dict[Place, Any] = {("data", name): value for name, value in data.items()}
    for name, wire in ROOTS.items():
        if name in given:
            value = given[name]
            found[wire, None] = milliseconds(value) if isinstance(value, datetime) else value
    encode({"data": data, **{wire: value for (wire, _), value in found.items() if wire != "data"}})
    return found


def _as_row(item: Any, cls: type[RowT], others: str = "") -> RowT:
    if isinstance(item, cls):
        return item
    # The first half is for speed, as above.
    if type(item) is not dict and not isinstance(item, Mapping):
        kind = type(item).__name__
        raise UnsendableError(f"a row must be {others}a {cls.__name__} or a mapping, not {kind}")
    given = cast("Mapping[str, Any]", item)
    try:
        return cls(**given)
    except TypeError:
        known = attrs.fields_dict(cls)
        unknown = _names(name for name in given if name not in known)
        if not unknown:
            raise
        raise UnsendableError(
            f"a {cls.__name__} has no field {', '.join(unknown)} (it has {', '.join(known)}); "
            "attributes go into data"
        ) from None


def _name(row: ProcessUpdate) -> tuple[str, Any]:
    """Return what names the process of a row, its id or its key."""
    if row.id is not None:
        if row.key is not None:
            raise UnsendableError("give id or key, not both")
        return "id", row.id
    if row.key is None:
        raise UnsendableError("give either id or key")
    return _key(row.key)


def _key(key: Any) -> tuple[str, str | int]:
    pair = as_pair(key)
    if pair is None:
        raise UnsendableError(f"key must be a pair (short_id, value), not {shown(key)}")
    name, value = pair
    if type(name) is not str or type(value) not in _KEY_TYPES:
        name, value = as_plain(name), as_plain(value)
    if not isinstance(name, str) or not name:
        raise UnsendableError(f"the first half of key must be a short id, not {shown(name)}")
    if name == "id" and as_pair(value) is not None:
        raise UnsendableError(
            f"id must be text, and {shown(value)} is a key: give it as key, and to a writer by update_by_key"
        )
    if not isinstance(value, _KEY_TYPES) or value is True or value is False or value == "":
        raise UnsendableError(
            f"key {name} must be text that is not empty or a whole number, not {shown(value)}"
        )
    if type(value) is int and not -(2**63) <= value < 2**64:
        raise UnsendableError(f"key {name} is a number of more than 64 bits; give it as text")
    return name, value


def _names(names: Iterable[Any]) -> list[str]:
    return sorted(name if isinstance(name, str) else shown(name) for name in names)


Encoder = Callable[[Any], EncodedRow]
