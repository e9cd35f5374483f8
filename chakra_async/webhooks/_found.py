"""A part of a delivery on its way to be an event, and which event it is."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson
from attrs import frozen

from chakra_async._codec import converter
from chakra_async._shapes import as_object
from chakra_async.errors import DecodeError
from chakra_async.webhooks.events import (
    EchoEvent,
    Event,
    MessageEvent,
    RawEvent,
    StatusEvent,
    TemplateEvent,
    WebhookFormat,
)


TEMPLATE_STATUS: Final = "message_template_status_update"

TYPES: Final[dict[str, type[Event]]] = {
    "message": MessageEvent,
    "status": StatusEvent,
    "message_echo": EchoEvent,
    "smb_message_echo": EchoEvent,
    TEMPLATE_STATUS: TemplateEvent,
}
"""Whoever registers for one of these names gets events of this class only."""

_LONGEST_ID: Final = 200


@frozen
class Found:
    """What should be an event of some name.

    Attributes:
        fields: its attributes, and what else it holds, under the names they have in the event.
        raw: the same as it came.
    """

    name: str
    format: WebhookFormat
    fields: dict[str, Any]
    raw: Any

    def event(self) -> Event:
        """Read it as an event of its name, and as a raw one where that fails."""
        raw = as_object(self.raw) or {"value": self.raw}
        known = {"name": self.name, "id": "", "raw": raw}
        try:
            event = converter().structure({**self.fields, **known}, TYPES.get(self.name, RawEvent))
            event.id = _identify(event)
        except ValueError:
            shared = {name: self.fields.get(name) for name in ("at", "account_id", "phone_number_id")}
            event = converter().structure({**shared, **known, "name": "unreadable"}, RawEvent)
            event.id = _identify(event)
        event.format = self.format
        return event


def _identify(event: Event) -> str:
    """Name an event so that whatever tells of it again has the same name, and nothing else has."""
    if isinstance(event, MessageEvent | EchoEvent):
        if not event.message_id:
            raise ValueError("a message without an id")
        parts = ["message" if isinstance(event, MessageEvent) else "echo", event.message_id]
        if event.type in {"edit", "revoke"}:
            # Whether these carry an id of their own or that of the changed message is not documented.
            parts += [event.type, str(event.at)]
    elif isinstance(event, StatusEvent):
        if not (about := event.message_id or event.chakra_id):
            raise ValueError("a status of no message")
        parts = ["status", about, event.status, *filter(None, [event.participant])]
    else:
        parts = ["raw", event.name, _digest([event.account_id, str(event.at), event.raw])]
    name = ":".join(parts)
    return name if len(name) <= _LONGEST_ID else f"{parts[0]}:{_digest(name)}"


def _digest(value: Any) -> str:
    try:
        return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
    except TypeError:
        raise DecodeError("The webhook's body is nested too deeply.") from None
