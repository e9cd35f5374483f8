"""Answers before they are sent: the envelope of the API, its errors, its exceptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
from attrs import field, frozen

from chakra_async.emulator.blobs import Blob
from chakra_async.emulator.refusals import Refusal, UnknownRoute


JSON: Final = "application/json; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"


@frozen
class Answer:
    """A status, a body and its headers; ``blob`` stands for a body that is stored."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(factory=dict[str, str])
    blob: Blob | None = None

    @property
    def size(self) -> int:
        """Length of the body."""
        return len(self.body) if self.blob is None else self.blob.size

    def chunks(self) -> Iterator[bytes]:
        """Read the body piece by piece."""
        return iter([self.body]) if self.blob is None else self.blob.chunks()


def success(data: Any, meta: Mapping[str, Any] | None = None) -> Answer:
    """Wrap a payload; ``_meta`` appears only where there is one, ``_errors`` not at all."""
    return Answer(200, orjson.dumps({"_data": data} if meta is None else {"_data": data, "_meta": meta}))


def raw(body: Any) -> Answer:
    """Answer the way Meta does, without the envelope."""
    return Answer(200, orjson.dumps(body))


def file(blob: Blob, content_type: str) -> Answer:
    """Answer with stored bytes."""
    return Answer(200, b"", content_type, {"Accept-Ranges": "bytes", "ETag": f'"{blob.sha256}"'}, blob)


def redirect(address: str) -> Answer:
    """Send the client elsewhere."""
    return Answer(302, b"", TEXT, {"Location": address})


def failure(status: int, *errors: str) -> Answer:
    """Wrap error texts; ``_data`` is an empty array even where success is an object."""
    return Answer(status, orjson.dumps({"_data": [], "_errors": errors}))


def refused(refusal: Refusal) -> Answer:
    """Turn a refusal into the answer for it."""
    if isinstance(refusal, UnknownRoute):
        return Answer(refusal.status, b"Not Found", TEXT)
    return failure(refusal.status, refusal.message)
