"""``chakra jobs``: follow background jobs."""

from __future__ import annotations

import asyncio
from typing import Literal

import click

from chakra_async.cli.connection import SINGLE_CALL, Connection, connection_options, pass_connection
from chakra_async.cli.output import show_one
from chakra_async.cli.status import NOT_ALL
from chakra_async.cli.text import clean, counted
from chakra_async.client import Client
from chakra_async.models.jobs import Job, JobEntry


_SHOWN = 10


@click.group(short_help="Look at background jobs, and wait for them.")
def jobs() -> None:
    """Look at background jobs, by which the service carries out bulk requests."""


_output = click.option(
    "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Form."
)


@jobs.command("get")
@click.argument("id_", metavar="ID")
@_output
@connection_options
@pass_connection
def get(connection: Connection, id_: str, output: Literal["table", "json"]) -> None:
    """Show a job, with the counts of its entries. The exit status is 1 when there is none."""
    client = connection.client(SINGLE_CALL)

    async def run() -> Job:
        async with client:
            return await client.jobs.get(id_)

    show_one(asyncio.run(run()), output)


@jobs.command("wait")
@click.argument("id_", metavar="ID")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long to wait at most; the job itself goes on.  [default: for ever]",
)
@_output
@connection_options
@click.pass_context
@pass_connection
def wait(
    connection: Connection,
    ctx: click.Context,
    id_: str,
    timeout: float | None,
    output: Literal["table", "json"],
) -> None:
    """Wait until a job has ended, and show it.

    \b
    Exit status:
        0  every entry succeeded
        1  some entries did not, or there is no such job
        2  options, arguments or token cannot be used
        3  the service refused, or was not reachable
       75  the job has not ended within --timeout; it goes on
      130  stopped by Ctrl-C; the job goes on
    """  # noqa: D301
    job, failed = asyncio.run(_wait(connection.client(), id_, timeout))
    show_one(job, output)
    for entry in failed[:_SHOWN]:
        name = entry.process or (f"entry {entry.index}" if entry.index is not None else entry.id)
        reason = entry.status_message or "no reason was given"
        click.echo(clean(f"{name}: {entry.completion_status}: {reason}"), err=True)
    if failed:
        unsuccessful = job.total - job.counts.get("SUCCESS", 0)
        click.echo(f"{counted(unsuccessful, 'entry', 'entries')} did not succeed.", err=True)
        ctx.exit(NOT_ALL)


async def _wait(client: Client, job_id: str, timeout: float | None) -> tuple[Job, list[JobEntry]]:  # noqa: ASYNC109
    """Wait, and return some of the entries that did not succeed, if any did not."""
    async with client:
        job = await client.jobs.wait(job_id, timeout=timeout)
        if job.all_succeeded(job.total) and job.total:
            return job, []
        failed: list[JobEntry] = []
        count = 0
        async for entry in client.jobs.entries(job_id):
            count += 1
            if (entry.completion_status or "").upper() != "SUCCESS":
                failed.append(entry)
                if len(failed) == _SHOWN:
                    break
        if not failed and job.total != count:
            # The counts speak of rows that no entry explains.
            failed.append(JobEntry(id=job_id, status_message="the counts and the entries disagree"))
        return job, failed
