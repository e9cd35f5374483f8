"""Each event to each of its handlers, once."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Final, Literal

import anyio.to_thread
from attrs import field, frozen

from chakra_async.webhooks._background import Background
from chakra_async.webhooks._receipts import Receipt
from chakra_async.webhooks.events import Event
from chakra_async.webhooks.stores import Claim, Store


Call = Callable[..., Coroutine[Any, Any, Any]]
"""Calls a function, plain or ``async``, in the way that suits where the delivery arrived."""

_TAKEN: Final = Receipt(200, "OK")
_FAILED: Final = Receipt(500, "A handler failed; deliver it again.")
_UNDER_WAY: Final = Receipt(503, "Another delivery of it is being handled; deliver it again.")

logger = logging.getLogger("chakra_async")


def is_async(function: Callable[..., Any]) -> bool:
    """Whether it is an ``async`` function, or an object that is called like one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


async def call_in_loop(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of either kind; a plain one in a thread, for it may block."""
    if is_async(function):
        return await function(*args)
    result = await anyio.to_thread.run_sync(partial(function, *args))
    # A plain function around an async one is common among decorators.
    return await result if inspect.isawaitable(result) else result


@frozen
class Handler:
    """A function of the user's, and the name under which its successes are remembered."""

    name: str
    function: Callable[[Any], Any]


@frozen
class Work:
    """One event for one handler."""

    event: Event
    handler: Handler
    owner: str = field(factory=lambda: uuid.uuid4().hex)

    @property
    def key(self) -> str:
        """What the store knows it by."""
        return f"{self.event.id} {self.handler.name}"


class Dispatcher:
    """Claims in the store, calls the handler, and writes the end of it into the store.

    Args:
        lease: seconds a claim lasts.
        retention: seconds a success is remembered.
    """

    def __init__(self, store: Store, *, lease: float, retention: float) -> None:
        self._store = store
        self._lease = lease
        self._retention = retention
        self._handlers: list[tuple[str, Handler]] = []

    def add(self, event_name: str, function: Callable[[Any], Any], name: str | None) -> None:
        """Register a handler; see `Webhooks.on`."""
        name = name or _name_of(function)
        for _, other in self._handlers:
            if other.name == name and other.function != function:
                raise ValueError(
                    f"there is a handler named {name} already, and by its name is known what it has handled: "
                    "give this one another with on(…, name=…)"
                )
        self._handlers.append((event_name, Handler(name, function)))

    async def handle(self, events: Iterable[Event], call: Call) -> Receipt:
        """Do all that is to be done, and then answer."""
        failed, busy = False, set[str]()
        for work in self._work(events):
            # Whoever is at one handler of an event will come to the others.
            if work.event.id in busy:
                continue
            claim = await self._claim(work, call)
            if claim == "busy":
                busy.add(work.event.id)
            elif claim is False or (claim == "claimed" and not await self._run(work, call)):
                failed = True
        return _FAILED if failed else _UNDER_WAY if busy else _TAKEN

    async def accept(self, events: Iterable[Event], call: Call, background: Background) -> Receipt:
        """Claim all that is to be done, answer, and do it afterwards."""
        claims = [(work, await self._claim(work, call)) for work in self._work(events)]
        background.begin(self._run_claimed([work for work, claim in claims if claim == "claimed"], call))
        return _FAILED if any(claim is False for _, claim in claims) else _TAKEN

    async def _run_claimed(self, works: list[Work], call: Call) -> None:
        claimed_at, waiting = time.monotonic(), deque(works)
        try:
            while waiting:
                work = waiting.popleft()
                # A claim may have lapsed behind the others, and be another's by now.
                lapsed = time.monotonic() - claimed_at > self._lease
                if not lapsed or await self._claim(work, call) == "claimed":
                    await self._run(work, call)
        finally:
            for work in waiting:
                await self._note(work, call, self._store.release, work.owner)

    def _work(self, events: Iterable[Event]) -> Iterable[Work]:
        """List what is to be done: event by event, handlers in the order they were registered."""
        found = (
            Work(event, handler)
            for event in events
            for event_name, handler in self._handlers
            if event_name in {"*", event.name}
        )
        return {work.key: work for work in found}.values()

    async def _claim(self, work: Work, call: Call) -> Claim | Literal[False]:
        """Ask whether it is ours to do; ``False`` when the store fails."""
        try:
            claim: Claim = await call(self._store.claim, work.key, work.owner, self._lease)
        except Exception:
            logger.exception("webhook: the store failed at %r", work.key)
            return False
        if claim != "claimed":
            logger.debug("webhook: %r is %s", work.key, claim)
        return claim

    async def _run(self, work: Work, call: Call) -> bool:
        """Do what was claimed; return whether it succeeded."""
        function = work.handler.function
        try:
            await call(function, work.event)
        except Exception:
            logger.exception("webhook: a handler failed at %r", work.key)
            await self._note(work, call, self._store.release, work.owner)
            return False
        except BaseException as error:
            # A thread cannot be cancelled: its handler is still at it, and the claim is left to lapse.
            if is_async(function) or not isinstance(error, asyncio.CancelledError):
                await self._note(work, call, self._store.release, work.owner)
            raise
        await self._note(work, call, self._store.done, self._retention)
        return True

    async def _note(self, work: Work, call: Call, method: Callable[..., Any], value: str | float) -> None:
        try:
            await call(method, work.key, value)
        except Exception:
            logger.exception("webhook: the store failed after %r", work.key)


def _name_of(function: Callable[..., Any]) -> str:
    named: Any = getattr(function, "func", function)  # what a functools.partial is made of
    return f"{named.__module__}.{getattr(named, '__qualname__', type(named).__qualname__)}"
