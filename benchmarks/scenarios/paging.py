"""Reading a list of 100,000 processes, 100 a page."""

from __future__ import annotations

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, take_turns, workers
from benchmarks.harness.figures import Figure, versus
from benchmarks.harness.processes import Contender, sink
from benchmarks.server.answers import LISTED


TITLE = f"{LISTED:,} processes, 100 a page"
OURS = "chakra_async, typed"
PLAIN = "aiohttp by hand, dicts"
PYDANTIC = "httpx, pydantic"
CONTENDERS = [
    Contender(OURS, "benchmarks.peers.ours:listing"),
    Contender(PLAIN, "benchmarks.peers.by_aiohttp:listing"),
    Contender(PYDANTIC, "benchmarks.peers.by_httpx:listing"),
]


def run(scale: Scale) -> list[Figure]:
    with sink() as server, workers(CONTENDERS, server) as field:
        results = take_turns(field, scale.rounds(7, 2), {one.name: {} for one in CONTENDERS})
    return [
        *tables.contest(TITLE, results, PLAIN, "processes"),
        *versus(TITLE, results, OURS, PLAIN, PYDANTIC),
    ]
