"""The contender's own process: hold it open, run the slices asked for, say what each cost.

``python -m benchmarks.harness.worker SPECIFICATION``; then a line of JSON in for each slice (the arguments of
the contender's function) and one out.
"""

from __future__ import annotations

import asyncio
import gc
import json
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from benchmarks.harness.machine import LOOPS, forget_peak, memory_mib, pin


@contextmanager
def hold(make: Callable[..., Any], loop: str, arguments: dict[str, Any]) -> Iterator[Callable[..., int]]:
    """Open a contender, sync or async, and give the function that runs one slice of it."""
    manager = make(**arguments)
    if hasattr(manager, "__enter__"):
        with manager as run:
            yield run
        return
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        stack = AsyncExitStack()
        run = runner.run(stack.enter_async_context(manager))
        yield lambda **given: runner.run(run(**given))
        runner.run(stack.aclose())


def measure(run: Callable[..., int], arguments: dict[str, Any]) -> dict[str, float | None]:
    """Run one slice; its waste of the slice before is collected first."""
    gc.collect()
    forget_peak()
    idle = memory_mib("VmRSS")
    cpu, start = time.process_time(), time.perf_counter()
    items = run(**arguments)
    return {
        "items": items,
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "idle_mib": idle,
        "peak_mib": memory_mib("VmHWM"),
    }


def main() -> None:
    specification = json.loads(sys.argv[1])
    pin(specification["cpu"])
    make = pkgutil.resolve_name(specification["make"])
    with hold(make, specification["loop"], specification["arguments"]) as run:
        for line in sys.stdin:
            print(json.dumps(measure(run, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
