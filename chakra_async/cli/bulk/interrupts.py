"""Ctrl-C and SIGTERM: the first stops tidily, the second at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from chakra_async.cli.status import INTERRUPTED, TERMINATED


class Interrupts:
    """Hears the signals of the process while its block runs.

    Until `stop` is set, and on the second signal, the task that entered the block is cancelled.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        """The first signal, once there was one."""
        self.stop: Callable[[], object] | None = None
        """What the first signal does."""
        self._previous: dict[int, Any] = {}
        self._deadline: asyncio.TimerHandle | None = None
        self._over = False

    @property
    def name(self) -> str:
        """What stopped the run, for people."""
        return "SIGTERM" if self.number == signal.SIGTERM else "Ctrl-C"

    @property
    def status(self) -> int:
        """The exit status that tells of the signal."""
        return TERMINATED if self.number == signal.SIGTERM else INTERRUPTED

    def cancel(self) -> None:
        """Break off, once."""
        if not self._over:
            self.ignore()
            self._task.cancel()

    def cancel_after(self, seconds: float) -> None:
        """Break off when this time is over."""
        self._deadline = self._loop.call_later(seconds, self.cancel)

    def ignore(self) -> None:
        """Break nothing off from now on: there is nothing left to break off."""
        self._over = True
        if self._deadline is not None:
            self._deadline.cancel()

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._task: asyncio.Task[Any] = task
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._heard)
        except ValueError:
            pass  # not in the main thread: then signals are not ours
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._act, number)

    def _act(self, number: int) -> None:
        first = self.number is None
        if first and not self._over:
            self.number = number
        if first and self.stop is not None and not self._over:
            self.stop()
        else:
            self.cancel()
