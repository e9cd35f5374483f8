"""What stands before every request: how many at once, how many a second, and not before when."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Hashable

from chakra_async import _retry
from chakra_async._pace import Rate, Window
from chakra_async._retry import lane


class Gate:
    """What all calls of one client share, in whatever loop or thread: what one learns, all heed."""

    def __init__(
        self,
        connections: int = 100,
        requests_per_second: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.rate: Rate = Rate(requests_per_second)
        self.window: Window = Window(connections)

    def limit(self) -> str:
        """Say what limits requests now, and why; nothing where nothing does."""
        rate, now = self.rate, self.clock()
        if (wait := rate.not_before - now) > 0:
            return f"no requests for {wait:.1f} s (the service asked for a pause)"
        if (most := rate.now(now)) == math.inf:
            return ""
        times = "once" if rate.refusals == 1 else f"{rate.refusals:,} times"
        why = "as asked for" if most == rate.most else f"the service answered 429 {times}"
        return f"at most {most:,.3g} requests/s ({why})"

    def pause(self, seconds: float) -> None:
        """Let nothing start for so many seconds; a later deadline already set stays."""
        self.rate.pause(seconds, self.clock())

    def answered(self, sent: float) -> None:
        """Note that a request sent at ``sent`` was answered, and not refused for coming too soon."""
        self.rate.answered(sent)
        self.window.answered(sent, self.clock())

    def refused(self, sent: float, wait: float | None) -> None:
        """Note a 429 to a request sent at ``sent``, and the wait it asked for, if that is obeyed."""
        now = self.clock()
        if self.rate.refused(sent, now, wait):
            self.window.overloaded(sent, now)

    def overloaded(self, sent: float, wait: float | None) -> None:
        """Note a 503, or no answer in time, to a request sent at ``sent``."""
        now = self.clock()
        self.window.overloaded(sent, now)
        if wait is not None:
            self.rate.pause(wait, now)


class Turnstile:
    """Where the requests of one event loop wait for their turn.

    Those of one lane go in the order they came; the lanes take turns, so that a single call never waits
    behind all that a bulk run has lined up.
    """

    def __init__(self, gate: Gate, places: int, patience: float) -> None:
        self.inside: int = 0
        """Requests in flight."""
        self._gate = gate
        self._places = places
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[Hashable, deque[tuple[asyncio.Future[float], float]]] = {}
        self._opening: asyncio.TimerHandle | None = None
        self._growing: asyncio.TimerHandle | None = None
        self._losing_patience: asyncio.TimerHandle | None = None

    async def enter(self) -> float:
        """Return, with the time, once a request may go.

        Raises:
            TimeoutError: no place came free for so long that patience is lost. Waiting for the pace that
                the service allows is no such thing.
        """
        if not self._lanes and self.inside < self._places and self.inside < self._gate.window.size:
            now = self._gate.clock()
            if not self._gate.rate.limited or self._wait(now) <= 0:
                self._gate.rate.take(now)
                self.inside += 1
                return now
        future: asyncio.Future[float] = self._loop.create_future()
        self._lanes.setdefault(lane.get(), deque()).append((future, self._gate.clock()))
        self._advance()
        if self._losing_patience is None and not future.done():
            self._losing_patience = self._loop.call_later(self._patience, self._lose_patience)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the next."""
        self.inside -= 1
        if self._lanes:
            self._advance()

    def _advance(self) -> None:
        gate = self._gate
        while self._lanes and self.inside < self._places:
            if self.inside >= gate.window.size:
                if self._growing is None:
                    self._growing = self._loop.call_later(gate.window.seconds_to_grow, self._grow)
                return
            now = gate.clock()
            if gate.rate.limited and (wait := self._wait(now)) > 0:
                if self._opening is None:
                    self._opening = self._loop.call_later(wait, self._open)
                return
            future = self._next()
            if future is not None:
                gate.rate.take(now)
                self.inside += 1
                future.set_result(now)

    def _wait(self, now: float) -> float:
        return 0.0 if _retry.waits_are_off() else self._gate.rate.wait(now)

    def _next(self) -> asyncio.Future[float] | None:
        """Take the first of the lane whose turn it is, which then goes behind the others."""
        whose = next(iter(self._lanes))
        waiting = self._lanes.pop(whose)
        future, _ = waiting.popleft()
        if waiting:
            self._lanes[whose] = waiting
        return None if future.done() else future

    def _open(self) -> None:
        self._opening = None
        self._advance()

    def _grow(self) -> None:
        self._growing = None
        if self._lanes and self._gate.window.size <= self.inside < self._places:
            self._gate.window.grow()
        self._advance()

    def _lose_patience(self) -> None:
        """Turn away who has waited too long, unless it is the pace that holds everybody up."""
        self._losing_patience = None
        now = self._gate.clock()
        paced = self._gate.rate.limited and self._wait(now) > 0
        oldest = now
        for waiting in self._lanes.values():
            for future, since in waiting:
                if paced or now - since < 0.999 * self._patience:
                    oldest = min(oldest, now if paced else since)
                    break
                if not future.done():
                    future.set_exception(TimeoutError())
        self._lanes = {
            whose: left
            for whose, waiting in self._lanes.items()
            if (left := deque(pair for pair in waiting if not pair[0].done()))
        }
        if self._lanes:
            again = max(0.001, oldest + self._patience - now)
            self._losing_patience = self._loop.call_later(again, self._lose_patience)
