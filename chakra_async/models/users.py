"""Users of the team."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from attrs import define, field


UpdateMethod = Literal["PUT", "PATCH", "POST", "GET"]
"""HTTP methods with which a user's update can be tried."""


@define(kw_only=True)
class User:
    """One user.

    The humanised form (version 2) gives names where the plain one gives ids; both are read alike.
    Source: apidocs api-11531149 and -158 (documented, their list of fields cut off); that roles, skills,
    pods and team are told is implied by docs ``/fetch-config``.
    """

    id: str
    username: str | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    gender: str | None = None
    dob: int | None = None
    """Date of birth; its unit is not documented."""
    bio: str | None = None
    profile_image_url: str | None = None
    cover_image_url: str | None = None
    timezone: str | None = None
    phones: list[str] = field(factory=list[str])
    emails: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    """Objects as the service sends them."""
    data: dict[str, Any] | None = None
    onboarding_data: dict[str, Any] | None = None
    role: str | None = None
    roles: list[str] = field(factory=list[str])
    """Ids to look up in ``TeamConfig``, or names in the humanised form (inferred)."""
    skills: list[str] = field(factory=list[str])
    pods: list[str] = field(factory=list[str])
    team: str | None = None
    is_active: bool | None = None
    is_deleted: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])
