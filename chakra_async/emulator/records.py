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
        body: the body when it has at most 64 KiB, else empty.
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


def from_ms(ms: int) -> datetime:
    """Turn epoch milliseconds into an aware datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)
