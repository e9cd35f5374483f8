"""How often background jobs are asked for, and how long after its end the end of one is noticed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from itertools import product

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale
from benchmarks.harness.figures import Figure, Spread
from benchmarks.harness.processes import Contender, Worker, sink


JOBS = 32
ALONE_BELOW = 1.0
"""Length of jobs, in seconds, below which what another process does to the clock would be measured."""
BULK = Contender("bulk_update", "benchmarks.peers.ours:bulk")
WAIT = Contender("jobs.wait", "benchmarks.peers.ours:jobs")
PROGRESS = {"counts grow": (), "counts jump": ("--no-progress",)}
Followed = Sequence[dict[str, float]]


def run(scale: Scale) -> list[Figure]:
    lengths = scale.choose((0.2, 1.0, 4.0), (0.2, 1.0))
    found = _measure(lengths)
    table = {
        f"{name}: jobs of {length:g} s ± 20 %, {progress}": _describe(jobs)
        for (name, length, progress), jobs in found.items()
    }
    tables.plain(f"{JOBS} jobs of 1,000 rows each", table)
    ours = [jobs for (name, *_), jobs in found.items() if name == BULK.name]
    return [
        *_figures("polls", [_polls(jobs) for jobs in ours], "polls"),
        *_figures("delay", [_delay(jobs) for jobs in ours], "share"),
    ]


def _figures(name: str, cases: Sequence[Spread], unit: str) -> list[Figure]:
    medians = [case.middle for case in cases]
    worst = Spread.of([max(medians)])
    return [
        Figure(name=name, spread=Spread.of(medians), unit=unit, better="lower"),
        Figure(name=f"{name}, worst case", spread=worst, unit=unit),
    ]


def _measure(lengths: Sequence[float]) -> dict[tuple[str, float, str], Followed]:
    """Run the cases of one length at the same time, but none beside others to which a few ms matter."""
    found = {}
    for length in lengths:
        cases = list(product((BULK, WAIT), (length,), PROGRESS))
        for together in [cases] if length >= ALONE_BELOW else [[case] for case in cases]:
            found |= _run(together)
    return found


def _run(cases: Iterable[tuple[Contender, float, str]]) -> dict[tuple[str, float, str], Followed]:
    with ExitStack() as stack:
        running = {}
        for contender, length, progress in cases:
            server = stack.enter_context(sink(f"--job-seconds={length}", *PROGRESS[progress]))
            worker = stack.enter_context(closing(Worker(contender, server)))
            running[contender.name, length, progress] = server, worker
        for _, worker in running.values():
            worker.run(rows=1)
        for _, worker in running.values():
            worker.start(rows=1000 * JOBS)
        for _, worker in running.values():
            worker.result()
        # The first job was there to load all code.
        return {case: server.statistics()["jobs"][1:] for case, (server, _) in running.items()}


def _describe(jobs: Followed) -> str:
    return f"{tables.spread(_polls(jobs)):>22} polls, the end noticed after {_percent(_delay(jobs))} more"


def _percent(spread: Spread) -> str:
    return f"{spread.middle:.1%} [{spread.low:.1%} to {spread.high:.1%}]"


def _polls(jobs: Followed) -> Spread:
    return Spread.of(job["polls"] for job in jobs)


def _delay(jobs: Followed) -> Spread:
    """Delays as shares of what the job took."""
    return Spread.of(job["late"] / job["seconds"] for job in jobs)
