"""Calls: who called whom, and how far it has gone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final, Literal

from chakra_async.emulator.documents import Document, Documents
from chakra_async.emulator.refusals import Refusal


Direction = Literal["INBOUND", "OUTBOUND"]

_STATUS_AFTER: Final[Mapping[str, str]] = {
    "pre_accept": "ringing",
    "accept": "going",
    "reject": "ended",
    "terminate": "ended",
}


def begin(
    documents: Documents, number_id: str, person: str, direction: Direction, content: Mapping[str, Any]
) -> Document:
    """Let a call begin; its ``content`` holds the session of whoever calls."""
    call = {
        "id": f"wacid.{secrets.token_urlsafe(24)}",
        "person": person,
        "direction": direction,
        "status": "ringing",
        "phone_number_id": number_id,
        "content": content,
    }
    return documents.add("call", call, parent=number_id)


def going_on(documents: Documents, call_id: str, action: str) -> Document:
    """Find the call that an action is meant for.

    Raises:
        Refusal: there is no such call, or no longer; or it is not the business that answers it.
    """
    call = documents.get("call", call_id)
    if call is None or call["status"] == "ended":
        raise Refusal("(#138006) Call ID invalid: there is no such call, or it has ended")
    if action != "terminate" and (call["direction"], call["status"]) != ("INBOUND", "ringing"):
        raise Refusal(f"(#100) Invalid parameter: {action} is for an incoming call that rings")
    return call


def act(documents: Documents, call: Document, action: str) -> None:
    """Let an action take effect."""
    documents.replace("call", {**call, "status": _STATUS_AFTER[action]})
