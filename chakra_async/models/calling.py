"""WhatsApp calls: settings, permissions and calls, in Meta's own form."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from attrs import define, field


@define(kw_only=True)
class CallingSettings:
    """How calls to and from a phone number work.

    Source: the vendor's SDK, ``src/types/calling.ts`` (documented).
    """

    _wire_case: ClassVar[str] = "snake"

    status: str | None = None
    """``ENABLED`` or ``DISABLED``."""
    call_icon_visibility: str | None = None
    """``DEFAULT`` or ``DISABLE ALL``; others of Meta's pass through."""
    callback_permission_status: str | None = None
    """``ENABLED`` or ``DISABLED``."""
    call_hours: dict[str, Any] = field(factory=dict[str, Any])
    """``status``, ``timezone_id``, ``weekly_operating_hours`` and ``holiday_schedule``."""
    sip: dict[str, Any] = field(factory=dict[str, Any], repr=False)
    """``status`` and ``servers``; holds passwords when they were asked for."""
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class PhoneNumberSettings:
    """The settings of a phone number.

    Source: the vendor's SDK, ``src/types/calling.ts`` (documented).
    """

    _wire_case: ClassVar[str] = "snake"

    calling: CallingSettings = field(factory=CallingSettings)
    sip: dict[str, Any] = field(factory=dict[str, Any], repr=False)
    storage_configuration: dict[str, Any] = field(factory=dict[str, Any])
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class CallPermission:
    """Whether a user allows calls from the business."""

    _wire_case: ClassVar[str] = "snake"

    status: str | None = None
    """``no_permission`` or ``temporary``; others of Meta's pass through."""
    expiration_time: datetime | None = None
    can_call: bool | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class CallLimit:
    """How often an action may be done in a period."""

    _wire_case: ClassVar[str] = "snake"

    time_period: str | None = None
    """An ISO 8601 duration, such as ``PT24H``."""
    max_allowed: int | None = None
    current_usage: int | None = None
    limit_expiration_time: datetime | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class CallAction:
    """Something that can or cannot be done now, and how often."""

    _wire_case: ClassVar[str] = "snake"

    action_name: str | None = None
    """``send_call_permission_request`` or ``start_call``; others of Meta's pass through."""
    can_perform_action: bool | None = None
    limits: list[CallLimit] = field(factory=list[CallLimit])
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class CallPermissions:
    """What a business may do about calling one user.

    Source: the vendor's SDK, ``src/types/calling.ts`` (documented).
    """

    _wire_case: ClassVar[str] = "snake"

    permission: CallPermission = field(factory=CallPermission)
    actions: list[CallAction] = field(factory=list[CallAction])
    extra: dict[str, Any] = field(factory=dict[str, Any])

    def can(self, action_name: str) -> bool:
        """Tell whether ``action_name`` may be done now; what is not listed may not."""
        return any(
            action.action_name == action_name and action.can_perform_action is True for action in self.actions
        )


@define(kw_only=True)
class Call:
    """A call that was begun; how it goes on, only webhooks tell.

    Source: the vendor's SDK, ``src/types/calling.ts`` (documented).
    """

    _wire_case: ClassVar[str] = "snake"

    id: str
    """WhatsApp's id of the call (``wacid.…``)."""
    extra: dict[str, Any] = field(factory=dict[str, Any])
