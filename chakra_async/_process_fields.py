"""What a process can be given, under the names of the wire. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chakra_async._codec import UnsendableError, shown, to_milliseconds


def process_fields(
    data: Mapping[str, Any] | None,
    state: str | None,
    status: str | None,
    assigned_to: str | None,
    next_action_at: datetime | None,
) -> dict[str, Any]:
    """Return what is given.

    Raises:
        UnsendableError: a value is of the wrong type.
    """
    body: dict[str, Any] = {}
    if data:
        # The first half is for speed: a dict is what nearly everybody gives.
        if type(data) is not dict and not isinstance(data, Mapping):
            raise UnsendableError(f"data must be a mapping, not {type(data).__name__}")
        body["data"] = data
    if state is not None:
        body["state"] = state if type(state) is str and state else _text(state, "state")
    if status is not None:
        body["status"] = status if type(status) is str and status else _text(status, "status")
    if assigned_to is not None:
        given = type(assigned_to) is str and assigned_to
        body["assignedTo"] = assigned_to if given else _text(assigned_to, "assigned_to")
    if next_action_at is not None:
        body["nextActionAt"] = milliseconds(next_action_at)
    return body


def to_change(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an update, of which there must be some.

    Raises:
        UnsendableError: nothing is given.
    """
    if not fields:
        raise UnsendableError("nothing to change: give data, state, status, assigned_to or next_action_at")
    return fields


def milliseconds(when: datetime) -> int:
    """Return the time of the next action as the wire has it.

    Raises:
        UnsendableError: it is no datetime, or a naive one.
    """
    try:
        return to_milliseconds(when, "next_action_at")
    except (TypeError, ValueError) as error:
        raise UnsendableError(str(error)) from None


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise UnsendableError(f"{name} must be text that is not empty, not {shown(value)}")
    return value
