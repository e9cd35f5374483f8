"""WhatsApp business accounts."""

from __future__ import annotations

from typing import Any

from attrs import define, field


@define(kw_only=True)
class Account:
    """A WhatsApp business account.

    Source: what public clients read (seen).
    """

    id: str | None = None
    """Taken to be Meta's number, the ``waba_id`` of other calls."""
    name: str | None = None
    chakra_status: str | None = None
    """``CONNECTED`` was seen."""
    extra: dict[str, Any] = field(factory=dict[str, Any])
