"""Single updates, 1, 10 and 100 in flight, one request each."""

from __future__ import annotations

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, calibrated, take_turns, workers
from benchmarks.harness.figures import Figure, versus
from benchmarks.harness.machine import LOOPS
from benchmarks.harness.processes import Contender, sink


PLAIN = "aiohttp by hand"
HTTPX = "httpx"
OURS, UVLOOP = "chakra_async", "chakra_async, uvloop"


def contenders(concurrency: int) -> list[Contender]:
    """Name who takes part."""
    at_once = {"concurrency": concurrency}
    threads = min(50, concurrency)
    on_uvloop = [
        Contender(UVLOOP, "benchmarks.peers.ours:updates", at_once, loop="uvloop"),
        Contender(f"{PLAIN}, uvloop", "benchmarks.peers.by_aiohttp:updates", at_once, loop="uvloop"),
        Contender("bare protocol, uvloop", "benchmarks.peers.floor:updates", at_once, loop="uvloop"),
    ]
    return [
        Contender(OURS, "benchmarks.peers.ours:updates", at_once),
        Contender(PLAIN, "benchmarks.peers.by_aiohttp:updates", at_once),
        Contender(HTTPX, "benchmarks.peers.by_httpx:updates", at_once),
        Contender("httpx, pydantic", "benchmarks.peers.by_httpx:updates", {**at_once, "typed": True}),
        Contender(_requests(threads), "benchmarks.peers.by_requests:updates", {"threads": threads}),
        Contender("bare protocol", "benchmarks.peers.floor:updates", at_once),
        *(on_uvloop if "uvloop" in LOOPS else []),
    ]


def _requests(threads: int) -> str:
    return "requests" if threads == 1 else f"requests, {threads} threads"


def run(scale: Scale) -> list[Figure]:
    figures = []
    with sink() as server:
        for concurrency in (1, 10, 100):
            with workers(contenders(concurrency), server) as field:
                results = take_turns(field, scale.rounds(13, 3), calibrated(field, scale.slice_seconds))
            title = f"{concurrency} in flight"
            figures += tables.contest(title, results, PLAIN, "updates")
            figures += versus(title, results, OURS, PLAIN, HTTPX, _requests(min(50, concurrency)))
            if UVLOOP in results:
                figures += versus(title, results, UVLOOP, PLAIN, f"{PLAIN}, uvloop")
    return figures
