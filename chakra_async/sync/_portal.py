"""How a sync call reaches a coroutine: one loop in one thread for each client, begun at the first call."""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

from chakra_async._signals import signals_later
from chakra_async.errors import ClientClosedError


P = ParamSpec("P")
T = TypeVar("T")

# Windows delivers Ctrl-C only between two waits; elsewhere one wait without end can be interrupted.
_LONGEST_WAIT = 0.1 if os.name == "nt" else -1


class Portal:
    """Runs coroutines of one client in a loop of its own, from any thread.

    Args:
        owner: what the coroutines belong to; kept until the loop has ended, which closes what it opened.
    """

    def __init__(self, owner: object = None) -> None:
        self._thread = _LoopThread(owner)
        # However the portal goes, closed or collected, its thread ends with it.
        self._finalizer = weakref.finalize(self, _LoopThread.close, self._thread)
        self._finalizer.atexit = False  # see _at_exit

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._thread.closed

    def call(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``function`` in the loop and return what it returns, or raise what it raises.

        Ctrl-C cancels the coroutine, waits for its clean-up, and then raises here.

        Raises:
            ClientClosedError: the client is closed, or was during the call.
            RuntimeError: called in the loop's own thread, which would wait for itself.
        """
        call = _Call(partial(function, *args, **kwargs))
        try:
            self._thread.schedule(call.start)
            call.wait()
        except BaseException as interrupted:
            self._withdraw(call)
            for note in call.notes:
                interrupted.add_note(note)
            raise
        task = call.task
        if task is None or task.cancelled():
            _end_with_process()
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
        # Not called, for at exit weakref may have switched its finalizers off before this.
        if self._finalizer.detach() is not None:
            self._thread.close()
        # Another thread may be about it; closed means closed for whoever asks.
        self._thread.join()

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
        if call.task is None or not call.task.done():
            call.wait()


class _LoopThread:
    """The thread and its loop, begun when first needed."""

    def __init__(self, owner: object) -> None:
        self.closed: bool = False
        # Collected together with the client, the guards of its sessions would be lost to the loop.
        self._owner = owner
        self._begin_anew()
        _loop_threads.add(self)

    def schedule(self, callback: Callable[[], object]) -> None:
        """Have ``callback`` run in the loop.

        Raises:
            ClientClosedError: the thread was closed.
            RuntimeError: this is that thread.
        """
        # Under the lock, so that nothing can be scheduled any more once close() has begun to wait.
        with self._lock:
            if not self.closed:
                if threading.current_thread() is self._thread:
                    raise RuntimeError(
                        "a sync client was called inside its own loop; use the async client there"
                    )
                loop = self._loop or self._start()
                loop.call_soon_threadsafe(callback)
                return
        _end_with_process()
        raise ClientClosedError("The client is closed; make a new one.", retry_safe=True)

    def close(self) -> None:
        """Cancel what still runs, and end the thread."""
        with self._lock:
            self.closed = True
        self._change.wait_for(lambda: self._loop is not None or not self._claimed.locked())
        if self._portal is None or self._loop is None:
            return
        if threading.current_thread() is self._thread:
            # Collected by chance in the very thread, which can be told to end but not waited for.
            self._task = self._loop.create_task(self._portal.stop())
            return
        try:
            # It may be at its end already.
            with suppress(RuntimeError):
                self._portal.call(self._portal.stop)
        finally:
            self.join()

    def join(self) -> None:
        """Wait until the thread has ended."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def leave_to_parent(self) -> None:
        """Forget, in a forked child, the thread that did not come along, and a lock that it may hold."""
        _abandoned.append(vars(self).copy())
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._claimed = threading.Lock()
        self._change = _Change()
        self._failure: BaseException | None = None
        self._portal: BlockingPortal | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def _start(self) -> asyncio.AbstractEventLoop:
        # Ctrl-C may come at any moment, so the thread sees to itself; should there be two, one of them ends.
        self._failure = None
        while self._loop is None:
            if self._failure is not None:
                raise self._failure
            if not self._claimed.locked():
                with signals_later():
                    threading.Thread(target=self._run, name="chakra-client", daemon=True).start()
            self._change.wait_for(lambda: self._loop is not None or self._failure is not None)
        return self._loop

    def _run(self) -> None:
        if not self._claimed.acquire(blocking=False):
            return
        try:
            if not self.closed:
                anyio.run(self._serve)
        except BaseException as error:  # raised by whoever waits for the loop
            self._failure = error
        finally:
            self._claimed.release()
            self._change.tell()

    async def _serve(self) -> None:
        async with BlockingPortal() as portal:
            self._portal, self._thread = portal, threading.current_thread()
            self._loop = asyncio.get_running_loop()
            self._change.tell()
            await portal.sleep_until_stopped()


class _Change:
    """A condition on which Ctrl-C may come at any moment; `threading.Condition` might stay locked."""

    def __init__(self) -> None:
        self._waiting: list[threading.Lock] = []

    def tell(self) -> None:
        """Have those who wait look again."""
        while self._waiting:
            self._waiting.pop().release()

    def wait_for(self, so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        while not so():
            lock = threading.Lock()
            lock.acquire()
            self._waiting.append(lock)
            if not so():
                lock.acquire()


class _Call(Generic[T]):
    """One call on its way through the loop, and the lock on which its caller waits.

    A task and a lock cost a third of what the portal's own ``call`` does with its future and task group.
    """

    __slots__ = ("context", "done", "function", "notes", "task", "withdrawn")

    def __init__(self, function: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self.function = function
        self.context = contextvars.copy_context()
        self.task: asyncio.Task[T] | None = None
        self.withdrawn = False
        self.notes: list[str] = []
        """What a cancelled coroutine has to say."""
        self.done = threading.Lock()
        self.done.acquire()

    def wait(self) -> None:
        """Wait until the call has ended."""
        while not self.done.acquire(timeout=_LONGEST_WAIT):
            pass

    def start(self) -> None:
        """Begin; runs in the loop."""
        if self.withdrawn:
            return
        # Made here, and not by the caller, whom Ctrl-C could leave with a coroutine that never ran.
        self.task = asyncio.get_running_loop().create_task(self.function(), context=self.context)
        self.task.add_done_callback(self._finish)

    def cancel(self) -> None:
        """Ask the coroutine to end; runs in the loop."""
        if self.task is None:
            self.done.release()
        else:
            self.task.cancel()

    def _finish(self, task: asyncio.Task[T]) -> None:
        # Looked at here, for asyncio complains of errors that nobody asked for, as after Ctrl-C.
        try:
            task.exception()
        except asyncio.CancelledError as cancelled:
            self.notes = getattr(cancelled, "__notes__", [])
        self.done.release()


_loop_threads: weakref.WeakSet[_LoopThread] = weakref.WeakSet()

# Loops of a parent process, whose threads did not come along with the fork. Kept, or the collector would wait
# for them.
_abandoned: list[object] = []

_exiting = threading.Event()


def _end_with_process() -> None:
    """At exit, let a daemon thread wait here for its end, where an error would only be printed."""
    if _exiting.is_set() and threading.current_thread().daemon:
        threading.Event().wait()


def _at_exit() -> None:
    # Whatever thread still calls is a daemon: all others have been waited for before this.
    _exiting.set()
    for thread in list(_loop_threads):
        thread.close()


def _after_fork() -> None:
    for thread in list(_loop_threads):
        thread.leave_to_parent()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
