"""What aiohttp raises, as the error of our tree that says the same."""

from __future__ import annotations

import aiohttp

from chakra_async._transfer.addresses import PrivateAddressError
from chakra_async._transfer.upload import Upload
from chakra_async.errors import (
    AmbiguousResultError,
    ChakraError,
    ConnectError,
    IncompleteReadError,
    RequestTimeoutError,
)
from chakra_async.settings import Timeouts


_TLS_ERRORS = (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch)


def as_break(
    caught: Exception, reason: str, host: str, times: Timeouts, upload: Upload | None, *, repeatable: bool
) -> ChakraError:
    """Make the error for a call that got no usable answer.

    Args:
        caught: what was raised.
        reason: its text, without the token.
        host: who was called.
        times: the time limits.
        upload: the body, if it was one made piece by piece.
        repeatable: whether doing it twice is the same as doing it once.
    """
    if isinstance(caught, aiohttp.ConnectionTimeoutError):
        what = f"No connection to {host} within {times.connect:g} s (Timeouts.connect)."
        return RequestTimeoutError(what, sent=False, retry_safe=True)
    if isinstance(caught, _TLS_ERRORS):
        # Trying again would not make the certificate better.
        return ConnectError(f"TLS to {host} was refused: {reason}.", sent=False, retry_safe=None)
    if isinstance(caught, aiohttp.ClientConnectorError):
        if isinstance(caught.os_error, PrivateAddressError):
            why = f"The download was redirected to {host}, which is refused: {caught.os_error.strerror}."
            return ConnectError(why, sent=False, retry_safe=None)
        return ConnectError(f"Cannot connect to {host}: {reason}.", sent=False, retry_safe=True)
    if isinstance(caught, aiohttp.ClientHttpProxyError):
        # Its own text would show the address of the proxy, password included.
        return ConnectError(
            f"A proxy refused to connect to {host}: {caught.status}.", sent=False, retry_safe=None
        )
    if isinstance(caught, aiohttp.InvalidURL):
        return ConnectError(f"{host} cannot be called: {reason}.", sent=False, retry_safe=None)
    if upload is not None and not upload.complete:
        # Without its last boundary it is no upload yet, so that nothing can have been done.
        if isinstance(caught, TimeoutError):
            what = f"{host} took no more of the upload within {times.write:g} s (Timeouts.write)"
            return RequestTimeoutError(f"{what}: {upload.describe()}.", sent=True, retry_safe=True)
        what = f"The connection to {host} broke during the upload ({reason})"
        return IncompleteReadError(
            f"{what}: {upload.describe()}. It may be larger than the service takes.",
            sent=True,
            retry_safe=True,
        )
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
