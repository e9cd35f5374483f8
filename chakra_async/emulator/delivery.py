"""The way of a message: accepted, sent, delivered, read, or failed; and messages that come in."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection
from functools import partial
from typing import Any, Final

from attrs import evolve, frozen

from chakra_async.emulator import meta_objects
from chakra_async.emulator.chats import Chats, StoredMessage
from chakra_async.emulator.documents import Document, Documents
from chakra_async.emulator.events import Event, EventKind, Events
from chakra_async.emulator.faults import Faults, MessageFault
from chakra_async.emulator.settings import Settings
from chakra_async.emulator.store import Store, now_ms
from chakra_async.emulator.timers import Timers


_SESSION_MS: Final = 24 * 3600 * 1000
_FINAL: Final = ("READ", "FAILED")
_WINDOW_CLOSED: Final = MessageFault(code=131047, title="Re-engagement message")


@frozen(kw_only=True)
class Draft:
    """A message before it is sent or received.

    Attributes:
        plugin_id: the plugin it goes through.
        number: the phone number of the business.
        handle: the person, or the group, on the other side.
        type: Meta's type of the message.
        content: the message object of Meta's API.
        text: what a person would read.
        attachments: its media.
        in_reply_to: the ``wamid`` it answers.
        template: id of the template it was made from.
        user: who sends it.
        process: the process it is sent for.
        procedure: the procedure of that.
        request_id: the call it came with.
    """

    plugin_id: str
    number: Document
    handle: str
    type: str
    content: dict[str, Any]
    text: str | None = None
    attachments: list[dict[str, Any]] | None = None
    in_reply_to: str | None = None
    template: str | None = None
    user: str | None = None
    process: str | None = None
    procedure: str | None = None
    request_id: str = ""

    def made_from(self, template: Document, text: str) -> Draft:
        """Return the draft with its template, and the text that made."""
        return evolve(self, template=template["id"], text=text)

    def body(self, source: str) -> dict[str, Any]:
        """Return the part of the stored message that nothing is looked up by."""
        return {
            "type": self.type,
            "content": self.content,
            "text": self.text,
            "attachments": self.attachments,
            "in_reply_to": self.in_reply_to,
            "template": self.template,
            "user": self.user,
            "process": self.process,
            "procedure": self.procedure,
            "request_id": self.request_id,
            "number": self.number["id"],
            "source": source,
            "trail": [],
            "error": {},
        }


class Delivery:
    """Sends and receives the messages of a store."""

    def __init__(
        self,
        store: Store,
        documents: Documents,
        chats: Chats,
        events: Events,
        timers: Timers,
        settings: Settings,
        faults: Faults,
    ) -> None:
        self._store = store
        self._documents = documents
        self._chats = chats
        self._events = events
        self._timers = timers
        self._settings = settings
        self._faults = faults

    def send(self, draft: Draft) -> StoredMessage:
        """Accept a message; its statuses follow in a while."""
        settings = self._settings
        fault = self._faults.take_message()
        if fault is None and settings.enforce_session and draft.type != "template":
            last = self._chats.last_received(draft.plugin_id, draft.handle)
            fault = _WINDOW_CLOSED if last < now_ms() - _SESSION_MS else None
        message = self._chats.add(
            draft.plugin_id,
            draft.handle,
            "OUTBOUND",
            draft.body("api"),
            external_id=new_wamid(),
            status=settings.first_delivery_status,
        )
        self._tell_echo(message, draft)
        if fault is not None:
            error = {"code": fault.code, "title": fault.title}
            self._timers.after(settings.sent_after, partial(self._advance, message.id, "FAILED", error))
        else:
            self._follow(message.id)
        return message

    def _follow(self, message_id: str, done: Collection[str] = ()) -> None:
        settings = self._settings
        plan = {
            "SENT": settings.sent_after,
            "DELIVERED": settings.delivered_after,
            "READ": settings.read_after,
        }
        for status, seconds in plan.items():
            if status not in done:
                self._timers.after(seconds, partial(self._advance, message_id, status, {}))

    def resume(self) -> None:
        """Go on with the messages that a former run left on their way."""
        for message in self._chats.sent():
            if message.status not in _FINAL:
                self._follow(message.id, [status for status, _ in message.body["trail"]])

    def receive(self, draft: Draft, name: str | None) -> StoredMessage:
        """Take in a message from a person."""
        wamid = new_wamid()
        content = meta_objects.incoming(draft.handle, wamid, now_ms(), draft.content)
        message = self._chats.add(
            draft.plugin_id,
            draft.handle,
            "INBOUND",
            {**draft.body("contact"), "content": content},
            external_id=wamid,
            status="DELIVERED",
            name=name,
        )
        self._tell("message", message, content, {})
        return message

    def mark_read(self, message: StoredMessage) -> None:
        """Note that a received message was read."""
        self._chats.set_status(message.id, "READ", {})

    def _advance(self, message_id: str, status: str, error: dict[str, Any]) -> None:
        message = self._chats.set_status(message_id, status, error)
        if message is None:
            return
        meta = meta_objects.status(message.external_id, status, now_ms(), message.handle, error)
        self._tell("status", message, meta, error)

    def _tell_echo(self, message: StoredMessage, draft: Draft) -> None:
        sender, content = draft.number["phoneNumber"], draft.content.get(draft.type)
        meta = meta_objects.echo(
            sender, draft.handle, message.external_id, message.timestamp, draft.type, content
        )
        self._tell("message_echo", message, meta, {})

    def _tell(
        self, kind: EventKind, message: StoredMessage, meta: dict[str, Any], error: dict[str, Any]
    ) -> None:
        # Gone, when the plugin has been deleted since.
        number = self._documents.get("phone_number", message.body["number"]) or {}
        self._events.tell(
            Event(
                kind=kind,
                at=now_ms(),
                plugin_id=message.plugin,
                subject=message.wire(self._store.team),
                meta=meta,
                error=error,
                waba_id=number.get("waba", ""),
                phone_number_id=message.body["number"],
                display_phone_number=number.get("phoneNumber", ""),
                profile_name=message.name or "",
                # Only the pass-through takes, and demands, a messaging_product.
                native=message.direction == "OUTBOUND" and "messaging_product" not in message.body["content"],
            )
        )


def new_wamid() -> str:
    """Make a message id of the kind Meta uses."""
    return "wamid." + base64.b64encode(secrets.token_bytes(36)).decode()
