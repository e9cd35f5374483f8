"""`Webhooks`: from a request's body and headers to handlers that ran, and an answer."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self, TypeVar, overload

from chakra_async.webhooks._background import Background
from chakra_async.webhooks._callers import LoopCaller
from chakra_async.webhooks._dispatch import Dispatcher
from chakra_async.webhooks._intake import Intake, Unsigned
from chakra_async.webhooks._receipts import Receipt
from chakra_async.webhooks.events import EchoEvent, Event, MessageEvent, StatusEvent, TemplateEvent
from chakra_async.webhooks.signatures import SigningSecrets
from chakra_async.webhooks.stores import MemoryStore, Store


if TYPE_CHECKING:
    from chakra_async.webhooks._sync import SyncSide


Acknowledge = Literal["after", "at_once"]
"""Whether a delivery is answered after its handlers have ended, or before they begin."""

MAX_BODY_BYTES: Final = 3 * 1024 * 1024
"""The most that Meta sends."""

E = TypeVar("E", bound=Event)
R = TypeVar("R")

_FULL: Final = Receipt(503, "Too much is under way; deliver it again.")
_CLOSED: Final = Receipt(503, "The receiver is closing; deliver it again.")


class _Registers(Protocol[E]):
    def __call__(self, handler: Callable[[E], R], /) -> Callable[[E], R]: ...


class Webhooks:
    """Receives Chakra's and Meta's webhooks: verified, read, each event handled once by each handler.

    An event is remembered for each handler by its id, the same in every format: when one handler fails, the
    next delivery runs that one and not the others. It is at least once, not exactly: a process killed between
    the end of a handler and the note of it runs it again.

    As a context manager it closes at the end of the block, and opens again with the next block.

    Args:
        secrets: the HMAC secret (dashboard: Admin, Team, Secrets), or several while one replaces another.
        unsigned: which deliveries without a signature are let in: ``"refuse"`` none, ``"pass_through"`` those
            in Meta's format, which Chakra may not sign, ``"accept"`` all. Whoever knows the address can make
            up what is let in unsigned.
        store: what was handled; `MemoryStore` when not given. With several processes, `SqliteStore` or
            your own.
        acknowledge: ``"after"`` the handlers: when one fails the answer is 500, for the event to be delivered
            again. ``"at_once"``, with the handlers in the background: what fails then is logged, and what is
            under way when the process is killed is lost.
        max_body_bytes: a larger body is answered with 413 and not read; Meta sends 3 MB at most.
        max_age: seconds; older events are refused, which together with ``retention`` shuts out replays.
        lease: seconds after which another delivery may run a handler that was begun and never ended. Must be
            longer than any handler takes.
        retention: seconds for which it is remembered that an event was handled.
        max_pending: deliveries in the background; beyond that they are answered with 503.

    Raises:
        ValueError: there is neither a secret nor ``unsigned="accept"``, or an argument is out of its range.
    """

    def __init__(
        self,
        secrets: str | Sequence[str] | SigningSecrets | None = None,
        *,
        unsigned: Unsigned = "refuse",
        store: Store | None = None,
        acknowledge: Acknowledge = "after",
        max_body_bytes: int = MAX_BODY_BYTES,
        max_age: float | None = None,
        lease: float = 300.0,
        retention: float = 7 * 24 * 3600.0,
        max_pending: int = 1000,
    ) -> None:
        # From here on no traceback can show them.
        if not isinstance(secrets, SigningSecrets):
            secrets = SigningSecrets(() if secrets is None else secrets)
        if acknowledge not in {"after", "at_once"}:
            raise ValueError(f"acknowledge must be 'after' or 'at_once', not {acknowledge!r}")
        max_age = math.inf if max_age is None else max_age
        numbers = {"lease": lease, "retention": retention, "max_pending": max_pending, "max_age": max_age}
        for name, value in numbers.items():
            if not isinstance(value, int | float) or not value > 0:
                raise ValueError(f"{name} must be a number, more than 0, not {value!r}")
        self._intake = Intake(secrets, unsigned=unsigned, max_body_bytes=max_body_bytes, max_age=max_age)
        self._dispatcher = Dispatcher(
            MemoryStore() if store is None else store, lease=lease, retention=retention
        )
        self._acknowledge = acknowledge
        self._max_pending = max_pending
        self._closed = False
        self._background = Background()
        self._lock = threading.Lock()
        self._sync_side: SyncSide | None = None

    @overload
    def on(self, event: Literal["message"], /, *, name: str | None = ...) -> _Registers[MessageEvent]: ...
    @overload
    def on(self, event: Literal["status"], /, *, name: str | None = ...) -> _Registers[StatusEvent]: ...
    @overload
    def on(
        self, event: Literal["message_echo", "smb_message_echo"], /, *, name: str | None = ...
    ) -> _Registers[EchoEvent]: ...
    @overload
    def on(
        self, event: Literal["message_template_status_update"], /, *, name: str | None = ...
    ) -> _Registers[TemplateEvent]: ...
    @overload
    def on(self, event: Literal["*"], /, *, name: str | None = ...) -> _Registers[Event]: ...
    @overload
    def on(self, event: str, /, *, name: str | None = ...) -> _Registers[Any]: ...
    def on(self, event: str, /, *, name: str | None = None) -> Callable[..., Any]:
        """Register a handler, as a decorator: ``@webhooks.on("message")``.

        It may be ``async`` or plain. A plain one runs in the request's own thread where the framework is sync
        and the answer waits for the handlers, and else in another thread.

        Args:
            event: ``name`` of the events, or ``"*"`` for all of them.
            name: under which its successes are remembered; by itself, module and name of the function. With
                another name it is another handler.

        Raises:
            ValueError: another handler has the same name.
        """
        if not isinstance(event, str):
            raise TypeError('say which events the handler is for: @webhooks.on("message")')

        def register(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
            self._dispatcher.add(event, handler, name)
            return handler

        return register

    async def receive(self, body: bytes | AsyncIterable[bytes], headers: Mapping[str, str]) -> Receipt:
        """Take one delivery, and return what to answer.

        What was begun is carried through, even if this call is cancelled.

        Args:
            body: the raw bytes, or pieces of them; these are not asked for if the headers condemn it, and no
                further once there are too many.
            headers: as they came, in any case.
        """
        if (refusal := self._screen(headers)) is not None:
            return refusal
        whole = body if isinstance(body, bytes) else await self._intake.gather_async(body)
        events = self._open(whole, headers)
        if isinstance(events, Receipt):
            return events
        return await self._process(events)

    def receive_sync(self, body: bytes | Iterable[bytes], headers: Mapping[str, str]) -> Receipt:
        """Take one delivery where there is no event loop, and return what to answer: see `receive`.

        Async handlers run in one loop that all requests share, begun when it is first needed.
        """
        if (refusal := self._screen(headers)) is not None:
            return refusal
        events = self._open(body if isinstance(body, bytes) else self._intake.gather(body), headers)
        if isinstance(events, Receipt):
            return events
        if (beside := self._beside()) is None:
            return _CLOSED
        if self._acknowledge == "at_once":
            return beside.portal.call(self._process, events)
        return beside.finish(self._dispatcher.handle(events, beside))

    async def aclose(self, *, drain: float | None = None) -> None:
        """Take no more until it is entered again, and wait for what is under way in this event loop.

        Args:
            drain: seconds to wait; what is not done by then is cancelled. Without end by itself.
        """
        self._closed = True
        await self._background.drain(drain)

    def close(self, *, drain: float | None = None) -> None:
        """Take no more until it is entered again, and wait for what `receive_sync` began in the background.

        What belongs to the event loop of async handlers, as connections do, cannot outlive this.

        Args:
            drain: see `aclose`.
        """
        with self._lock:
            self._closed = True
            if (beside := self._sync_side) is not None:
                beside.closing = True
        if beside is not None and not beside.portal.closed:
            beside.portal.call(self._background.drain, drain)
            beside.portal.close()

    async def __aenter__(self) -> Self:
        if self._closed:
            # Whoever is still closing it waits for all that is under way, and must not get more to wait for.
            await self._background.drain(None)
        self._closed = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        self._closed = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _screen(self, headers: Mapping[str, str]) -> Receipt | None:
        return _CLOSED if self._closed else self._intake.screen(headers)

    def _open(self, body: bytes | None, headers: Mapping[str, str]) -> list[Event] | Receipt:
        # Asked again, for the body may have taken its time.
        return _CLOSED if self._closed else self._intake.open(body, headers)

    async def _process(self, events: list[Event]) -> Receipt:
        if self._acknowledge == "after":
            handling = self._dispatcher.handle(events, LoopCaller())
            return await asyncio.shield(self._background.begin(handling))
        if len(self._background) >= self._max_pending:
            return _FULL
        answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

        def tell(receipt: Receipt) -> None:
            if not answer.done():
                answer.set_result(receipt)

        accepting = self._background.begin(self._dispatcher.accept(events, LoopCaller(), tell))
        accepting.add_done_callback(lambda _: tell(_CLOSED))  # unless it was answered before
        return await answer

    def _beside(self) -> SyncSide | None:
        with self._lock:
            if self._closed:
                return None
            if self._sync_side is None or self._sync_side.closing:
                from chakra_async.webhooks._sync import SyncSide  # noqa: PLC0415 - async services do without

                self._sync_side = SyncSide()
            return self._sync_side
