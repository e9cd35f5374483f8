"""The messages of WhatsApp's own API, passed through: any message, marks as read, typing indicators."""

from __future__ import annotations

from typing import Any, Final

from chakra_async.emulator.answer import Answer, raw, success
from chakra_async.emulator.delivery import Draft
from chakra_async.emulator.documents import Document
from chakra_async.emulator.message_rules import attachments_of, check_content, invalid, text_of
from chakra_async.emulator.refusals import Refusal, SchemaRefusal
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.shapes import OBJECT, STRING, WHATSAPP, Schema, obj, one_of
from chakra_async.emulator.template_texts import check_plan, text_from_components


def send(call: Call, plugin_id: str, _version: str, number_id: str) -> Answer:
    """Send a message in the format of Meta's API, or mark one as read."""
    plugin = call.service.plugins.active(plugin_id)
    number = call.service.plugins.number(number_id, plugin["id"])
    body = call.checked()
    if "status" in body:
        return _mark_read(call, body)
    handle = _handle(call, body)
    kind = body.get("type", "text")
    content: Any = body.get(kind)
    check_content(kind, content)
    draft = Draft(
        plugin_id=plugin["id"],
        number=number,
        handle=handle,
        type=kind,
        content=body,
        text=text_of(kind, content),
        attachments=attachments_of(kind, content),
        in_reply_to=_context(body),
        user=call.cause.actor,
        request_id=call.request_id,
    )
    if kind == "template":
        draft = _from_template(call, number, draft, content)
    message = call.service.delivery.send(draft)
    if call.service.settings.message_answer == "wrapped":
        return success({"whatsappMessageId": message.external_id})
    contacts = [{"input": body["to"], "wa_id": handle}]
    return raw(
        {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": message.external_id}]}
    )


def _mark_read(call: Call, body: dict[str, Any]) -> Answer:
    message_id = body.get("message_id")
    if message_id is None:
        raise SchemaRefusal("required", "body", "must have required property 'message_id'")
    message = call.service.chats.message(message_id)
    if message is None or message.direction != "INBOUND":
        raise Refusal("(#100) Invalid parameter: there is no such incoming message")
    call.service.delivery.mark_read(message)
    done = {"success": True}
    return success(done) if call.service.settings.message_answer == "wrapped" else raw(done)


def _handle(call: Call, body: dict[str, Any]) -> str:
    to = body.get("to")
    if to is None:
        raise SchemaRefusal("required", "body", "must have required property 'to'")
    if body.get("recipient_type") == "group":
        if call.service.documents.get("group", to) is None:
            raise invalid("to")
        return str(to)
    # Meta takes a number in any notation, other than Chakra's own endpoints.
    digits = to.translate(_SEPARATORS)
    if not digits.isdecimal() or not digits.isascii():
        raise invalid("to")
    return str(digits)


def _context(body: dict[str, Any]) -> str | None:
    message_id = body.get("context", {}).get("message_id")
    return message_id if isinstance(message_id, str) else None


def _from_template(call: Call, number: Document, draft: Draft, content: Any) -> Draft:
    check_plan(call)
    template = call.service.templates.sendable(number["waba"], content["name"], content["language"]["code"])
    text = text_from_components(template, content.get("components") or [])
    return draft.made_from(template, text)


_SEPARATORS: Final = str.maketrans("", "", "+-(). ")

_BODY: Final[Schema] = {
    **obj(
        {
            "messaging_product": WHATSAPP,
            "recipient_type": one_of("individual", "group"),
            "to": STRING,
            "type": STRING,
            "context": OBJECT,
            "status": one_of("read"),
            "message_id": STRING,
            "typing_indicator": OBJECT,
        },
        "messaging_product",
    ),
    "description": "Beside these the object named by `type`, such as `text`; or, to mark a message as read,"
    " `status` and `message_id`",
}

ROUTES = (
    Route(
        "POST",
        "/v1/ext/plugin/whatsapp/{pluginId}/api/{version}/{phoneNumberId}/messages",
        send,
        writes=True,
        body=_BODY,
    ),
)
