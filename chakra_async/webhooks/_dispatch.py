"""Each event to each of its handlers, once."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Final, Literal, TypeVar

from attrs import field, frozen

from chakra_async.webhooks._callers import Caller, is_async
from chakra_async.webhooks._receipts import Receipt
from chakra_async.webhooks.events import Event
from chakra_async.webhooks.stores import Claim, Store


T = TypeVar("T")

_TAKEN: Final = Receipt(200, "OK")
_FAILED: Final = Receipt(500, "A handler failed; deliver it again.")
_UNDER_WAY: Final = Receipt(503, "Another delivery of it is being handled; deliver it again.")

logger = logging.getLogger("chakra_async")


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

    async def handle(self, events: Iterable[Event], caller: Caller) -> Receipt:
        """Do all that is to be done, and then answer."""
        failed, busy = False, set[str]()
        for work in self._work(events):
            # Whoever is at one handler of an event will come to the others.
            if work.event.id in busy:
                continue
            claimed_at = time.monotonic()
            claim = await self._claim(work, caller)
            if claim == "busy":
                busy.add(work.event.id)
            elif claim is False or (claim == "claimed" and not await self._run(work, caller, claimed_at)):
                failed = True
        return _FAILED if failed else _UNDER_WAY if busy else _TAKEN

    async def accept(
        self, events: Iterable[Event], caller: Caller, answer: Callable[[Receipt], None]
    ) -> None:
        """Claim all that is to be done, answer, and do it afterwards."""
        claimed_at, failed, waiting = time.monotonic(), False, deque[Work]()
        try:
            for work in self._work(events):
                claim = await self._claim(work, caller)
                failed = failed or claim is False
                if claim == "claimed":
                    waiting.append(work)
            answer(_FAILED if failed else _TAKEN)
            while waiting:
                await self._run(waiting.popleft(), caller, claimed_at)
        finally:
            for work in waiting:
                # Whoever drains may cancel again before the last is free.
                with suppress(asyncio.CancelledError):
                    await self._release(work, caller)

    def _work(self, events: Iterable[Event]) -> Iterable[Work]:
        """List what is to be done: event by event, handlers in the order they were registered."""
        found = (
            Work(event, handler)
            for event in events
            for event_name, handler in self._handlers
            if event_name in {"*", event.name}
        )
        return {work.key: work for work in found}.values()

    async def _claim(self, work: Work, caller: Caller) -> Claim | Literal[False]:
        """Ask whether it is ours to do; ``False`` when the store fails."""
        try:
            claim: Claim = await _finished(caller.store(self._store.claim, work.key, work.owner, self._lease))
        except Exception:
            logger.exception("webhook: the store failed at %r", work.key)
            return False
        except BaseException:
            # It may have been made, and nobody was told.
            await self._release(work, caller)
            raise
        if claim != "claimed":
            logger.debug("webhook: %r is %s", work.key, claim)
        return claim

    async def _run(self, work: Work, caller: Caller, claimed_at: float) -> bool:
        """Do what was claimed; return whether it succeeded."""
        function, begun = work.handler.function, False
        try:
            async with caller.room(function):
                if time.monotonic() - claimed_at > self._lease:
                    # It may have become another's meanwhile, or by the store's clock still be ours.
                    await self._release(work, caller)
                    if (claim := await self._claim(work, caller)) != "claimed":
                        return claim == "done"
                begun = True
                await _finished(caller.handler(function, work.event))
        except Exception:
            logger.exception("webhook: a handler failed at %r", work.key)
            await self._release(work, caller)
            return False
        except BaseException as error:
            # A thread cannot be cancelled: its handler is still at it, and the claim is left to lapse.
            if not begun or is_async(function) or not isinstance(error, asyncio.CancelledError):
                await self._release(work, caller)
            raise
        await self._note(work, caller, self._store.done, self._retention)
        return True

    async def _release(self, work: Work, caller: Caller) -> None:
        await self._note(work, caller, self._store.release, work.owner)

    async def _note(self, work: Work, caller: Caller, method: Callable[..., Any], value: str | float) -> None:
        try:
            await _finished(caller.store(method, work.key, value))
        except Exception:
            logger.exception("webhook: the store failed after %r", work.key)


async def _finished(called: Awaitable[T]) -> T:
    """Wait for a function of the user's; that something it waited for was cancelled is a failure like any."""
    try:
        return await called
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise RuntimeError("it ended with CancelledError, though nobody cancelled the delivery") from error


def _is_cancelled() -> bool:
    """Whether it is the delivery that is cancelled, which without an event loop cannot be."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0


def _name_of(function: Callable[..., Any]) -> str:
    named: Any = getattr(function, "func", function)  # what a functools.partial is made of
    return f"{named.__module__}.{getattr(named, '__qualname__', type(named).__qualname__)}"
