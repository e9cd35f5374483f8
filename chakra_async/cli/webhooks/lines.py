"""What arrived, as a line for people and as JSON for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import orjson

from chakra_async.cli.text import clean
from chakra_async.webhooks import (
    EchoEvent,
    Event,
    EventError,
    MessageEvent,
    Receipt,
    StatusEvent,
    TemplateEvent,
)


def as_text(at: datetime, receipt: Receipt, event: Event | None, *, is_new: bool) -> str:
    """Return ``12:30:01  200  message  wamid.X from 919812345678 (Asha): hello``."""
    said = receipt.text if event is None else f"{clean(event.name)}  {clean(_said(event))}"
    again = "" if event is None or is_new or receipt.status >= 300 else "  (again)"
    return f"{at:%H:%M:%S}  {receipt.status}  {said}{again}"


def as_json(at: datetime, receipt: Receipt, event: Event | None, *, is_new: bool) -> str:
    """Return a line with the answer and the event, without the JSON that the event was read from."""
    record: dict[str, Any] = {"received_at": at, "status": receipt.status}
    if event is None:
        record["text"] = receipt.text
    else:
        shown = attrs.asdict(
            event, filter=lambda attribute, value: attribute.name != "raw" and value not in (None, {}, [])
        )
        record |= {"type": type(event).__name__, "is_new": is_new, "event": shown}
    return orjson.dumps(record, option=orjson.OPT_UTC_Z).decode()


def _said(event: Event) -> str:
    if isinstance(event, MessageEvent):
        name = f" ({event.sender_name})" if event.sender_name else ""
        return f"{event.message_id} from {event.sender}{name}: {_content(event)}"
    if isinstance(event, EchoEvent):
        return f"{event.message_id} to {event.recipient}: {_content(event)}"
    if isinstance(event, StatusEvent):
        to = f" to {event.recipient}" if event.recipient else ""
        return f"{event.message_id or event.chakra_id}{to}: {event.status}{_reasons(event.errors)}"
    if isinstance(event, TemplateEvent):
        reason = f" ({event.reason})" if event.reason not in (None, "NONE") else ""
        return f"{event.template_name} in {event.language}: {event.status}{reason}"
    return orjson.dumps(event.raw).decode()


def _content(event: MessageEvent | EchoEvent) -> str:
    if event.text is not None and event.type == "text":
        return event.text
    media = f" {event.media.mime_type} {event.media.id}" if event.media is not None else ""
    return f"{event.type}{media}{f': {event.text}' if event.text else ''}"


def _reasons(errors: list[EventError]) -> str:
    return "".join(f", {error.code} {error.title or error.message or ''}" for error in errors)
