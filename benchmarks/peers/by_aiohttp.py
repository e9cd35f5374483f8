"""aiohttp by hand."""

# ruff: noqa: N815 - the names of Entry are those on the wire, as cattrs by itself needs them

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import cattrs
import orjson
from attrs import define

from benchmarks.workload import (
    PROCESSES,
    STATE,
    batches,
    in_flight,
    numbers_for,
    process_id,
    row_items,
    values,
)


@define
class Entry:
    """An entry of a background job, named as on the wire so that cattrs needs no help."""

    id: str | None = None
    completionStatus: str | None = None
    statusMessage: str | None = None
    index: int | None = None
    process: str | None = None
    createdAt: int | None = None
    updatedAt: int | None = None


@asynccontextmanager
async def session(url: str, token: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session as the documentation of aiohttp shows it."""
    async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {token}"}) as opened:
        yield opened


@asynccontextmanager
async def updates(url: str, token: str, *, concurrency: int) -> AsyncIterator[Any]:
    """Single updates: ``json=`` and ``await response.json()``."""
    async with session(url, token) as client:

        async def update(number: int) -> dict[str, Any]:
            body = {"data": values(number), "state": STATE}
            async with client.put(f"{PROCESSES}/{process_id(number)}", json=body) as response:
                response.raise_for_status()
                return (await response.json())["_data"]

        async def run(calls: int) -> int:
            await in_flight(range(calls), update, concurrency)
            return calls

        yield run


@asynccontextmanager
async def limited_updates(url: str, token: str, *, concurrency: int) -> AsyncIterator[Any]:
    """Single updates for some seconds; after a 429 a call sleeps as told and tries again."""
    async with session(url, token) as client:

        async def run(seconds: float) -> int:
            done = 0

            async def update(number: int) -> None:
                nonlocal done
                status = 429
                while status == 429:
                    body = {"data": values(number)}
                    async with client.put(f"{PROCESSES}/{process_id(number)}", json=body) as response:
                        status = response.status
                        await response.json()
                    if status == 429:
                        await asyncio.sleep(float(response.headers["Retry-After"]))
                done += 1

            await in_flight(numbers_for(seconds), update, concurrency)
            return done

        yield run


@asynccontextmanager
async def bulk(url: str, token: str) -> AsyncIterator[Any]:
    """The bare loop: dicts, orjson, one request a chunk. It follows no job and knows of no row's fate."""
    headers = {"Content-Type": "application/json"}
    async with session(url, token) as client:

        async def send(chunk: list[dict[str, Any]]) -> None:
            body = orjson.dumps({"processes": chunk})
            async with client.patch(PROCESSES, data=body, headers=headers) as response:
                response.raise_for_status()
                await response.json(loads=orjson.loads)

        async def run(rows: int, chunk_size: int = 1000, concurrency: int = 4) -> int:
            await in_flight(batches(row_items(rows), chunk_size), send, concurrency)
            return rows

        yield run


@asynccontextmanager
async def listing(url: str, token: str) -> AsyncIterator[Any]:
    """All processes of a list, as dicts."""
    async with session(url, token) as client:

        async def run() -> int:
            skip, more = 0, True
            while more:
                async with client.post(f"{PROCESSES}/list", json={"skip": skip, "limit": 100}) as response:
                    response.raise_for_status()
                    page = await response.json()
                more = page["_meta"]["hasMore"]
                skip += len(page["_data"])
            return skip

        yield run


@asynccontextmanager
async def entries(url: str, token: str) -> AsyncIterator[Any]:
    """The entries of a job, typed by cattrs as it comes."""
    converter = cattrs.Converter()
    async with session(url, token) as client:

        async def run(jobs: int) -> int:
            count = 0
            for _ in range(jobs):
                async with client.get("/v1/ext/background-job/job-0/entries") as response:
                    body = await response.json(loads=orjson.loads)
                count += len(converter.structure(body["_data"], list[Entry]))
            return count

        yield run
