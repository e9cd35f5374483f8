"""Where it is remembered what has been handled: in memory, or wherever `Store` is implemented."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol


Claim = Literal["claimed", "busy", "done"]
"""``claimed``: it is yours, handle it. ``busy``: somebody is at it. ``done``: it was handled."""


class Store(Protocol):
    """What a store does; each method plain or ``async``.

    A plain method is called in a thread where the framework is async, so it may block. ``claim`` must be
    atomic: of all that claim a key at the same instant, one gets it. A claim lapses after ``seconds``, so
    that a process that was killed blocks nothing for ever. With Redis, for example::

        class RedisStore:
            def __init__(self, redis):
                self.redis = redis  # redis.asyncio.Redis, in a sync service too

            async def claim(self, key, owner, seconds):
                if await self.redis.set(f"webhook:{key}", owner, nx=True, px=int(seconds * 1000)):
                    return "claimed"
                return "done" if await self.redis.get(f"webhook:{key}") in {b"done", "done"} else "busy"

            async def done(self, key, seconds):
                await self.redis.set(f"webhook:{key}", "done", px=int(seconds * 1000))

            async def release(self, key, owner):
                script = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1])"
                await self.redis.eval(script, 1, f"webhook:{key}", owner)
    """

    def claim(self, key: str, owner: str, seconds: float) -> Claim | Awaitable[Claim]:
        """Take the key for ``seconds``, unless it is taken or done."""
        ...

    def done(self, key: str, seconds: float) -> Awaitable[None] | None:
        """Remember for ``seconds`` that it was handled."""
        ...

    def release(self, key: str, owner: str) -> Awaitable[None] | None:
        """Give the claim up, if it is still ``owner``'s."""
        ...


class MemoryStore:
    """Remembers in this process: nothing survives it, and no other process sees it.

    Args:
        max_entries: how many handled events are remembered; beyond that the oldest is forgotten.
        clock: seconds from anywhere, never going back.
    """

    def __init__(self, *, max_entries: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        if max_entries < 1:
            raise ValueError(f"max_entries must be at least 1, not {max_entries!r}")
        self._max_entries = max_entries
        self._clock = clock
        self._lock = threading.Lock()
        # As many as handlers are running; those of dead ones lapse.
        self._claims: dict[str, tuple[str, float]] = {}
        self._done: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._claims) + len(self._done)

    def claim(self, key: str, owner: str, seconds: float) -> Claim:
        """See `Store`."""
        with self._lock:
            now = self._clock()
            if self._done.get(key, now) > now:
                return "done"
            _, until = self._claims.get(key, ("", now))
            if until > now:
                return "busy"
            self._claims[key] = owner, now + seconds
            return "claimed"

    def done(self, key: str, seconds: float) -> None:
        """See `Store`."""
        with self._lock:
            now = self._clock()
            self._claims.pop(key, None)
            self._done[key] = now + seconds
            self._done.move_to_end(key)
            self._forget(now)

    def release(self, key: str, owner: str) -> None:
        """See `Store`."""
        with self._lock:
            if self._claims.get(key, ("",))[0] == owner:
                del self._claims[key]

    def _forget(self, now: float) -> None:
        while self._done:
            key, until = next(iter(self._done.items()))
            if until > now and len(self._done) <= self._max_entries:
                return
            del self._done[key]
