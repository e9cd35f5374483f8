"""A body sent piece by piece, so that it is known how much of it has left. It knows no connections."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

from chakra_async.settings import Timeouts


# Bytes handed over at once. The time limit holds for each of them, so they must not be large.
MORSEL = 64 * 1024

LARGE = 256 * 1024
"""Bytes of JSON that a socket no longer takes at once."""


class Body:
    """A body on its way up; begun anew for each attempt."""

    content_type: str

    def __init__(self, times: Timeouts) -> None:
        self._times = times
        self.deadline: asyncio.Timeout | None = None
        """Set by whoever makes an attempt; ends it when no more bytes can leave, or no answer comes."""
        self.complete: bool = False
        """Whether all of the present attempt has been handed over."""
        self.failure: Exception | None = None
        """What went wrong on this side, if anything did."""
        self.sent: int = 0

    @property
    def renewable(self) -> bool:
        """Whether another attempt can be made."""
        return True

    @property
    def size(self) -> int | None:
        """Bytes of the whole body, as far as that is known."""
        raise NotImplementedError

    async def begin(self) -> None:
        """Get ready for an attempt."""
        self.complete, self.failure, self.sent = False, None, 0

    def pieces(self) -> AsyncIterator[bytes | memoryview]:
        """Give the body."""
        raise NotImplementedError

    async def finish(self) -> None:
        """End an attempt."""
        self.deadline = None

    def describe(self) -> str:
        """Say how far it got."""
        raise NotImplementedError

    def _limit(self, seconds: float | None) -> None:
        deadline = self.deadline
        if deadline is not None and not deadline.expired():
            now = asyncio.get_running_loop().time()
            deadline.reschedule(None if seconds is None or seconds == math.inf else now + seconds)


class LargeJson(Body):
    """JSON that takes its time to leave."""

    content_type = "application/json"

    def __init__(self, content: bytes, times: Timeouts) -> None:
        super().__init__(times)
        self._content = memoryview(content)

    @property
    def size(self) -> int:
        """Bytes of the whole body."""
        return len(self._content)

    async def pieces(self) -> AsyncIterator[memoryview]:
        """Give the body."""
        for start in range(0, self.size, MORSEL):
            self._limit(self._times.write)
            morsel = self._content[start : start + MORSEL]
            self.complete = start + MORSEL >= self.size
            yield morsel
            self.sent += len(morsel)
        self._limit(self._times.total)

    def describe(self) -> str:
        """Say how far it got."""
        return f"{self.sent:,} of {self.size:,} bytes had left"
