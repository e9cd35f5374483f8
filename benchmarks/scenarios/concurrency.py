"""100,000 rows with 50 ms of latency: the concurrency that is found against those set by hand."""

from __future__ import annotations

from contextlib import closing

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, take_turns
from benchmarks.harness.figures import Figure, rate, ratio
from benchmarks.harness.processes import Contender, Worker, sink


ROWS = 100_000
LATENCY = 0.05
TITLE = f"{ROWS:,} rows, 1,000 a job, {LATENCY * 1000:.0f} ms latency"
FOUND = "chakra_async, found by itself"


def run(scale: Scale) -> list[Figure]:
    with sink(f"--latency={LATENCY}") as server:
        ours = Worker(Contender("chakra_async", "benchmarks.peers.ours:bulk"), server)
        bare = Worker(Contender("bare", "benchmarks.peers.by_aiohttp:bulk"), server)
        with closing(ours), closing(bare):
            field, slices = {FOUND: ours}, {FOUND: {"rows": ROWS}}
            for worker, name in ((ours, "chakra_async"), (bare, "dicts, orjson, aiohttp")):
                for concurrency in scale.choose((8, 16, 32, 64), (16, 32)):
                    field[f"{name}, {concurrency} in flight"] = worker
                    slices[f"{name}, {concurrency} in flight"] = {"rows": ROWS, "concurrency": concurrency}
            results = take_turns(field, scale.rounds(5, 1), slices, warm_up={"rows": 5000})
    figures = tables.contest(TITLE, results, FOUND, "rows")
    typed = [name for name in results if name.startswith("chakra_async") and name != FOUND]
    loops = [name for name in results if name not in {FOUND, *typed}]
    for label, names in (("the best by hand", typed), ("the best bare loop", loops)):
        best = max(names, key=lambda name: rate(results[name]).middle)
        print(f"  {label.capitalize()}: {best}.")
        spread = ratio(results[best], results[FOUND])
        figures.append(Figure(name=f"time, found / {label}", spread=spread, unit="x", better="lower"))
    return figures
