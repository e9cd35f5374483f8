"""What a test does to the emulator, or sees of it, that no endpoint does: people, and WhatsApp's side."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from chakra_async.emulator.blobs import BlobWriter
from chakra_async.emulator.calls import begin
from chakra_async.emulator.catalog import Role
from chakra_async.emulator.chats import StoredMessage
from chakra_async.emulator.content_types import content_type_of
from chakra_async.emulator.delivery import Draft
from chakra_async.emulator.documents import Document
from chakra_async.emulator.events import Listener
from chakra_async.emulator.message_rules import text_of
from chakra_async.emulator.records import Message, from_ms
from chakra_async.emulator.service import Service
from chakra_async.emulator.store import now_ms


_PIECE = 1024 * 1024


class Controls:
    """The part of the emulator that is about people and WhatsApp."""

    @property
    def _service(self) -> Service:
        raise NotImplementedError

    @property
    def plugin_id(self) -> str:
        """The id of the WhatsApp plugin that exists from the start."""
        return str(self._plugin["id"])

    @property
    def phone_number_id(self) -> str:
        """The id of the phone number connected to that plugin."""
        return str(self._number["id"])

    @property
    def waba_id(self) -> str:
        """The id of the business account connected to that plugin."""
        return str(self._number["waba"])

    def add_user(
        self,
        username: str,
        *,
        first_name: str = "",
        last_name: str = "",
        role: Role = "admin",
        phones: Sequence[str] = (),
    ) -> str:
        """Add a user and return the id.

        Raises:
            ValueError: the username is taken or empty.
        """
        user = self._service.users.add(
            username, first_name=first_name, last_name=last_name, role=role, phones=tuple(phones)
        )
        return str(user["id"])

    def add_template(
        self,
        name: str,
        body: str = "Hello",
        *,
        language: str = "en",
        category: Literal["MARKETING", "UTILITY", "AUTHENTICATION"] = "UTILITY",
        components: Sequence[Mapping[str, Any]] | None = None,
        status: Literal["APPROVED", "PENDING", "REJECTED", "PAUSED"] = "APPROVED",
    ) -> str:
        """Add a template, approved unless ``status`` says otherwise, and return its id.

        Args:
            name: its name.
            body: text of its body, with placeholders such as ``{{1}}`` or ``{{name}}``.
            language: its language.
            category: its category.
            components: all its components, instead of ``body``.
            status: its status; one that is ``"PENDING"`` will be approved in a while.

        Raises:
            ValueError: there is such a template in this language.
        """
        templates = self._service.templates
        if templates.find(self.waba_id, name, language):
            raise ValueError(f"there is a template {name!r} in {language!r} already")
        parts = [{"type": "BODY", "text": body}] if components is None else [dict(one) for one in components]
        added = templates.add(self.waba_id, name, language, category, parts, status=status)
        return str(added["id"])

    def set_template_status(
        self,
        template_id: str,
        status: Literal["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"],
        *,
        reason: str = "NONE",
    ) -> None:
        """Decide about a template, as a reviewer at Meta does.

        Args:
            template_id: the template.
            status: its status from now on.
            reason: why, in Meta's words, such as ``"INCORRECT_CATEGORY"``.

        Raises:
            LookupError: there is no such template.
        """
        if self._service.templates.decide(template_id, status, reason) is None:
            raise LookupError(f"no template {template_id!r}")

    @property
    def messages(self) -> list[Message]:
        """The messages that were sent, in order, with the status each has now."""
        return [_record(message) for message in self._service.chats.sent()]

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The tasks that were created, in order, as the API shows them."""
        return self._service.tasks.all()

    def receive_message(
        self,
        phone: str,
        *,
        text: str | None = None,
        media: bytes | os.PathLike[str] | None = None,
        mime_type: str | None = None,
        filename: str | None = None,
        content: Mapping[str, Any] | None = None,
        name: str | None = None,
        reply_to: str | None = None,
    ) -> Message:
        """Let a person write to the business.

        Args:
            phone: who writes: country code and digits.
            text: a text, or the caption of ``media``.
            media: the bytes of a file, or where it is. The ``id`` to fetch it by is in the ``content`` of
                what is returned, under the type.
            mime_type: type of the media, by default guessed from its name.
            filename: name of the media.
            content: any other message: ``{"type": "location", "location": {...}}``.
            name: the name in the person's profile.
            reply_to: the ``wamid`` of the message it answers.

        Raises:
            ValueError: not exactly one of text, media and content, or no phone number.
        """
        _check_phone(phone)
        if (content is None) == (text is None and media is None):
            raise ValueError("a message has either a text, media or both, or a content")
        if content is not None:
            message: dict[str, Any] = {"type": "text", **content}
        elif media is None:
            message = {"type": "text", "text": {"body": text}}
        else:
            message = self._media_message(media, mime_type, filename, text)
        if reply_to is not None:
            message["context"] = {"from": self._number["phoneNumber"], "id": reply_to}
        kind = message["type"]
        attachment = {"type": kind, **message[kind]} if media is not None else None
        draft = Draft(
            plugin_id=self.plugin_id,
            number=self._number,
            handle=phone,
            type=kind,
            content=message,
            text=text if media is not None else text_of(kind, message.get(kind)),
            attachments=None if attachment is None else [attachment],
            in_reply_to=reply_to,
        )
        return _record(self._service.delivery.receive(draft, name))

    def _media_message(
        self,
        media: bytes | os.PathLike[str],
        mime_type: str | None,
        filename: str | None,
        caption: str | None,
    ) -> dict[str, Any]:
        writer = self._service.blobs.new()
        if isinstance(media, bytes):
            writer.write(media)
        else:
            filename = filename or Path(media).name
            _copy(Path(media), writer)
        mime_type = content_type_of(mime_type, filename or "")
        stored = self._service.media.add(writer.finish(), mime_type)
        top = mime_type.partition("/")[0]
        kind = top if top in ("image", "audio", "video") else "document"
        shown = {name: stored[name] for name in ("id", "mime_type", "sha256")}
        if caption is not None:
            shown["caption"] = caption
        if kind == "document" and filename:
            shown["filename"] = filename
        return {"type": kind, kind: shown}

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The calls in both directions, in order.

        Each has an ``id``, ``person``, ``direction`` (``"INBOUND"`` or ``"OUTBOUND"``), ``phone_number_id``,
        ``status`` (``"ringing"``, ``"going"`` or ``"ended"``) and ``content``: the offer it began with.
        """
        return self._service.documents.all("call")

    def receive_call(self, phone: str, *, sdp: str = "v=0\r\n") -> str:
        """Let a person call the business, and return the id of the call. No webhook tells of it.

        Args:
            phone: who calls: country code and digits.
            sdp: their WebRTC offer.

        Raises:
            ValueError: no phone number.
        """
        _check_phone(phone)
        offer = {"session": {"sdp_type": "offer", "sdp": sdp}}
        return str(begin(self._service.documents, self.phone_number_id, phone, "INBOUND", offer)["id"])

    def ask_to_join(self, group_id: str, phone: str) -> str:
        """Let a person ask to join a group, and return the id of the request.

        Raises:
            LookupError: there is no such group.
        """
        documents = self._service.documents
        with self._service.store.transaction():
            group = documents.get("group", group_id)
            if group is None:
                raise LookupError(f"no group {group_id!r}")
            request = {
                "join_request_id": str(uuid4()),
                "wa_id": phone,
                "creation_timestamp": str(now_ms() // 1000),
            }
            requests = [*group["join_requests"], request]
            documents.replace("group", {**group, "join_requests": requests})
        return request["join_request_id"]

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have a function called with an ``Event`` for every message, status and change of a template.

        It is called in the thread where that happened, mostly the one that answers requests, so it must be
        quick and must not call the emulator over HTTP.

        Returns:
            A function that ends it.
        """
        return self._service.events.subscribe(listener)

    @property
    def _plugin(self) -> Document:
        plugin = self._service.plugins.first()
        if plugin is None:
            raise LookupError("every plugin has been deleted")
        return plugin

    @property
    def _number(self) -> Document:
        numbers = self._service.plugins.numbers()
        if not numbers:
            raise LookupError("the plugin with the phone number has been deleted")
        return numbers[0]


def _check_phone(phone: str) -> None:
    if not (phone.isascii() and phone.isdecimal()):
        raise ValueError(f"{phone!r} is no phone number: expected country code and digits")


def _copy(path: Path, writer: BlobWriter) -> None:
    with path.open("rb") as source:
        while piece := source.read(_PIECE):
            writer.write(piece)


def _record(message: StoredMessage) -> Message:
    body = message.body
    return Message(
        id=message.id,
        wamid=message.external_id,
        chat_id=message.chat,
        phone=message.handle,
        direction=message.direction,
        type=body["type"],
        text=body["text"],
        content=body["content"],
        status=message.status,
        statuses=tuple(status for status, _ in body["trail"]),
        error=body["error"],
        template_id=body["template"],
        process_id=body["process"],
        phone_number_id=body["number"],
        request_id=body["request_id"],
        at=from_ms(message.created_at),
    )
