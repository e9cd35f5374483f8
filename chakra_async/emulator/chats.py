"""Chats and their messages as they are stored, found and shown."""

from __future__ import annotations

from typing import Any, Final, Literal
from uuid import uuid4

import orjson
from attrs import define, frozen

from chakra_async.emulator.documents import Document
from chakra_async.emulator.store import Store, now_ms


Direction = Literal["INBOUND", "OUTBOUND"]

_RANKS: Final = {"SENT": 1, "DELIVERED": 2, "READ": 3, "FAILED": 4}

_COLUMNS: Final = (
    "message.id, external_id, chat.id, chat.plugin, chat.handle, chat.contact, chat.name, direction, status,"
    " message.created_at, message.updated_at, timestamp, body"
)
_CHAT_ORDERS: Final = {"createdAt": "created_at", "updatedAt": "latest_at", "latestMessageTs": "latest_at"}
_MESSAGE_ORDERS: Final = {"createdAt": "created_at", "updatedAt": "updated_at", "timestamp": "timestamp"}

CHAT_ORDERS: Final = tuple(_CHAT_ORDERS)
MESSAGE_ORDERS: Final = tuple(_MESSAGE_ORDERS)


@frozen
class Page:
    """What part of a list is wanted, and in which order."""

    skip: int
    limit: int
    order_field: str
    order: Literal["asc", "desc"]


@define
class StoredMessage:
    """One message. ``body`` holds what nothing is looked up by."""

    id: str
    external_id: str
    chat: str
    plugin: str
    handle: str
    contact: str
    name: str | None
    direction: Direction
    status: str
    created_at: int
    updated_at: int
    timestamp: int
    body: dict[str, Any]

    def wire(self, team: str) -> dict[str, Any]:
        """Shape the message as the API shows it."""
        body = self.body
        return {
            "id": self.id,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "externalId": self.external_id,
            "provider": "whatsapp",
            "dataType": body["type"],
            "body": {"body": body["text"] or ""},
            "text": body["text"],
            "attachments": body["attachments"],
            "deliveryStatus": self.status,
            "direction": self.direction,
            "timestamp": self.timestamp,
            "context": {"contactIdentifier": self.handle, "messageTemplateId": body["template"]},
            "adhocAgent": None,
            "source": {"sourceId": body["user"] or self.contact, "sourceType": body["source"]},
            "team": team,
            "chat": self.chat,
            "plugin": self.plugin,
            "contact": self.contact,
            "user": body["user"],
            "procedure": body["procedure"],
            "process": body["process"],
            "campaign": None,
            "inReplyTo": body["in_reply_to"],
        }


class Chats:
    """The chats of a store: one for each person and plugin."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        plugin_id: str,
        handle: str,
        direction: Direction,
        body: dict[str, Any],
        *,
        external_id: str,
        status: str,
        name: str | None = None,
    ) -> StoredMessage:
        """Add a message to the chat with a person, which begins with the first one."""
        now, message_id = now_ms(), str(uuid4())
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO chat (id, plugin, handle, contact, created_at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (str(uuid4()), plugin_id, handle, str(uuid4()), now),
            )
            ((chat,),) = self._store.rows(
                "SELECT seq FROM chat WHERE plugin = ? AND handle = ?", (plugin_id, handle)
            )
            seq = db.execute(
                "INSERT INTO message (id, external_id, chat, direction, status, created_at, updated_at,"
                " timestamp, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (message_id, external_id, chat, direction, status, now, now, now, _json(body)),
            ).lastrowid
            db.execute(
                "UPDATE chat SET latest = ?, latest_at = ?, name = coalesce(?, name) WHERE seq = ?",
                (seq, now, name, chat),
            )
        return self._messages("message.id = ?", message_id)[0]

    def message(self, external_id: str) -> StoredMessage | None:
        """Find a message by its ``wamid``."""
        return next(iter(self._messages("external_id = ?", external_id)), None)

    def set_status(self, message_id: str, status: str, error: dict[str, Any]) -> StoredMessage | None:
        """Note a status, and return the message; a late status overwrites no later one."""
        now = now_ms()
        with self._store.transaction() as db:
            found = self._messages("message.id = ?", message_id)
            if not found:
                return None
            message = found[0]
            message.body["trail"].append([status, now])
            message.body["error"] = error or message.body["error"]
            if _rank(status) > _rank(message.status):
                message.status, message.updated_at = status, now
            db.execute(
                "UPDATE message SET status = ?, updated_at = ?, body = ? WHERE id = ?",
                (message.status, message.updated_at, _json(message.body), message_id),
            )
        return message

    def last_received(self, plugin_id: str, handle: str) -> int:
        """Say when a person last wrote; 0 when never."""
        ((at,),) = self._store.rows(
            "SELECT coalesce(max(timestamp), 0) FROM message JOIN chat ON chat.seq = message.chat"
            " WHERE plugin = ? AND handle = ? AND direction = 'INBOUND'",
            (plugin_id, handle),
        )
        return int(at)

    def sent(self) -> list[StoredMessage]:
        """List the messages that were sent, in order."""
        return self._messages("direction = 'OUTBOUND' ORDER BY message.seq")

    def exists(self, chat_id: str) -> bool:
        """Say whether there is such a chat."""
        return bool(self._store.rows("SELECT 1 FROM chat WHERE id = ?", (chat_id,)))

    def messages(
        self, column: Literal["id", "handle"], value: str, page: Page
    ) -> tuple[list[StoredMessage], int]:
        """List a page of the messages of a chat, or of everything with a person, and count them all."""
        condition = f"chat.{column} = ?"
        ((total,),) = self._store.rows(
            f"SELECT count(*) FROM message JOIN chat ON chat.seq = message.chat WHERE {condition}", (value,)
        )
        order = f"message.{_MESSAGE_ORDERS[page.order_field]} {page.order}, message.seq {page.order}"
        found = self._messages(f"{condition} ORDER BY {order} LIMIT ? OFFSET ?", value, page.limit, page.skip)
        return found, int(total)

    def chats(self, search: str, page: Page) -> tuple[list[dict[str, Any]], int]:
        """List a page of the chats as the API shows them, and count them all."""
        condition = "? = '' OR instr(handle, ?) OR instr(lower(coalesce(name, '')), lower(?))"
        ((total,),) = self._store.rows(f"SELECT count(*) FROM chat WHERE {condition}", (search,) * 3)
        found = self._store.rows(
            "SELECT chat.id, handle, contact, name, chat.created_at, latest_at, direction, body"
            f" FROM chat JOIN message ON message.seq = chat.latest WHERE {condition}"
            f" ORDER BY chat.{_CHAT_ORDERS[page.order_field]} {page.order}, chat.seq {page.order}"
            " LIMIT ? OFFSET ?",
            (search, search, search, page.limit, page.skip),
        )
        return [_chat(self._store.team, *columns) for columns in found], int(total)

    def _messages(self, rest: str, *values: Any) -> list[StoredMessage]:
        found = self._store.rows(
            f"SELECT {_COLUMNS} FROM message JOIN chat ON chat.seq = message.chat WHERE {rest}", values
        )
        return [_message(columns) for columns in found]


def _message(columns: tuple[Any, ...]) -> StoredMessage:
    message = StoredMessage(*columns)
    message.body = orjson.loads(columns[-1])
    return message


def _chat(
    team: str,
    chat_id: str,
    handle: str,
    contact: str,
    name: str | None,
    created_at: int,
    latest_at: int,
    direction: str,
    body: str,
) -> Document:
    latest = orjson.loads(body)
    return {
        "id": chat_id,
        "createdAt": created_at,
        "updatedAt": latest_at,
        "team": team,
        "status": "OPEN",
        "provider": "whatsapp",
        "primaryContact": None if name is None else {"id": contact, "name": name},
        "primaryContactHandle": {"value": handle, "type": "phone"},
        "latestMessage": {
            "text": latest["text"],
            "direction": direction,
            "timestamp": latest_at,
            "dataType": latest["type"],
        },
        "latestMessageTs": latest_at,
        "latestMessageDirection": direction,
        "startedAt": created_at,
        "assignedTo": None,
    }


def _rank(status: str) -> int:
    return _RANKS.get(status, 0)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
