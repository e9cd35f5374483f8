"""What happens after a while: a status of a message, the approval of a template."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable


_log = logging.getLogger("chakra_async.emulator")


class Timers:
    """Runs actions on the emulator's loop; may be asked to from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handles: set[asyncio.TimerHandle] = set()

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the loop to run on."""
        self._loop = loop

    def after(self, seconds: float | None, action: Callable[[], object]) -> None:
        """Run an action later; never, when there is no loop any more or ``seconds`` is ``None``."""
        if seconds is not None and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._start, self._loop, seconds, action)

    def _start(self, loop: asyncio.AbstractEventLoop, seconds: float, action: Callable[[], object]) -> None:
        if self._loop is None:
            return

        def run() -> None:
            self._handles.discard(handle)
            try:
                action()
            except Exception:
                _log.exception("A timer broke down: this is a bug of the emulator")

        handle = loop.call_later(seconds, run)
        self._handles.add(handle)

    def close(self) -> None:
        """Forget what has not happened yet; called on the loop."""
        self._loop = None
        for handle in self._handles:
            handle.cancel()
        self._handles.clear()
