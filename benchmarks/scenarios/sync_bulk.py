"""The same bulk update through the sync and through the async client."""

from __future__ import annotations

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, take_turns, workers
from benchmarks.harness.figures import Figure, versus
from benchmarks.harness.processes import Contender, sink


ROWS = 50_000
TITLE = f"{ROWS:,} rows, 1,000 a job"
SYNC, ASYNC = "chakra_async.sync", "chakra_async"
CONTENDERS = [
    Contender(SYNC, "benchmarks.peers.ours:bulk_sync"),
    Contender(ASYNC, "benchmarks.peers.ours:bulk"),
]


def run(scale: Scale) -> list[Figure]:
    slices = {one.name: {"rows": ROWS} for one in CONTENDERS}
    with sink() as server, workers(CONTENDERS, server) as field:
        results = take_turns(field, scale.rounds(11, 3), slices, warm_up={"rows": 5000})
    return [*tables.contest(TITLE, results, ASYNC, "rows"), *versus(TITLE, results, SYNC, ASYNC)]
