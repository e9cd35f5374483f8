"""One visible loop of gate, send, envelope, retry."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakSet

import aiohttp

from chakra_async import _retry
from chakra_async._breaks import as_break, cause_of, fingerprint, reason_of
from chakra_async._connections import check_given, open_session, sending_once
from chakra_async._envelope import unwrap
from chakra_async._exchange import Answer, Exchange
from chakra_async._gate import Gate, Turnstile
from chakra_async._paths import with_query
from chakra_async._secrets import Hidden
from chakra_async._sessions import LoopState
from chakra_async._transfer.body import LARGE, Body, LargeJson
from chakra_async._version import __version__
from chakra_async.errors import (
    AmbiguousResultError,
    ApiError,
    ChakraError,
    ClientClosedError,
    RequestTimeoutError,
    counted_attempts,
)
from chakra_async.models.reply import Reply
from chakra_async.settings import AccessToken, Settings


if TYPE_CHECKING:
    from chakra_async._shared_rate import SharedRate
    from chakra_async._transfer.download import Download
    from chakra_async._transfer.upload import Upload
    from chakra_async._transfer_attempts import Transfers


logger = logging.getLogger("chakra_async")

_transports: WeakSet[Transport] = WeakSet()


class Transport:
    """Sends requests for every resource of one client.

    A session is opened lazily in each event loop that calls, and closed with that loop or by :meth:`close`.
    A session given by the caller is used as it is and never closed.
    """

    def __init__(
        self, settings: Settings, token: AccessToken, session: aiohttp.ClientSession | None = None
    ) -> None:
        if session is not None:
            check_given(session, urlsplit(settings.base_url).hostname or "")
        self.settings = settings
        self.gate: Gate = Gate(settings.limits.connections, settings.limits.requests_per_second)
        self.closed: bool = False
        self._shared = _shared_rate(settings, token)
        self._budget = _retry.RetryBudget(settings.retry.budget)
        self._scrub = token.scrub
        self._headers = {
            "Authorization": Hidden(f"Bearer {token.reveal()}"),
            "Accept": "application/json",
            # No brotli or zstd: what every installation can decode, every installation can bound.
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"chakra-async/{__version__}",
            "X-Chakra-SDK": f"chakra-async/{__version__}",
        }
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
        any_body: bool = False,
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
            any_body: whether no JSON is promised, so that a 2xx without it is none the worse; the reply then
                has no data.
            upload: body that is made piece by piece, in place of ``body``.
            download: where the bytes of a 2xx answer go; the reply then has no data.

        Raises:
            ApiError: the service refused; the subclass tells how.
            TransportError: no usable answer came; the subclass and ``sent`` tell how far it got.
            DecodeError: the answer is not JSON (with ``any_body``: it is a web page).
            ResponseTooLargeError: the answer exceeds ``Limits.max_response_bytes``.
            ClientClosedError: the client was closed.
        """
        target = with_query(path, query)
        large = LargeJson(body, self.settings.timeouts) if body is not None and len(body) > LARGE else None
        transfer = upload or download or large
        self._budget.earn()
        attempts = 0
        left = False
        retries: _retry.Retries | None = None
        answer: Answer | None = None
        while True:
            here, sent = await self._enter(method, path, attempts, left=left)
            attempts += 1
            try:
                if self._shared is not None:
                    await self._shared.wait()
                    sent = self.gate.clock()
                if isinstance(transfer, Body):
                    answer = await self._transfers.send(here, method, target, transfer)
                elif download is not None:
                    answer = await self._transfers.receive(here, target, download)
                else:
                    answer = await here.exchange(method, target, body)
                reply = unwrap(
                    *answer,
                    method=method,
                    path=path,
                    repeatable=repeatable,
                    scrub=self._scrub,
                    any_body=any_body,
                )
            except (ChakraError, aiohttp.ClientError, OSError, RuntimeError, UnicodeError) as caught:
                if transfer is not None and transfer.failure is not None:
                    # The caller's own source, target or callback; the error is the caller's, too.
                    raise transfer.failure from None
                failure = self._as_ours(caught, method, path, attempts, repeatable, transfer)
                left = failure.may_be_done = left or failure.may_be_done
                if isinstance(failure, AmbiguousResultError) and upload is None:
                    failure.fingerprint = fingerprint(method, target, body)
            except asyncio.CancelledError as cancelled:
                if not repeatable and (upload is None or upload.complete):
                    cancelled.add_note(f"{method} {path} may have been done. Look before you send it again.")
                raise
            else:
                if transfer is None:
                    self.gate.answered(sent)
                reply.attempts = attempts
                if logger.isEnabledFor(logging.DEBUG):
                    tries = counted_attempts(attempts)
                    logger.debug("%s %s: %d after %s", method, path, reply.status, tries)
                return reply
            finally:
                answer = None
                here.turnstile.leave()
            if download is None or download.host is None:
                # What another host asks of us is no business of the other calls.
                self._heed(failure, sent)
            logger.debug("%s %s: %s at attempt %d", method, path, _retry.named(failure), attempts)
            once = transfer is not None and not transfer.renewable
            if once or not _retry.is_transient(failure, self.settings.retry):
                try:
                    raise failure
                finally:
                    # Frame and error name each other; broken here, or only the collector could free them.
                    del failure
            if self.closed:
                # The next turn says so, and there is nothing to wait for.
                del failure
                continue
            retries = retries or _retry.Retries(self.settings.retry, self._budget)
            try:
                await retries.wait(failure)
            finally:
                del failure

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
        if self._shared is not None:
            await self._shared.close()

    def leave_to_parent(self) -> None:
        """Forget, in a forked child, the sessions that the parent goes on using.

        To close or collect them here would unregister their sockets from the selector that both share, and
        the parent's next request would hang; so they are kept for ever, even past the end of the modules.
        """
        if self._loops:
            import ctypes  # noqa: PLC0415 - needed by such children alone

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._loops))
            self._loops = {}

    async def _enter(self, method: str, path: str, attempts: int, *, left: bool) -> tuple[LoopState, float]:
        """Take one of the running loop's places for requests in flight, and the time of doing so."""
        here = None if self.closed else self._loops.get(asyncio.get_running_loop()) or await self._open()
        if here is not None:
            try:
                sent = await here.turnstile.enter()
            except TimeoutError:
                raise RequestTimeoutError(
                    f"No turn came within {self.settings.timeouts.queue:g} s (Timeouts.queue): as many "
                    f"requests as may be in flight, {self.settings.limits.connections} at most "
                    "(Limits.connections), were waiting for their answers.",
                    sent=left,
                    method=method,
                    path=path,
                    attempts=attempts,
                    retry_safe=True,
                ) from None
            if not self.closed:
                return here, sent
            here.turnstile.leave()
        closed = ClientClosedError(
            "The client is closed; make a new one.",
            method=method,
            path=path,
            attempts=attempts,
            retry_safe=True,
        )
        closed.may_be_done = left
        raise closed

    async def _open(self) -> LoopState:
        """Open what the running loop needs, at its first call."""
        loop = asyncio.get_running_loop()
        # A list first: loops of other threads may come and go meanwhile.
        for other in list(self._loops):
            if other.is_closed():
                self._loops.pop(other, None)
        limits = self.settings.limits
        turnstile = Turnstile(self.gate, limits.connections, self.settings.timeouts.queue)
        if self._given_session is not None:
            given = self._given_session
            once = sending_once(given)
            exchange = Exchange(given, self.settings, self._headers, once, own=False)
            here = LoopState(given, turnstile, exchange, once)
        else:
            session = open_session(limit=limits.connections, keepalive=limits.keepalive)
            exchange = Exchange(session, self.settings, self._headers, own=True)
            here = LoopState(session, turnstile, exchange)
            await here.own(session)
        self._loops[loop] = here
        return here

    @cached_property
    def _transfers(self) -> Transfers:
        from chakra_async._transfer_attempts import Transfers  # noqa: PLC0415 - most programs make none

        return Transfers(self.settings, self._headers)

    def _as_ours(
        self,
        caught: Exception,
        method: str,
        path: str,
        attempts: int,
        repeatable: bool,
        transfer: Body | Download | None,
    ) -> ChakraError:
        """Turn what aiohttp raised into the error of the tree that says the same."""
        if isinstance(caught, ChakraError):
            error = caught
            # Their frames hold the answer, which may echo what it was sent.
            error.__traceback__ = error.__context__ = None
            error.method, error.path = method, path
            error.retry_safe = repeatable if error.retry_safe is None else error.retry_safe
        else:
            error = self._break(caught, repeatable, transfer)
            error.method, error.path = method, path
            error.__cause__ = cause_of(caught, self._scrub)
        # It may quote a header, or a host, of whoever answered.
        error.message = self._scrub(error.message)
        error.args = (error.message,)
        error.attempts = attempts
        return error

    def _break(self, caught: Exception, repeatable: bool, transfer: Body | Download | None) -> ChakraError:
        if isinstance(caught, RuntimeError):
            # aiohttp says no otherwise than this that a session was closed before the call came to it.
            if self.closed:
                return ClientClosedError("The client was closed meanwhile; make a new one.", retry_safe=True)
            if self._given_session is None or not self._given_session.closed:
                raise caught
            return ClientClosedError(
                "The session given to the client is closed; make a client with one that is open.",
                retry_safe=True,
            )
        upload = transfer if isinstance(transfer, Body) else None
        outside = None if transfer is None or isinstance(transfer, Body) else transfer.host
        return as_break(
            caught,
            "the client was closed" if self.closed else self._scrub(reason_of(caught)),
            outside or self.settings.base_url,
            self.settings.timeouts,
            upload,
            repeatable=repeatable,
        )

    def _heed(self, failure: ChakraError, sent: float) -> None:
        """Let the whole client know what one call learned."""
        status = failure.status if isinstance(failure, ApiError) else None
        if status in {429, 503}:
            policy = self.settings.retry
            wait = failure.retry_after if isinstance(failure, ApiError) else None
            if wait is None and status == 429:
                wait = policy.wait_initial
            obeyed = wait if wait is not None and wait <= policy.retry_after_max else None
            note = self.gate.refused if status == 429 else self.gate.overloaded
            note(sent, obeyed)
        elif status is not None:
            self.gate.answered(sent)
        elif isinstance(failure, RequestTimeoutError):
            self.gate.overloaded(sent, None)


def _shared_rate(settings: Settings, token: AccessToken) -> SharedRate | None:
    url, rate = settings.limits.shared_rate, settings.limits.requests_per_second
    if url is None or rate is None:
        return None
    # Imported where it is used, for its library is an extra.
    from chakra_async._shared_rate import SharedRate, name_of  # noqa: PLC0415

    return SharedRate(url, rate, name_of(settings.base_url, token))


def _after_fork() -> None:
    for transport in list(_transports):
        transport.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
