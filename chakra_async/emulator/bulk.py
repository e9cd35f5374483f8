"""What a job does with the items of a bulk call: which process each means, and what to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import frozen

from chakra_async.emulator.catalog import Procedure
from chakra_async.emulator.changes import Batch
from chakra_async.emulator.processes import Row
from chakra_async.emulator.refusals import InvalidItem, Refusal
from chakra_async.emulator.schema import an_object, key_text, process_fields


# The documentation puts the changes under `update` in one sample and beside the identifier in others.
_FLAT: Final = ("data", "state", "status", "assignedTo", "nextActionAt", "isDeleted")


@frozen
class Failure:
    """An item that was not applied."""

    item: int
    status: str
    message: str
    process: int | None


def apply_updates(batch: Batch, procedure: Procedure, items: Sequence[Any], first: int) -> list[Failure]:
    """Apply a slice of a bulk update; ``first`` is the position of its first item in the call."""
    targets = [_target(item, procedure) for item in items]
    for name in ("id", *procedure.keys):
        values = {target[1] for target in targets if isinstance(target, tuple) and target[0] == name}
        if values:
            batch.preload(name, values)
    failures: list[Failure] = []
    for index, (item, target) in enumerate(zip(items, targets, strict=True), first):
        row: Row | None = None
        try:
            if isinstance(target, Refusal):
                raise target
            row = _existing(batch, procedure, *target)
            batch.update(row, _changes(item), item=index)
        except Refusal as refusal:
            failures.append(_failure(index, refusal, row))
    return failures


def apply_creates(batch: Batch, procedure: Procedure, items: Sequence[Any], first: int) -> list[Failure]:
    """Apply a slice of a bulk create; ``first`` is the position of its first item in the call."""
    bodies = [_body(item, procedure) for item in items]
    for name in procedure.keys:
        batch.preload(name, _texts(bodies, name))
    failures: list[Failure] = []
    for index, body in enumerate(bodies, first):
        try:
            if isinstance(body, Refusal):
                raise body
            batch.create(body, item=index)
        except Refusal as refusal:
            failures.append(_failure(index, refusal, None))
    return failures


def _failure(index: int, refusal: Refusal, row: Row | None) -> Failure:
    return Failure(index, refusal.entry_status, refusal.message, None if row is None else row.seq)


def _target(item: Any, procedure: Procedure) -> tuple[str, str] | Refusal:
    try:
        fields = an_object(item, "item")
        if (process_id := key_text(fields.get("id"), "id")) is not None:
            return "id", process_id
        for name in procedure.keys:
            if (text := key_text(fields.get(name), name)) is not None:
                return name, text
    except Refusal as refusal:
        return refusal
    expected = " or ".join(f"'{name}'" for name in ("id", *procedure.keys))
    return InvalidItem(f"The item has no identifier: expected {expected}")


def _existing(batch: Batch, procedure: Procedure, name: str, value: str) -> Row:
    row = batch.find(name, value)
    if row is None:
        raise InvalidItem(f"No process of procedure '{procedure.short_id}' has {name} '{value}'")
    return row


def _changes(item: dict[str, Any]) -> dict[str, Any]:
    if "update" in item:
        fields = an_object(item["update"], "item.update")
        process_fields(fields, "item.update")
        return fields
    fields = {name: item[name] for name in _FLAT if name in item}
    if not fields:
        raise InvalidItem("The item changes nothing: it has no 'update'")
    process_fields(fields, "item")
    return fields


def _body(item: Any, procedure: Procedure) -> dict[str, Any] | Refusal:
    """Return a create body with its keys inside ``data``, where the sample shows them beside it too."""
    try:
        fields = an_object(item, "item")
        process_fields(fields, "item")
        beside = {name: fields[name] for name in procedure.keys if name in fields}
        if not beside:
            return fields
        data: dict[str, Any] = fields.get("data") or {}
        for name, value in beside.items():
            if name in data and key_text(data[name], name) != key_text(value, name):
                return InvalidItem(f"The item has two different values for {name}")
    except Refusal as refusal:
        return refusal
    return {**fields, "data": {**beside, **data}}


def _texts(bodies: Sequence[dict[str, Any] | Refusal], name: str) -> set[str]:
    texts: set[str] = set()
    for body in bodies:
        if isinstance(body, Refusal):
            continue
        data: dict[str, Any] = body.get("data") or {}
        value = data.get(name)
        if value is not None and not isinstance(value, dict | list) and (text := key_text(value, name)):
            texts.add(text)
    return texts
