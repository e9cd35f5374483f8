"""What we aim for, and whether it is reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

from benchmarks.harness.figures import BY_CPU, Figure, Spread


@frozen
class Target:
    """A figure and the values aimed at.

    Attributes:
        code: its number; several figures may belong to one target.
        what: it in words.
        scenario: where it is measured.
        figure: the name of the figure there.
        goal: what it should be.
        stretch: what it would be at best.
        lower: whether less is better.
    """

    code: str
    what: str
    scenario: str
    figure: str
    goal: float
    stretch: float
    lower: bool = False

    def reached(self, value: float) -> str:
        """Say whether a value is good enough."""
        for limit, word in ((self.stretch, "yes, stretch"), (self.goal, "yes")):
            if value <= limit if self.lower else value >= limit:
                return word
        return "no"


_ONE, _BULK = "typed single update", "1,000 rows a job"

TARGETS: Final = (
    *(
        Target(
            "P1", f"{_ONE}, {n} in flight{on}, against aiohttp by hand", "single_updates",
            f"{n} in flight: chakra_async{on} / aiohttp by hand", *aims,
        )
        for on, aims in (("", (1.2, 2)), (", uvloop", (1.5, 3)))
        for n in (10, 100)
    ),
    *(
        Target("P2", f"{_ONE}, {n} in flight, against httpx", "single_updates",
               f"{n} in flight: chakra_async / httpx", 8, 10)
        for n in (10, 100)
    ),
    Target("P2", f"{_ONE}, 100 in flight, against requests in 50 threads", "single_updates",
           "100 in flight: chakra_async / requests, 50 threads", 6, 8),
    Target("P3", "bulk update, every row accounted for, against a bare loop of dicts", "bulk_updates",
           f"{_BULK}: chakra_async / dicts, orjson, aiohttp", 0.5, 0.7),
    Target("P4", "the same against pydantic and httpx", "bulk_updates",
           f"{_BULK}: chakra_async / pydantic, httpx", 3, 5),
    Target("P4", "client CPU a row, us", "bulk_updates", f"{_BULK}: chakra_async, CPU", 5, 3, lower=True),
    Target("P5", "with a journal against without", "bulk_updates",
           f"{_BULK}: chakra_async, journal / chakra_async", 0.85, 0.95),
    Target("P6", "50 ms latency: time with the concurrency found, against the best set by hand",
           "concurrency", "time, found / the best by hand", 1.2, 1.05, lower=True),
    Target("P7", "peak memory above idle, any number of rows, MiB", "memory", "chakra_async, most",
           32, 10, lower=True),
    Target("P7", "the same, the most rows against a tenth of them", "memory", "ten times the rows",
           1.2, 1.05, lower=True),
    Target("P8", "sync GET against httpx.Client", "sync_calls",
           "one after another: chakra_async.sync / httpx.Client", 1, 1.7),
    Target("P8", "sync GET against requests.Session", "sync_calls",
           "one after another: chakra_async.sync / requests.Session", 1.6, 2.8),
    Target("P9", "sync bulk update against async", "sync_bulk",
           "50,000 rows, 1,000 a job: chakra_async.sync / chakra_async", 0.9, 1),
    Target("P10", "import chakra_async, ms", "imports", "import chakra_async", 40, 5, lower=True),
    Target("P10", "time to the first answer against aiohttp", "imports",
           "first answer: chakra_async / aiohttp", 1.1, 1, lower=True),
    Target("P11", "share of an unknown rate limit used, worst case", "rate_limits",
           "share used, worst case", 0.9, 0.97),
    Target("P11", "share of requests answered 429, worst case", "rate_limits",
           "answered 429, worst case", 0.02, 0.005, lower=True),
    Target("P12", "polls a job (median), worst case", "job_polls", "polls, worst case", 3, 2, lower=True),
    Target("P12", "delay until its end is noticed, share of its length, worst case", "job_polls",
           "delay, worst case", 0.15, 0.05, lower=True),
    Target("P13", "1,000 job entries to objects against default cattrs", "job_entries",
           "1,000 entries a page: chakra_async / aiohttp, orjson, default cattrs", 2, 3),
)  # fmt: skip


def table(measured: Mapping[str, Mapping[str, Figure]]) -> Iterator[tuple[str, ...]]:
    """Give the rows of the table of targets, the head first; what was not measured is left out.

    Args:
        measured: figures by scenario and name.
    """
    yield "", "target", "goal", "stretch", "measured", "quartiles", "by CPU", "met"
    for target in TARGETS:
        figures = measured.get(target.scenario, {})
        figure = figures.get(target.figure)
        if figure is None:
            continue
        by_cpu = figures.get(target.figure + BY_CPU)
        spread = figure.spread
        yield (
            target.code,
            target.what,
            f"{target.goal:g}",
            f"{target.stretch:g}",
            f"{spread.middle:.3g}",
            _quartiles(spread),
            f"{by_cpu.spread.middle:.3g}" if by_cpu else "",
            target.reached(spread.middle),
        )


def _quartiles(spread: Spread) -> str:
    return "" if spread.low == spread.high else f"{spread.low:.3g} to {spread.high:.3g}"
