"""A guard against slow creep that needs no clock: what fixed scenarios cost, counted.

``python -m benchmarks.guard`` counts and compares with ``guard.json``; ``--write`` keeps what it counted, for
the minor version of Python that runs it. Counted are, for each item, the calls of Python and C functions (a
coroutine that is resumed counts as called), those among them that our own code makes or is, and the requests
and bytes sent; and the peak of allocated memory.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import json
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from attrs import frozen

import chakra_async
from benchmarks.harness.processes import Server, sink
from benchmarks.harness.worker import hold
from benchmarks.peers import ours


FILE: Final = Path(__file__).with_suffix(".json")
PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
AIOHTTP: Final = importlib.metadata.version("aiohttp")
SLICES: Final = 2

_PACKAGE: Final = str(Path(chakra_async.__file__).parent)


@frozen
class Scenario:
    """A contender, and the slice of it that is counted."""

    make: Callable[..., Any]
    options: Mapping[str, Any]
    slice: Mapping[str, int]


SCENARIOS: Final = {
    "single update": Scenario(ours.updates, {"concurrency": 1}, {"calls": 100}),
    "update among 100": Scenario(ours.updates, {"concurrency": 100}, {"calls": 500}),
    "sync get": Scenario(ours.gets, {}, {"calls": 100}),
    "bulk row": Scenario(ours.bulk, {}, {"rows": 5000, "concurrency": 1}),
    "bulk row as a mapping": Scenario(ours.bulk, {"source": "mappings"}, {"rows": 5000, "concurrency": 1}),
    "bulk row that is awaited": Scenario(
        ours.bulk, {"source": "async generator"}, {"rows": 5000, "concurrency": 1}
    ),
    "bulk row with a journal": Scenario(ours.bulk, {"journal": True}, {"rows": 5000, "concurrency": 1}),
    "job entry": Scenario(ours.entries, {}, {"jobs": 5}),
}

TOLERANCES: Final = {
    "our calls": 0.05,
    "all calls": 0.10,
    "requests": 0.05,
    "bytes": 0.05,
    "peak KiB": 0.15,
}


class Counter:
    """Counts calls in one thread, for :func:`sys.setprofile`."""

    def __init__(self) -> None:
        self.on = False
        self.ours = self.all = 0
        self._known: dict[CodeType, bool] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if not self.on or event not in {"call", "c_call"}:
            return
        code = frame.f_code
        ours = self._known.get(code)
        if ours is None:
            ours = self._known[code] = _is_ours(code.co_filename)
        self.ours += ours
        self.all += 1


def _is_ours(file: str) -> bool:
    """Say whether code is ours, or was generated for our classes, which then stand in place of the file."""
    return file.startswith(_PACKAGE) or (file.startswith("<") and "chakra_async" in file)


@contextmanager
def profiled() -> Iterator[list[Counter]]:
    """Give the counters of this thread and of those that are started meanwhile."""
    counters = [Counter()]

    def begin(frame: FrameType, event: str, argument: Any) -> None:
        counters.append(counter := Counter())
        sys.setprofile(counter)
        counter(frame, event, argument)

    threading.setprofile(begin)
    sys.setprofile(counters[0])
    try:
        yield counters
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def count(scenario: Scenario, server: Server) -> dict[str, float]:
    """Count one scenario; of several slices the cheapest, for whatever disturbs only adds."""
    arguments = {"url": server.url, "token": server.token, **scenario.options}
    with profiled() as counters, hold(scenario.make, "asyncio", arguments) as run:
        run(**scenario.slice)
        slices = [_count_slice(run, scenario.slice, counters, server) for _ in range(SLICES)]
    with hold(scenario.make, "asyncio", arguments) as run:
        run(**scenario.slice)
        peak = _peak_kib(run, scenario.slice)
    return {**{name: min(one[name] for one in slices) for name in slices[0]}, "peak KiB": peak}


def _count_slice(
    run: Callable[..., int], arguments: Mapping[str, int], counters: list[Counter], server: Server
) -> dict[str, float]:
    before = server.statistics()
    gc.collect()
    gc.disable()
    for counter in counters:
        counter.ours = counter.all = 0
        counter.on = True
    items = run(**arguments)
    for counter in counters:
        counter.on = False
    gc.enable()
    after = server.statistics()
    return {
        "our calls": sum(counter.ours for counter in counters) / items,
        "all calls": sum(counter.all for counter in counters) / items,
        "requests": (after["requests"] - before["requests"]) / items,
        "bytes": (after["bytes"] - before["bytes"]) / items,
    }


def _peak_kib(run: Callable[..., int], arguments: Mapping[str, int]) -> float:
    gc.collect()
    tracemalloc.start()
    run(**arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1024


def measure() -> dict[str, dict[str, float]]:
    """Count all scenarios."""
    with sink() as server:
        return {name: count(scenario, server) for name, scenario in SCENARIOS.items()}


def exceeded(kept: Mapping[str, Any], counted: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Name what costs more than is kept for this Python.

    What other libraries do is compared only with the version of aiohttp that it was kept for.
    """
    same = kept["aiohttp"] == AIOHTTP
    for scenario, figures in counted.items():
        for name, now in figures.items():
            before = kept["figures"].get(scenario, {}).get(name)
            if before is None or (name == "all calls" and not same):
                continue
            if now > before * (1 + TOLERANCES[name]):
                more = now / before - 1
                yield f"{scenario}: {now:,.6g} {name} where {before:,.6g} were enough (+{more:.0%})"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep what is counted")
    options = parser.parse_args()
    everything = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    counted = measure()
    for scenario, figures in counted.items():
        print(f"{scenario}: " + ", ".join(f"{value:,.6g} {name}" for name, value in figures.items()))
    if options.write:
        everything[PYTHON] = {"aiohttp": AIOHTTP, "figures": counted}
        text = json.dumps(everything, indent=1, sort_keys=True)
        FILE.write_text(text + "\n", encoding="utf-8")
        return 0
    if PYTHON not in everything:
        print(f"Nothing is kept for Python {PYTHON}: python -m benchmarks.guard --write")
        return 2
    found = list(exceeded(everything[PYTHON], counted))
    if found:
        print("\nMore than before:", *found, sep="\n  ")
        print(
            f"\nIf this is meant, run 'python -m benchmarks.guard --write' with Python {PYTHON} and commit "
            f"{FILE.name}; if not, look what was added to the way of a call or of a row."
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
