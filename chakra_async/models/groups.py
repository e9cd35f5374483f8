"""WhatsApp groups, in Meta's own form. All of it is inferred from Meta's Groups API."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from attrs import define, field


@define(kw_only=True)
class GroupParticipant:
    """A member of a group (inferred)."""

    _wire_case: ClassVar[str] = "snake"

    wa_id: str | None = None
    """Phone number, digits only."""
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class Group:
    """A group (inferred). A list holds ``id``, ``subject`` and ``created_at`` alone."""

    _wire_case: ClassVar[str] = "snake"

    id: str | None = None
    subject: str | None = None
    description: str | None = None
    join_approval_mode: str | None = None
    """``auto_approve`` or ``approval_required``."""
    suspended: bool | None = None
    total_participant_count: int | None = None
    participants: list[GroupParticipant] = field(factory=list[GroupParticipant])
    created_at: datetime | None = None
    creation_timestamp: datetime | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class GroupRequest:
    """A change to a group that was accepted, and whose outcome a webhook tells (inferred)."""

    _wire_case: ClassVar[str] = "snake"

    request_id: str | None = None
    """What the webhook will name."""
    id: str | None = None
    """The group, where it is already known."""
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class JoinRequest:
    """Somebody's wish to join a group (inferred)."""

    _wire_case: ClassVar[str] = "snake"

    join_request_id: str | None = None
    wa_id: str | None = None
    """Phone number, digits only."""
    creation_timestamp: datetime | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class JoinRequestsAnswered:
    """What became of join requests that were approved or rejected (inferred)."""

    _wire_case: ClassVar[str] = "snake"

    approved_join_requests: list[str] = field(factory=list[str])
    rejected_join_requests: list[str] = field(factory=list[str])
    failed_join_requests: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    """``join_request_id`` and ``errors`` of each."""
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class ParticipantsRemoved:
    """What became of members that were to be removed (inferred)."""

    _wire_case: ClassVar[str] = "snake"

    removed_participants: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    failed_participants: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    """Those who are still in the group, and why."""
    extra: dict[str, Any] = field(factory=dict[str, Any])
