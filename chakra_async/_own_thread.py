"""A thread for what blocks and must not wait for other work of the program."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from chakra_async._signals import signals_later


_T = TypeVar("_T")


class OwnThread:
    """A thread that makes one call after another, and ends with this object.

    Unlike that of an executor it is still there at exit, when clients that nobody closed are closed.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        with signals_later():
            threading.Thread(target=_serve, args=(self._calls,), name=name, daemon=True).start()

    def call(self, function: Callable[[], _T]) -> Future[_T]:
        """Have a function called, after those before it; may be called in any thread."""
        future: Future[_T] = Future()
        self._calls.put(partial(_settle, future, function))
        return future

    def __del__(self) -> None:
        self._calls.put(None)


async def result_of(future: Future[_T], seconds: float) -> _T:
    """Wait for what a thread does.

    Raises:
        TimeoutError: it took longer; if it was not begun by then, it will not be.
    """
    here = asyncio.wrap_future(future)
    try:
        # A loop that was late finds the result there, where a timeout would find only that time is over.
        await asyncio.wait([here], timeout=seconds)
        if here.cancel():
            raise TimeoutError
        return here.result()
    finally:
        here.cancel()
        # An error names this frame.
        del here, future


def _serve(calls: SimpleQueue[Callable[[], None] | None]) -> None:
    while (call := calls.get()) is not None:
        call()
        # It may hold the object with which this thread is to end.
        del call


def _settle(future: Future[_T], function: Callable[[], _T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
        # The error names this frame.
        del future
