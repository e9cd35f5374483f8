"""Chats and their messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from attrs import define, field


OrderDirection = Literal["asc", "desc"]
"""From the least to the greatest, or back."""


@define(kw_only=True)
class Contact:
    """The person a chat is held with.

    Source: client code (seen).
    """

    id: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    photo: str | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class ContactHandle:
    """Under what a contact is reached.

    Source: client code (seen).
    """

    value: str | None = None
    """For WhatsApp the phone number: country code and digits."""
    type: str | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class MessagePreview:
    """What a list of chats shows of the latest message.

    Source: client code (seen).
    """

    text: str | None = None
    direction: str | None = None
    """``INBOUND`` or ``OUTBOUND``."""
    timestamp: datetime | None = None
    data_type: str | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class Chat:
    """One chat.

    Source: client code (seen); apidocs api-23827369 documents the endpoint only. ``created_at``,
    ``updated_at`` and ``team`` are inferred from other objects.
    """

    id: str
    status: str | None = None
    """Such as ``OPEN``."""
    provider: str | None = None
    primary_contact: Contact | None = None
    primary_contact_handle: ContactHandle | None = None
    latest_message: MessagePreview | None = None
    latest_message_ts: datetime | None = None
    latest_message_direction: str | None = None
    """``INBOUND`` or ``OUTBOUND``."""
    started_at: datetime | None = None
    assigned_to: str | None = None
    team: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class MessageSource:
    """What made a message be sent.

    Source: the vendor's TypeScript SDK (documented).
    """

    source_id: str | None = None
    source_type: str | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class ChatMessage:
    """One message, as template sends return it and chats list it.

    A message has two ids: ``id`` is the service's, ``external_id`` WhatsApp's (``wamid.…``), which
    delivery statuses name too. That it was accepted does not mean that it was delivered.
    Source: the vendor's TypeScript SDK, ``template-messages.ts`` (documented).
    """

    id: str
    external_id: str | None = None
    direction: str | None = None
    """``INBOUND`` or ``OUTBOUND``."""
    delivery_status: str | None = None
    """``SENT``, ``DELIVERED``, ``READ``, ``FAILED``; there may be others."""
    text: str | None = None
    data_type: str | None = None
    body: dict[str, Any] | None = None
    attachments: Any = None
    """Not documented further."""
    timestamp: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    provider: str | None = None
    context: dict[str, Any] | None = None
    """``contactIdentifier``, ``messageTemplateId``."""
    source: MessageSource | None = None
    in_reply_to: str | None = None
    """The message that this one answers."""
    chat: str | None = None
    contact: str | None = None
    user: str | None = None
    procedure: str | None = None
    process: str | None = None
    campaign: str | None = None
    adhoc_agent: str | None = None
    plugin: str | None = None
    team: str | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])
