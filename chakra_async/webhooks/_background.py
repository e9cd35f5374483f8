"""Tasks that belong to the receiver and not to the request they came with."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar


T = TypeVar("T")


class Background:
    """Begins tasks, keeps them, and waits for their end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine in the loop that is running."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, seconds: float | None) -> None:
        """Wait for the tasks of this loop; after ``seconds`` cancel what is left of them."""
        here = asyncio.get_running_loop()
        while tasks := [task for task in self._tasks if task.get_loop() is here]:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
