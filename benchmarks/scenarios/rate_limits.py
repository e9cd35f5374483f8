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
RATES = (50, 300)
APART = 0.3
OURS = "chakra_async"
BY_HAND = "aiohttp, sleeping as told"
CONTENDERS = {
    OURS: "benchmarks.peers.ours:limited_updates",
    BY_HAND: "benchmarks.peers.by_aiohttp:limited_updates",
}
Case = tuple[str, str, int]


@frozen
class Usage:
    """What was made of a rate: the share that was used, and the share of requests refused."""

    used: float
    refused: float

    @classmethod
    def of(cls, seconds: Sequence[tuple[int, int]], rate: int) -> Usage:
        """Sum up requests allowed and refused in each second."""
        allowed, refused = (sum(column) for column in zip(*seconds, strict=True))
        return cls(allowed / (rate * len(seconds)), refused / (allowed + refused))


def run(scale: Scale) -> list[Figure]:
    durations = {OURS: scale.choose(60, 6), BY_HAND: scale.choose(10, 0)}
    measured = {
        case: seconds for name in CONTENDERS for case, seconds in _measure(name, durations[name]).items()
    }
    table, ours = {}, []
    for (name, limit, rate), seconds in measured.items():
        whole, second_half = Usage.of(seconds, rate), Usage.of(seconds[len(seconds) // 2 :], rate)
        table[f"{name}: {rate} a second, {limit}"] = (
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


def _measure(name: str, duration: int) -> dict[Case, list[tuple[int, int]]]:
    """Run all cases of a contender at the same time, for none of them keeps a processor busy."""
    if not duration:
        return {}
    with ExitStack() as stack:
        servers, workers = {}, []
        for case in product([name], LIMITS, RATES):
            _, limit, rate = case
            servers[case] = stack.enter_context(sink(f"--rate={rate}", f"--limit={limit}"))
            contender = Contender(name, CONTENDERS[name], {"concurrency": IN_FLIGHT})
            workers.append(stack.enter_context(closing(Worker(contender, servers[case]))))
        for worker in workers:
            worker.run(seconds=0)
        begins = []
        for worker in workers:
            begins.append(time.time())
            worker.start(seconds=duration)
            # Only at its beginning does one need much of the processor.
            time.sleep(APART)
        for worker in workers:
            worker.result()
        counted = {case: server.statistics()["seconds"] for case, server in servers.items()}
    return {
        # Of the first and the last second by the clock only a part was measured.
        case: [found.get(str(one), (0, 0)) for one in range(int(begin) + 1, int(begin + duration))]
        for begin, (case, found) in zip(begins, counted.items(), strict=True)
    }
