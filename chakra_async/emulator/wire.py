"""Sending answers, the right way and the wrong ways."""

from __future__ import annotations

import socket
import struct
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from aiohttp import web
from attrs import evolve

from chakra_async.emulator.answer import Answer
from chakra_async.emulator.faults import Fault


_BODILESS = {204, 304}
_CHUNK = 64 * 1024
_NO_LINGER = struct.pack("ii", 1, 0)


async def respond(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Send an answer; stored bytes go out as they are read."""
    if answer.blob is None:
        return web.Response(status=answer.status, body=answer.body, headers=_headers(answer))
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    response.content_length = answer.size
    try:
        await response.prepare(request)
        for chunk in answer.chunks():
            await response.write(chunk)
    except ConnectionError:
        pass  # the client has seen enough
    return response


def _headers(answer: Answer) -> dict[str, str]:
    return {"Server": "chakra-emulator", "Content-Type": answer.content_type, **answer.headers}


def reset(request: web.BaseRequest) -> web.StreamResponse:
    """Drop the connection with an RST, with no byte of an answer."""
    transport = request.transport
    if transport is not None:
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    # aiohttp wants a response; writing it fails at once, which it takes for a client that has left.
    return web.Response()


async def send_wrongly(request: web.BaseRequest, answer: Answer, fault: Fault) -> web.StreamResponse:
    """Send an answer padded, compressed or cut as the fault wants, in pieces to save memory."""
    if answer.status in _BODILESS or request.method == "HEAD":
        # Whatever follows such a head would be taken for the next answer.
        return await respond(request, evolve(answer, body=b"", blob=None))
    length, chunks = answer.size, answer.chunks()
    headers = _headers(answer)
    if fault.huge is not None:
        missing = max(fault.huge - length, 0)
        length += missing
        chunks = _padded(answer.body, length) if answer.blob is None else chain(chunks, _spaces(missing))
    if fault.gzip:
        headers["Content-Encoding"] = "gzip"
        chunks = _gzipped(chunks)
        if fault.huge is None and answer.blob is None:
            whole = b"".join(chunks)
            length, chunks = len(whole), iter([whole])
    response = web.StreamResponse(status=answer.status, headers=headers)
    if not fault.gzip or (fault.huge is None and answer.blob is None):
        response.content_length = length
    try:
        await response.prepare(request)
        if fault.cut is not None:
            chunks = _first(chunks, fault.cut)
        for chunk in chunks:
            await response.write(chunk)
        if fault.cut is not None:
            response.force_close()
            if request.transport is not None:
                request.transport.close()
    except ConnectionError:
        pass  # the client has seen enough
    return response


def _padded(body: bytes, length: int) -> Iterator[bytes]:
    """Fill a JSON object up to a length with one more member."""
    frame = b',"_padding":""}'
    missing = length - len(body) - len(frame) + 1
    if not body.endswith(b"}") or missing < 0:
        yield body + b" " * (length - len(body))
        return
    yield body[:-1] + frame[:-2]
    filler = b"x" * _CHUNK
    for start in range(0, missing, _CHUNK):
        yield filler[: missing - start]
    yield frame[-2:]


def _spaces(count: int) -> Iterator[bytes]:
    for start in range(0, count, _CHUNK):
        yield b" " * min(_CHUNK, count - start)


def _gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def _first(chunks: Iterable[bytes], count: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:count]
        count -= len(chunk)
        if count <= 0:
            return
