"""WhatsApp messages: what sending one answers. As chats show them, they are in ``models/chats``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import define, field


MediaKind = Literal["image", "video", "audio", "document", "sticker"]
"""What can be sent by its link."""

TemplateValues = Mapping[str, str | int | float] | Sequence[str | int | float | Mapping[str, str]]
"""Values of a template's parameters: by name or in order.

A mapping in the sequence is a parameter as the service writes it, ``schemaPropertyName`` and
``schemaPropertyValue``.
"""


@define(kw_only=True)
class SentMessage:
    """A message that the service has accepted; whether it is delivered, only webhooks tell.

    Source: apidocs api-11313675, the vendor's SDK (documented). Meta's raw form, which older plugins answer,
    is read as well; what else it holds is kept in ``extra``.
    """

    whatsapp_message_id: str
    """WhatsApp's id of the message (``wamid.…``), which statuses, replies and reactions name."""
    extra: dict[str, Any] = field(factory=dict[str, Any])
