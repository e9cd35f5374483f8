"""Media: files that WhatsApp messages carry."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, field


@define(kw_only=True)
class PublicMedia:
    """A file that anyone can fetch who knows its address.

    Source: apidocs api-11313630, the vendor's SDK (documented).
    """

    public_media_url: str
    """World-readable; put it into a message as ``link``."""
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class MediaInfo:
    """What is known of a file somebody sent.

    Source: apidocs api-20534427 (documented path); ``url`` and ``mime_type`` were seen, the rest is Meta's.
    """

    _wire_case: ClassVar[str] = "snake"

    url: str | None = None
    """Where the service keeps it; it passes, and needs the access token. ``media.show`` fetches the same."""
    mime_type: str | None = None
    sha256: str | None = None
    """Hex; hand it to ``media.show`` to have the bytes checked."""
    file_size: int | None = None
    """Bytes."""
    id: str | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])
