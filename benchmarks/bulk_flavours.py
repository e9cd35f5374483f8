"""The same 50,000 updates through the sync and through the async client. Target: within 10 %."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator

from benchmarks.measure import ratio, take_turns
from benchmarks.sink import sink
from chakra_async import Client, ProcessUpdate
from chakra_async.sync import Client as SyncClient


ROWS = 50_000


def updates() -> Iterator[ProcessUpdate]:
    return (
        ProcessUpdate(
            key=("lead_id", f"LEAD-{number}"), data={"city": "Panaji", "score": number}, state="WON"
        )
        for number in range(ROWS)
    )


def run(rounds: int) -> None:
    with sink() as url, SyncClient("token", base_url=url) as client:

        async def by_async() -> None:
            async with (
                Client("token", base_url=url) as chakra,
                chakra.processes.bulk_update("lead", updates()) as run,
            ):
                good = sum([result.ok async for result in run])
            assert good == ROWS

        def by_sync() -> None:
            with client.processes.bulk_update("lead", updates()) as run:
                good = sum(result.ok for result in run)
            assert good == ROWS

        times = take_turns({"async": lambda: asyncio.run(by_async()), "sync": by_sync}, rounds)
    for name, seconds in times.items():
        print(f"  {name:<8} {ROWS / statistics.median(seconds):>10,.0f} rows a second")
    print(f"  speed of sync as a share of async: {ratio(times['async'], times['sync'])}")
