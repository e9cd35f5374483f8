"""How chunk size, concurrency and latency decide the speed of a bulk update; nothing is compared."""

from __future__ import annotations

from contextlib import closing

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale
from benchmarks.harness.figures import Figure, Spread
from benchmarks.harness.processes import Contender, Worker, sink


CHUNKS_AND_JOBS = ((1000, 1), (1000, 4), (1000, 16), (100, 16), (5000, 4))


def run(scale: Scale) -> list[Figure]:
    figures = []
    for latency in scale.choose((0.0, 0.02, 0.05), (0.0, 0.05)):
        table = {}
        with (
            sink(f"--latency={latency}") as server,
            closing(Worker(Contender("chakra_async", "benchmarks.peers.ours:bulk"), server)) as worker,
        ):
            worker.run(rows=5000)
            for size, jobs in CHUNKS_AND_JOBS:
                slices = {"rows": size * jobs * scale.choose(4, 2), "chunk_size": size, "concurrency": jobs}
                found = Spread.of(worker.run(**slices).rate for _ in scale.rounds(3, 1))
                name = f"{size:>5,} a job, {jobs:>2} in flight"
                table[name] = f"{tables.number(found.middle):>8} rows a second"
                figures.append(Figure(name=f"{latency * 1000:.0f} ms: {name}", spread=found, unit="rows/s"))
        tables.plain(f"{latency * 1000:.0f} ms latency", table)
    return figures
