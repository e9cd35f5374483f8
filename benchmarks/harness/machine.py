"""What is asked of the machine: processors, event loops, memory, its description."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.SelectorEventLoop}
"""Event loops by name; ``uvloop`` only where it is installed."""
try:
    import uvloop
except ImportError:
    pass
else:
    LOOPS["uvloop"] = uvloop.new_event_loop

PACKAGES = ("aiohttp", "orjson", "attrs", "cattrs", "uvloop", "httpx", "requests", "pydantic", "msgspec")


@cache
def processors() -> tuple[int | None, int | None]:
    """Return the processors for client and server; ``None`` where they cannot be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[-1]) if len(usable) > 1 else (None, None)


def pin(processor: int | None) -> None:
    """Run this process, and the threads it will start, on one processor."""
    if processor is not None:
        os.sched_setaffinity(0, {processor})


@contextmanager
def on_client_processor() -> Iterator[None]:
    """Run this process, and what it starts meanwhile, where contenders run."""
    processor = processors()[0]
    if processor is None:
        yield
        return
    before = os.sched_getaffinity(0)
    pin(processor)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def end_with_parent() -> None:
    """End this process when its parent does, however that ends: the standard input is closed then."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def memory_mib(field: str, pid: int | str = "self") -> float | None:
    """Return ``VmRSS`` or ``VmHWM`` (the peak) of a process, in MiB; ``None`` where there is no ``/proc``.

    ``ru_maxrss`` would count the parent's memory at the fork as well.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(field)), None)


def forget_peak() -> None:
    """Let ``VmHWM`` of this process begin anew, where the kernel offers it."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def cpu_seconds(pid: int) -> float:
    """Return the processor time that another process has used so far; 0 where that cannot be told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def describe() -> dict[str, str]:
    """Name the versions and the machine that the figures belong to."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "absent"
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        **versions,
    }
