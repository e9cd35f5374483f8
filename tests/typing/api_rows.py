"""Rows of every kind that bulk methods take, as type checkers see them; never run."""

import csv
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import chakra_async
from chakra_async.bulk.plans import read_plan
from chakra_async.bulk.sources import Columns, read_creates, read_updates
from chakra_async.sync import Client, ProcessCreate, ProcessUpdate, RejectedRow


class Row(TypedDict):
    id: str
    data: dict[str, int]
    state: NotRequired[str]


def typed() -> Iterator[Row]:
    yield {"id": "x", "data": {"a": 1}}


async def streamed() -> AsyncIterator[Row]:
    yield {"id": "x", "data": {"a": 1}}


def updates(chakra: Client, path: Path, plain: list[dict[str, object]], unknown: Iterator[Any]) -> None:
    update = chakra.processes.bulk_update
    for rows in (typed(), plain, unknown):
        update("lead", rows)
    update("lead", [ProcessUpdate("x"), {"id": "y", "state": "S"}, RejectedRow(("no number",))])
    update("lead", {"x": ProcessUpdate("x")}.values())
    update("lead", ({"key": ("lead_id", f"L-{n}"), "data": {"n": n, "tags": ["a"]}} for n in range(3)))
    update("lead", (ProcessUpdate(lead.id, data={"a": 1}) for lead in chakra.processes.list("lead")))
    with read_updates(path, columns=Columns(key="lead_id")) as read:
        update("lead", read)
    with read_plan(path) as planned:
        update("lead", planned)


def rows_of_others(chakra: Client, path: Path, database: sqlite3.Connection) -> None:
    update = chakra.processes.bulk_update
    with path.open(encoding="utf-8") as lines:
        update("lead", csv.DictReader(lines))
        update("lead", map(json.loads, lines))
    update("lead", ({"id": row[0], "data": {"n": row[1]}} for row in database.execute("SELECT 'x', 1")))


def creates_and_deletes(chakra: Client, path: Path, leads: list[str]) -> None:
    create, delete = chakra.processes.bulk_create, chakra.processes.bulk_delete
    create("lead", [ProcessCreate({}), {"data": {}, "key": ("lead_id", 1)}, RejectedRow(("no number",))])
    with read_creates(path, columns=Columns(key="lead_id")) as new:
        create("lead", new)
    delete("lead", leads)
    delete("lead", {"x", "y"})
    delete("lead", [("lead_id", 1), ("lead_id", "L-2")])
    delete("lead", (lead.id for lead in chakra.processes.list("lead")))
    delete("lead", [ProcessUpdate("x"), {"id": "y"}, "z", ("lead_id", 1)])


def of_the_async_client(chakra: chakra_async.Client) -> None:
    processes = chakra.processes
    processes.bulk_update("lead", typed())
    processes.bulk_update("lead", streamed())
    processes.bulk_update(
        "lead", (ProcessUpdate(lead.id, state="S") async for lead in processes.list("lead"))
    )
    processes.bulk_delete("lead", (lead.id async for lead in processes.list("lead")))
