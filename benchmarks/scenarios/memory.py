"""Peak memory of a bulk update above the idle client, from 10,000 to 10,000,000 rows."""

from __future__ import annotations

from contextlib import closing

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale
from benchmarks.harness.figures import Figure, Sample, Spread
from benchmarks.harness.processes import Contender, Server, Worker, sink


OURS = Contender("chakra_async", "benchmarks.peers.ours:bulk")
JOURNAL = Contender("chakra_async, journal", "benchmarks.peers.ours:bulk", {"journal": True})
LISTED = Contender("list of pydantic models, httpx", "benchmarks.peers.by_httpx:bulk", {"collected": True})


def run(scale: Scale) -> list[Figure]:
    sizes = scale.choose((10_000, 100_000, 1_000_000, 10_000_000), (10_000, 50_000, 500_000))
    cases = [(OURS, rows) for rows in sizes]
    cases += [(JOURNAL, scale.choose(1_000_000, 100_000)), (LISTED, 100_000)]
    figures, table = [], {}
    with sink() as server:
        for contender, rows in cases:
            sample = _peak(contender, server, rows)
            if sample.peak_mib is None:
                print("  Only Linux tells the peak memory of a process.")
                return []
            above = sample.peak_mib - sample.idle_mib
            figures.append(_figure(f"{contender.name}, {rows:,} rows", above))
            table[figures[-1].name] = (
                f"{above:6.1f} MiB above {sample.idle_mib:.0f}, in {sample.seconds:.1f} s"
            )
        tables.plain("peak memory above the idle client", table)
    ours = [figure.spread.middle for figure in figures[: len(sizes)]]
    growth = Figure(name="ten times the rows", spread=Spread.of([ours[-1] / ours[-2]]), unit="x")
    return [*figures, growth, _figure("chakra_async, most", max(ours))]


def _peak(contender: Contender, server: Server, rows: int) -> Sample:
    """Measure in a process that has done one small run before, so that all code is loaded."""
    with closing(Worker(contender, server)) as worker:
        worker.run(rows=10)
        return worker.run(rows=rows)


def _figure(name: str, mib: float) -> Figure:
    return Figure(name=name, spread=Spread.of([mib]), unit="MiB", better="lower")
