"""Rows of bulk updates and bulk creates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import define, field


@define
class ProcessUpdate:
    """One row of a bulk update: which process, and what to set.

    The process is named by ``id`` or by ``key``, never by both. What is ``None`` is left as it is;
    a ``None`` *inside* ``data`` is sent as JSON ``null``.
    """

    id: str | None = None
    key: tuple[str, str | int] | None = None
    """``(short_id, value)`` of a primary key of the procedure, such as ``("lead_id", "LEAD-7")``."""
    data: Mapping[str, Any] | None = None
    """Attribute values by attribute short id; JSON values only."""
    state: str | None = None
    status: str | None = None
    assigned_to: str | None = None
    """Username or user id."""
    next_action_at: datetime | None = None
    """An aware datetime; travels as epoch milliseconds."""
    is_deleted: bool | None = None
    expect: Mapping[str, Any] | None = field(default=None, kw_only=True)
    """Current values the update relies on, as in ``{"state": "NEW", "data": {"score": 4}}``.

    For ``bulk_update`` alone: it looks at the process first, and a row that finds other values there is not
    sent. ``None`` means that nothing is there."""
    ref: Any = field(default=None, eq=False, repr=False, kw_only=True)
    """Anything of yours; it comes back in the row's result and is never sent."""


@define
class ProcessCreate:
    """One row of a bulk create: the new process.

    Give ``key`` when the procedure has a primary key: it is sent beside ``data``, as the documentation's
    sample has it, and is what tells an existing process from a missing one after a lost answer.
    """

    data: Mapping[str, Any] | None = None
    """Attribute values by attribute short id; JSON values only."""
    record: Mapping[str, Any] | None = None
    """``{"data": {…}}``."""
    state: str | None = None
    status: str | None = None
    assigned_to: str | None = None
    """Username or user id."""
    next_action_at: datetime | None = None
    """An aware datetime; travels as epoch milliseconds."""
    key: tuple[str, str | int] | None = None
    """``(short_id, value)`` of a primary key of the procedure."""
    ref: Any = field(default=None, eq=False, repr=False, kw_only=True)
    """Anything of yours; it comes back in the row's result and is never sent."""
