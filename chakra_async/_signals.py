"""Threads of ours take no signals."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager


_OF_THE_THREAD = {"SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"}
"""Signals that a thread brings upon itself; whoever reports crashes is to hear of them."""


@contextmanager
def signals_later() -> Generator[None]:
    """Let signals wait for the end of the block, and never reach threads that are started in it.

    Python hears of a signal in its main thread alone, and wakes that one only if the system gave it the
    signal: one that another thread took is heard when a wait of the main thread ends by itself. Where there
    are no masks of signals, as on Windows, this does nothing.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Asked for before it is changed: the change may raise what a signal just before it is for.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        waiting = {one for one in signal.valid_signals() if getattr(one, "name", "") not in _OF_THE_THREAD}
        signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
