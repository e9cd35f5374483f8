"""Samples, and the figures made of them: medians with their spread."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from attrs import frozen


BY_CPU: Final = ", by CPU"


@frozen(kw_only=True)
class Sample:
    """What one slice of one contender cost: wall and processor time in seconds, memory."""

    items: int
    seconds: float
    cpu: float
    server_cpu: float
    idle_mib: float | None
    peak_mib: float | None

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.seconds

    @property
    def cpu_an_item(self) -> float:
        """Seconds of the client's processor time an item."""
        return self.cpu / self.items


@frozen
class Spread:
    """A median and its quartiles."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Make it of the values of all rounds."""
        found = sorted(values)
        if len(found) < 2:
            return cls(found[0], found[0], found[0])
        low, middle, high = statistics.quantiles(found, n=4, method="inclusive")
        return cls(middle, low, high)


@frozen(kw_only=True)
class Figure:
    """One result, under a name that stays the same from run to run.

    Attributes:
        better: which way an improvement goes, or ``None`` for a figure that only informs. Only ratios and
            counts are compared between runs: times on a shared machine are not.
    """

    name: str
    spread: Spread
    unit: str
    better: Literal["higher", "lower"] | None = None


def ratio(one: Sequence[Sample], other: Sequence[Sample]) -> Spread:
    """How many times as many items a second ``one`` makes as ``other``: of the ratios of each round."""
    return Spread.of(a.rate / b.rate for a, b in zip(one, other, strict=True))


def versus(title: str, results: Mapping[str, Sequence[Sample]], one: str, *others: str) -> list[Figure]:
    """Make figures of the speed of one contender against others, by the clock and by processor time."""
    figures = []
    for other in others:
        name, pair = f"{title}: {one} / {other}", (results[one], results[other])
        by_cpu = Spread.of(b.cpu_an_item / a.cpu_an_item for a, b in zip(*pair, strict=True))
        figures += [
            Figure(name=name, spread=ratio(*pair), unit="x", better="higher"),
            Figure(name=f"{name}{BY_CPU}", spread=by_cpu, unit="x", better="higher"),
        ]
    return figures


def rate(samples: Sequence[Sample]) -> Spread:
    """Items a second."""
    return Spread.of(sample.rate for sample in samples)


def cpu_us(samples: Sequence[Sample]) -> Spread:
    """Processor time of the client, microseconds an item."""
    return Spread.of(sample.cpu_an_item * 1e6 for sample in samples)


def server_busy(samples: Sequence[Sample]) -> float:
    """Share of the time that the server was at work; near 1 it would be the bottleneck."""
    return sum(sample.server_cpu for sample in samples) / sum(sample.seconds for sample in samples)


def server_ceiling(samples: Sequence[Sample]) -> float:
    """Items a second that the server could give if it had nothing to wait for."""
    spent = sum(sample.server_cpu for sample in samples)
    return sum(sample.items for sample in samples) / spent if spent else math.inf


def peak_mib(samples: Sequence[Sample]) -> float | None:
    """Peak memory of the process over all slices, MiB."""
    return max((sample.peak_mib for sample in samples if sample.peak_mib), default=None)
