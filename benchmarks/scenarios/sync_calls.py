"""Small GETs through the sync client: one after another over one kept connection, and from ten threads."""

from __future__ import annotations

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, calibrated, take_turns, workers
from benchmarks.harness.figures import Figure, versus
from benchmarks.harness.processes import Contender, sink


OURS, HTTPX, REQUESTS = "chakra_async.sync", "httpx.Client", "requests.Session"
SEQUENTIAL = [
    Contender(OURS, "benchmarks.peers.ours:gets"),
    Contender(HTTPX, "benchmarks.peers.by_httpx:gets"),
    Contender(REQUESTS, "benchmarks.peers.by_requests:gets"),
]
THREADS = [
    Contender(OURS, "benchmarks.peers.ours:gets", {"threads": 10}),
    Contender(REQUESTS, "benchmarks.peers.by_requests:gets", {"threads": 10}),
]


def run(scale: Scale) -> list[Figure]:
    figures = []
    with sink() as server:
        for title, contenders in (("one after another", SEQUENTIAL), ("10 threads", THREADS)):
            with workers(contenders, server) as field:
                results = take_turns(field, scale.rounds(15, 5), calibrated(field, scale.slice_seconds))
            figures += tables.contest(title, results, contenders[1].name, "calls")
            figures += versus(title, results, OURS, *[name for name in results if name != OURS])
    return figures
