"""How a sync call reaches a coroutine: one loop in one thread for each client, begun at the first call."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
import weakref
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

from chakra_async.errors import AmbiguousResultError, ChakraError, ClientClosedError
from chakra_async.sync._loop_thread import LoopThread, end_with_process


P = ParamSpec("P")
T = TypeVar("T")

# Windows delivers Ctrl-C only between two waits; elsewhere one wait without end can be interrupted.
_LONGEST_WAIT = 0.1 if os.name == "nt" else -1
_A_MOMENT = 0.005


class Portal:
    """Runs coroutines of one client in a loop of its own, from any thread.

    Args:
        closing: closes in the loop, before it ends, what the coroutines have opened there. A call that this
            breaks off raises its own error, which knows how far the call came.
    """

    def __init__(self, closing: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        self._thread = LoopThread(closing)
        # However the portal goes, closed or collected, its thread ends with it.
        self._finalizer = weakref.finalize(self, LoopThread.close, self._thread)
        self._finalizer.atexit = False  # see _at_exit

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._thread.closed

    def call(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``function`` in the loop and return what it returns, or raise what it raises.

        Ctrl-C cancels the coroutine, waits for its clean-up, and then raises here. A signal handler or a
        finalizer may call in the middle of another call of its thread.

        Raises:
            ClientClosedError: the client is closed, or was during the call.
            AmbiguousResultError: it was closed when the request may have left.
            ChakraError: the coroutine was cancelled by something else that runs in the loop.
            RuntimeError: called in the loop's own thread, which would wait for itself.
        """
        call = _Call(self._thread, partial(function, *args, **kwargs))
        try:
            self._thread.schedule(call.start)
            call.wait()
        except BaseException as interrupted:
            self._withdraw(call)
            for note in call.notes:
                interrupted.add_note(note)
            raise
        error = call.error
        if call.finished and error is None:
            return call.result
        end_with_process()
        try:
            raise error or _broken_off(call.notes, closed=self.closed)
        finally:
            # Frame and error name each other; broken here, or only the collector could free them.
            del error, call

    def close(self) -> None:
        """End the loop and its thread, with everything that was opened there."""
        # Not by the finalizer, for at exit weakref may have switched its finalizers off before this.
        self._thread.close()

    def _withdraw(self, call: _Call[T]) -> None:
        """Cancel a call that nobody waits for any more, and see its clean-up through."""
        call.withdrawn = True
        try:
            self._thread.schedule(call.cancel)
        except (ClientClosedError, RuntimeError):
            # Either the call was refused in the same way, or the end of the loop is cancelling it.
            if call.task is None:
                return
        # Ctrl-C may come when the call has ended and been waited for, with the wait about to return.
        if not call.ended:
            call.wait()


class _Call(Generic[T]):
    """One call on its way through the loop, and the lock on which its caller waits.

    A task and a lock cost a third of what anyio's blocking portal does with a future and a task group.
    """

    __slots__ = (
        "context",
        "done",
        "ended",
        "error",
        "finished",
        "function",
        "notes",
        "result",
        "task",
        "thread",
        "withdrawn",
    )

    result: T

    def __init__(self, thread: LoopThread, function: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self.thread = thread
        self.function = function
        self.context = contextvars.copy_context()
        self.task: asyncio.Task[T] | None = None
        self.withdrawn = False
        self.finished = False
        """Whether the coroutine has returned or raised."""
        self.ended = False
        """Whether nothing more comes of it, for it may have been cancelled, or never begun."""
        self.error: BaseException | None = None
        self.notes: Sequence[str] = ()
        """What a cancelled coroutine has to say."""
        self.done = threading.Lock()
        self.done.acquire()

    def wait(self) -> None:
        """Wait until the call has ended, or the thread has."""
        if self.thread.closed:
            # Scheduled after the loop was told to stop, it may never run; scheduled before that, it does.
            while self.thread.alive and not self.done.acquire(timeout=_A_MOMENT):
                pass
            return
        while not self.done.acquire(timeout=_LONGEST_WAIT):
            pass

    def start(self) -> None:
        """Begin; runs in the loop."""
        if self.withdrawn or self.thread.closed:
            # A task that is made while the loop ends might never be finished.
            self._end()
            return
        # Made here, and not by the caller, whom Ctrl-C could leave with a coroutine that never ran.
        self.task = asyncio.get_running_loop().create_task(self.function(), context=self.context)
        self.task.add_done_callback(self._finish)

    def cancel(self) -> None:
        """Ask the coroutine to end; runs in the loop."""
        if self.task is not None:
            self.task.cancel()
        elif not self.ended:
            self._end()

    def _finish(self, task: asyncio.Task[T]) -> None:
        # Looked at here, for asyncio complains of errors that nobody asked for, as after Ctrl-C.
        try:
            self.error = task.exception()
        except asyncio.CancelledError as cancelled:
            self.notes = getattr(cancelled, "__notes__", ())
        else:
            if self.error is None:
                self.result = task.result()
            self.finished = True
        # Let go of by the caller, it would run callbacks of asyncio there, which swallow a Ctrl-C.
        self.task = None
        self._end()

    def _end(self) -> None:
        self.ended = True
        self.done.release()


def _broken_off(notes: Sequence[str], *, closed: bool) -> ChakraError:
    """Make the error for a coroutine that was cancelled, as a rule with its loop, or never begun."""
    message = (
        "The client was closed during the call." if closed else "The call was cancelled in its event loop."
    )
    if notes:
        return AmbiguousResultError(" ".join([message, *notes]), sent=True, retry_safe=False)
    return ClientClosedError(message) if closed else ChakraError(message)
