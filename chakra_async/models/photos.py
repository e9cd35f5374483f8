"""Photos: the values of photo attributes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import define, field

from chakra_async.models.transfers import Downloaded


@define(kw_only=True)
class Photo:
    """A photo. Its ``id`` is what a photo attribute of a process holds.

    Source: docs ``/photo/upload-photo`` (documented).
    """

    id: str
    filename: str | None = None
    filetype: str | None = None
    height: int | None = None
    width: int | None = None
    is_public: bool | None = None
    team: str | None = None
    user: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    file: Downloaded | None = field(default=None, metadata={"wire": False})
    """The photo itself, after ``photos.get``; ``None`` when the service sent an object only."""
    extra: dict[str, Any] = field(factory=dict[str, Any])
