"""How a sync call reaches a coroutine: one loop in one thread for each client, begun at the first call."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any, Generic, ParamSpec, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from chakra_async.errors import ClientClosedError


P = ParamSpec("P")
T = TypeVar("T")

# Loops that nobody here can tidy up: those of a parent process, whose threads did not come along with the
# fork, and those that were collected in their own thread. Kept, or the collector would wait for them.
_abandoned: list[object] = []


class Portal:
    """Runs coroutines of one client in a loop of its own, from any thread."""

    def __init__(self) -> None:
        self._thread = _LoopThread()
        # However the portal goes (closed, collected, or left open at exit), its thread ends with it.
        self._finalizer = weakref.finalize(self, _LoopThread.close, self._thread)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return not self._finalizer.alive

    def call(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``function`` in the loop and return what it returns, or raise what it raises.

        Ctrl-C cancels the coroutine, waits for its clean-up, and then raises here.

        Raises:
            ClientClosedError: the client is closed, or was during the call.
            RuntimeError: called in the loop's own thread, which would wait for itself.
        """
        call = _Call(function(*args, **kwargs))
        try:
            self._thread.schedule(call.start)
        except BaseException:
            call.coroutine.close()
            raise
        try:
            call.done.acquire()
        except BaseException:
            self._thread.schedule(call.cancel)
            call.done.acquire()
            raise
        task = call.task
        if task is None or task.cancelled():
            raise ClientClosedError("The client was closed during the call.")
        error = task.exception()
        if error is None:
            return task.result()
        try:
            raise error
        finally:
            # Frame and error name each other; broken here, or only the collector could free them.
            del error, task, call

    def close(self) -> None:
        """End the loop and its thread, with everything that was opened there."""
        self._finalizer()


class _LoopThread:
    """The thread and its loop, begun when first needed."""

    def __init__(self) -> None:
        self.closed = False
        self._begin_anew()

    def schedule(self, callback: Callable[[], object]) -> None:
        """Have ``callback`` run in the loop.

        Raises:
            ClientClosedError: the thread was closed.
            RuntimeError: this is that thread.
        """
        if self._process != os.getpid():
            _abandoned.append(vars(self).copy())
            self._begin_anew()
        # Under the lock, so that nothing can be scheduled any more once close() has begun to wait.
        with self._lock:
            if self.closed:
                raise ClientClosedError("The client is closed; make a new one.", retry_safe=True)
            if threading.get_ident() == self._ident:
                raise RuntimeError("a sync client was called inside its own loop; use the async client there")
            loop = self._loop or self._start()
            loop.call_soon_threadsafe(callback)

    def close(self) -> None:
        """Cancel what still runs, and end the thread."""
        if self._process != os.getpid():
            _abandoned.append(vars(self).copy())
            self._begin_anew()
        with self._lock:
            self.closed = True
        if self._starter is None or self._portal is None or self._loop is None:
            return
        if threading.get_ident() == self._ident:
            # Collected by chance in the very thread, which can be told to end but not waited for.
            self._task = self._loop.create_task(self._portal.stop())
            _abandoned.append(self._starter)
        else:
            self._starter.__exit__(None, None, None)

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._starter: AbstractContextManager[BlockingPortal] | None = None
        self._portal: BlockingPortal | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ident = 0

    def _start(self) -> asyncio.AbstractEventLoop:
        starter = start_blocking_portal(name="chakra-client")
        self._portal = starter.__enter__()
        self._starter = starter
        self._ident, self._loop = self._portal.call(_here)
        return self._loop


def _here() -> tuple[int, asyncio.AbstractEventLoop]:
    return threading.get_ident(), asyncio.get_running_loop()


class _Call(Generic[T]):
    """One call on its way through the loop, and the lock on which its caller waits.

    A task and a lock cost a third of what the portal's own ``call`` does with its future and task group.
    """

    __slots__ = ("context", "coroutine", "done", "task")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.coroutine = coroutine
        self.context = contextvars.copy_context()
        self.task: asyncio.Task[T] | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def start(self) -> None:
        """Begin; runs in the loop."""
        self.task = asyncio.get_running_loop().create_task(self.coroutine, context=self.context)
        self.task.add_done_callback(self._finish)

    def cancel(self) -> None:
        """Ask the coroutine to end; runs in the loop."""
        if self.task is not None:
            self.task.cancel()

    def _finish(self, _: asyncio.Task[T]) -> None:
        self.done.release()
