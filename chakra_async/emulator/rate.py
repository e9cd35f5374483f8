"""The allowed rate of requests: whom it turns away, and how much of it was used."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import orjson
from attrs import evolve, frozen

from chakra_async.emulator.answer import Answer, failure
from chakra_async.emulator.settings import Settings


_KEPT_SECONDS: Final = 10_000
# Who waited exactly as long as told shall not fail by an error of rounding.
_ROUNDING: Final = 1e-6


class _Limit(Protocol):
    def take(self, now: float, rate: float, span: float) -> float:
        """Return 0 for a request that is allowed, else the seconds until one may be."""
        ...


class _TokenBucket:
    """As many at once as ``span`` seconds give, refilled evenly."""

    def __init__(self) -> None:
        self._tokens = math.inf
        self._seen = 0.0

    def take(self, now: float, rate: float, span: float) -> float:
        tokens = self._tokens + rate * (now - self._seen)
        self._tokens, self._seen = min(max(1.0, rate * span), tokens), now
        if self._tokens < 1 - _ROUNDING:
            return (1 - self._tokens) / rate
        self._tokens -= 1
        return 0.0


class _FixedWindow:
    """As many as ``span`` seconds give in each stretch of that length by the clock."""

    def __init__(self) -> None:
        self._window = (0.0, 0.0)
        self._count = 0

    def take(self, now: float, rate: float, span: float) -> float:
        most, span = _window(rate, span)
        number = (now + _ROUNDING) // span
        if (number, span) != self._window:
            self._window, self._count = (number, span), 0
        if self._count >= most:
            return max((number + 1) * span - now, _ROUNDING)
        self._count += 1
        return 0.0


class _SlidingWindow:
    """As many as ``span`` seconds give in any stretch of that length."""

    def __init__(self) -> None:
        self._allowed: deque[float] = deque()

    def take(self, now: float, rate: float, span: float) -> float:
        most, span = _window(rate, span)
        while self._allowed and self._allowed[0] <= now - span + _ROUNDING:
            self._allowed.popleft()
        if len(self._allowed) >= most:
            return self._allowed[len(self._allowed) - most] + span - now
        self._allowed.append(now)
        return 0.0


def _window(rate: float, span: float) -> tuple[int, float]:
    """How many a window allows, and its length: at least as long as one request takes."""
    span = max(span, 1 / rate)
    return math.floor(rate * span + _ROUNDING), span


_ALGORITHMS: Final[dict[str, Callable[[], _Limit]]] = {
    "token_bucket": _TokenBucket,
    "fixed_window": _FixedWindow,
    "sliding_window": _SlidingWindow,
}


@frozen(kw_only=True)
class RateSecond:
    """What came in one second.

    Attributes:
        second: which one, counted from the first request.
        allowed: requests that were let through.
        refused: requests that were answered 429.
        limit: requests a second that a token was allowed at its end; ``None`` is any number.
    """

    second: int
    allowed: int = 0
    refused: int = 0
    limit: float | None = None


class Rate:
    """Counts requests by the second and refuses what comes too fast.

    Each token has a limit of its own; what is counted are all of them together. Requests without a valid
    token are neither limited nor counted.

    Attributes:
        allowed: how many requests were let through.
        refused: how many were answered 429.
        clock: tells the time in seconds from anywhere; a test may put its own in place.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self.allowed: int = 0
        self.refused: int = 0
        self.clock: Callable[[], float] = clock
        self._settings = settings
        self._lock = threading.Lock()
        self._limits: dict[tuple[str, str], _Limit] = {}
        self._seconds: deque[RateSecond] = deque(maxlen=_KEPT_SECONDS)
        self._first = self._last = 0.0

    @property
    def seconds(self) -> list[RateSecond]:
        """The seconds in which requests came, in order; the last 10,000."""
        with self._lock:
            return list(self._seconds)

    @property
    def used(self) -> float | None:
        """The share of one token's allowed rate that was used between the first request and the last.

        Bursts may take it above 1. ``None`` when nothing was limited.
        """
        with self._lock:
            seconds, end = list(self._seconds), self._last - self._first
        allowed, possible = 0, 0.0
        ends = [*(one.second for one in seconds[1:]), end]
        for one, until in zip(seconds, ends, strict=False):
            if one.limit is not None:
                allowed += one.allowed
                possible += one.limit * (until - one.second)
        return allowed / possible if possible else None

    def reset(self) -> None:
        """Count anew from the next request on. What the limit holds against a token stays."""
        with self._lock:
            self.allowed = self.refused = 0
            self._seconds.clear()

    def refuse(self, token: str) -> Answer | None:
        """Count a request; return the answer to one that comes too soon."""
        settings = self._settings
        rate, algorithm = settings.requests_per_second, settings.rate_algorithm
        with self._lock:
            now, wait = self.clock(), 0.0
            if rate is not None:
                if (token, algorithm) not in self._limits:
                    self._limits[token, algorithm] = _ALGORITHMS[algorithm]()
                wait = self._limits[token, algorithm].take(now, rate, settings.burst_seconds)
            self._count(now, rate, refused=wait > 0)
        return _too_many(wait, settings) if wait > 0 else None

    def _count(self, now: float, rate: float | None, *, refused: bool) -> None:
        self.allowed += not refused
        self.refused += refused
        if not self._seconds:
            self._first = now
        self._last = now
        second = math.floor(now - self._first)
        if not self._seconds or self._seconds[-1].second < second:
            self._seconds.append(RateSecond(second=second))
        one = self._seconds[-1]
        self._seconds[-1] = RateSecond(
            second=one.second, allowed=one.allowed + (not refused), refused=one.refused + refused, limit=rate
        )


def _too_many(wait: float, settings: Settings) -> Answer:
    answer = failure(429, "Too Many Requests: the rate limit of this access token is exceeded")
    if settings.rate_retry_after == "header":
        return evolve(answer, headers={"Retry-After": str(math.ceil(wait))})
    if settings.rate_retry_after == "body":
        body = {**orjson.loads(answer.body), "retry_after_ms": math.ceil(wait * 1000)}
        return evolve(answer, body=orjson.dumps(body))
    return answer
