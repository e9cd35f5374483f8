"""What transfers need of aiohttp: bodies made piece by piece, and redirects that may be followed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from chakra_async._transfer.body import Body
from chakra_async.errors import ApiError


REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3

_UNSENT = 256 * 1024


class UploadBody(aiohttp.Payload):
    """The body of one attempt."""

    def __init__(self, body: Body) -> None:
        super().__init__(body, content_type=body.content_type)
        self._body = body
        self._size = body.size
        self._transport: asyncio.WriteTransport | None = None

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:  # noqa: ARG002
        """Write it; the length was announced from the same number that the pieces are counted against."""
        self._transport = writer.transport
        _keep_little_in_kernel(writer.transport)
        async for piece in self._body.pieces():
            await writer.write(piece)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write it."""
        await self.write_with_length(writer, None)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002
        """Refuse: it is never in memory as a whole."""
        raise TypeError("a body made piece by piece is not kept in memory")

    def abort(self) -> None:
        """Drop the connection at once.

        A mere close would first wait for the peer to take what is buffered, for ever if it takes nothing.
        """
        if self._transport is not None:
            self._transport.abort()


def _keep_little_in_kernel(transport: asyncio.WriteTransport | None) -> None:
    """Have the kernel take only what it can soon send.

    Otherwise it takes megabytes at once, and nothing for as long as it needs to send a third of them: too
    long for a time limit between two pieces, and progress would be told of bytes that are still here.
    """
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    raw = None if transport is None else transport.get_extra_info("socket")
    if option is not None and raw is not None:
        with suppress(OSError, AttributeError, TypeError):
            raw.setsockopt(socket.IPPROTO_TCP, option, _UNSENT)


def redirect_target(url: URL, status: int, headers: Mapping[str, str]) -> URL:
    """Return where an answer sends us.

    Raises:
        ApiError: it names no address, one that is not http(s), or one in clear after one that was not.
    """
    location = headers.get("location", "")
    try:
        # Taken letter by letter: a signature in it would not survive being written anew. Only blanks, which
        # no address may have, would break the request.
        letters = location.isascii() and location.isprintable()
        target = url.join(URL(location.replace(" ", "%20"), encoded=letters))
        named = bool(location) and target.scheme in {"http", "https"} and bool(target.host)
    except ValueError:
        named, target = False, url
    if not named:
        raise refused(status, "names no address of http or https")
    if url.scheme == "https" and target.scheme == "http":
        raise refused(status, f"leads out of encryption, to {target.host}")
    return target.with_user(None) if target.user or target.password else target


def refused(status: int, why: str) -> ApiError:
    """Make the error for a redirect that is not followed."""
    return ApiError(
        f"The service answered {status}, and its redirect {why}: not followed.",
        status=status,
        retry_safe=True,
    )
