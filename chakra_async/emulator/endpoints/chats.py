"""Chats: listing them, and the messages of one or of everything with a person."""

from __future__ import annotations

from typing import Any, Final

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.chats import CHAT_ORDERS, MESSAGE_ORDERS, Page
from chakra_async.emulator.refusals import Missing
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.shapes import (
    ARRAY,
    DIGITS,
    ID,
    INSTANT,
    INTEGER,
    NULL_OBJECT,
    NULL_STRING,
    OBJECT,
    STRING,
    Schema,
    arr,
    obj,
    one_of,
    wrapped,
)


def list_chats(call: Call) -> Answer:
    """List the chats."""
    body = call.checked()
    chats, total = call.service.chats.chats(body.get("search", ""), _page(call, body, "desc"))
    return success(chats, {"total": total})


def list_messages(call: Call, chat_id: str) -> Answer:
    """List the messages of a chat."""
    body = call.checked()
    if not call.service.chats.exists(chat_id):
        raise Missing(f"Chat '{chat_id}' not found")
    return _messages(call, "id", chat_id, body)


def list_messages_for_phone(call: Call) -> Answer:
    """List the messages with a phone number; none for a number nobody wrote to."""
    body = call.checked()
    return _messages(call, "handle", body["customerPhoneNumber"], body)


def _messages(call: Call, column: Any, value: str, body: dict[str, Any]) -> Answer:
    page = _page(call, body, call.service.settings.message_order)
    messages, total = call.service.chats.messages(column, value, page)
    return success([one.wire(call.service.store.team) for one in messages], {"total": total})


def _page(call: Call, body: dict[str, Any], order: Any) -> Page:
    first, limit = call.service.settings.first_page, body.get("limit", 20)
    number = max(body.get("page", first), first)
    return Page(
        skip=(number - first) * limit,
        limit=limit,
        order_field=body.get("orderField", "createdAt"),
        order=body.get("orderDirection", order),
    )


def _paged(orders: tuple[str, ...]) -> dict[str, Schema]:
    return {
        # Far beyond what anybody needs, and within what sqlite can skip.
        "page": {"type": "integer", "minimum": 0, "maximum": 2**40},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "orderField": one_of(*orders),
        "orderDirection": one_of("asc", "desc"),
    }


_TOTAL: Final[Schema] = obj({"total": INTEGER}, "total")
_CHAT: Final[Schema] = obj(
    {
        "id": ID,
        "status": STRING,
        "provider": STRING,
        "primaryContact": NULL_OBJECT,
        "primaryContactHandle": obj({"value": STRING, "type": STRING}),
        "latestMessage": NULL_OBJECT,
        "latestMessageTs": INSTANT,
        "latestMessageDirection": STRING,
        "startedAt": INSTANT,
        "assignedTo": NULL_STRING,
    },
    "id",
)
MESSAGE: Final[Schema] = obj(
    {
        "id": ID,
        "createdAt": INSTANT,
        "updatedAt": INSTANT,
        "externalId": STRING,
        "provider": STRING,
        "dataType": STRING,
        "body": obj({"body": STRING}),
        "text": NULL_STRING,
        "attachments": {**ARRAY, "type": ["array", "null"]},
        "deliveryStatus": STRING,
        "direction": one_of("INBOUND", "OUTBOUND"),
        "timestamp": INSTANT,
        "context": OBJECT,
        "adhocAgent": NULL_OBJECT,
        "source": obj({"sourceId": STRING, "sourceType": STRING}),
        "team": ID,
        "chat": NULL_STRING,
        "plugin": ID,
        "contact": NULL_STRING,
        "user": NULL_STRING,
        "procedure": NULL_STRING,
        "process": NULL_STRING,
        "campaign": NULL_STRING,
        "inReplyTo": NULL_STRING,
    },
    "id",
    "externalId",
    "deliveryStatus",
    "direction",
)
_LISTED: Final = wrapped(arr(MESSAGE), _TOTAL)

ROUTES = (
    Route(
        "POST",
        "/v1/ext/chat",
        list_chats,
        body=obj({**_paged(CHAT_ORDERS), "search": STRING}),
        gives=wrapped(arr(_CHAT), _TOTAL),
    ),
    Route(
        "POST",
        "/v1/ext/chat/{chatId}/message",
        list_messages,
        body=obj(_paged(MESSAGE_ORDERS)),
        gives=_LISTED,
    ),
    Route(
        "POST",
        "/v1/ext/plugin/whatsapp/list-chat-messages-for-phone-number",
        list_messages_for_phone,
        body=obj({**_paged(MESSAGE_ORDERS), "customerPhoneNumber": DIGITS}, "customerPhoneNumber"),
        gives=_LISTED,
    ),
)
