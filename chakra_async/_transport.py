"""The only user of aiohttp: one visible loop of gate, send, envelope, retry."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import math
import os
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlencode
from weakref import WeakSet

import aiohttp
from yarl import URL

from chakra_async import _retry
from chakra_async._breaks import as_break
from chakra_async._envelope import unwrap
from chakra_async._gate import Gate
from chakra_async._sessions import LoopState
from chakra_async._transfer.download import Download
from chakra_async._transfer.upload import Upload
from chakra_async._transfer.wire import MOST_REDIRECTS, REDIRECTS, UploadBody, redirect_target, refused
from chakra_async._version import __version__
from chakra_async.errors import (
    AmbiguousResultError,
    ApiError,
    ChakraError,
    ClientClosedError,
    RequestTimeoutError,
    ResponseTooLargeError,
)
from chakra_async.models.reply import Reply
from chakra_async.settings import AccessToken, Settings


logger = logging.getLogger("chakra_async")

_transports: WeakSet[Transport] = WeakSet()


class _Hidden(str):
    """Text that travels as it is, but is not shown where values are: in tracebacks with locals, in reprs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class Transport:
    """Sends requests for every resource of one client.

    A session is opened lazily in each event loop that calls, and closed with that loop or by :meth:`close`.
    A session given by the caller is used as it is and never closed.
    """

    def __init__(
        self, settings: Settings, token: AccessToken, session: aiohttp.ClientSession | None = None
    ) -> None:
        self.settings = settings
        self.gate: Gate = Gate()
        self.closed: bool = False
        self._budget = _retry.RetryBudget(settings.retry.budget)
        self._scrub = token.scrub
        self._headers = {
            "Authorization": _Hidden(f"Bearer {token.reveal()}"),
            "Accept": "application/json",
            # No brotli or zstd: what every installation can decode, every installation can bound.
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"chakra-async/{__version__}",
            "X-Chakra-SDK": f"chakra-async/{__version__}",
        }
        self._json_headers = {**self._headers, "Content-Type": "application/json"}
        times = settings.timeouts
        self._timeout = aiohttp.ClientTimeout(
            total=_seconds(times.total),
            # Connecting ends before the whole attempt does, so that it is known that nothing was sent.
            connect=_seconds(min(times.connect, 0.9 * times.total)),
            sock_read=_seconds(times.read),
            ceil_threshold=math.inf,
        )
        # What moves may take any time; see Upload.deadline and Download.take.
        self._upload_timeout = aiohttp.ClientTimeout(
            total=None, connect=_seconds(times.connect), ceil_threshold=math.inf
        )
        self._download_timeout = aiohttp.ClientTimeout(
            total=None,
            connect=_seconds(times.connect),
            sock_read=_seconds(times.read),
            ceil_threshold=math.inf,
        )
        self._given_session = session
        self._loops: dict[asyncio.AbstractEventLoop, LoopState] = {}
        _transports.add(self)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str | int] | None = None,
        repeatable: bool,
        upload: Upload | None = None,
        download: Download | None = None,
    ) -> Reply:
        """Make one call and return its opened answer.

        Args:
            method: HTTP method, upper case.
            path: absolute path, percent-encoded.
            body: JSON, encoded.
            query: query parameters.
            repeatable: whether doing it twice is the same as doing it once.
            upload: body that is made piece by piece, in place of ``body``.
            download: where the bytes of a 2xx answer go; the reply then has no data.

        Raises:
            ApiError: the service refused; the subclass tells how.
            TransportError: no usable answer came; the subclass and ``sent`` tell how far it got.
            DecodeError: the answer is not JSON.
            ResponseTooLargeError: the answer exceeds ``Limits.max_response_bytes``.
            ClientClosedError: the client was closed.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        url = URL(self.settings.base_url + target, encoded=True)
        headers = self._headers if body is None else self._json_headers
        transfer = upload or download
        self._budget.earn()
        attempts = 0
        retries: _retry.Retries | None = None
        while True:
            here = await self._enter(method, path, attempts)
            attempts += 1
            try:
                if self.gate.not_before:
                    await self.gate.wait()
                if upload is not None:
                    response, received = await self._send(here, method, url, upload)
                elif download is not None:
                    response, received = await self._receive(here, url, download)
                else:
                    async with here.session.request(
                        method,
                        url,
                        data=body,
                        headers=headers,
                        timeout=self._timeout,
                        allow_redirects=False,
                        raise_for_status=False,
                    ) as response:
                        received = await self._read(response)
                reply = unwrap(
                    response.status,
                    # A copy, for aiohttp's own mapping can be neither pickled nor copied deep.
                    response.headers.copy(),
                    received,
                    method=method,
                    path=path,
                    repeatable=repeatable,
                    scrub=self._scrub,
                )
            except (ChakraError, aiohttp.ClientError, OSError, RuntimeError) as caught:
                if transfer is not None and transfer.failure is not None:
                    # The caller's own source, target or callback; the error is the caller's, too.
                    raise transfer.failure from None
                failure = self._as_ours(caught, method, path, attempts, repeatable, transfer)
            else:
                reply.attempts = attempts
                if logger.isEnabledFor(logging.DEBUG):
                    logger.debug("%s %s: %d after %d attempts", method, path, reply.status, attempts)
                return reply
            finally:
                here.places.release()
            if not isinstance(transfer, Download) or transfer.host is None:
                # What another host asks of us is no business of the other calls.
                self._heed(failure)
            logger.debug("%s %s: %s at attempt %d", method, path, type(failure).__name__, attempts)
            once = transfer is not None and not transfer.renewable
            if once or not _retry.is_transient(failure, self.settings.retry):
                try:
                    raise failure
                finally:
                    # Frame and error name each other; broken here, or only the collector could free them.
                    del failure
            retries = retries or _retry.Retries(self.settings.retry, self._budget)
            await retries.wait(failure)
            logger.info("%s %s: attempt %d after %s", method, path, attempts + 1, type(failure).__name__)

    async def close(self) -> None:
        """Close the sessions that this client opened; may be called more than once."""
        self.closed = True
        loops, self._loops = self._loops, {}
        for loop, here in loops.items():
            if loop.is_closed():
                continue
            if loop is asyncio.get_running_loop():
                await here.close()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(here.close(), loop)

    def leave_to_parent(self) -> None:
        """Forget, in a forked child, the sessions that the parent goes on using.

        To close or collect them here would unregister their sockets from the selector that both share, and
        the parent's next request would hang; so they are kept for ever, even past the end of the modules.
        """
        if self._loops:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._loops))
            self._loops = {}

    async def _enter(self, method: str, path: str, attempts: int) -> LoopState:
        """Take one of the running loop's places for requests in flight."""
        if self.closed:
            raise ClientClosedError(
                "The client is closed; make a new one.",
                method=method,
                path=path,
                attempts=attempts,
                retry_safe=True,
            )
        here = self._loops.get(asyncio.get_running_loop()) or await self._open()
        if not here.places.locked():
            await here.places.acquire()
            return here
        limit = self.settings.timeouts.queue
        try:
            async with asyncio.timeout(limit):
                await here.places.acquire()
        except TimeoutError:
            raise RequestTimeoutError(
                f"None of the {self.settings.limits.connections} connections (Limits.connections) came free "
                f"within {limit:g} s (Timeouts.queue).",
                sent=False,
                method=method,
                path=path,
                attempts=attempts,
                retry_safe=True,
            ) from None
        return here

    async def _open(self) -> LoopState:
        """Open what the running loop needs, at its first call."""
        loop = asyncio.get_running_loop()
        # A list first: loops of other threads may come and go meanwhile.
        for other in list(self._loops):
            if other.is_closed():
                self._loops.pop(other, None)
        limits = self.settings.limits
        if self._given_session is not None:
            here = LoopState(self._given_session, limits.connections)
        else:
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=limits.connections, keepalive_timeout=limits.keepalive),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            # aiohttp would send GET, PUT and DELETE a second time by itself, uncounted and at once.
            session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            here = LoopState(session, limits.connections)
            await here.own(session)
        self._loops[loop] = here
        return here

    async def _send(
        self, here: LoopState, method: str, url: URL, upload: Upload
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        """Make one attempt of an upload."""
        body: UploadBody | None = None
        answered = False
        try:
            await upload.begin()
            body = UploadBody(upload)
            async with asyncio.timeout(None) as upload.deadline:
                async with here.session.request(
                    method,
                    url,
                    data=body,
                    headers=self._headers,
                    timeout=self._upload_timeout,
                    allow_redirects=False,
                    raise_for_status=False,
                ) as response:
                    answered = True
                    received = await self._read(response)
        finally:
            if body is not None and not (answered and upload.complete):
                body.abort()
            await upload.finish()
        if 200 <= response.status < 300 and not upload.complete:
            raise AmbiguousResultError(
                f"The service answered {response.status} before it had the whole upload "
                f"({upload.describe()}). Look what became of it.",
                sent=True,
                retry_safe=None,
            )
        return response, received

    async def _receive(
        self, here: LoopState, url: URL, download: Download
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        """Make one attempt of a download; what became of a 2xx answer is told by ``download.taken``."""
        asked = download.headers()
        headers = {**self._headers, **asked}
        session, home, download.host = here.session, url.origin(), None
        status = 0
        for _ in range(MOST_REDIRECTS + 1):
            async with session.request(
                "GET",
                url,
                headers=headers,
                timeout=self._download_timeout,
                allow_redirects=False,
                raise_for_status=False,
            ) as response:
                status = response.status
                if status not in REDIRECTS:
                    return response, await self._take(response, download, ranged="Range" in asked)
                url = redirect_target(url, status, response.headers)
            # Whoever has left does not come back with the token.
            if url.origin() != home or download.host is not None:
                session = await here.outside(home.host or "", self.settings.limits)
                download.host = url.host
                headers = {**asked, "User-Agent": self._headers["User-Agent"]}
        raise refused(status, f"is one of more than {MOST_REDIRECTS}")

    async def _take(self, response: aiohttp.ClientResponse, download: Download, *, ranged: bool) -> bytes:
        """Hand the body of an answer to its download, or return it when it is something else."""
        if response.status == 416 and ranged:
            raise download.give_up_range()
        if response.status not in {200, 206}:
            return await self._read(response)
        if "json" not in response.content_type:
            await download.take(response.status, response.headers, response.content.iter_any())
            return b""
        body = await self._read(response)
        if not download.is_file(body):
            return body
        await download.take(200, response.headers, _only(body))
        return b""

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Read a body, but no more of it than the limit, counted after decompression."""
        limit = self.settings.limits.max_response_bytes
        # An answer to HEAD announces a length and sends nothing.
        length = 0 if response.method == "HEAD" else response.content_length
        if length is not None and length > limit:
            raise self._too_large(response)
        if length is not None and "Content-Encoding" not in response.headers:
            return await response.read()
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > limit:
                raise self._too_large(response)
            pieces.append(piece)
        return b"".join(pieces)

    def _too_large(self, response: aiohttp.ClientResponse) -> ResponseTooLargeError:
        response.close()
        limit = self.settings.limits.max_response_bytes
        return ResponseTooLargeError(
            f"The answer ({response.status}) exceeds {limit:,} bytes (Limits.max_response_bytes)."
        )

    def _as_ours(
        self,
        caught: Exception,
        method: str,
        path: str,
        attempts: int,
        repeatable: bool,
        transfer: Upload | Download | None,
    ) -> ChakraError:
        """Turn what aiohttp raised into the error of the tree that says the same."""
        if isinstance(caught, ChakraError):
            error = caught
            error.method, error.path = method, path
            error.retry_safe = repeatable if error.retry_safe is None else error.retry_safe
        else:
            error = self._break(caught, repeatable, transfer)
            error.method, error.path = method, path
            error.__cause__ = caught
        error.attempts = attempts
        return error

    def _break(self, caught: Exception, repeatable: bool, transfer: Upload | Download | None) -> ChakraError:
        if isinstance(caught, RuntimeError):
            # aiohttp says no otherwise than this that a session was closed before the call came to it.
            if self.closed:
                return ClientClosedError(
                    "The client was closed meanwhile; nothing was sent.", retry_safe=True
                )
            if self._given_session is None or not self._given_session.closed:
                raise caught
            return ClientClosedError("The session given to the client is closed.", retry_safe=True)
        upload = transfer if isinstance(transfer, Upload) else None
        outside = transfer.host if isinstance(transfer, Download) else None
        return as_break(
            caught,
            self._scrub(str(caught)) or type(caught).__name__,
            outside or self.settings.base_url,
            self.settings.timeouts,
            upload,
            repeatable=repeatable,
        )

    def _heed(self, failure: ChakraError) -> None:
        """Let the whole client know what one call learned."""
        if not isinstance(failure, ApiError) or failure.status not in {429, 503}:
            return
        policy = self.settings.retry
        wait = failure.retry_after
        if wait is None and failure.status == 429:
            wait = policy.wait_initial
        if wait is not None and wait <= policy.retry_after_max:
            self.gate.pause(wait)


async def _only(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _seconds(limit: float) -> float | None:
    """A time limit as aiohttp takes it."""
    return None if limit == math.inf else limit


def _after_fork() -> None:
    for transport in list(_transports):
        transport.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
