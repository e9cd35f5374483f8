"""Whether to try again, and after how long. Pure, but for the last function, which hands over to stamina."""

from __future__ import annotations

import logging
import random
import sys
from collections.abc import AsyncIterator, Hashable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from chakra_async.errors import (
    ApiError,
    ChakraError,
    ConnectError,
    IncompleteReadError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from chakra_async.settings import RetryPolicy


if TYPE_CHECKING:
    import stamina


logger = logging.getLogger("chakra_async")

_TRANSIENT = frozenset({408, 425, 500, 502, 503, 504})


class RetryCount:
    """How many retries the calls of one context have made."""

    __slots__ = ("lost", "retries")

    def __init__(self) -> None:
        self.retries: int = 0
        self.lost: bool = False
        """Whether an attempt that was repeated may have been carried out."""


retry_count: ContextVar[RetryCount | None] = ContextVar("chakra_async_retry_count", default=None)
"""Set by a bulk run in the context of each of its jobs; counted up only when an attempt is repeated."""


lane: ContextVar[Hashable] = ContextVar("chakra_async_lane", default=None)
"""Whose requests these are: one bulk run's, or (``None``) those of all single calls. Lanes take turns."""


class RetryBudget:
    """Retries left to the whole client: each call adds a share of one, each retry takes one."""

    def __init__(self, share: float, reserve: float = 10.0) -> None:
        self._share = share
        self._reserve = reserve
        self._left = reserve

    def earn(self) -> None:
        """Count a call."""
        if self._left < self._reserve:
            self._left = min(self._reserve, self._left + self._share)

    def spend(self) -> bool:
        """Take one retry, if there is one."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


def wait_before_retry(error: Exception, attempt: int, policy: RetryPolicy) -> float | None:
    """Seconds to wait after failed attempt number ``attempt``, or ``None`` when it must not be repeated.

    Full jitter: anything between nothing and an upper end that doubles with each attempt. A wait that the
    service asked for is kept and never shortened.
    """
    if not isinstance(error, ChakraError) or not is_transient(error, policy):
        return None
    asked = error.retry_after if isinstance(error, ApiError) else None
    if asked is not None and asked > policy.retry_after_max:
        return None
    # The exponent is bounded so that no number of attempts overflows.
    upper = min(policy.wait_max, policy.wait_initial * 2.0 ** min(attempt - 1, 30))
    jitter = random.uniform(0, upper)
    return jitter if asked is None else asked + min(jitter, 0.1 * asked + 0.05)


def is_transient(error: ChakraError, policy: RetryPolicy) -> bool:
    """Whether an error may go away by itself, and the call may be made again without doing a thing twice."""
    if isinstance(error, RateLimitError):
        return True
    if isinstance(error, ApiError):
        if error.status not in _TRANSIENT:
            return False
        allowed = policy.server_errors_on_writes and isinstance(error, ServerError)
        return allowed or error.retry_safe is True
    if isinstance(error, ConnectError):
        return error.retry_safe is True
    if isinstance(error, RequestTimeoutError | IncompleteReadError):
        return error.retry_safe is True
    return False


def named(failure: ChakraError) -> str:
    """Name a failure as the log does: by its class, and the status where the service answered."""
    status = f"{failure.status} " if isinstance(failure, ApiError) else ""
    return f"{status}{type(failure).__name__}"


_ours: ContextVar[bool] = ContextVar("chakra_async_retry", default=False)


def _is_not_ours(_: logging.LogRecord) -> bool:
    return not _ours.get()


class Retries:
    """The attempts of one call after its first has failed; stamina waits, counts, and calls its hooks.

    Made only then, so that a call which succeeds at once has paid nothing, not even stamina's import.
    """

    def __init__(self, policy: RetryPolicy, budget: RetryBudget) -> None:
        import stamina  # noqa: PLC0415

        # One of its hooks logs a warning for each retry, which does not name the call. Ours does.
        logging.getLogger("stamina").addFilter(_is_not_ours)
        self._policy = policy
        self._budget = budget
        self._failed = 0
        context: Any = stamina.retry_context(on=self._backoff, attempts=policy.attempts, timeout=None)
        self._attempts: AsyncIterator[stamina.Attempt] = context.__aiter__()
        self._attempt: stamina.Attempt | None = None

    async def wait(self, failure: ChakraError) -> None:
        """Return when the call may be made again; raise ``failure`` when it may not."""
        trace, lost = failure.__traceback__, failure.may_be_done
        # The first attempt that stamina hands out stands for the one that was made without it.
        if self._attempt is None:
            self._attempt = await anext(self._attempts)
        _ours.set(True)
        try:
            with self._attempt:
                raise failure
            try:
                self._attempt = await anext(self._attempts)
            except ChakraError:
                # Kept as the outcome, the error would only be freed by the collector.
                with self._attempt:
                    pass
                # Without the frames of the library that waited.
                raise failure.with_traceback(trace) from failure.__cause__
        finally:
            _ours.set(False)
            # Frame and error name each other.
            del failure, trace
        if (count := retry_count.get()) is not None:
            count.retries += 1
            count.lost = count.lost or lost

    def _backoff(self, error: Exception) -> bool | float:
        self._failed += 1
        wait = wait_before_retry(error, self._failed, self._policy)
        if wait is None or not isinstance(error, ChakraError):
            return False
        if self._failed >= self._policy.attempts:
            # stamina ends it.
            return wait
        # Refused, a client slows down as a whole: what the budget would do is done.
        told = isinstance(error, ApiError) and error.retry_after is not None
        if not (told or isinstance(error, RateLimitError) or self._budget.spend()):
            return False
        call = error.method, error.path
        logger.info("%s %s: attempt %d in %.2f s, after %s", *call, error.attempts + 1, wait, named(error))
        return wait


def waits_are_off() -> bool:
    """Whether stamina's test mode is on, in which nothing of ours waits either."""
    # Another thread may be in the middle of importing it.
    testing = getattr(sys.modules.get("stamina"), "is_testing", None)
    return testing is not None and bool(testing())
