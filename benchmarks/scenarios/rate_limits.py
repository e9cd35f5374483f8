"""A server that allows so many requests a second and says so only by 429. How much of that is used?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from itertools import product
from typing import Literal

from attrs import frozen

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale
from benchmarks.harness.figures import Figure, Spread
from benchmarks.harness.processes import Contender, Worker, sink
from benchmarks.server.limits import LIMITS


IN_FLIGHT = 50
RATES = ((50,), (300,))
CHANGING = (100, 40, 100)
"""Each for a third of the time, with a deep bucket. Other limits that change cannot be followed as closely:
each refusal costs the second that they ask for."""
OURS = "chakra_async"
BY_HAND = "aiohttp, sleeping as told"
CONTENDERS = {
    OURS: "benchmarks.peers.ours:limited_updates",
    BY_HAND: "benchmarks.peers.by_aiohttp:limited_updates",
}
Case = tuple[str, str, tuple[int, ...]]
Second = tuple[float, float, float]
"""Requests allowed and refused, and how many were allowed at its end."""


@frozen
class Usage:
    """What was made of a rate: the share that was used, and the share of requests refused."""

    used: float
    refused: float

    @classmethod
    def of(cls, seconds: Sequence[Second]) -> Usage:
        """Sum up what came in each second."""
        allowed, refused, possible = (sum(column) for column in zip(*seconds, strict=True))
        return cls(allowed / possible, refused / (allowed + refused))


def run(scale: Scale) -> list[Figure]:
    durations = {OURS: scale.choose(60, 6), BY_HAND: scale.choose(10, 0)}
    measured = {
        case: seconds for name in CONTENDERS for case, seconds in _measure(name, durations[name]).items()
    }
    table, ours = {}, []
    for (name, limit, rates), seconds in measured.items():
        whole, second_half = Usage.of(seconds), Usage.of(seconds[len(seconds) // 2 :])
        table[f"{name}: {', then '.join(map(str, rates))} a second, {limit}"] = (
            f"{whole.used:6.1%} used ({second_half.used:.1%} in the second half), "
            f"{whole.refused:.2%} answered 429 ({second_half.refused:.2%})"
        )
        if name == OURS:
            ours.append(whole)
    told = ", ".join(f"{name} for {seconds} s" for name, seconds in durations.items() if seconds)
    tables.plain(f"{IN_FLIGHT} in flight, nothing tuned: {told}", table)
    return [
        *_figures("share used", [one.used for one in ours], "higher"),
        *_figures("answered 429", [one.refused for one in ours], "lower"),
    ]


def _figures(name: str, values: Sequence[float], better: Literal["higher", "lower"]) -> list[Figure]:
    worst = Spread.of([min(values) if better == "higher" else max(values)])
    return [
        Figure(name=name, spread=Spread.of(values), unit="share", better=better),
        Figure(name=f"{name}, worst case", spread=worst, unit="share"),
    ]


def _measure(name: str, duration: int) -> dict[Case, list[Second]]:
    """Run all cases of a contender at the same time, for none of them keeps a processor busy."""
    if not duration:
        return {}
    with ExitStack() as stack:
        servers, workers = {}, []
        for case in (*product([name], LIMITS, RATES), (name, "deep bucket", CHANGING)):
            _, limit, (rate, *later) = case
            changes = [f"--change={n * duration / 3}:{changed}" for n, changed in enumerate(later, 1)]
            servers[case] = stack.enter_context(sink(f"--rate={rate}", f"--limit={limit}", *changes))
            contender = Contender(name, CONTENDERS[name], {"concurrency": IN_FLIGHT})
            workers.append(stack.enter_context(closing(Worker(contender, servers[case]))))
        for worker in workers:
            worker.run(seconds=0)
        begins = []
        for worker in workers:
            # With the second that the windows begin with; one by one, for beginnings need the processor most.
            time.sleep(1 - time.time() % 1)
            begins.append(int(time.time()))
            worker.start(seconds=duration)
        for worker in workers:
            worker.result()
        counted = {case: server.statistics()["seconds"] for case, server in servers.items()}
    return {
        case: _filled(found, range(begin, begin + duration))
        for begin, (case, found) in zip(begins, counted.items(), strict=True)
    }


def _filled(found: dict[str, Second], seconds: range) -> list[Second]:
    """Fill in the seconds in which nothing came."""
    filled, rate = [], found[min(found)][2]
    for one in seconds:
        allowed, refused, rate = found.get(str(one), (0, 0, rate))
        filled.append((allowed, refused, rate))
    return filled
