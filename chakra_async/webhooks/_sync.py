"""Deliveries in sync frameworks: the same coroutines, in the thread of the request and without a loop."""

from __future__ import annotations

import atexit
import inspect
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final, TypeVar

from chakra_async.sync._portal import Portal
from chakra_async.webhooks._callers import is_async


if TYPE_CHECKING:
    from chakra_async.webhooks.receiver import Webhooks


T = TypeVar("T")

_SECONDS_AT_EXIT: Final = 30.0


class SyncSide:
    """Calls plain functions right where the request is, and async ones in one loop beside all requests.

    It is the `Caller` of deliveries that are answered after their handlers.
    """

    def __init__(self) -> None:
        self.portal = Portal()
        self.closing: bool = False
        """Whether what is under way is its last."""

    def finish(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine that waits for nothing but the methods below, which never wait."""
        try:
            coroutine.send(None)
        except StopIteration as end:
            result: T = end.value
            return result
        coroutine.close()
        raise RuntimeError("a delivery waited where nothing can: this is a bug of chakra_async")

    def room(self, _function: Callable[..., Any]) -> AbstractAsyncContextManager[object]:
        """See `Caller`: a request has a thread."""
        return nullcontext()

    async def handler(self, function: Callable[..., Any], *args: Any) -> Any:
        """See `Caller`."""
        if is_async(function):
            return self.portal.call(function, *args)
        result = function(*args)
        return self.portal.call(_wait_for, result) if inspect.isawaitable(result) else result

    store = handler


async def _wait_for(result: Awaitable[Any]) -> Any:
    return await result


def close_at_exit(webhooks: Webhooks) -> None:
    """Wait at exit for what is under way: neither Flask nor Django tells a view that the process ends."""
    known = weakref.ref(webhooks)

    # It runs before the portal's own clean-up, which was registered earlier.
    @atexit.register
    def close() -> None:
        if (receiver := known()) is not None:
            receiver.close(drain=_SECONDS_AT_EXIT)
