"""Calling: settings, permissions and calls, in Meta's bodies without the envelope."""

from __future__ import annotations

import time
from typing import Any, Final

from chakra_async.emulator.answer import Answer, raw
from chakra_async.emulator.calls import act, begin, going_on
from chakra_async.emulator.documents import Document
from chakra_async.emulator.message_rules import missing
from chakra_async.emulator.refusals import Refusal
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.shapes import BOOLEAN, OBJECT, STRING, WHATSAPP, Schema, arr, obj, one_of


def get_settings(call: Call, _version: str, number_id: str) -> Answer:
    """Fetch the settings of a phone number; passwords of SIP servers only when asked for."""
    settings = _settings(call.service.plugins.number(number_id))
    if call.query.get("include_sip_credentials") == "true":
        return raw(settings)
    sip: dict[str, Any] = settings["calling"].get("sip") or {}
    full: list[dict[str, Any]] = sip.get("servers") or []
    servers = [
        {name: value for name, value in server.items() if name != "sip_user_password"} for server in full
    ]
    calling = {**settings["calling"], **({"sip": {**sip, "servers": servers}} if sip else {})}
    return raw({**settings, "calling": calling})


def set_settings(call: Call, _version: str, number_id: str) -> Answer:
    """Change the settings of a phone number; what is left out stays."""
    body = call.checked()
    with call.service.store.transaction():
        number = call.service.plugins.number(number_id)
        old = _settings(number)
        new = {**old, **body, "calling": {**old["calling"], **body.get("calling", {})}}
        call.service.documents.replace("phone_number", {**number, "settings": new})
    return raw({"success": True})


def permissions(call: Call, _version: str, number_id: str) -> Answer:
    """Say whether a person may be called."""
    call.service.plugins.number(number_id)
    if not (call.query.get("user_wa_id") or call.query.get("recipient")):
        raise missing("user_wa_id")
    status = call.service.settings.call_permission
    permission: dict[str, Any] = {"status": status}
    if status == "temporary":
        permission["expiration_time"] = int(time.time()) + 7 * 24 * 3600
    actions = [_action("send_call_permission_request", 1), _action("start_call", 5)]
    actions[1]["can_perform_action"] = status != "no_permission"
    return raw({"messaging_product": "whatsapp", "permission": permission, "actions": actions})


def call_(call: Call, _version: str, number_id: str) -> Answer:
    """Begin a call, or do something with one that goes on."""
    number = call.service.plugins.number(number_id)
    body = call.checked()
    if body["action"] == "connect":
        return _connect(call, number, body)
    documents, action = call.service.documents, body["action"]
    with call.service.store.transaction():
        going = going_on(documents, body.get("call_id", ""), action)
        if action in ("accept", "pre_accept"):
            _session(body, "answer")
        act(documents, going, action)
    return raw({"messaging_product": "whatsapp", "success": True})


def _connect(call: Call, number: Document, body: dict[str, Any]) -> Answer:
    callee = body.get("to") or body.get("recipient")
    if not callee:
        raise missing("to")
    _session(body, "offer")
    if _settings(number)["calling"]["status"] != "ENABLED":
        raise Refusal("(#138000) Calling is not enabled for this phone number")
    if call.service.settings.call_permission == "no_permission":
        raise Refusal("(#138006) No approved call permission from the recipient")
    made = begin(call.service.documents, number["id"], callee, "OUTBOUND", body)
    return raw({"messaging_product": "whatsapp", "calls": [{"id": made["id"]}]})


def _session(body: dict[str, Any], sdp_type: str) -> None:
    session = body.get("session")
    if session is None:
        raise missing("session")
    if session["sdp_type"] != sdp_type:
        raise Refusal(f"(#100) Invalid parameter: sdp_type must be {sdp_type}")


def _settings(number: Document) -> dict[str, Any]:
    return number.get("settings") or {
        "calling": {
            "status": "DISABLED",
            "call_icon_visibility": "DEFAULT",
            "callback_permission_status": "DISABLED",
        }
    }


def _action(name: str, most: int) -> dict[str, Any]:
    limits = [{"time_period": "PT24H", "max_allowed": most, "current_usage": 0}]
    return {"action_name": name, "can_perform_action": True, "limits": limits}


_ON_OFF: Final = one_of("ENABLED", "DISABLED")
_SIP: Final[Schema] = obj({"status": _ON_OFF, "servers": arr(obj({"hostname": STRING}, "hostname"))})
_SETTINGS: Final[Schema] = obj(
    {
        "calling": obj(
            {
                "status": _ON_OFF,
                "call_icon_visibility": STRING,
                "callback_permission_status": _ON_OFF,
                "call_hours": OBJECT,
                "sip": _SIP,
            }
        )
    }
)
_CALL: Final[Schema] = obj(
    {
        "messaging_product": WHATSAPP,
        "action": one_of("connect", "pre_accept", "accept", "reject", "terminate"),
        "call_id": STRING,
        "to": STRING,
        "recipient": STRING,
        "session": obj({"sdp_type": one_of("offer", "answer"), "sdp": STRING}, "sdp_type", "sdp"),
        "biz_opaque_callback_data": STRING,
        "recording": OBJECT,
        "transcription": OBJECT,
    },
    "messaging_product",
    "action",
)
_NUMBER: Final = "/v1/whatsapp/{version}/{phoneNumberId}"
_DONE: Final = obj({"success": BOOLEAN}, "success")

ROUTES = (
    Route(
        "GET",
        _NUMBER + "/settings",
        get_settings,
        query={"include_sip_credentials": STRING},
        gives=_SETTINGS,
    ),
    Route("POST", _NUMBER + "/settings", set_settings, writes=True, body=_SETTINGS, gives=_DONE),
    Route(
        "GET",
        _NUMBER + "/call_permissions",
        permissions,
        query={"user_wa_id": STRING, "recipient": STRING},
        gives=obj({"messaging_product": STRING, "permission": OBJECT, "actions": arr(OBJECT)}),
    ),
    Route("POST", _NUMBER + "/calls", call_, writes=True, body=_CALL),
)
