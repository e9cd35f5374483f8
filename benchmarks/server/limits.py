"""Rate limits as services have them. The client is told nothing but 429 and ``Retry-After``."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol


class Limit(Protocol):
    """Says of each request whether it is allowed."""

    rate: float
    """Requests a second; may be changed at any time."""

    def refuse(self, now: float) -> int:
        """Return 0 for a request that is allowed, else the whole seconds to wait."""
        ...


class Bucket:
    """A token bucket: ``rate`` requests a second, and at once as many as ``depth`` seconds give."""

    def __init__(self, rate: float, depth: float = 0.1) -> None:
        self.rate = rate
        self._depth = depth
        self._tokens = math.inf
        self._seen: float | None = None

    def refuse(self, now: float) -> int:
        """Take a token, if there is one."""
        size = max(1.0, self.rate * self._depth)
        self._tokens = min(size, self._tokens + self.rate * (now - (self._seen or now)))
        self._seen = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return math.ceil((1 - self._tokens) / self.rate)


class Window:
    """``rate`` requests in each second by the clock."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._second = 0
        self._count = 0

    def refuse(self, now: float) -> int:
        """Count the request in, if there is room."""
        if int(now) != self._second:
            self._second, self._count = int(now), 0
        if self._count < self.rate:
            self._count += 1
            return 0
        return math.ceil(self._second + 1 - now)


LIMITS: Final[dict[str, Callable[[float], Limit]]] = {
    "shallow bucket": Bucket,
    "deep bucket": partial(Bucket, depth=1.0),
    "window": Window,
}
