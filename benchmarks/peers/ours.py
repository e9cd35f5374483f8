"""chakra_async, by its public names."""

from __future__ import annotations

import math
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.workload import STATE, in_flight, numbers_for, process_id, row_key, row_values, values
from chakra_async import ChakraError, Client, ProcessUpdate
from chakra_async.sync import Client as SyncClient


def row_updates(rows: int) -> Iterator[ProcessUpdate]:
    """Give the rows of a bulk update from a generator, none of them made before it is asked for."""
    return (ProcessUpdate(key=("lead_id", row_key(n)), data=row_values(n), state=STATE) for n in range(rows))


def row_mappings(rows: int) -> Iterator[dict[str, Any]]:
    """Give the same rows as plain mappings."""
    return ({"key": ("lead_id", row_key(n)), "data": row_values(n), "state": STATE} for n in range(rows))


async def row_updates_async(rows: int) -> AsyncIterator[ProcessUpdate]:
    """Give the same rows from an async generator that never waits."""
    for row in row_updates(rows):
        yield row


SOURCES = {"generator": row_updates, "mappings": row_mappings, "async generator": row_updates_async}


@asynccontextmanager
async def updates(url: str, token: str, *, concurrency: int) -> AsyncIterator[Any]:
    """Single updates, typed."""
    async with Client(token, base_url=url) as chakra:

        async def update(number: int) -> None:
            await chakra.processes.update("lead", process_id(number), data=values(number), state=STATE)

        async def run(calls: int) -> int:
            await in_flight(range(calls), update, concurrency)
            return calls

        yield run


@asynccontextmanager
async def limited_updates(url: str, token: str, *, concurrency: int) -> AsyncIterator[Any]:
    """Single updates for some seconds; the limits of the service are left to the client."""
    async with Client(token, base_url=url) as other:
        # Loads all code and teaches the client that is measured nothing.
        await other.processes.get("lead", process_id(0))
    async with Client(token, base_url=url) as chakra:

        async def run(seconds: float) -> int:
            done = 0

            async def update(number: int) -> None:
                nonlocal done
                with suppress(ChakraError):
                    await chakra.processes.update("lead", process_id(number), data=values(number))
                    done += 1

            await in_flight(numbers_for(seconds), update, concurrency)
            return done

        yield run


@asynccontextmanager
async def bulk(
    url: str, token: str, *, source: str = "generator", journal: bool = False
) -> AsyncIterator[Any]:
    """A bulk update whose every result is looked at."""
    rows_of = SOURCES[source]
    with tempfile.TemporaryDirectory(prefix="chakra-bench-") as folder:
        async with Client(token, base_url=url) as chakra:
            runs = 0

            async def run(rows: int, **options: int) -> int:
                nonlocal runs
                runs += 1
                file = Path(folder) / f"{runs}.db" if journal else None
                changes = chakra.processes.bulk_update("lead", rows_of(rows), journal=file, **options)
                good = 0
                async with changes as results:
                    async for result in results:
                        good += result.ok
                _check(good, rows, changes.summary)
                return rows

            yield run


@contextmanager
def bulk_sync(url: str, token: str) -> Iterator[Any]:
    """The same through the sync client."""
    with SyncClient(token, base_url=url) as chakra:

        def run(rows: int, **options: int) -> int:
            good = 0
            with chakra.processes.bulk_update("lead", row_updates(rows), **options) as results:
                for result in results:
                    good += result.ok
            _check(good, rows, results.summary)
            return rows

        yield run


def _check(good: int, rows: int, summary: object) -> None:
    if good != rows:
        raise RuntimeError(f"not every row was updated: {summary}")


@asynccontextmanager
async def listing(url: str, token: str) -> AsyncIterator[Any]:
    """All processes of a list, typed, the pages followed."""
    async with Client(token, base_url=url) as chakra:

        async def run() -> int:
            count = 0
            async for process in chakra.processes.list("lead"):
                count += process.id is not None
            return count

        yield run


@asynccontextmanager
async def entries(url: str, token: str) -> AsyncIterator[Any]:
    """The entries of a job, typed."""
    async with Client(token, base_url=url) as chakra:

        async def run(jobs: int) -> int:
            return sum([len((await chakra.jobs.entries("job-0")).items) for _ in range(jobs)])

        yield run


@asynccontextmanager
async def jobs(url: str, token: str) -> AsyncIterator[Any]:
    """Background jobs started one by one and waited for."""
    async with Client(token, base_url=url) as chakra:

        async def follow(rows: int) -> None:
            job = await chakra.processes.start_bulk_update("lead", row_updates(rows))
            await chakra.jobs.wait(job.id)

        async def run(rows: int) -> int:
            jobs = [min(rows, 1000)] * math.ceil(rows / 1000)
            await in_flight(jobs, follow, len(jobs))
            return rows

        yield run


@contextmanager
def gets(url: str, token: str, *, threads: int = 1) -> Iterator[Any]:
    """Processes fetched by the sync client, one after another or in threads that share it."""
    with SyncClient(token, base_url=url) as chakra, ThreadPoolExecutor(threads) as pool:

        def get(number: int) -> object:
            return chakra.processes.get("lead", process_id(number))

        def run(calls: int) -> int:
            for _ in map(get, range(calls)) if threads == 1 else pool.map(get, range(calls)):
                pass
            return calls

        yield run
