"""What stands before every request: how many at once, and not before when."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from chakra_async import _retry


class Gate:
    """The client's shared "not before" deadline.

    One call's 429 moves it; every call of the client, in whatever loop or thread, waits for it.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.not_before: float = 0.0
        self._clock = clock
        self._sleep = sleep

    def pause(self, seconds: float) -> None:
        """Let nothing start for so many seconds; a later deadline already set stays."""
        self.not_before = max(self.not_before, self._clock() + seconds)

    async def wait(self) -> None:
        """Return once the deadline has passed.

        Those who wait go on one after another over a tenth of the wait, not all in the same instant.
        """
        while (left := self.not_before - self._clock()) > 0:
            if _retry.waits_are_off():
                return
            await self._sleep(left * random.uniform(1.0, 1.1))
