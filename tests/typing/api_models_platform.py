"""The objects of the rest of the platform, as type checkers see them: each with all its fields."""

from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

from chakra_async import (
    Chat,
    ChatMessage,
    ConnectToken,
    Contact,
    ContactHandle,
    Definition,
    Downloaded,
    MessagePreview,
    MessageSource,
    Photo,
    PluginConfig,
    Task,
    TeamConfig,
    Transferred,
    User,
)


def task(it: Task) -> None:
    assert_type(it.id, str)
    assert_type(it.title, str | None)
    assert_type(it.description, str | None)
    assert_type(it.order, int | None)
    assert_type(it.status, str | None)
    assert_type(it.data, dict[str, Any])
    assert_type(it.state_task, str | None)
    assert_type(it.task_type, str | None)
    assert_type(it.team, str | None)
    assert_type(it.process, str | None)
    assert_type(it.belongs_to, str | None)
    assert_type(it.assigned_to, str | None)
    assert_type(it.created_by, str | None)
    assert_type(it.starts_at, datetime | None)
    assert_type(it.ends_at, datetime | None)
    assert_type(it.due_by, datetime | None)
    assert_type(it.started_at, datetime | None)
    assert_type(it.completed_at, datetime | None)
    assert_type(it.cancelled_at, datetime | None)
    assert_type(it.created_at, datetime | None)
    assert_type(it.updated_at, datetime | None)
    assert_type(it.extra, dict[str, Any])


def user(it: User) -> None:
    assert_type(it.id, str)
    assert_type(it.username, str | None)
    assert_type(it.first_name, str | None)
    assert_type(it.middle_name, str | None)
    assert_type(it.last_name, str | None)
    assert_type(it.display_name, str | None)
    assert_type(it.gender, str | None)
    assert_type(it.dob, int | None)
    assert_type(it.bio, str | None)
    assert_type(it.profile_image_url, str | None)
    assert_type(it.cover_image_url, str | None)
    assert_type(it.timezone, str | None)
    assert_type(it.phones, list[str])
    assert_type(it.emails, list[dict[str, Any]])
    assert_type(it.data, dict[str, Any] | None)
    assert_type(it.onboarding_data, dict[str, Any] | None)
    assert_type(it.role, str | None)
    assert_type(it.roles, list[str])
    assert_type(it.skills, list[str])
    assert_type(it.pods, list[str])
    assert_type(it.team, str | None)
    assert_type(it.is_active, bool | None)
    assert_type(it.is_deleted, bool | None)
    assert_type(it.created_at, datetime | None)
    assert_type(it.updated_at, datetime | None)
    assert_type(it.deleted_at, datetime | None)
    assert_type(it.extra, dict[str, Any])


def photo(it: Photo) -> None:
    assert_type(it.id, str)
    assert_type(it.filename, str | None)
    assert_type(it.filetype, str | None)
    assert_type(it.height, int | None)
    assert_type(it.width, int | None)
    assert_type(it.is_public, bool | None)
    assert_type(it.team, str | None)
    assert_type(it.user, str | None)
    assert_type(it.created_at, datetime | None)
    assert_type(it.updated_at, datetime | None)
    assert_type(it.file, Downloaded | None)
    assert_type(it.extra, dict[str, Any])


def downloaded(it: Downloaded) -> None:
    assert_type(it.size_bytes, int)
    assert_type(it.sha256, str)
    assert_type(it.content_type, str | None)
    assert_type(it.filename, str | None)
    assert_type(it.path, Path | None)
    assert_type(it.content, bytes | None)


def transferred(it: Transferred) -> None:
    assert_type(it.done_bytes, int)
    assert_type(it.total_bytes, int | None)


def definition(it: Definition) -> None:
    assert_type(it.id, str)
    assert_type(it.kind, str)
    assert_type(it.short_id, str | None)
    assert_type(it.name, str | None)
    assert_type(it.data, dict[str, Any])


def team_config(it: TeamConfig) -> None:
    assert_type(it.team, Any)
    assert_type(it.entities, Any)
    assert_type(it.procedures, Any)
    assert_type(it.attribute_types, Any)
    assert_type(it.attributes, Any)
    assert_type(it.derived_attributes, Any)
    assert_type(it.attribute_groups, Any)
    assert_type(it.roles, Any)
    assert_type(it.pods, Any)
    assert_type(it.task_types, Any)
    assert_type(it.forms, Any)
    assert_type(it.form_fields, Any)
    assert_type(it.form_action_buttons, Any)
    assert_type(it.state_tasks, Any)
    assert_type(it.user_profiles, Any)
    assert_type(it.attribute_config, Any)
    assert_type(it.skill_types, Any)
    assert_type(it.extra, dict[str, Any])
    assert_type(it.definition("states", "NEW", procedure="lead"), Definition)
    assert_type(it.definitions("roles"), list[Definition])
    assert_type(it.definitions("states", procedure="lead"), list[Definition])
    assert_type(it.id_of("states", "NEW", procedure="lead"), str)
    assert_type(it.short_id_of("procedures", "id"), str)


def chat(it: Chat) -> None:
    assert_type(it.id, str)
    assert_type(it.status, str | None)
    assert_type(it.provider, str | None)
    assert_type(it.primary_contact, Contact | None)
    assert_type(it.primary_contact_handle, ContactHandle | None)
    assert_type(it.latest_message, MessagePreview | None)
    assert_type(it.latest_message_ts, datetime | None)
    assert_type(it.latest_message_direction, str | None)
    assert_type(it.started_at, datetime | None)
    assert_type(it.assigned_to, str | None)
    assert_type(it.team, str | None)
    assert_type(it.created_at, datetime | None)
    assert_type(it.updated_at, datetime | None)
    assert_type(it.extra, dict[str, Any])


def contact(it: Contact) -> None:
    assert_type(it.id, str | None)
    assert_type(it.name, str | None)
    assert_type(it.first_name, str | None)
    assert_type(it.last_name, str | None)
    assert_type(it.photo, str | None)
    assert_type(it.extra, dict[str, Any])


def contact_handle(it: ContactHandle) -> None:
    assert_type(it.value, str | None)
    assert_type(it.type, str | None)
    assert_type(it.extra, dict[str, Any])


def message_preview(it: MessagePreview) -> None:
    assert_type(it.text, str | None)
    assert_type(it.direction, str | None)
    assert_type(it.timestamp, datetime | None)
    assert_type(it.data_type, str | None)
    assert_type(it.extra, dict[str, Any])


def chat_message(it: ChatMessage) -> None:
    assert_type(it.id, str)
    assert_type(it.external_id, str | None)
    assert_type(it.direction, str | None)
    assert_type(it.delivery_status, str | None)
    assert_type(it.text, str | None)
    assert_type(it.data_type, str | None)
    assert_type(it.body, dict[str, Any] | None)
    assert_type(it.attachments, Any)
    assert_type(it.timestamp, datetime | None)
    assert_type(it.created_at, datetime | None)
    assert_type(it.updated_at, datetime | None)
    assert_type(it.provider, str | None)
    assert_type(it.context, dict[str, Any] | None)
    assert_type(it.source, MessageSource | None)
    assert_type(it.in_reply_to, str | None)
    assert_type(it.chat, str | None)
    assert_type(it.contact, str | None)
    assert_type(it.user, str | None)
    assert_type(it.procedure, str | None)
    assert_type(it.process, str | None)
    assert_type(it.campaign, str | None)
    assert_type(it.adhoc_agent, str | None)
    assert_type(it.plugin, str | None)
    assert_type(it.team, str | None)
    assert_type(it.extra, dict[str, Any])


def message_source(it: MessageSource) -> None:
    assert_type(it.source_id, str | None)
    assert_type(it.source_type, str | None)
    assert_type(it.extra, dict[str, Any])


def connect_token(it: ConnectToken) -> None:
    assert_type(it.connect_token, str)
    assert_type(it.extra, dict[str, Any])


def plugin_config(it: PluginConfig) -> None:
    assert_type(it.pass_through_webhook_url, str | None)
    assert_type(it.enable_message_echoes_for_pass_through_webhook, bool | None)
    assert_type(it.enable_send_message_template_event_for_pass_through_webhook, bool | None)
    assert_type(it.enable_chakra_webhook, bool | None)
    assert_type(it.chakra_webhook_url, str | None)
    assert_type(it.which_chakra_webhook_events_to_send, list[str])
    assert_type(it.extra, dict[str, Any])
