"""Reading what a request brings along: a body in memory, or a form whose files go to disk on the way."""

from __future__ import annotations

import hashlib

from aiohttp import web
from attrs import frozen

from chakra_async.emulator.blobs import Blobs
from chakra_async.emulator.multipart import FormParser
from chakra_async.emulator.request_log import KEPT_BODY, Arrival, RequestLog


@frozen
class Received:
    """What came with a request. ``body`` is ``None`` when it was longer than ``limit``."""

    body: bytes | None
    limit: int
    form: FormParser | None = None


async def receive(
    request: web.BaseRequest, arrival: Arrival, log: RequestLog, limit: int, form: FormParser | None = None
) -> Received:
    """Read to the end, even what is too long.

    To answer before would reset the connection and lose the answer.

    Args:
        request: the request.
        arrival: its record.
        log: where that is.
        limit: bytes that are taken.
        form: parses the body instead of keeping it.
    """
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    chunks: list[bytes] = []
    size = 0
    digest = hashlib.sha256()
    kept = limit if form is None else min(KEPT_BODY, limit)
    async for chunk in request.content.iter_any():
        size += len(chunk)
        digest.update(chunk)
        if size <= kept:
            chunks.append(chunk)
        else:
            chunks.clear()
        if form is not None and size <= limit:
            form.feed(chunk)
    body = b"".join(chunks)
    log.received(arrival, body, size, digest.hexdigest())
    return Received(body if size <= limit else None, limit, form)


def dispose(received: Received, blobs: Blobs) -> None:
    """Drop the files that nobody wanted to keep."""
    for seq in received.form.seqs if received.form is not None else ():
        blobs.drop_unkept(seq)
