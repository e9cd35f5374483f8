"""One rate for several processes: its slots come from Redis; without it each process keeps to its share."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import os
import time
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Final

from chakra_async._own_thread import OwnThread, result_of
from chakra_async._redis_slots import FAILURES, TIMEOUT, RedisSlots, Reservation
from chakra_async.errors import ConnectError
from chakra_async.settings import AccessToken, RedisUrl


logger = logging.getLogger("chakra_async")

SLACK: Final = 0.05
"""Seconds by which a slot may be used late. With slots that much rarer, every second is still right."""
LOOK_AGAIN: Final = 0.5
"""Seconds after which Redis is looked for again when it is lost."""
HEARTBEAT: Final = 10.0
"""Seconds after which a worker that asked for nothing tells that it is there."""
QUIET: Final = LOOK_AGAIN + TIMEOUT
"""Seconds until all workers have noticed that Redis was lost, or has come back.

Nor is any slot reserved further ahead than this and one interval for each worker.
"""
PATIENCE: Final = 5.0
"""Seconds after which Redis is lost where no ``TIMEOUT`` applies, as while its name is looked up."""


def name_of(base_url: str, token: AccessToken) -> str:
    """Return the name under which all clients of one token share a rate; it does not tell the token."""
    return f"{base_url}:{hashlib.sha256(token.reveal().encode()).hexdigest()[:16]}"


class SharedRate:
    """A limit on requests that several processes keep together, on any number of hosts.

    In any second no more than ``requests_per_second`` are let through, all processes taken together. All
    have their turn: one that makes one request at a time waits for no more than a few of every other.

    Without Redis each worker keeps to its share of the rate, by the number of workers last seen, until Redis
    is back. Between the two nothing goes for a second or so, until all have noticed. A worker that alone
    cannot reach Redis adds its share to the rate; one that never reached it sends nothing.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py takes it; Redis 5 or newer.
        requests_per_second: the rate, the same in all processes.
        name: whose rate it is, see :func:`name_of`.
        clock: seconds from anywhere, never going back.
    """

    def __init__(
        self, url: str, requests_per_second: float, name: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = RedisUrl(url)
        self._rate = requests_per_second
        self._name = name
        self._clock = clock
        self._process = os.getpid()
        self._workers: dict[asyncio.AbstractEventLoop, _Worker] = {}

    async def wait(self) -> None:
        """Return when one request may be sent, which should then be done at once.

        Raises:
            ConnectError: Redis was never reached, or refuses what it is asked for.
        """
        worker = self._workers.get(asyncio.get_running_loop())
        if worker is None or self._process != os.getpid():
            worker = self._join()
        await worker.wait()

    async def close(self) -> None:
        """Leave our share to the others, and close the connections."""
        workers, self._workers = self._workers, {}
        if self._process == os.getpid():
            for leaving in [worker.leave() for worker in workers.values()]:
                with suppress(TimeoutError):
                    await result_of(leaving, PATIENCE)

    def _join(self) -> _Worker:
        here = asyncio.get_running_loop()
        if self._process != os.getpid():
            # Forked: the workers are the parent's.
            self._process, self._workers = os.getpid(), {}
        for loop in [loop for loop in list(self._workers) if loop.is_closed()]:
            self._workers.pop(loop).leave()
        worker = self._workers[here] = _Worker(self._url, self._rate, self._name, self._clock)
        return worker


class _Worker:
    """A process in one of its event loops.

    Redis is asked in a thread: a blocking connection belongs to no event loop, so it can be dropped with
    its loop, and left behind in a fork. The thread is our own, for whoever waits for one of the program's
    would take a program with much to do for a Redis that is slow.
    """

    def __init__(self, url: RedisUrl, rate: float, name: str, clock: Callable[[], float]) -> None:
        self._url = url
        self._rate = rate
        self._interval = (1 + SLACK) / rate
        self._clock = clock
        self._redis = RedisSlots(url, name, interval=self._interval, quiet=QUIET, clock=clock)
        self._thread = OwnThread("chakra-rate")
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._slots: deque[float] = deque()
        self._last = -math.inf
        self._ahead = 0.0
        self._known: Reservation | None = None
        self._alone_from: float | None = None
        self._failure = ("", -math.inf)
        self._timer: asyncio.TimerHandle | None = None
        self._beating: asyncio.Task[Reservation | None] | None = None
        self._left = False

    async def wait(self) -> None:
        """Return when a request may be sent."""
        # A slot that was overslept is void; but a loop that is always late shall not starve.
        for _ in range(3):
            slot = await self._next()
            await asyncio.sleep(slot - self._clock())
            if self._clock() <= slot + SLACK:
                return

    async def _next(self) -> float:
        """Return our next slot, not long before it comes: what one reserves, the others wait for."""
        self._waiting += 1
        try:
            async with self._turn:
                while self._slots and self._slots[0] + SLACK < self._clock():
                    self._slots.popleft()
                if not self._slots:
                    await asyncio.sleep(self._last - self._ahead - self._clock())
                    self._slots.extend(await self._refill())
                    self._last = self._slots[-1]
                return self._slots.popleft()
        finally:
            self._waiting -= 1

    async def _refill(self) -> list[float]:
        if self._known is None and self._clock() >= self._failure[1]:
            # The clock of Redis is known best from the quickest of a few answers.
            for _ in range(3):
                if await self._exchange(0) is None:
                    break
        if self._known is not None and self._alone_from is None:
            # As many as a round trip takes up of our share; more would keep the others waiting.
            enough = 1 + int(self._ahead / (self._known.workers * self._interval))
            wanted = min(self._waiting, enough)
            reserved = await self._exchange(wanted)
            if reserved is not None:
                return [reserved.first + number * self._interval for number in range(wanted)]
        if self._known is not None and self._alone_from is not None:
            following = self._last + self._known.workers * self._interval / 2
            after = max(self._clock(), self._alone_from, following)
            return [self._known.turn(after, self._interval)]
        raise ConnectError(
            f"The Redis of Limits.shared_rate at {self._url.place} cannot be used ({self._failure[0]}). "
            "Nothing was sent, for nobody knows how much others send.",
            sent=False,
            retry_safe=True,
        )

    async def _exchange(self, wanted: int) -> Reservation | None:
        """Tell Redis that we are here and reserve so many slots; return ``None`` when it is lost."""
        asked, alone = self._clock(), self._alone_from is not None
        try:
            reserve = partial(self._redis.reserve, wanted, self._known, alone=alone)
            known = await result_of(self._thread.call(reserve), PATIENCE)
        except FAILURES as error:
            self._lose(error)
            return None
        # Slots are asked for as early as a round trip takes, on average.
        self._ahead += (self._clock() - asked - self._ahead) / 4
        self._known = known
        if self._alone_from is not None:
            self._alone_from = None
            logger.info("Redis at %s is back: the rate is shared again", self._url.place)
        self._beat_in(HEARTBEAT)
        return known

    def _lose(self, error: Exception) -> None:
        reason = self._url.scrub(f"{type(error).__name__}: {error}".removesuffix(": "))
        if self._known is None:
            self._failure = reason, self._clock() + LOOK_AGAIN
            return
        if self._alone_from is None:
            self._alone_from = self._clock() + QUIET + self._known.workers * self._interval
            share = self._rate / self._known.workers
            text = "Redis at %s is lost (%s): this process keeps to %.4g of %.4g requests/s until it is back"
            logger.warning(text, self._url.place, reason, share, self._rate)
        self._beat_in(LOOK_AGAIN)

    def _beat_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Weak, so that a client which nobody closed can go, and this with it.
        reference: weakref.ReferenceType[_Worker] = weakref.ref(self)
        self._timer = self._loop.call_later(seconds, _beat, reference)

    def beat(self) -> None:
        """Say that we are still here, and see whether Redis is."""
        if not self._left:
            self._beating = self._loop.create_task(self._exchange(0))

    def leave(self) -> Future[None]:
        """Be counted no longer, after a round trip. May be called in any thread."""
        self._left = True
        return self._thread.call(self._leave)

    def _leave(self) -> None:
        try:
            if self._known is not None and self._alone_from is None:
                self._redis.leave()
        except FAILURES:
            pass  # it will be forgotten
        finally:
            self._redis.close()


def _beat(reference: weakref.ReferenceType[_Worker]) -> None:
    if (worker := reference()) is not None:
        worker.beat()
