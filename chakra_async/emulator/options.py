"""Checks of what a test asks for, whose errors name the option and what it may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import field, validators


_Check = Callable[[Any, Any, Any], None]


def one_of(*allowed: str | int) -> _Check:
    """Make a validator of a field that has few values."""

    def check(_instance: Any, attribute: Any, value: Any) -> None:
        if value not in allowed:
            raise ValueError(f"{attribute.name} must be {' or '.join(map(repr, allowed))}, not {value!r}")

    return check


def within(least: int, most: int) -> _Check:
    """Make a validator of a field with bounds."""

    def check(_instance: Any, attribute: Any, value: Any) -> None:
        if not least <= value <= most:
            raise ValueError(f"{attribute.name} must be {least} to {most}, not {value!r}")

    return check


def optional(check: _Check, *, default: float | None = None) -> Any:
    """Make a field that may be ``None``."""
    return field(default=default, validator=validators.optional(check))


def several(given: Sequence[str], what: str) -> tuple[str, ...]:
    """Return texts as a tuple.

    Raises:
        TypeError: it is one text.
    """
    if isinstance(given, str):
        # A text is a sequence, too: of its letters.
        raise TypeError(f"{what} must be a list such as [{given!r}], not the text {given!r}")
    return tuple(given)
