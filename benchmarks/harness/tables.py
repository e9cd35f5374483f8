"""Prints what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from benchmarks.harness.contest import Results
from benchmarks.harness.figures import (
    Figure,
    Sample,
    Spread,
    cpu_us,
    peak_mib,
    rate,
    ratio,
    server_busy,
    server_ceiling,
)


RELATIVE: Final = ", relative"


def number(value: float) -> str:
    """Write a figure with as many places as it deserves."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 20 else f"{value:.2f}"


def spread(value: Spread) -> str:
    """Write a median with its quartiles."""
    return f"{number(value.middle)} [{number(value.low)} to {number(value.high)}]"


def contest(title: str, results: Results, reference: str, unit: str) -> list[Figure]:
    """Print one line a contender: rate, ratio to the reference, processor time, memory.

    Returns:
        rates, processor times and ratios, for information.
    """
    print(f"\n  {title}")
    width = max(len(name) for name in results)
    print(f"  {'':<{width}} {unit + ' a second':>22} {'x ' + reference:>34} {'client CPU':>12} {'peak':>9}")
    for name, samples in results.items():
        print(f"  {name:<{width}} {_line(samples, results[reference])}", flush=True)
    busiest = max(results, key=lambda name: server_busy(results[name]))
    busy, ceiling = server_busy(results[busiest]), server_ceiling(results[busiest])
    print(f"  The server was at work for at most {busy:.0%} of the time, with {busiest}, which it could give")
    print(f"  {number(ceiling)} {unit} a second.")
    return [figure for name in results for figure in _informing(title, results, name, reference, unit)]


def _informing(title: str, results: Results, name: str, reference: str, unit: str) -> Iterator[Figure]:
    samples = results[name]
    yield Figure(name=f"{title}: {name}", spread=rate(samples), unit=f"{unit}/s")
    yield Figure(name=f"{title}: {name}, CPU", spread=cpu_us(samples), unit="us")
    yield Figure(name=f"{title}: {name}{RELATIVE}", spread=ratio(samples, results[reference]), unit="x")


def _line(samples: Sequence[Sample], reference: Sequence[Sample]) -> str:
    times = "1" if samples is reference else spread(ratio(samples, reference))
    peak = peak_mib(samples)
    memory = "" if peak is None else f"{peak:.0f} MiB"
    return f"{number(rate(samples).middle):>22} {times:>34} {cpu_us(samples).middle:>9.1f} us {memory:>9}"


def plain(title: str, rows: Mapping[str, str]) -> None:
    """Print names and values."""
    print(f"\n  {title}")
    width = max(len(name) for name in rows)
    for name, value in rows.items():
        print(f"  {name:<{width}}  {value}", flush=True)
