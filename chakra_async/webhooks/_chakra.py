"""The service's own envelope, ``{event, payload}``, and the older ``deliveryStatus`` in the same envelope.

Source: apidocs doc-919167, docs ``/whatsapp/delivery-status-webhook`` (documented); what a payload holds was
seen in client code, and for echoes is inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chakra_async._shapes import as_object
from chakra_async.webhooks._found import Found
from chakra_async.webhooks._messages import as_text, echo_fields, errors, message_fields, names_in


_MESSAGE = {"wabaId", "phoneNumberId", "messageId", "externalId", "timestamp", "message", "contacts"}
_STATUS = {
    "wabaId",
    "phoneNumberId",
    "id",
    "externalId",
    "timestamp",
    "deliveryStatus",
    "recipientId",
    "errors",
}


def find(tree: dict[str, Any]) -> Iterator[Found]:
    """Find the one event that a delivery tells of."""
    name, payload = tree["event"], as_object(tree.get("payload"))
    shared = {
        "account_id": payload.get("wabaId"),
        "phone_number_id": payload.get("phoneNumberId"),
        "at": payload.get("timestamp"),
    }
    raw = payload or tree
    if name == "deliveryStatus":
        yield Found("status", "delivery_status", {**shared, **_status(payload)}, raw)
    elif name == "status":
        yield Found("status", "chakra", {**shared, **_status(payload)}, raw)
    elif name == "message" and as_text(payload.get("direction")).upper() != "OUTBOUND":
        yield Found("message", "chakra", _message(payload, shared, message_fields), raw)
    elif name in {"message", "message_echo", "smb_message_echo"}:
        echo = "message_echo" if name == "message" else name
        yield Found(echo, "chakra", _message(payload, shared, echo_fields), raw)
    else:
        yield Found(name, "chakra", shared, raw)


def _message(
    payload: dict[str, Any],
    shared: dict[str, Any],
    read: Callable[[Any, dict[str | None, Any]], dict[str, Any]],
) -> dict[str, Any]:
    fields = read(payload.get("message"), names_in(payload.get("contacts")))
    own, external = _ids(payload.get("messageId"), payload.get("externalId"))
    return {
        **_rest(payload, _MESSAGE),
        **shared,
        **fields,
        # The message's own time comes first, so that it is the same in every format.
        "at": fields["at"] or shared["at"],
        "message_id": fields["message_id"] or external,
        "chakra_id": own,
    }


def _status(payload: dict[str, Any]) -> dict[str, Any]:
    own, external = _ids(payload.get("id"), payload.get("externalId"))
    reason = as_object(payload.get("errorContext")).get("providerPayload")
    return {
        **_rest(payload, _STATUS),
        "message_id": external,
        "chakra_id": own,
        "status": as_text(payload.get("deliveryStatus")).lower() or None,
        "recipient": payload.get("recipientId"),
        "errors": errors(payload.get("errors") or ([reason] if reason else None)),
    }


def _ids(own: Any, external: Any) -> tuple[Any, Any]:
    """Tell the service's id from WhatsApp's: which of them is called the message's id varies."""
    return (None, external or own) if as_text(own).startswith("wamid.") else (own, external)


def _rest(payload: dict[str, Any], known: set[str]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name not in known}
