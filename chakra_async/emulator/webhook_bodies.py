"""The bodies of webhooks, in each of the three formats the service has.

``meta``
    Meta's own bodies, which the service passes through.
``chakra``
    The service's envelope of event and payload around Meta's message.
``delivery_status``
    The older webhook, which tells of messages sent by the service's own endpoints only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from chakra_async.emulator.events import Event, EventKind
from chakra_async.emulator.settings import Settings


WebhookFormat = Literal["chakra", "meta", "delivery_status"]

KINDS: Final[Mapping[WebhookFormat, frozenset[EventKind]]] = {
    "chakra": frozenset({"message", "status", "message_echo"}),
    "meta": frozenset({"message", "status", "message_echo", "template"}),
    "delivery_status": frozenset({"status"}),
}
"""What each format can tell of."""

_FIELDS: Final[Mapping[EventKind, str]] = {
    "message": "messages",
    "status": "messages",
    "message_echo": "smb_message_echoes",
    "template": "message_template_status_update",
}


def body_of(event: Event, format: WebhookFormat, settings: Settings) -> dict[str, Any] | None:  # noqa: A002
    """Shape an event in a format, or return ``None`` when the format does not tell of it."""
    if event.kind not in KINDS[format]:
        return None
    return _SHAPES[format](event, settings)


def _meta(event: Event, _settings: Settings) -> dict[str, Any]:
    change = {"field": _FIELDS[event.kind], "value": _value(event)}
    # What tells of a template says nowhere else when it was.
    at = {"time": event.at // 1000} if event.kind == "template" else {}
    entry = {"id": event.waba_id, **at, "changes": [change]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _value(event: Event) -> Mapping[str, Any]:
    if event.kind == "template":
        return event.meta
    metadata = {
        "display_phone_number": event.display_phone_number,
        "phone_number_id": event.phone_number_id,
    }
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": metadata}
    if event.kind == "message":
        return {**value, "contacts": _contacts(event), "messages": [event.meta]}
    return {**value, _LISTS[event.kind]: [event.meta]}


def _chakra(event: Event, settings: Settings) -> dict[str, Any]:
    payload = _status(event, settings) if event.kind == "status" else _message(event)
    return {"event": event.kind, "payload": payload}


def _message(event: Event) -> dict[str, Any]:
    # That an echo is shaped like a message is inferred.
    return {
        "wabaId": event.waba_id,
        "messageId": event.subject["id"],
        "externalId": event.subject["externalId"],
        "timestamp": event.at,
        "message": event.meta,
        "contacts": _contacts(event),
    }


def _status(event: Event, settings: Settings) -> dict[str, Any]:
    status: str = event.meta["status"]
    payload: dict[str, Any] = {
        "id": event.subject["id"],
        "externalId": event.subject["externalId"],
        "wabaId": event.waba_id,
        "deliveryStatus": status.upper() if settings.webhook_status_case == "upper" else status,
        "timestamp": event.at,
    }
    errors = event.meta.get("errors")
    if errors and settings.webhook_failure != "errors":
        payload["errorContext"] = {"providerPayload": errors[0]}
    if errors and settings.webhook_failure != "errorContext":
        payload["errors"] = errors
    return payload


def _delivery_status(event: Event, _settings: Settings) -> dict[str, Any] | None:
    if not event.native:
        return None
    payload = {
        "id": event.subject["id"],
        "externalId": event.subject["externalId"],
        # Documented are SENT, DELIVERED and READ; FAILED is inferred.
        "deliveryStatus": event.meta["status"].upper(),
        "timestamp": event.at,
        "recipientId": event.meta["recipient_id"],
    }
    return {"event": "deliveryStatus", "payload": payload}


def _contacts(event: Event) -> list[dict[str, Any]]:
    person = event.meta["to" if event.kind == "message_echo" else "from"]
    # Everybody has a name there; who gave none here is called by the number.
    return [{"profile": {"name": event.profile_name or person}, "wa_id": person}]


_LISTS: Final[Mapping[EventKind, str]] = {"status": "statuses", "message_echo": "message_echoes"}

_SHAPES: Final[Mapping[WebhookFormat, Callable[[Event, Settings], dict[str, Any] | None]]] = {
    "chakra": _chakra,
    "meta": _meta,
    "delivery_status": _delivery_status,
}
