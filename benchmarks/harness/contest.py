"""Contenders take turns."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any, TypeVar

from attrs import frozen

from benchmarks.harness.figures import Sample
from benchmarks.harness.machine import on_client_processor
from benchmarks.harness.processes import Contender, Server, Worker


Results = dict[str, list[Sample]]


T = TypeVar("T")


@frozen(kw_only=True)
class Scale:
    """How long a run may take."""

    quick: bool

    def choose(self, full: T, quick: T) -> T:
        """Return one of two."""
        return quick if self.quick else full

    def rounds(self, full: int, quick: int) -> Iterator[int]:
        """Count the rounds: fewer, but three or all of a quick run, where the machine is busy otherwise."""
        end = time.monotonic() + self.choose(45.0, 6.0)
        for number in range(self.choose(full, quick)):
            if number >= 3 and time.monotonic() > end:
                return
            yield number

    @property
    def slice_seconds(self) -> float:
        """How long a slice of single calls takes, about."""
        return self.choose(0.2, 0.1)


@contextmanager
def workers(contenders: Sequence[Contender], server: Server) -> Iterator[dict[str, Worker]]:
    """Start the processes of all contenders."""
    with ExitStack() as stack:
        yield {one.name: stack.enter_context(closing(Worker(one, server))) for one in contenders}


def take_turns(
    field: Mapping[str, Worker],
    rounds: Iterable[int],
    arguments: Mapping[str, Mapping[str, Any]],
    *,
    warm_up: Mapping[str, Any] | None = None,
) -> Results:
    """Let every contender run one slice a round, in an order that is turned round each time.

    Args:
        field: the contenders.
        rounds: their numbers.
        arguments: of the slices of each contender.
        warm_up: what is different in a slice that each runs before and that does not count; ``None`` for
            contenders that have run already.
    """
    if warm_up is not None:
        for name, worker in field.items():
            worker.run(**{**arguments[name], **warm_up})
    results: Results = {name: [] for name in field}
    for number in rounds:
        for name in _order(field, number):
            results[name].append(field[name].run(**arguments[name]))
    return results


def _order(names: Mapping[str, Any], number: int) -> Iterable[str]:
    return reversed(names) if number % 2 else iter(names)


def time_in_turns(
    functions: Mapping[str, Callable[[], object]], rounds: Iterable[int]
) -> dict[str, list[float]]:
    """Do the same with functions of this process, and return the seconds that each took in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    with on_client_processor():
        for function in functions.values():
            function()
        for number in rounds:
            for name in _order(functions, number):
                gc.collect()
                start = time.perf_counter()
                functions[name]()
                seconds[name].append(time.perf_counter() - start)
    return seconds


def calibrated(field: Mapping[str, Worker], seconds: float) -> dict[str, dict[str, int]]:
    """Find for each contender, by way of warming it up, how many ``calls`` fill a slice."""
    sizes = {}
    for name, worker in field.items():
        worker.run(calls=50)
        sizes[name] = {"calls": max(20, int(seconds * worker.run(calls=100).rate))}
    return sizes
