"""Deliveries in sync frameworks: the same coroutines, in the thread of the request and without a loop."""

from __future__ import annotations

import atexit
import inspect
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

from chakra_async.sync._portal import Portal
from chakra_async.webhooks._dispatch import is_async


if TYPE_CHECKING:
    from chakra_async.webhooks.receiver import Webhooks


T = TypeVar("T")

_SECONDS_AT_EXIT: Final = 30.0


class SyncSide:
    """Calls plain functions right where the request is, and async ones in one loop beside all requests."""

    def __init__(self) -> None:
        self.portal = Portal()
        self.closing: bool = False
        """Whether what is under way is its last."""

    def finish(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine that waits for nothing but `call`, which never waits."""
        try:
            coroutine.send(None)
        except StopIteration as end:
            result: T = end.value
            return result
        coroutine.close()
        raise RuntimeError("a delivery waited where nothing can: this is a bug of chakra_async")

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of either kind."""
        if is_async(function):
            return self.portal.call(function, *args)
        result = function(*args)
        return self.portal.call(_wait_for, result) if inspect.isawaitable(result) else result


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
