"""From JSON values to models, by code that is written once for each model.

The rule is told in :mod:`chakra_async._codec`. A function that looped over the fields would spend most of
its time on the loop: objects come by the thousand, and nearly every value already is what is due.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs

from chakra_async._shapes import as_list, as_object


SECONDS_BELOW = 100_000_000_000
LATEST = 253_402_300_800_000

T = TypeVar("T")

_MISFIT = object()


def camel(name: str) -> str:
    """``next_action_at`` to ``nextActionAt``."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def to_instant(milliseconds: float) -> datetime:
    """Epoch milliseconds to an aware datetime in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _text(value: Any) -> Any:
    if value.__class__ is str:
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _MISFIT


def _whole(value: Any) -> Any:
    if isinstance(value, bool):
        return _MISFIT
    try:
        number = int(value)
        return number if isinstance(value, str) or number == value else _MISFIT
    except (TypeError, ValueError, OverflowError):
        return _MISFIT


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    return bool(value) if value in (True, False) else _MISFIT


def _instant(value: Any) -> Any:
    try:
        if isinstance(value, str):
            if not value.strip("-").isdigit():
                moment = datetime.fromisoformat(value)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            value = int(value)
        # The service writes 0 for "not yet", and Meta seconds where the platform writes milliseconds. The two
        # are told apart by size: milliseconds so small would lie before March 1973.
        if isinstance(value, bool):
            return _MISFIT
        return None if value == 0 else to_instant(value * 1000 if 0 < value < SECONDS_BELOW else value)
    except (TypeError, ValueError, OverflowError, OSError):
        return _MISFIT


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return _MISFIT
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return _MISFIT


def _anything(value: Any) -> Any:
    return value


def _mapping(value: Any) -> Any:
    return as_object(value) if isinstance(value, dict) or value == [] else _MISFIT


def _text_or_mapping(value: Any) -> Any:
    return as_object(value) if isinstance(value, dict) else _text(value)


_READERS: dict[Any, Callable[[Any], Any]] = {
    str: _text,
    int: _whole,
    float: _number,
    bool: _flag,
    Any: _anything,
    datetime: _instant,
    dict: _mapping,
    frozenset({str, dict}): _text_or_mapping,
}


def _options(hint: Any) -> list[Any]:
    if get_origin(hint) not in {Union, UnionType}:
        return [hint]
    return [option for option in get_args(hint) if option is not NoneType]


def _reader(hint: Any) -> Callable[[Any], Any]:
    options = _options(hint)
    kinds = [get_origin(option) or option for option in options]
    if len(kinds) > 1:
        return _READERS[frozenset(kinds)]
    if kinds[0] is list:
        return _list_reader(*get_args(options[0]))
    return _model_reader(kinds[0]) if attrs.has(kinds[0]) else _READERS[kinds[0]]


def _list_reader(hint: Any) -> Callable[[Any], Any]:
    read = _reader(hint)

    def read_list(value: Any) -> Any:
        if not isinstance(value, list):
            return _MISFIT
        items = [read(item) for item in as_list(value)]
        return _MISFIT if any(item is _MISFIT for item in items) else items

    return read_list


def _model_reader(cls: type[Any]) -> Callable[[Any], Any]:
    reader = reader_of(cls)

    def read_model(value: Any) -> Any:
        if not isinstance(value, dict):
            return _MISFIT
        try:
            return reader(value)
        except ValueError:
            return _MISFIT

    return read_model


def _wire_name(cls: type[Any], name: str) -> str:
    """Platform objects are in camel case; those that Meta made keep its snake case."""
    return name if getattr(cls, "_wire_case", "camel") == "snake" else camel(name)


def read_whole(value: Any) -> int | None:
    """Read a whole number, if it is one."""
    found = _whole(value)
    return None if found is _MISFIT else found


def read_flag(value: Any) -> bool | None:
    """Read a truth value, if it is one."""
    found = _flag(value)
    return None if found is _MISFIT else found


def reader_of(cls: type[T]) -> Callable[[Any], T]:
    """Return the function that reads one model from an object, which stays as it is.

    It raises ``ValueError`` when a field that is always there is missing, and ``AttributeError`` or
    ``TypeError`` for what is no object.
    """
    take = taker_of(cls)
    return lambda source: take(source.copy())


_takers: dict[type[Any], Callable[[Any], Any]] = {}


def taker_of(cls: type[T]) -> Callable[[Any], T]:
    """Return the same for objects that nobody else holds: what it reads it takes out of them."""
    if cls not in _takers:
        _takers[cls] = _compile(cls)
    return _takers[cls]


def _compile(cls: type[Any]) -> Callable[[Any], Any]:
    hints, fields = get_type_hints(cls), attrs.fields(cls)
    known: dict[str, Any] = {
        "cls": cls,
        "new": object.__new__,
        "fromtimestamp": datetime.fromtimestamp,
        "UTC": UTC,
        "lasts": [(_MISFIT, None)] * len(fields),
    }
    lines = ["def take(extra):", "    pop = extra.pop", "    self = new(cls)"]
    for number, field in enumerate(fields):
        name = field.name
        if name == "extra":
            continue
        known[f"slow{number}"], known[f"default{number}"] = _slowly(cls, field, hints)
        if not field.metadata.get("wire", True):
            lines.append(f"    self.{name} = default{number}()")
            continue
        lines += [f"    value = pop({_wire_name(cls, name)!r}, None)", *_quickly(hints[name], name, number)]
        if field.default is None:
            lines += ["    elif value is None:", f"        self.{name} = None"]
        lines += ["    else:", f"        self.{name} = slow{number}(value, extra)"]
    # What nobody took out is what we do not know.
    lines += ["    self.extra = extra or {}", "    return self"]
    exec(compile("\n".join(lines), f"<reader of {cls.__qualname__}>", "exec"), known)  # noqa: S102 - of our own lines alone
    take: Callable[[Any], Any] = known["take"]
    return take


def _quickly(hint: Any, name: str, number: int) -> list[str]:
    """Write what takes a value that is what is due already."""
    kinds = {get_origin(option) or option for option in _options(hint)}
    for kind in (str, int, bool, dict):
        if kind in kinds:
            return [f"    if value.__class__ is {kind.__name__}:", f"        self.{name} = value"]
    if datetime in kinds:
        # Entries of one job were made at one time, and those that end together follow each other.
        return [
            f"    last = lasts[{number}]",
            "    if value == last[0]:",
            f"        self.{name} = last[1]",
            f"    elif value.__class__ is int and {SECONDS_BELOW} <= value < {LATEST}:",
            f"        self.{name} = moment = fromtimestamp(value / 1000, UTC)",
            f"        lasts[{number}] = value, moment",
        ]
    return ["    if False:", "        pass"]


def _slowly(
    cls: type[Any], field: attrs.Attribute[Any], hints: dict[str, Any]
) -> tuple[Callable[[Any, dict[str, Any]], Any], Callable[[], Any]]:
    """Make what reads any value of a field, and what makes its default."""
    read = _reader(hints[field.name]) if field.metadata.get("wire", True) else None
    wire, default = _wire_name(cls, field.name), field.default

    def make_default() -> Any:
        if default is attrs.NOTHING:
            raise ValueError(f"{cls.__name__}.{field.name} is missing or of the wrong type")
        factory: Callable[[], Any] | None = getattr(default, "factory", None)
        return default if factory is None else factory()

    def slow(raw: Any, extra: dict[str, Any]) -> Any:
        value = None if raw is None or read is None else read(raw)
        if value is _MISFIT:
            extra[wire] = raw
        return make_default() if value is None or value is _MISFIT else value

    return slow, make_default
