"""WhatsApp phone numbers of the business."""

from __future__ import annotations

from typing import Any

from attrs import define, field


@define(kw_only=True)
class PhoneNumber:
    """A phone number of the business.

    Source: what public clients read (seen).
    """

    id: str | None = None
    """Taken to be Meta's number, the ``phone_number_id`` of other calls."""
    display_phone_number: str | None = None
    verified_name: str | None = None
    status: str | None = None
    chakra_status: str | None = None
    name_status: str | None = None
    quality_score: dict[str, Any] = field(factory=dict[str, Any])
    """``score`` is ``GREEN``, ``YELLOW``, ``RED`` or ``UNKNOWN``."""
    messaging_limit_tier: str | None = None
    waba: str | dict[str, Any] | None = None
    """The WhatsApp business account."""
    extra: dict[str, Any] = field(factory=dict[str, Any])
