"""Events that have not happened, as the emulator would tell of them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson
from attrs import frozen

from chakra_async.emulator import Settings, meta_objects
from chakra_async.emulator.delivery import new_wamid
from chakra_async.emulator.documents import numeric_id
from chakra_async.emulator.events import Event
from chakra_async.emulator.store import now_ms
from chakra_async.emulator.webhook_bodies import WebhookFormat, body_of
from chakra_async.emulator.webhook_sender import BOM


@frozen(kw_only=True)
class MadeUp:
    """What is said of an event that is made up; the names are those of the command's options."""

    text: str
    phone: str
    name: str
    id: str | None
    template: str
    language: str
    reason: str
    error_code: int
    error_title: str
    waba_id: str
    phone_number_id: str

    def event(self, what: str) -> Event:
        """Make the event: ``message``, ``message-echo``, ``status-sent``, ``template-approved`` and so on."""
        kind, _, detail = what.partition("-")
        if kind == "template":
            return self._template(detail.upper())
        wamid = self.id or new_wamid()
        at = now_ms()
        common: dict[str, Any] = {
            "at": at,
            "plugin_id": "",
            "subject": {"id": str(uuid4()), "externalId": wamid},
            "waba_id": self.waba_id,
            "phone_number_id": self.phone_number_id,
            "display_phone_number": _BUSINESS,
            "profile_name": self.name,
        }
        if kind == "status":
            failure = {"code": self.error_code, "title": self.error_title} if detail == "failed" else {}
            meta = meta_objects.status(wamid, detail, at, self.phone, failure)
            return Event(kind="status", meta=meta, native=True, **common)
        text = {"body": self.text}
        if detail == "echo":
            meta = meta_objects.echo(_BUSINESS, self.phone, wamid, at, "text", text)
            return Event(kind="message_echo", meta=meta, **common)
        meta = meta_objects.incoming(self.phone, wamid, at, {"type": "text", "text": text})
        return Event(kind="message", meta=meta, **common)

    def _template(self, status: str) -> Event:
        template_id = self.id or numeric_id()
        if not (template_id.isascii() and template_id.isdecimal()):
            raise ValueError(f"the id of a template is a number, not {template_id!r}")
        reason = self.reason if status == "REJECTED" else "NONE"
        meta = meta_objects.template_update(template_id, self.template, self.language, status, reason)
        return Event(kind="template", at=now_ms(), plugin_id="", subject={}, meta=meta, waba_id=self.waba_id)


def encoded(event: Event, form: WebhookFormat, *, bom: bool) -> bytes:
    """Return the body of the event.

    Raises:
        ValueError: the format does not tell of it, or JSON cannot hold what was said.
    """
    body = body_of(event, form, Settings())
    if body is None:
        raise ValueError(f"the format {form} does not tell of such events: choose another --format")
    try:
        text = orjson.dumps(body)
    except TypeError as error:  # a number beyond 64 bits, or what is no text
        raise ValueError(f"what was said cannot be sent as JSON: {error}") from None
    return (BOM if bom else b"") + text


_BUSINESS = "918045678900"
