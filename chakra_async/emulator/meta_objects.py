"""The objects that Meta's webhooks carry: messages, echoes, statuses, changes of templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def incoming(sender: str, wamid: str, at: int, content: Mapping[str, Any]) -> dict[str, Any]:
    """Shape a message from a person; ``at`` is in epoch milliseconds, on the wire it is seconds."""
    return {"from": sender, "id": wamid, "timestamp": _seconds(at), **content}


def echo(sender: str, recipient: str, wamid: str, at: int, kind: str, content: Any) -> dict[str, Any]:
    """Shape a message of the business as it is told to the business itself (seen)."""
    return {
        "from": sender,
        "to": recipient,
        "id": wamid,
        "timestamp": _seconds(at),
        "type": kind,
        kind: content,
    }


def status(wamid: str, name: str, at: int, recipient: str, error: Mapping[str, Any]) -> dict[str, Any]:
    """Shape a status: ``sent``, ``delivered``, ``read`` or ``failed``.

    Args:
        wamid: the message.
        name: the status, in any case.
        at: when, in epoch milliseconds.
        recipient: whom the message was for.
        error: code and title of a failure, else empty.
    """
    shaped: dict[str, Any] = {
        "id": wamid,
        "status": name.lower(),
        "timestamp": _seconds(at),
        "recipient_id": recipient,
    }
    if error:
        shaped["errors"] = [{**error, "message": error["title"]}]
    return shaped


def template_update(
    template_id: str, name: str, language: str, event: str, reason: str = "NONE"
) -> dict[str, Any]:
    """Shape the change of a template's status, such as ``APPROVED`` or ``REJECTED``."""
    return {
        "event": event,
        "message_template_id": int(template_id),
        "message_template_name": name,
        "message_template_language": language,
        "reason": reason,
    }


def _seconds(at: int) -> str:
    return str(at // 1000)
