"""Processes: leads, tickets, field visits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import define, field


@define(kw_only=True)
class Process:
    """One process: a lead, a ticket, a field visit.

    Only ``id`` is sure to be there. ``status``, ``state`` and ``assigned_to`` come as the service sends
    them (short ids or uuids); unknown fields are kept in ``extra`` under their wire names.
    Source: help.chakrahq.com data model, apidocs api-11375429 (documented); ``created_at``,
    ``updated_at`` and ``is_deleted`` are inferred from other objects.
    """

    id: str
    data: dict[str, Any] = field(factory=dict[str, Any])
    """Attribute values by attribute short id, untouched."""
    status: str | None = None
    """``OPEN``, ``COMPLETED`` or ``CANCELLED``."""
    state: str | None = None
    record: str | dict[str, Any] | None = None
    """The record's uuid, or an object ``{"data": {…}}``: both were seen."""
    procedure: str | None = None
    entity: str | None = None
    team: str | None = None
    belongs_to: str | None = None
    assigned_to: str | None = None
    created_by: str | None = None
    next_action_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    is_deleted: bool | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])
