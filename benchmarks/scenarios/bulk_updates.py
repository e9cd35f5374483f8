"""100,000 updates by background jobs of 1,000: typed, as mappings, awaited, with and without a journal."""

from __future__ import annotations

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, take_turns, workers
from benchmarks.harness.figures import Figure, versus
from benchmarks.harness.processes import Contender, sink


TITLE = "1,000 rows a job"
OURS = "chakra_async"
FOUR = "chakra_async, 4 in flight"
MAPPINGS = "chakra_async, mappings"
AWAITED = "chakra_async, async generator"
JOURNAL = "chakra_async, journal"
BARE = "dicts, orjson, aiohttp"
PYDANTIC = "pydantic, httpx"

OURS_BULK = "benchmarks.peers.ours:bulk"
CONTENDERS = [
    Contender(OURS, OURS_BULK),
    Contender(FOUR, OURS_BULK),
    Contender(MAPPINGS, OURS_BULK, {"source": "mappings"}),
    Contender(AWAITED, OURS_BULK, {"source": "async generator"}),
    Contender(JOURNAL, OURS_BULK, {"journal": True}),
    Contender(BARE, "benchmarks.peers.by_aiohttp:bulk"),
    Contender(PYDANTIC, "benchmarks.peers.by_httpx:bulk"),
    Contender("dicts, requests, 1 at a time", "benchmarks.peers.by_requests:bulk"),
]


def run(scale: Scale) -> list[Figure]:
    rows = scale.choose(100_000, 50_000)
    slices = {one.name: {"rows": rows} for one in CONTENDERS}
    slices[FOUR]["concurrency"] = 4
    with sink() as server, workers(CONTENDERS, server) as field:
        results = take_turns(field, scale.rounds(9, 2), slices, warm_up={"rows": 5000})
    print(f"  {rows:,} rows from a generator")
    figures = tables.contest(TITLE, results, BARE, "rows")
    print("  Only chakra_async follows the jobs and has a result for every row.")
    return [
        *figures,
        *versus(TITLE, results, OURS, BARE, PYDANTIC),
        *versus(TITLE, results, FOUR, BARE),
        *versus(TITLE, results, MAPPINGS, OURS),
        *versus(TITLE, results, AWAITED, OURS),
        *versus(TITLE, results, JOURNAL, OURS),
    ]
