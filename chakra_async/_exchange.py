"""One request, one answer, on the connections of one event loop's session."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import aiohttp
from aiohttp.http import HttpProcessingError, RawResponseMessage
from aiohttp.streams import StreamReader
from yarl import URL

from chakra_async._connections import IDLE, Connection
from chakra_async._secrets import HiddenBytes
from chakra_async.errors import ResponseTooLargeError
from chakra_async.settings import Settings, Timeouts


_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Answer(NamedTuple):
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """Sends small JSON requests of one client in one event loop.

    Where nobody listens to what the session does, a request goes straight to a connection of its pool:
    ``ClientSession`` costs as much again as connection, parser and socket together, and does nothing for a
    call that has no cookies, redirects, or authentication to negotiate. A session of the caller's, one with
    trace configs, and one whose requests are replaced (as aioresponses does) is asked like any other.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: Settings,
        headers: Mapping[str, str],
        middlewares: tuple[aiohttp.ClientMiddlewareType, ...] | None = None,
        *,
        own: bool,
    ) -> None:
        self._session = session
        self._middlewares = middlewares
        self._max_bytes = settings.limits.max_response_bytes
        self._loop = asyncio.get_running_loop()
        self._total = settings.timeouts.total
        self._silence = settings.timeouts.read
        self._timeout = client_timeout(settings.timeouts)
        self._headers = headers
        self._json_headers = {**headers, "Content-Type": "application/json"}
        self._base = settings.base_url
        self._may_go_straight = own and not session.trace_configs
        url = URL(settings.base_url)
        # As it was written: yarl would write it anew.
        self._prefix = urlsplit(settings.base_url).path
        fixed = {"Host": url.host_port_subcomponent, **headers}
        self._head = HiddenBytes(
            "".join(f"{name}: {value}\r\n" for name, value in fixed.items()).encode("ascii")
        )
        # Never sent: it tells the connector host, port and TLS.
        self._address = aiohttp.ClientRequest("GET", url, loop=self._loop, session=session)

    async def __call__(self, method: str, target: str, body: bytes | None) -> Answer:
        """Send a request and read its answer, but no more of it than the limit.

        Args:
            method: HTTP method, upper case.
            target: path and query, percent-encoded.
            body: JSON, encoded.

        Raises:
            ResponseTooLargeError: the answer exceeds ``Limits.max_response_bytes``.
            aiohttp.ClientError: no usable answer came.
            TimeoutError: nor in time.
        """
        session = self._session
        if self._may_go_straight and _untouched(type(session)):
            return await self._straight(method, target, body)
        async with session.request(
            method,
            URL(self._base + target, encoded=True),
            data=body,
            headers=self._headers if body is None else self._json_headers,
            timeout=self._timeout,
            allow_redirects=False,
            raise_for_status=False,
            middlewares=self._middlewares,
        ) as response:
            # A copy, for aiohttp's own mapping can be neither pickled nor copied deep.
            return Answer(response.status, response.headers.copy(), await read(response, self._max_bytes))

    async def _straight(self, method: str, target: str, body: bytes | None) -> Answer:
        now = self._loop.time()
        connection, protocol = await self._connect(now)
        try:
            protocol.set_response_params(skip_payload=method == "HEAD", read_until_eof=True)
            protocol.watch(self._silence, now + self._total)
            line = f"{method} {self._prefix}{target} HTTP/1.1\r\n".encode("ascii")
            if body is None:
                end = b"Content-Length: 0\r\n\r\n" if method in _WITH_BODY else b"\r\n"
                protocol.write(line, self._head, end)
            else:
                length = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                protocol.write(line, self._head, length, body)
            message, payload = await _next(protocol)
            received = await self._take(message, payload)
        except BaseException:
            connection.close()
            raise
        finally:
            protocol.unwatch()
        connection.release()
        # A copy, for aiohttp's own mapping can be neither pickled nor copied deep.
        return Answer(message.code, message.headers.copy(), received)

    async def _connect(self, now: float) -> tuple[aiohttp.connector.Connection, Connection]:
        connector = self._session.connector
        if connector is None:
            raise RuntimeError("Session is closed")
        while True:
            try:
                connection = await connector.connect(self._address, [], self._timeout)
            except TimeoutError as error:
                raise aiohttp.ConnectionTimeoutError from error
            protocol = cast("Connection", connection.protocol)
            if protocol.heard > now - IDLE or not protocol.readable:
                return connection, protocol
            # The server has closed it, and what is sent on it would count as perhaps done.
            connection.close()

    async def _take(self, message: RawResponseMessage, payload: StreamReader) -> bytes:
        if payload.is_eof() and payload.exception() is None and payload.total_bytes <= self._max_bytes:
            # Came with its headers.
            return payload.read_nowait(-1)
        length = message.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self._max_bytes:
            raise too_large(message.code, self._max_bytes)
        return await gather(payload.iter_any(), message.code, self._max_bytes)


def _untouched(session: type[aiohttp.ClientSession]) -> bool:
    """Tell whether requests of such sessions are aiohttp's own.

    Told by where the code is of the method that all public ones end in: what was there at our import may
    itself have been a replacement.
    """
    code = getattr(session._request, "__code__", None)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return code is not None and code.co_filename == aiohttp.client.__file__


def client_timeout(times: Timeouts) -> aiohttp.ClientTimeout:
    """The time limits of one attempt, as aiohttp takes them."""
    return aiohttp.ClientTimeout(
        total=finite(times.total),
        # Connecting ends before the whole attempt does, so that it is known that nothing was sent.
        connect=finite(min(times.connect, 0.9 * times.total)),
        sock_read=finite(times.read),
        ceil_threshold=math.inf,
    )


def finite(limit: float) -> float | None:
    """A time limit as aiohttp takes it."""
    return None if limit == math.inf else limit


async def read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """Read a body, but no more of it than the limit, counted after decompression.

    Raises:
        ResponseTooLargeError: it is larger.
    """
    # An answer to HEAD announces a length and sends nothing.
    length = 0 if response.method == "HEAD" else response.content_length
    if length is not None and length > max_bytes:
        response.close()
        raise too_large(response.status, max_bytes)
    if length is not None and "Content-Encoding" not in response.headers:
        return await response.read()
    try:
        return await gather(response.content.iter_any(), response.status, max_bytes)
    except ResponseTooLargeError:
        response.close()
        raise


async def gather(pieces: AsyncIterator[bytes], status: int, max_bytes: int) -> bytes:
    """Join the pieces of a body, but no more of it than the limit.

    Raises:
        ResponseTooLargeError: it is larger.
    """
    gathered: list[bytes] = []
    size = 0
    try:
        async for piece in pieces:
            size += len(piece)
            if size > max_bytes:
                raise too_large(status, max_bytes)
            gathered.append(piece)
        return b"".join(gathered)
    finally:
        # An error that is kept keeps this frame.
        gathered.clear()


def too_large(status: int, max_bytes: int) -> ResponseTooLargeError:
    """Make the error for an answer beyond the limit."""
    return ResponseTooLargeError(
        f"The answer ({status}) exceeds {max_bytes:,} bytes (Limits.max_response_bytes)."
    )


async def _next(protocol: Connection) -> tuple[RawResponseMessage, StreamReader]:
    """Wait for the answer's head."""
    while True:
        try:
            message, payload = await protocol.read()
        except HttpProcessingError as error:
            raise aiohttp.ClientPayloadError(f"the answer is no HTTP: {error.message}") from error
        # 100 and its like announce an answer; 101 would be one, to a question never asked.
        if not 100 <= message.code < 200 or message.code == 101:
            return message, payload
