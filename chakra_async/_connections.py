"""Connections as aiohttp makes them, but for what it would believe of a server that breaks the rules."""

from __future__ import annotations

import asyncio
import math
import selectors
import ssl
from contextvars import Context
from functools import partial
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.tracing import Trace


IDLE = 0.5
"""Seconds without a byte after which a connection is looked at before it is used.

The server may have closed it, and the loop, held by the caller's code, not have heard of it yet.
"""

_LONGEST_GREETING = 80

# Timers take no infinity.
_LONGEST_IDLE = 365 * 86_400

# Of aiohttp's connection, and of no public name. Were one of them gone, each answer would seem to be torn.
_RELIED_UPON = ("_buffer_paused", "_on_read_timeout", "_payload", "_reading_paused", "_tail")


class Connection(ResponseHandler):
    """A connection that hears only answers to what was asked, and takes no torn answer for a whole one.

    aiohttp would take bytes that come between two calls for the answer to the second of them; the end of a
    broken connection for the end of a body whose length nobody announced; and would leave whoever reads a
    body waiting when the rest of it turns out to be no HTTP.
    """

    heard = math.inf
    """When something came last, by the clock of the loop; on a connection just made, nothing has."""

    _answered = False
    _cut = False
    _silence = math.inf
    _deadline = math.inf
    _watching: asyncio.TimerHandle | None = None

    @property
    def spoiled(self) -> str | None:
        """Why nothing can be asked on a connection just made, or ``None``."""
        if self._tail:
            line = self._tail.strip().split(b"\n")[0][:_LONGEST_GREETING].decode("utf-8", "replace").strip()
            return f"the server spoke before it was asked: {line!r}"
        return None if self.is_connected() and not self.should_close else "the server hung up at once"

    @property
    def readable(self) -> bool:
        """Whether something lies unread, and be it the end."""
        if self.transport is None or self.transport.is_closing():
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(self.transport.get_extra_info("socket"), selectors.EVENT_READ)
            return bool(selector.select(0))

    def watch(self, silence: float, deadline: float) -> None:
        """Break off at ``deadline``, or when nothing has been heard for ``silence`` seconds.

        One timer for both, and none for each piece of an answer as aiohttp's own time-out has it.
        """
        self._silence, self._deadline = silence, deadline
        self.heard = self._loop.time()
        until = min(deadline, self.heard + silence)
        self._watching = None if until == math.inf else self._loop.call_at(until, self._look)

    def unwatch(self) -> None:
        """Leave it to itself again."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def _look(self) -> None:
        until = min(self._deadline, self.heard + self._silence)
        if until <= self._loop.time():
            self._watching = None
            self._on_read_timeout()
        else:
            self._watching = self._loop.call_at(until, self._look)

    def set_response_params(self, **params: Any) -> None:
        """Begin a call."""
        self._answered = False
        super().set_response_params(**params)

    def write(self, *pieces: bytes) -> None:
        """Send a request."""
        if self.transport is None:
            raise aiohttp.ServerDisconnectedError
        self.transport.write(b"".join(pieces))

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take the head of an answer; one of 100 and its like only announces it."""
        status = data[0].code
        self._answered = not 100 <= status < 200 or status == 101
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the wire, but none after the end of an answer."""
        if data and self._answered and (self._payload is None or self._payload.is_eof()):
            self.force_close()
            self.abort()
            return
        self.heard = self._loop.time()
        before = self.exception()
        super().data_received(data)
        if (failed := self.exception()) is not None and failed is not before:
            self._tear(failed)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on reading; aiohttp would look for more to parse where nothing had been held up."""
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    def eof_received(self) -> None:
        """Learn that nothing more will come."""
        tls = None if self.transport is None else self.transport.get_extra_info("ssl_object")
        # Anybody on the way can end the connection, but only the peer can say so inside TLS (RFC 9112, 9.8).
        self._cut = tls is not None and not _said_goodbye(tls)
        super().eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Learn that the connection is no more."""
        if exc is not None or self._cut:
            self._tear(exc or ConnectionResetError("TLS was cut"))
        super().connection_lost(exc)

    def _tear(self, why: BaseException) -> None:
        payload = self._payload
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            error = aiohttp.ClientPayloadError(f"the body of the answer was torn: {why}")
            error.__cause__ = why
            payload.set_exception(error)


class _Connector(aiohttp.TCPConnector):
    """A pool that does not remember on whose behalf a connection was made.

    With a connection, asyncio keeps the context variables of the call that needed it first, such as the
    request that a web framework was serving then: for as long as the connection is in use.
    """

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as aiohttp calls it
    ) -> ResponseHandler:
        made = super()._create_connection(req, traces, timeout)
        task = asyncio.get_running_loop().create_task(made, context=Context())
        try:
            connection = await task
        except asyncio.CancelledError:
            # It may have been made in the same moment.
            if task.done() and not task.cancelled() and task.exception() is None:
                task.result().close()
            raise
        # Bytes that came while nobody had asked are the answer to nothing.
        if why := cast("Connection", connection).spoiled:
            connection.abort()
            raise aiohttp.ClientConnectorError(req.connection_key, ConnectionError(why))
        return connection

    def _release(self, *arguments: Any, **options: Any) -> None:
        if self._cleanup_handle is None:
            # Sets the timer that looks for connections idle too long.
            Context().run(super()._release, *arguments, **options)
        else:
            super()._release(*arguments, **options)


async def _give_up(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        # For these aiohttp would send GET, PUT and DELETE a second time by itself, uncounted and at once.
        raise aiohttp.ClientPayloadError(str(error)) from error


def sending_once(session: aiohttp.ClientSession) -> tuple[aiohttp.ClientMiddlewareType, ...]:
    """Return the middlewares by which a session of the caller's sends nothing again by itself."""
    own: tuple[aiohttp.ClientMiddlewareType, ...] = tuple(getattr(session, "_middlewares", ()))
    return (*own, _give_up)


def drop_ended(session: aiohttp.ClientSession) -> None:
    """Close those idle connections of a session of ours that their servers have closed; see ``IDLE``."""
    now = asyncio.get_running_loop().time()
    pool: Any = getattr(session.connector, "_conns", {})
    for connection in [connection for idle in pool.values() for connection, _ in idle]:
        if isinstance(connection, Connection) and connection.heard <= now - IDLE and connection.readable:
            connection.close()


def check_given(session: aiohttp.ClientSession, host: str) -> None:
    """Refuse a session of the caller's that cannot carry our calls.

    Raises:
        ValueError: it sends other credentials than the access token, or leaves answers compressed.
    """
    if not isinstance(session, aiohttp.ClientSession):
        # Something that stands for one, as a wrapper or in a test.
        return
    wrong = "the session given to the client"
    if session.auth is not None:
        raise ValueError(f"{wrong} has auth=, and no access token can go beside it: make one without")
    if not session.auto_decompress:
        raise ValueError(f"{wrong} leaves answers compressed: make one without auto_decompress=False")
    # What aiohttp itself asks before each request, for which it has no public name.
    if session.trust_env and session._get_netrc_auth(host) is not None:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        raise ValueError(
            f"{wrong} takes a login for {host} from a .netrc file, and no access token can go beside it: "
            "make one without trust_env=True, or take the login out of the file"
        )


def _said_goodbye(tls: ssl.SSLObject) -> bool:
    try:
        return not tls.read(1)
    except ssl.SSLError as error:
        return isinstance(error, ssl.SSLZeroReturnError)


def _check_version() -> None:
    connection = ResponseHandler(asyncio.get_running_loop())
    if gone := [name for name in _RELIED_UPON if not hasattr(connection, name)]:
        raise RuntimeError(
            f"chakra_async cannot work with aiohttp {aiohttp.__version__}, whose connections have no "
            f"{', '.join(gone)}; nothing was sent: install another version of either"
        )


def open_session(*, limit: int, keepalive: float, **options: Any) -> aiohttp.ClientSession:
    """Open a session that keeps no cookies, and sends nothing again by itself.

    Args:
        limit: most connections at once; 0 is any number.
        keepalive: seconds an idle connection is kept.
        options: more for the connector.

    Raises:
        RuntimeError: this aiohttp is made otherwise than we rely upon.
    """
    _check_version()
    connector = _Connector(limit=limit, keepalive_timeout=min(keepalive, _LONGEST_IDLE), **options)
    factory: Any = partial(Connection, loop=asyncio.get_running_loop())
    # For neither of both does aiohttp have a public switch; tests fail if they are gone.
    connector._factory = factory  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    # As sending_once does, and faster.
    session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return session
