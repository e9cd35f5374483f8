"""Taking turns, and what is made of the times."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def take_turns(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Run every contender once a round, after a warm-up, and return its seconds for each round."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            start = time.perf_counter()
            contender()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(one: list[float], other: list[float]) -> str:
    """Say how many times as long ``one`` takes as ``other``: median and quartiles of the rounds' ratios."""
    ratios = [a / b for a, b in zip(one, other, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.2f}x [{low:.2f} to {high:.2f}]"


def microseconds(times: list[float], calls: int) -> str:
    """Say the median time of a call."""
    return f"{statistics.median(times) / calls * 1e6:,.1f} us"
