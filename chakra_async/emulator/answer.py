"""Answers before they are sent: the envelope of the API, its errors, its one plain-text exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from attrs import field, frozen

from chakra_async.emulator.refusals import Refusal, UnknownRoute


JSON: Final = "application/json; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"


@frozen
class Answer:
    """A status, a body and its headers."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(factory=dict[str, str])


def success(data: Any, meta: Mapping[str, Any] | None = None) -> Answer:
    """Wrap a payload; ``_meta`` appears only where there is one, ``_errors`` not at all."""
    return Answer(200, orjson.dumps({"_data": data} if meta is None else {"_data": data, "_meta": meta}))


def failure(status: int, *errors: str) -> Answer:
    """Wrap error texts; ``_data`` is an empty array even where success is an object."""
    return Answer(status, orjson.dumps({"_data": [], "_errors": errors}))


def refused(refusal: Refusal) -> Answer:
    """Turn a refusal into the answer for it."""
    if isinstance(refusal, UnknownRoute):
        return Answer(refusal.status, b"Not Found", TEXT)
    return failure(refusal.status, refusal.message)
