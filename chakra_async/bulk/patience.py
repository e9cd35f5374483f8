"""How long a bulk run bears with a service that is away, and which errors end it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chakra_async.errors import (
    ApiError,
    AuthenticationError,
    ChakraError,
    ClientClosedError,
    JournalError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    TransportError,
)


T = TypeVar("T")

LONGEST_WAIT = 20.0


class Patience:
    """Makes a call, and makes it again while the service is away.

    Single calls give up after some attempts; a run that was working waits as long as ``Timeouts.job`` for
    the service to come back. One that never worked fails at once.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._healthy_at: float | None = None

    @property
    def ever_healthy(self) -> bool:
        """Whether any call of the run has succeeded."""
        return self._healthy_at is not None

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make the call."""
        wait = 1.0
        while True:
            try:
                result = await call()
            except ChakraError as error:
                since = self._healthy_at
                if since is None or not is_passing(error):
                    raise
                asked = (error.retry_after if isinstance(error, ApiError) else None) or 0.0
                if time.monotonic() + asked - since > self._seconds:
                    raise
                await asyncio.sleep(asked + random.uniform(0, wait))
                wait = min(2 * wait, LONGEST_WAIT)
            else:
                self._healthy_at = time.monotonic()
                return result


def is_passing(error: ChakraError) -> bool:
    """Whether an error is of the kind that goes away by itself, and the call may be made again."""
    return isinstance(error, TransportError | ServerError | RateLimitError) and error.retry_safe is True


def ends_run(error: ChakraError) -> bool:
    """Whether the next chunk would fare no better: refused for good, or away for longer than we wait."""
    refused = AuthenticationError | PaymentRequiredError | PermissionDeniedError
    return isinstance(error, refused | ClientClosedError | JournalError) or is_passing(error)
