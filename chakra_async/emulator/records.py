"""What the emulator remembers about a run: the requests that arrived and the effects they had."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from attrs import field, frozen


EffectKind = Literal["create", "update", "delete"]


@frozen(kw_only=True)
class Request:
    """One request as it arrived.

    Attributes:
        method: the HTTP method.
        path: the path exactly as on the request line, without the query.
        query: the raw query string, without the question mark.
        headers: a case-insensitive mapping.
        body: the body, if it has at most 64 KiB and is among the last 32 MiB of such; else empty.
        size: length of the body in bytes.
        sha256: hex digest of the body.
        status: the status that was answered; ``None`` when no answer left, or none yet.
        request_id: the ``X-Request-Id`` of the answer.
        at: when the request arrived.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)  # holds the token
    body: bytes = field(repr=False)
    size: int
    sha256: str
    status: int | None
    request_id: str
    at: datetime

    def json(self) -> Any:
        """Decode the kept body."""
        return orjson.loads(self.body)


@frozen(kw_only=True)
class Effect:
    """One change that was applied to one process.

    Attributes:
        seq: position in the ledger, from 1.
        at: when it was applied.
        kind: ``"create"``, ``"update"`` or ``"delete"``.
        procedure: short id of the procedure.
        process_id: uuid of the process.
        key: value of the procedure's first primary key after the change, or ``None``.
        request_id: the ``X-Request-Id`` of the call that caused it.
        job_id: the background job that applied it, or ``None``.
        index: position of the item in its bulk call, or ``None``.
    """

    seq: int
    at: datetime
    kind: EffectKind
    procedure: str
    process_id: str
    key: str | None
    request_id: str
    job_id: str | None
    index: int | None


@frozen(kw_only=True)
class Message:
    """One WhatsApp message.

    Attributes:
        id: Chakra's id.
        wamid: WhatsApp's id, what sending answers with.
        chat_id: the chat it is in.
        phone: the other side: digits, or the id of a group.
        direction: ``"OUTBOUND"`` or ``"INBOUND"``.
        type: Meta's type: ``"text"``, ``"image"``, ``"template"`` and so on.
        text: what a person reads, the filled-in text of a template included.
        content: the message as it was sent to the API, or came from WhatsApp.
        status: where it is now.
        statuses: every status it got, in the order they came.
        error: code and title of a failure, else empty.
        template_id: the template it was made from.
        process_id: the process it was sent for.
        phone_number_id: the phone number of the business.
        request_id: the ``X-Request-Id`` of the call that sent it.
        at: when it was accepted.
    """

    id: str
    wamid: str
    chat_id: str
    phone: str
    direction: str
    type: str
    text: str | None
    content: Mapping[str, Any]
    status: str
    statuses: tuple[str, ...]
    error: Mapping[str, Any]
    template_id: str | None
    process_id: str | None
    phone_number_id: str
    request_id: str
    at: datetime


@frozen(kw_only=True)
class WebhookDelivery:
    """One webhook that was delivered, or given up.

    Attributes:
        kind: what it tells of: ``"message"``, ``"status"``, ``"template"`` or ``"message_echo"``.
        body: the bytes that were sent.
        headers: the headers that were set, the signature among them, if there was one.
        status: the status of the last answer; ``None`` when none came.
        attempts: how often it was sent.
        error: why there was no answer, else empty.
        is_copy: whether it is the second one of a pair of duplicates.
    """

    kind: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    status: int | None
    attempts: int
    error: str
    is_copy: bool

    def json(self) -> Any:
        """Decode the body."""
        return orjson.loads(self.body.removeprefix(b"\xef\xbb\xbf"))


def from_ms(ms: int) -> datetime:
    """Turn epoch milliseconds into an aware datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)
