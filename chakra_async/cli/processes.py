"""``chakra processes``: look at processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal, cast

import click
import orjson

from chakra_async.cli.connection import SINGLE_CALL, Connection, connection_options, pass_connection
from chakra_async.cli.output import WRITERS, show_one
from chakra_async.cli.status import NOT_ALL
from chakra_async.client import Client
from chakra_async.models.processes import Process


@click.group()
def processes() -> None:
    """Look at processes: leads, tickets, field visits."""


@processes.command("get")
@click.argument("procedure")
@click.argument("id_", metavar="ID")
@click.option(
    "--key",
    metavar="SHORT_ID",
    help="ID is the value of this primary key, or of any attribute; the process is looked up by it.",
)
@click.option(
    "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Form."
)
@connection_options
@click.pass_context
@pass_connection
def get(
    connection: Connection,
    ctx: click.Context,
    procedure: str,
    id_: str,
    key: str | None,
    output: Literal["table", "json"],
) -> None:
    """Show one process. The exit status is 1 when there is none.

    \b
    Examples:
      chakra processes get aircraft 3396ea03-cc82-4a52-967b-dc2a94b50f12
      chakra processes get aircraft N104UW --key tailnum
    """  # noqa: D301
    found = asyncio.run(_find(connection.client(SINGLE_CALL), procedure, id_, key))
    if len(found) != 1:
        many = "no process" if not found else "more than one process"
        click.echo(f"Error: {many} of {procedure} has {key} = {id_}", err=True)
        ctx.exit(NOT_ALL)
    show_one(found[0], output)


async def _find(client: Client, procedure: str, value: str, key: str | None) -> list[Process]:
    async with client:
        if key is None:
            return [await client.processes.get(procedure, value)]
        found = await client.processes.list(procedure, where={key: value}, limit=2)
        if not found.items and value.isascii() and value.isdigit() and len(value) < 20:
            # What looks like a number may be one, and what is compared with it then matters. With more digits
            # it is none that JSON could hold.
            found = await client.processes.list(procedure, where={key: int(value)}, limit=2)
        return list(found.items)


def _where(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> dict[str, Any] | None:
    if value is None:
        return None
    try:
        where: Any = orjson.loads(value)
    except ValueError as error:
        raise click.BadParameter(f'it is not JSON ({error}); write it as {{"status": "OPEN"}}') from None
    if not isinstance(where, dict):
        raise click.BadParameter('it must be an object, such as {"status": "OPEN"}')
    return cast("dict[str, Any]", where)


@processes.command("list")
@click.argument("procedure")
@click.option(
    "--where",
    metavar="JSON",
    callback=_where,
    help='Conditions, such as \'{"status": "OPEN", "createdAt": {">": "2026-01-01T00:00:00Z"}}\'.',
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    default=20,
    show_default=True,
    help="Processes at most; 0 is all of them.",
)
@click.option(
    "--output",
    type=click.Choice(["table", "json", "jsonl", "csv"]),
    default="table",
    show_default=True,
    help="table shows what fits. What is edited in csv can be sent by chakra bulk update FILE --id id, with "
    "--data for each column that was edited, and --type where it holds no text.",
)
@connection_options
@pass_connection
def list_(
    connection: Connection,
    procedure: str,
    where: dict[str, Any] | None,
    limit: int,
    output: Literal["table", "json", "jsonl", "csv"],
) -> None:
    """List processes, page by page as they come (csv: at the end, when all columns are known).

    \b
    Examples:
      chakra processes list aircraft --where '{"state": "IN_SERVICE"}'
      chakra processes list aircraft --limit 0 --output jsonl | head
      chakra processes list aircraft --limit 0 --output csv > planes.csv
      chakra bulk update aircraft planes.csv --id id --data seats --type seats=int
    """  # noqa: D301
    client = connection.client(SINGLE_CALL)

    async def run() -> bool:
        async with client:
            pages = _pages(client, procedure, where, limit)
            with WRITERS[output]() as writer:
                async for page in pages:
                    writer.write(page)
                return writer.count == limit > 0

    if asyncio.run(run()) and output == "table":
        click.echo(f"The first {limit:,}; there may be more (--limit N, 0 for all).", err=True)


async def _pages(
    client: Client, procedure: str, where: dict[str, Any] | None, limit: int
) -> AsyncIterator[list[Process]]:
    size = min(limit or 100, 100)
    left = limit
    async for page in client.processes.list(procedure, where=where, limit=size).pages():
        yield list(page.items[:left] if limit else page.items)
        left -= len(page.items)
        if limit and left <= 0:
            return
