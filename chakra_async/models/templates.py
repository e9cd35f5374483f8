"""WhatsApp message templates, in Meta's own form."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, field


@define(kw_only=True)
class Template:
    """A message template.

    Which fields are there depends on the call: creating answers ``id``, ``status`` and ``category`` alone,
    and a list holds what its ``fields`` asked for.
    Source: Meta's form, as clients received it (seen, live).
    """

    _wire_case: ClassVar[str] = "snake"

    id: str | None = None
    """Meta's number, called ``hsm_id`` where a template is deleted."""
    name: str | None = None
    language: str | None = None
    """Such as ``en_US``; a template is sent by its name and exactly this language."""
    status: str | None = None
    """``APPROVED``, ``PENDING``, ``REJECTED``, ``PAUSED`` and others of Meta's."""
    category: str | None = None
    """``MARKETING``, ``UTILITY`` or ``AUTHENTICATION``."""
    parameter_format: str | None = None
    """``NAMED`` or ``POSITIONAL``."""
    components: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    rejected_reason: str | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])
