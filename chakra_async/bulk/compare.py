"""What a row would change, told by the current values of its process. No I/O.

Two values are the same if they are the same JSON value, with two allowances: ``1`` is ``1.0``, and an
attribute that is absent is ``null``. Instants are compared to the millisecond. Whatever cannot be compared
counts as different, and is sent: a user's name against the id that the service tells, a state's short id
against a uuid, a time written in two ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chakra_async._codec import to_milliseconds
from chakra_async._reading import to_instant
from chakra_async._shapes import as_list, as_object
from chakra_async.bulk.encode import ROOTS, Expected, Place
from chakra_async.bulk.rows import Change, as_json
from chakra_async.models.processes import Process


_SCALARS = frozenset({str, int, float, bool, type(None)})

_OURS = {wire: name for name, wire in ROOTS.items()}


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, however their numbers are written."""
    if one.__class__ is other.__class__ and one.__class__ in _SCALARS:
        return bool(one == other)
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            first, second = as_object(left), as_object(right)
            if first.keys() != second.keys():
                return False
            pairs += [(value, second[name]) for name, value in first.items()]
        elif isinstance(left, list) and isinstance(right, list):
            items, others = as_list(left), as_list(right)
            if len(items) != len(others):
                return False
            pairs += zip(items, others, strict=True)
        elif left != right or isinstance(left, bool) != isinstance(right, bool):
            return False
    return True


def changes(update: Mapping[str, Any], process: Process) -> tuple[Change, ...]:
    """Tell what an update (the wire's ``update``) would change."""
    found: list[Change] = []
    for place, after in _flat(update):
        before = current(process, place)
        if not same(before, after):
            found.append(_change(place, before, after))
    return tuple(found)


def reduced(update: Mapping[str, Any], found: tuple[Change, ...]) -> dict[str, Any]:
    """Return the part of an update (the wire's) that changes something."""
    names = {change.field for change in found}
    attributes = {change.attribute for change in found}
    part = {name: value for name, value in update.items() if _OURS.get(name) in names}
    if data := {name: value for name, value in as_object(update.get("data")).items() if name in attributes}:
        part["data"] = data
    return part


def conflicts(expected: Expected, update: Mapping[str, Any], process: Process) -> list[str]:
    """Say which values are neither the expected ones nor, already, those that the update would set."""
    wanted = dict(_flat(update))
    found: list[str] = []
    for place, value in expected.items():
        now = current(process, place)
        if not same(now, value) and not (place in wanted and same(now, wanted[place])):
            change = _change(place, value, now)
            found.append(f"{change.name} was {as_json(change.before)} and is {as_json(change.after)} now")
    return found


def current(process: Process, place: Place) -> Any:
    """Return what stands in a field of a process, as the wire writes it."""
    name, attribute = place
    if attribute is not None:
        return process.data.get(attribute)
    value = getattr(process, _OURS[name])
    return to_milliseconds(value, name) if name == "nextActionAt" and value is not None else value


def _flat(update: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    for name, value in update.items():
        if name == "data":
            for attribute, inner in as_object(value).items():
                yield (name, attribute), inner
        else:
            yield (name, None), value


def _change(place: Place, before: Any, after: Any) -> Change:
    name, attribute = place
    if name == "nextActionAt":
        before, after = (None if value is None else to_instant(value) for value in (before, after))
    return Change(_OURS.get(name, name), attribute, before, after)
