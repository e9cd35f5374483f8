"""1,000 entries of a job, fetched and made objects: ours, and cattrs as it comes."""

from __future__ import annotations

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, take_turns, workers
from benchmarks.harness.figures import Figure, versus
from benchmarks.harness.processes import Contender, sink


TITLE = "1,000 entries a page"
OURS, CATTRS = "chakra_async", "aiohttp, orjson, default cattrs"
CONTENDERS = [
    Contender(OURS, "benchmarks.peers.ours:entries"),
    Contender(CATTRS, "benchmarks.peers.by_aiohttp:entries"),
]


def run(scale: Scale) -> list[Figure]:
    slices = {one.name: {"jobs": 40} for one in CONTENDERS}
    with sink() as server, workers(CONTENDERS, server) as field:
        results = take_turns(field, scale.rounds(15, 5), slices, warm_up={})
    return [*tables.contest(TITLE, results, CATTRS, "entries"), *versus(TITLE, results, OURS, CATTRS)]
