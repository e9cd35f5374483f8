"""How functions of the user's are called, plain or ``async``, from an event loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any, Final, Protocol

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from chakra_async._endings import ended


THREADS: Final = 40
"""How many plain handlers run at once in one event loop, and how many plain methods of stores."""

_handlers: Final = RunVar[anyio.CapacityLimiter]("chakra_async.webhooks.handlers")
_stores: Final = RunVar[anyio.CapacityLimiter]("chakra_async.webhooks.stores")


class Caller(Protocol):
    """Calls functions of either kind in the way that suits where the delivery arrived."""

    def room(self, function: Callable[..., Any], /) -> AbstractAsyncContextManager[object]:
        """Wait until a handler can be called, and keep its place."""
        ...

    async def handler(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a handler, for which there is room."""
        ...

    async def store(self, method: Callable[..., Any], /, *args: Any) -> Any:
        """Call a method of the store."""
        ...


class LoopCaller:
    """Awaits what is ``async``; what is plain may block, and goes to a thread.

    Not to one of those that anyio gives by itself: there the store would wait for handlers, and so would the
    plain endpoints of FastAPI.
    """

    def room(self, function: Callable[..., Any]) -> AbstractAsyncContextManager[object]:
        """See `Caller`."""
        return nullcontext() if is_async(function) else _limiter(_handlers)

    async def handler(self, function: Callable[..., Any], *args: Any) -> Any:
        """See `Caller`."""
        if is_async(function):
            return await function(*args)
        # The place is kept already; this limiter is nobody else's.
        result = await anyio.to_thread.run_sync(partial(function, *args), limiter=anyio.CapacityLimiter(1))
        # A plain function around an async one is common among decorators.
        return await result if inspect.isawaitable(result) else result

    async def store(self, method: Callable[..., Any], *args: Any) -> Any:
        """See `Caller`. Cancelled, it waits for the thread: what that does can then be taken back."""
        if is_async(method):
            return await method(*args)
        in_thread = anyio.to_thread.run_sync(partial(method, *args), limiter=_limiter(_stores))
        await ended([task := asyncio.ensure_future(in_thread)])
        result = task.result()
        return await result if inspect.isawaitable(result) else result


def is_async(function: Callable[..., Any]) -> bool:
    """Whether it is an ``async`` function, or an object that is called like one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _limiter(of: RunVar[anyio.CapacityLimiter]) -> anyio.CapacityLimiter:
    """Return the limiter of the running loop, for it belongs to one."""
    try:
        return of.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(THREADS)
        of.set(limiter)
        return limiter
