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
    the service to come back. One that never worked fails at once. While it is away one call looks for it
    and the others wait for that one, so that an outage costs no more, however many jobs are in flight.
    """

    def __init__(self, seconds: float) -> None:
        self.ever_healthy: bool = False
        """Whether any call of the run has succeeded."""
        self._seconds = seconds
        self._away_since: float | None = None
        self._looking: asyncio.Event | None = None

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make the call."""
        try:
            return await self._make(call)
        except ChakraError as error:
            self._check(error)
            failure = error
        while True:
            if self._looking is None:
                return await self._look(call, failure)
            await self._looking.wait()
            try:
                return await self._make(call)
            except ChakraError as error:
                self._check(error)
                failure = error

    async def _make(self, call: Callable[[], Awaitable[T]]) -> T:
        result = await call()
        self.ever_healthy, self._away_since = True, None
        return result

    async def _look(self, call: Callable[[], Awaitable[T]], failure: ChakraError) -> T:
        """Make the call until the service is back."""
        self._looking = asyncio.Event()
        wait = 1.0
        try:
            while True:
                asked = _asked(failure)
                await asyncio.sleep(asked + random.uniform(0, wait))
                wait = min(2 * wait, LONGEST_WAIT)
                try:
                    return await self._make(call)
                except ChakraError as error:
                    self._check(error)
                    failure = error
        finally:
            self._looking.set()
            self._looking = None

    def _check(self, error: ChakraError) -> None:
        """Raise ``error``, the one being handled, unless the call may be made again."""
        if not self.ever_healthy or not is_passing(error):
            raise error
        now = time.monotonic()
        # From the first failure, for before it nothing may have been asked for long.
        self._away_since = self._away_since or now
        if now + _asked(error) - self._away_since > self._seconds:
            raise error


def _asked(error: ChakraError) -> float:
    """Seconds that the service asked to be left alone."""
    return (error.retry_after if isinstance(error, ApiError) else None) or 0.0


def is_passing(error: ChakraError) -> bool:
    """Whether an error is of the kind that goes away by itself, and the call may be made again."""
    return isinstance(error, TransportError | ServerError | RateLimitError) and error.retry_safe is True


def closed_midway(what: str) -> ClientClosedError:
    """Make the error for rows of which some may have been sent before the client was closed."""
    error = ClientClosedError(
        f"The client was closed before the {what} had ended; its summary tells what became of the rows.",
        retry_safe=False,
    )
    error.may_be_done = True
    return error


def ends_run(error: ChakraError) -> bool:
    """Whether the next chunk would fare no better: refused for good, or away for longer than we wait."""
    refused = AuthenticationError | PaymentRequiredError | PermissionDeniedError
    return isinstance(error, refused | ClientClosedError | JournalError) or is_passing(error)
