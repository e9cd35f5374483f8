"""Chakra's own way to send a template: to a phone number, or to the person of a process."""

from __future__ import annotations

import re
from typing import Any, Final

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.delivery import Draft
from chakra_async.emulator.endpoints.chats import MESSAGE
from chakra_async.emulator.refusals import Refusal
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.schema import key_text
from chakra_async.emulator.shapes import FILLED, NUMBER, STRING, Schema, arr, obj, wrapped
from chakra_async.emulator.template_texts import check_plan, text_from_mappings


def send_to_phone(call: Call, plugin_id: str, phone: str) -> Answer:
    """Send a template to a phone number."""
    if not _DIGITS.fullmatch(phone):
        raise Refusal(f"'{phone}' is no phone number: expected the country code and digits only")
    return _send(call, plugin_id, phone, None, None)


def send_for_process(call: Call, plugin_id: str, name: str, id_or_key: str) -> Answer:
    """Send a template to the person of a process, found by its id or by any of its primary keys."""
    procedure, row = call.service.process(name, id_or_key)
    texts = (
        key_text(row.data.get(one), one) for one in _PHONES if not isinstance(row.data.get(one), dict | list)
    )
    phone = next((text for text in texts if text and _DIGITS.fullmatch(text)), None)
    if phone is None:
        raise Refusal(f"Process '{id_or_key}' of procedure '{procedure.short_id}' has no phone number")
    return _send(call, plugin_id, phone, procedure.id, call.service.store.ids.uuid(row.seq))


def _send(call: Call, plugin_id: str, phone: str, procedure: str | None, process: str | None) -> Answer:
    service = call.service
    plugin = service.plugins.active(plugin_id)
    body = call.checked()
    check_plan(call)
    number = service.plugins.number(body["whatsappPhoneNumberId"], plugin["id"])
    template = service.templates.sendable(number["waba"], body["templateName"], body.get("language"))
    draft = Draft(
        plugin_id=plugin["id"],
        number=number,
        handle=phone,
        type="template",
        content={"to": phone, "type": "template", "template": body},
        attachments=_attachments(body),
        user=call.cause.actor,
        process=process,
        procedure=procedure,
        request_id=call.request_id,
    )
    message = service.delivery.send(draft.made_from(template, text_from_mappings(template, body)))
    return success(message.wire(service.store.team))


def _attachments(body: dict[str, Any]) -> list[dict[str, Any]] | None:
    found = [
        {"type": kind, "link": body[f"{kind}Url"]}
        for kind in ("image", "video", "document")
        if body.get(f"{kind}Url")
    ]
    return found or None


_DIGITS: Final = re.compile(r"[0-9]{6,20}")
_PHONES: Final = ("phone_number", "phone", "mobile", "whatsapp_number")

_MAPPING: Final[Schema] = arr(
    obj(
        {"schemaPropertyName": STRING, "schemaPropertyValue": STRING},
        "schemaPropertyName",
        "schemaPropertyValue",
    )
)
_BODY: Final[Schema] = obj(
    {
        "whatsappPhoneNumberId": FILLED,
        "templateName": FILLED,
        "mapping": _MAPPING,
        "headerMapping": _MAPPING,
        "buttonMapping": _MAPPING,
        "imageUrl": STRING,
        "videoUrl": STRING,
        "documentUrl": STRING,
        "filename": STRING,
        "locationLatitude": NUMBER,
        "locationLongitude": NUMBER,
        "locationName": STRING,
        "locationAddress": STRING,
        "language": STRING,
        "otpCode": STRING,
    },
    "whatsappPhoneNumberId",
    "templateName",
)
_PLUGIN: Final = "/v1/ext/plugin/whatsapp/{pluginId}"

ROUTES = (
    Route(
        "POST",
        _PLUGIN + "/phoneNumber/{phoneNumber}/send-template-message",
        send_to_phone,
        writes=True,
        body=_BODY,
        gives=wrapped(MESSAGE),
    ),
    Route(
        "POST",
        _PLUGIN + "/process/{procedure}/{idOrKey}/send-template-message",
        send_for_process,
        writes=True,
        body=_BODY,
        gives=wrapped(MESSAGE),
    ),
)
