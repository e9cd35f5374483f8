"""What a JSON value is, told to the type checker as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def as_pair(value: Any) -> tuple[Any, Any] | None:
    """Return the two items of a pair, and ``None`` for anything else."""
    if not isinstance(value, _SEQUENCES):
        return None
    items = cast("tuple[Any, ...]", value)
    return (items[0], items[1]) if len(items) == 2 else None
