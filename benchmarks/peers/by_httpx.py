"""httpx by hand, plain and with pydantic models."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from benchmarks.workload import (
    PROCESSES,
    STATE,
    batches,
    in_flight,
    process_id,
    row_key,
    row_values,
    values,
)


class Wire(BaseModel):
    """A model whose names are camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Changes(Wire):
    """What is to be set."""

    data: dict[str, Any] | None = None
    state: str | None = None
    status: str | None = None
    assigned_to: str | None = None
    next_action_at: int | None = None
    is_deleted: bool | None = None


class Row(Wire):
    """One item of a bulk update."""

    lead_id: str
    update: Changes
    model_config = ConfigDict(alias_generator=None)


class Process(Wire):
    """A process as it is answered."""

    id: str
    data: dict[str, Any] = {}
    status: str | None = None
    state: str | None = None
    record: str | dict[str, Any] | None = None
    procedure: str | None = None
    entity: str | None = None
    team: str | None = None
    belongs_to: str | None = None
    assigned_to: str | None = None
    created_by: str | None = None
    next_action_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    is_deleted: bool | None = None


def client(url: str, token: str) -> httpx.AsyncClient:
    """Make a client as the documentation of httpx shows it."""
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


@asynccontextmanager
async def updates(url: str, token: str, *, concurrency: int, typed: bool = False) -> AsyncIterator[Any]:
    """Single updates, of dicts or of models."""
    async with client(url, token) as http:

        async def plain(number: int) -> dict[str, Any]:
            body = {"data": values(number), "state": STATE}
            response = await http.put(f"{PROCESSES}/{process_id(number)}", json=body)
            response.raise_for_status()
            return response.json()["_data"]

        async def with_models(number: int) -> Process:
            body = Changes(data=values(number), state=STATE).model_dump(by_alias=True, exclude_none=True)
            response = await http.put(f"{PROCESSES}/{process_id(number)}", json=body)
            response.raise_for_status()
            return Process.model_validate(response.json()["_data"])

        async def run(calls: int) -> int:
            await in_flight(range(calls), with_models if typed else plain, concurrency)
            return calls

        yield run


def row_models(rows: int) -> Iterator[Row]:
    """Give the rows of a bulk update as models."""
    return (Row(lead_id=row_key(n), update=Changes(data=row_values(n), state=STATE)) for n in range(rows))


@asynccontextmanager
async def bulk(url: str, token: str, *, collected: bool = False) -> AsyncIterator[Any]:
    """Models, ``model_dump``, ``json=``: the usual SDK. It follows no job and knows of no row's fate.

    ``collected`` makes a list of all models first, as many scripts do.
    """
    async with client(url, token) as http:

        async def send(chunk: list[Row]) -> None:
            items = [row.model_dump(by_alias=True, exclude_none=True) for row in chunk]
            response = await http.patch(PROCESSES, json={"processes": items})
            response.raise_for_status()
            response.json()

        async def run(rows: int, chunk_size: int = 1000, concurrency: int = 4) -> int:
            source = list(row_models(rows)) if collected else row_models(rows)
            await in_flight(batches(source, chunk_size), send, concurrency)
            return rows

        yield run


@asynccontextmanager
async def listing(url: str, token: str) -> AsyncIterator[Any]:
    """All processes of a list, as models."""
    async with client(url, token) as http:

        async def run() -> int:
            skip, more = 0, True
            while more:
                response = await http.post(f"{PROCESSES}/list", json={"skip": skip, "limit": 100})
                response.raise_for_status()
                page = response.json()
                more = page["_meta"]["hasMore"]
                skip += len([Process.model_validate(item) for item in page["_data"]])
            return skip

        yield run


@contextmanager
def gets(url: str, token: str) -> Iterator[Any]:
    """Processes fetched one after another by the sync client, as dicts."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:

        def run(calls: int) -> int:
            for number in range(calls):
                response = http.get(f"{PROCESSES}/{process_id(number)}")
                response.raise_for_status()
                response.json()["_data"]
            return calls

        yield run
