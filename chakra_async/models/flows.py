"""WhatsApp Flows: the key by which their data is encrypted."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, field


@define(kw_only=True)
class PublicKey:
    """The public key of a phone number, with which WhatsApp encrypts what Flows send.

    Source: Meta's form (inferred).
    """

    _wire_case: ClassVar[str] = "snake"

    business_public_key: str | None = None
    """In PEM form; ``None`` while no key is set."""
    business_public_key_signature_status: str | None = None
    """``VALID``, or ``MISMATCH`` when the key has to be set again."""
    extra: dict[str, Any] = field(factory=dict[str, Any])
