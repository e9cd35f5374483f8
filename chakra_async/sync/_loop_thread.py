"""The thread of a sync client and the loop in it: how they begin and end."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, NoReturn

import anyio

from chakra_async._signals import signals_later
from chakra_async.errors import ClientClosedError


# A broken connection becomes the error of its call within about ten turns of the loop.
_LAST_TURNS = 100


class LoopThread:
    """The thread and its loop, begun when first needed.

    There is no lock: whoever held it could be interrupted by a signal handler or a finalizer that wants it.
    """

    def __init__(self, closing: Callable[[], Coroutine[Any, Any, None]] | None) -> None:
        self.closed: bool = False
        # This keeps the client: collected together, the guards of its sessions would be lost to the loop.
        self._closing = closing
        self._begin_anew()
        _loop_threads.add(self)

    def schedule(self, callback: Callable[[], object]) -> None:
        """Have ``callback`` run in the loop; if :attr:`closed` is set after that, it may never run.

        Raises:
            ClientClosedError: the thread was closed.
            RuntimeError: this is that thread.
        """
        if not self.closed:
            if threading.current_thread() in self._inside:
                raise RuntimeError("a sync client was called inside its own loop; use the async client there")
            try:
                (self._loop or self._start()).call_soon_threadsafe(callback)
            except RuntimeError:
                # So asyncio says that the loop is closed, which it may be since we looked.
                if not self.closed:
                    raise
            else:
                return
        refuse()

    def close(self) -> None:
        """Cancel what still runs, and end the thread."""
        self.closed = True
        # A loop that is about to begin looks for itself.
        if self._loop is not None:
            # It may have ended already.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopped.set)
        self.join()

    def join(self) -> None:
        """Wait until the thread has ended, unless this is it: a client may be collected by chance there."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def leave_to_parent(self) -> None:
        """Forget, in a forked child, the thread that did not come along."""
        _abandoned.append(vars(self).copy())
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._claimed = threading.Lock()
        self._change = _Change()
        self._failure: BaseException | None = None
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        # Threads that must not wait for the loop: the one that serves, and any that tried to.
        self._inside: set[threading.Thread] = set()

    def _start(self) -> asyncio.AbstractEventLoop:
        # Ctrl-C may come at any moment, so the thread sees to itself; should there be several, one goes on.
        earlier = self._failure
        while self._loop is None:
            if self.closed:
                refuse()
            if self._failure is not None and self._failure is not earlier:
                raise self._failure
            if not self._claimed.locked():
                with signals_later():
                    threading.Thread(target=self._run, name="chakra-client-begins", daemon=True).start()
            self._change.wait_for(
                lambda: self._loop is not None or self._failure is not earlier or self.closed
            )
        return self._loop

    def _run(self) -> None:
        thread = threading.current_thread()
        # Before the claim: a finalizer that calls from here must not wait for this thread.
        self._inside.add(thread)
        if not self._claimed.acquire(blocking=False):
            self._inside.discard(thread)
            return
        self._thread, thread.name = thread, "chakra-client"
        failure: BaseException | None = None
        try:
            if not self.closed:
                anyio.run(self._serve)
        except BaseException as error:  # raised by whoever waits for the loop
            failure = error
        finally:
            # Before the failure, for whoever hears of that may try again at once.
            self._claimed.release()
            self._failure = failure
            self._change.tell()
            self._inside.discard(thread)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._change.tell()
        # Whoever closed it before there was a loop could not tell the loop.
        if not self.closed:
            await self._stopped.wait()
        if self._closing is not None:
            await self._end_calls(self._closing)

    async def _end_calls(self, closing: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Break off the calls whose requests are under way; the rest is cancelled with the loop."""
        closes = asyncio.create_task(closing())
        others = {asyncio.current_task()}
        for _ in range(_LAST_TURNS):
            if closes.done() and asyncio.all_tasks() == others:
                break
            await asyncio.sleep(0)


class _Change:
    """A condition on which Ctrl-C may come at any moment; `threading.Condition` might stay locked."""

    def __init__(self) -> None:
        self._waiting: list[threading.Lock] = []

    def tell(self) -> None:
        """Have those who wait look again."""
        # Until there is none left, and not as many as there were: who comes meanwhile is let go first.
        with suppress(IndexError):
            while True:
                self._waiting.pop().release()

    def wait_for(self, so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        while not so():
            lock = threading.Lock()
            lock.acquire()
            self._waiting.append(lock)
            if not so():
                lock.acquire()


def refuse() -> NoReturn:
    """Raise for a call of which nothing was begun."""
    end_with_process()
    raise ClientClosedError("The client is closed; make a new one.", retry_safe=True)


_loop_threads: weakref.WeakSet[LoopThread] = weakref.WeakSet()

# Loops of a parent process, whose threads did not come along with the fork. Kept, or the collector would wait
# for them.
_abandoned: list[object] = []

_exiting = threading.Event()


def end_with_process() -> None:
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
