"""Bulk updates end to end: against the emulator, which stores every row and runs real jobs."""

from __future__ import annotations

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, take_turns, workers
from benchmarks.harness.figures import Figure
from benchmarks.harness.processes import Contender, emulator
from benchmarks.workload import EMULATED


CONTENDERS = [
    Contender("chakra_async", "benchmarks.peers.ours:bulk"),
    Contender("chakra_async, journal", "benchmarks.peers.ours:bulk", {"journal": True}),
    Contender("chakra_async.sync", "benchmarks.peers.ours:bulk_sync"),
]


def run(scale: Scale) -> list[Figure]:
    slices = {one.name: {"rows": EMULATED} for one in CONTENDERS}
    with emulator() as server, workers(CONTENDERS, server) as field:
        results = take_turns(field, scale.rounds(7, 2), slices, warm_up={"rows": 1000})
    return tables.contest(f"{EMULATED:,} rows of an emulated Chakra", results, CONTENDERS[0].name, "rows")
