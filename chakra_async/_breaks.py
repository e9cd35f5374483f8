"""What aiohttp raises, as the error of our tree that says the same."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from collections.abc import Callable, Iterator

import aiohttp
from aiohttp.http import HttpProcessingError

from chakra_async._transfer.addresses import PrivateAddressError
from chakra_async._transfer.body import Body
from chakra_async.errors import (
    AmbiguousResultError,
    ChakraError,
    ConnectError,
    IncompleteReadError,
    RequestTimeoutError,
)
from chakra_async.settings import Timeouts


_TLS_ERRORS = (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch)

# A server may write anything into what it breaks with.
_LONGEST_REASON = 200


def as_break(
    caught: Exception, reason: str, host: str, times: Timeouts, body: Body | None, *, repeatable: bool
) -> ChakraError:
    """Make the error for a call that got no usable answer.

    Args:
        caught: what was raised.
        reason: what :func:`reason_of` says of it, without the token.
        host: who was called.
        times: the time limits.
        body: the body, if it was one sent piece by piece.
        repeatable: whether doing it twice is the same as doing it once.
    """
    if isinstance(caught, aiohttp.ConnectionTimeoutError):
        limits = f"connect {times.connect:g} s, total {times.total:g} s"
        what = f"No connection to {host} in time (Timeouts: {limits})."
        return RequestTimeoutError(what, sent=False, retry_safe=True)
    if isinstance(caught, _TLS_ERRORS):
        # Trying again would not make the certificate better.
        return ConnectError(f"TLS to {host} was refused: {reason}.", sent=False, retry_safe=None)
    if isinstance(caught, aiohttp.ClientConnectorError):
        return _unconnected(caught, reason, host)
    if isinstance(caught, aiohttp.ClientHttpProxyError):
        return ConnectError(f"A proxy refused to connect to {host}: {reason}.", sent=False, retry_safe=None)
    # Names that no name server could know are refused by the codec of names.
    if isinstance(caught, aiohttp.InvalidURL | UnicodeError):
        return ConnectError(f"{host} cannot be called: {reason}.", sent=False, retry_safe=None)
    if body is not None and not body.complete:
        return _unsent(caught, reason, host, times, body)
    if not repeatable:
        return AmbiguousResultError(
            f"The request left, and no answer came from {host} ({reason}): it may or may not have been "
            "done. Look before you send it again.",
            sent=True,
            retry_safe=False,
        )
    if isinstance(caught, TimeoutError):
        what = f"No answer from {host} in time (Timeouts: read {times.read:g} s, total {times.total:g} s)."
        return RequestTimeoutError(what, sent=True, retry_safe=True)
    return IncompleteReadError(
        f"The connection to {host} broke before the answer was complete: {reason}.",
        sent=True,
        retry_safe=True,
    )


def reason_of(caught: BaseException) -> str:
    """Say in one short line what went wrong, in the words of whoever was nearest to it."""
    text = " ".join(_words(caught).split()).rstrip(".")
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"


def cause_of(caught: Exception, scrub: Callable[[str], str]) -> BaseException | None:
    """Return what a traceback shall name as the cause of the error; nothing that quotes the token."""
    if isinstance(caught, aiohttp.ClientResponseError):
        # Its text shows the address that was called, be it that of a proxy, password included.
        return caught.__cause__
    cause: BaseException = caught
    if isinstance(caught, aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError):
        cause = _below(caught)
        cause.__cause__ = cause.__context__ = None
    for error in _chain(cause):
        # How four libraries handed it on helps nobody, and their frames hold what had come of the answer.
        error.__traceback__ = None
    shown = " ".join(f"{error!r} {error}" for error in _chain(cause))
    return cause if scrub(shown) == shown else None


def fingerprint(method: str, target: str, body: bytes | None) -> str:
    """Return what tells this request from others, and nothing of what it holds."""
    return hashlib.sha256(f"{method} {target}\n".encode() + (body or b"")).hexdigest()[:16]


def _unconnected(caught: aiohttp.ClientConnectorError, reason: str, host: str) -> ConnectError:
    if isinstance(caught.os_error, PrivateAddressError):
        why = f"The download was redirected to {host}, which is refused: {caught.os_error.strerror}."
        return ConnectError(why, sent=False, retry_safe=None)
    name = f"[{caught.host}]" if ":" in caught.host else caught.host
    proxy = "the proxy " if isinstance(caught, aiohttp.ClientProxyConnectionError) else ""
    return ConnectError(
        f"Cannot connect to {proxy}{name}:{caught.port} ({reason}). Check the address, and whether the "
        "service is up.",
        sent=False,
        retry_safe=True,
    )


def _unsent(caught: Exception, reason: str, host: str, times: Timeouts, body: Body) -> ChakraError:
    """Make the error for a body of which a part has not left, so that nothing can have been done."""
    if isinstance(caught, TimeoutError):
        what = f"{host} took no more of the upload within {times.write:g} s (Timeouts.write)"
        return RequestTimeoutError(f"{what}: {body.describe()}.", sent=True, retry_safe=True)
    what = f"The connection to {host} broke during the upload ({reason})"
    return IncompleteReadError(
        f"{what}: {body.describe()}. It may be larger than the service takes.",
        sent=True,
        retry_safe=True,
    )


def _words(caught: BaseException) -> str:
    for error in _chain(caught):
        if isinstance(error, HttpProcessingError):
            return f"no sound HTTP: {error.message}"
        if isinstance(error, aiohttp.ServerDisconnectedError):
            return "the server closed it"
    if isinstance(caught, aiohttp.ClientHttpProxyError):
        return str(caught.status)
    if isinstance(caught, aiohttp.ClientResponseError):
        return caught.message
    error = _below(caught)
    if isinstance(error, ssl.SSLError):
        return getattr(error, "verify_message", "") or error.reason or str(error)
    if isinstance(error, TimeoutError):
        return "time ran out"
    if isinstance(error, ConnectionResetError) and not error.args:
        # So asyncio says that the other side hung up on its handshake.
        return "hung up during the TLS handshake"
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        # What asyncio writes in its place is the address once more.
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _below(caught: BaseException) -> BaseException:
    """Return the error of the system that one of aiohttp stands for."""
    if isinstance(caught, aiohttp.ClientConnectorCertificateError):
        return caught.certificate_error
    if isinstance(caught, aiohttp.ClientConnectorError):
        return caught.os_error
    if isinstance(caught, aiohttp.ClientOSError) and isinstance(caught.__cause__, OSError):
        return caught.__cause__
    return caught


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
