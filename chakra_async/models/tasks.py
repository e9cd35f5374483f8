"""Tasks: what is to be done, or was done, for a process."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import define, field


@define(kw_only=True)
class Task:
    """One task of a process.

    Source: help.chakrahq.com data model (documented, its list of fields cut off); ``process``,
    ``created_at`` and ``updated_at`` are inferred from other objects.
    """

    id: str
    title: str | None = None
    description: str | None = None
    order: int | None = None
    """Place among the tasks of a process."""
    status: str | None = None
    """``OPEN``, ``COMPLETED`` or ``CANCELLED``."""
    data: dict[str, Any] = field(factory=dict[str, Any])
    """Attribute values by attribute short id, untouched."""
    state_task: str | None = None
    """Uuid of the definition; ``TeamConfig`` tells its short id."""
    task_type: str | None = None
    team: str | None = None
    process: str | None = None
    belongs_to: str | None = None
    assigned_to: str | None = None
    created_by: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    due_by: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])
