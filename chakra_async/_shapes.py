"""What a JSON value is, told to the type checker as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, cast


_SEQUENCES = (tuple, list)


def as_object(value: Any) -> dict[str, Any]:
    """Return a JSON object as it is, and an empty one for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> Sequence[Any]:
    """Return a JSON array as it is, and any other value as the only item of one."""
    return cast("Sequence[Any]", value) if isinstance(value, list) else [value]


def as_mapping(value: Any) -> Mapping[str, Any] | None:
    """Return a mapping as it is, and ``None`` for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def is_number(value: Any) -> bool:
    """Tell whether it is a number, which a boolean is not though Python counts it as one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_plain(value: Any) -> Any:
    """Return text or a number as JSON has it: of a member of an enumeration its value, and no subclass."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return str.__str__(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def as_pair(value: Any) -> tuple[Any, Any] | None:
    """Return the two items of a pair, and ``None`` for anything else."""
    if not isinstance(value, _SEQUENCES):
        return None
    items = cast("tuple[Any, ...]", value)
    return (items[0], items[1]) if len(items) == 2 else None
