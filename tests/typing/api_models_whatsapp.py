"""The objects of WhatsApp, as type checkers see them: each with all its fields."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_type

from chakra_async import (
    Account,
    Call,
    CallAction,
    CallingSettings,
    CallLimit,
    CallPermission,
    CallPermissions,
    Group,
    GroupParticipant,
    GroupRequest,
    JoinRequest,
    JoinRequestsAnswered,
    MediaInfo,
    ParticipantsRemoved,
    PhoneNumber,
    PhoneNumberSettings,
    Plugin,
    PublicKey,
    PublicMedia,
    SentMessage,
    Template,
)


def account(it: Account) -> None:
    assert_type(it.id, str | None)
    assert_type(it.name, str | None)
    assert_type(it.chakra_status, str | None)
    assert_type(it.extra, dict[str, Any])


def call(it: Call) -> None:
    assert_type(it.id, str)
    assert_type(it.extra, dict[str, Any])


def call_action(it: CallAction) -> None:
    assert_type(it.action_name, str | None)
    assert_type(it.can_perform_action, bool | None)
    assert_type(it.limits, list[CallLimit])
    assert_type(it.extra, dict[str, Any])


def call_limit(it: CallLimit) -> None:
    assert_type(it.time_period, str | None)
    assert_type(it.max_allowed, int | None)
    assert_type(it.current_usage, int | None)
    assert_type(it.limit_expiration_time, datetime | None)
    assert_type(it.extra, dict[str, Any])


def call_permission(it: CallPermission) -> None:
    assert_type(it.status, str | None)
    assert_type(it.expiration_time, datetime | None)
    assert_type(it.can_call, bool | None)
    assert_type(it.extra, dict[str, Any])


def call_permissions(it: CallPermissions) -> None:
    assert_type(it.permission, CallPermission)
    assert_type(it.actions, list[CallAction])
    assert_type(it.extra, dict[str, Any])
    assert_type(it.can("start_call"), bool)


def calling_settings(it: CallingSettings) -> None:
    assert_type(it.status, str | None)
    assert_type(it.call_icon_visibility, str | None)
    assert_type(it.callback_permission_status, str | None)
    assert_type(it.call_hours, dict[str, Any])
    assert_type(it.sip, dict[str, Any])
    assert_type(it.extra, dict[str, Any])


def group(it: Group) -> None:
    assert_type(it.id, str | None)
    assert_type(it.subject, str | None)
    assert_type(it.description, str | None)
    assert_type(it.join_approval_mode, str | None)
    assert_type(it.suspended, bool | None)
    assert_type(it.total_participant_count, int | None)
    assert_type(it.participants, list[GroupParticipant])
    assert_type(it.created_at, datetime | None)
    assert_type(it.creation_timestamp, datetime | None)
    assert_type(it.extra, dict[str, Any])


def group_participant(it: GroupParticipant) -> None:
    assert_type(it.wa_id, str | None)
    assert_type(it.extra, dict[str, Any])


def group_request(it: GroupRequest) -> None:
    assert_type(it.request_id, str | None)
    assert_type(it.id, str | None)
    assert_type(it.extra, dict[str, Any])


def join_request(it: JoinRequest) -> None:
    assert_type(it.join_request_id, str | None)
    assert_type(it.wa_id, str | None)
    assert_type(it.creation_timestamp, datetime | None)
    assert_type(it.extra, dict[str, Any])


def join_requests_answered(it: JoinRequestsAnswered) -> None:
    assert_type(it.approved_join_requests, list[str])
    assert_type(it.rejected_join_requests, list[str])
    assert_type(it.failed_join_requests, list[dict[str, Any]])
    assert_type(it.extra, dict[str, Any])


def media_info(it: MediaInfo) -> None:
    assert_type(it.url, str | None)
    assert_type(it.mime_type, str | None)
    assert_type(it.sha256, str | None)
    assert_type(it.file_size, int | None)
    assert_type(it.id, str | None)
    assert_type(it.extra, dict[str, Any])


def participants_removed(it: ParticipantsRemoved) -> None:
    assert_type(it.removed_participants, list[dict[str, Any]])
    assert_type(it.failed_participants, list[dict[str, Any]])
    assert_type(it.extra, dict[str, Any])


def phone_number(it: PhoneNumber) -> None:
    assert_type(it.id, str | None)
    assert_type(it.display_phone_number, str | None)
    assert_type(it.verified_name, str | None)
    assert_type(it.status, str | None)
    assert_type(it.chakra_status, str | None)
    assert_type(it.name_status, str | None)
    assert_type(it.quality_score, dict[str, Any])
    assert_type(it.messaging_limit_tier, str | None)
    assert_type(it.waba, str | dict[str, Any] | None)
    assert_type(it.extra, dict[str, Any])


def phone_number_settings(it: PhoneNumberSettings) -> None:
    assert_type(it.calling, CallingSettings)
    assert_type(it.sip, dict[str, Any])
    assert_type(it.storage_configuration, dict[str, Any])
    assert_type(it.extra, dict[str, Any])


def plugin(it: Plugin) -> None:
    assert_type(it.id, str)
    assert_type(it.type, str | None)
    assert_type(it.name, str | None)
    assert_type(it.is_active, bool | None)
    assert_type(it.auth, dict[str, Any])
    assert_type(it.server_config, dict[str, Any])
    assert_type(it.extra, dict[str, Any])
    assert_type(it.enabled_phone_numbers, Sequence[Any])


def public_key(it: PublicKey) -> None:
    assert_type(it.business_public_key, str | None)
    assert_type(it.business_public_key_signature_status, str | None)
    assert_type(it.extra, dict[str, Any])


def public_media(it: PublicMedia) -> None:
    assert_type(it.public_media_url, str)
    assert_type(it.extra, dict[str, Any])


def sent_message(it: SentMessage) -> None:
    assert_type(it.whatsapp_message_id, str)
    assert_type(it.extra, dict[str, Any])


def template(it: Template) -> None:
    assert_type(it.id, str | None)
    assert_type(it.name, str | None)
    assert_type(it.language, str | None)
    assert_type(it.status, str | None)
    assert_type(it.category, str | None)
    assert_type(it.parameter_format, str | None)
    assert_type(it.components, list[dict[str, Any]])
    assert_type(it.rejected_reason, str | None)
    assert_type(it.extra, dict[str, Any])
