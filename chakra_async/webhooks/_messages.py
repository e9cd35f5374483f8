"""Meta's message and status objects under the names of our events; Chakra's envelope holds them too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chakra_async._shapes import as_list, as_object


_RENAMED: Final = {"id", "from", "timestamp", "type", "errors"}
_RENAMED_IN_STATUSES: Final = {"id", "timestamp", "status", "recipient_id", "errors"}


def names_in(contacts: Any) -> dict[str | None, Any]:
    """Return the names of people by phone number; ``contacts`` is the list that stands beside messages."""
    people = [as_object(one) for one in as_list(contacts)]
    names: dict[str | None, Any] = {
        as_text(one.get("wa_id")): as_object(one.get("profile")).get("name") for one in people
    }
    if len(names) == 1:
        # A single contact is the other side, even where its number is written in another way.
        names[None] = next(iter(names.values()))
    return names


def message_fields(source: Any, names: Mapping[str | None, Any]) -> dict[str, Any]:
    """Return what a message object says."""
    message = as_object(source)
    kind, sender = as_text(message.get("type")), message.get("from")
    content = message.get(kind)
    inside = as_object(content)
    answer = as_object(inside.get(as_text(inside.get("type")))) if kind == "interactive" else {}
    written = inside.get("body"), inside.get("caption"), inside.get("text")
    return {
        **{name: value for name, value in message.items() if name not in _RENAMED and name != kind},
        "message_id": message.get("id"),
        "at": message.get("timestamp"),
        "sender": sender,
        "sender_name": names.get(as_text(sender), names.get(None)),
        "type": kind or None,
        "content": content,
        "text": _first_text(*written, answer.get("title"), answer.get("body")),
        "choice": _first_text(inside.get("payload"), answer.get("id")),
        "media": inside if "mime_type" in inside else None,
        "location": inside if kind == "location" else None,
        "reaction": inside if kind == "reaction" else None,
        "reply_to": as_object(message.get("context")).get("id"),
        "errors": errors(message.get("errors")),
    }


def echo_fields(source: Any, names: Mapping[str | None, Any]) -> dict[str, Any]:
    """Return what a message object of the business's own says."""
    # The single contact is here the customer, who is not the sender.
    fields = message_fields(source, {number: name for number, name in names.items() if number})
    fields["recipient"] = fields.pop("to", None)
    return fields


def status_fields(source: Any) -> dict[str, Any]:
    """Return what a status object says."""
    status = as_object(source)
    # Clients write recipient_participant_id and participant_recipient_id.
    participants = [value for name, value in status.items() if "participant" in name]
    return {
        **{name: value for name, value in status.items() if name not in _RENAMED_IN_STATUSES},
        "message_id": status.get("id"),
        "at": status.get("timestamp"),
        "status": as_text(status.get("status")).lower() or None,
        "recipient": status.get("recipient_id"),
        "participant": _first_text(*participants),
        "errors": errors(status.get("errors")),
    }


def errors(source: Any) -> Any:
    """Return a list of Meta's errors, each with its details brought up beside the rest."""
    return [_error(one) for one in as_list(source)] if isinstance(source, list) else source


def _error(source: Any) -> Any:
    if not isinstance(source, dict):
        return source
    error = as_object(source)
    return {"details": as_object(error.get("error_data")).get("details"), **error}


def as_text(value: Any) -> str:
    """Return a text as it is, and an empty one for anything else."""
    return value if isinstance(value, str) else ""


def _first_text(*candidates: Any) -> str | None:
    return next((one for one in candidates if isinstance(one, str)), None)
