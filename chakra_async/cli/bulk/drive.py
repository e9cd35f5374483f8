"""The run itself: rows in, results looked at, signals heeded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from typing import Any

import click

from chakra_async.bulk.run import BulkRun
from chakra_async.bulk.sources import RowReader
from chakra_async.cli.bulk.account import Account
from chakra_async.cli.bulk.feed import FileRows, PipedRows
from chakra_async.cli.bulk.interrupts import Interrupts
from chakra_async.cli.bulk.past import Past
from chakra_async.cli.bulk.progress import show_progress
from chakra_async.cli.bulk.report import report
from chakra_async.cli.bulk.request import Request
from chakra_async.cli.connection import Connection
from chakra_async.cli.text import as_options, counted
from chakra_async.client import Client


async def drive(client: Client, request: Request, reader: RowReader[Any]) -> int:
    """Do the whole run, tell what became of it, and return the exit status.

    Raises:
        click.UsageError: the file's header cannot serve; nothing was sent.
        JournalError: the journal cannot be used; nothing was sent.
        OSError: the file cannot be read, or the failures file not be replaced; nothing was sent.
    """
    with Interrupts() as interrupts, ExitStack() as stack:
        async with client, AsyncExitStack() as entered:
            try:
                rows = await _first(reader, piped=request.piped)
            except ValueError as error:
                raise click.UsageError(as_options(str(error))) from None
            except asyncio.CancelledError:
                if interrupts.number is None:
                    raise
                _uncancel()
                click.echo(f"Stopped by {interrupts.name}; nothing was sent.", err=True)
                return interrupts.status
            account = Account()
            if request.journal is not None:
                rows.past = Past(request.journal, account.add)
            run = _begin(client, request, rows)
            # Before the failures file, which is replaced at once.
            await entered.enter_async_context(run)
            if request.failures is not None:
                writer = reader.failures(request.failures, overwrite=request.overwrite)
                account.writer = stack.enter_context(writer)
            path = None if request.piped else request.file
            plain = click.get_current_context().ensure_object(Connection).verbose
            header = reader.format == "csv"
            async with show_progress(
                lambda: run.progress, path, header=header, quiet=request.quiet, plain=plain
            ) as say:
                drain = client.settings.timeouts.drain
                interrupts.stop = lambda: _stop(run, rows, interrupts, drain, say)
                await _carry_out(run, entered, account, interrupts)
        # Closed before the report, which tells people to look into it.
        account.close()
        return report(run.summary, account, request, interrupts)


async def _first(reader: RowReader[Any], *, piped: bool) -> FileRows | PipedRows:
    if not piped:
        return FileRows(reader)
    rows = PipedRows(reader)
    await rows.begin()
    return rows


def _begin(client: Client, request: Request, rows: FileRows | PipedRows) -> BulkRun:
    processes = client.processes
    methods: dict[str, Callable[..., BulkRun]] = {
        "update": processes.bulk_update,
        "create": partial(processes.bulk_create, on_unknown=request.on_unknown),
        "delete": processes.bulk_delete,
    }
    return methods[request.action](
        request.procedure,
        rows,
        chunk_size=request.chunk_size,
        max_chunk_bytes=request.max_chunk_bytes,
        concurrency=request.concurrency,
        journal=request.journal,
        stop_on_error=request.stop_on_error,
    )


async def _carry_out(run: BulkRun, entered: AsyncExitStack, account: Account, interrupts: Interrupts) -> None:
    """Iterate to the end, whatever end that is; only rows that did not succeed are looked at."""
    try:
        async with entered.pop_all():
            async for result in run:
                if not result.ok:
                    account.add(result)
                    if account.write_error is not None:
                        run.stop("the failures file cannot be written")
    except asyncio.CancelledError:
        if interrupts.number is None:
            raise
        _uncancel()
    except Exception as error:  # the account comes first, then the error
        account.error = error
    interrupts.ignore()
    account.whole = run.exhausted
    for result in run.leftover():
        if not result.ok:
            account.add(result)


def _stop(
    run: BulkRun,
    rows: FileRows | PipedRows,
    interrupts: Interrupts,
    drain: float,
    say: Callable[[str], None],
) -> None:
    """Send nothing more, and give what is in flight the time to end."""
    run.stop(f"stopped by {interrupts.name}")
    if isinstance(rows, PipedRows):
        rows.end()
    if flying := run.progress.in_flight:
        say(
            f"Stopping: waiting up to {drain:g} s for {counted(flying, 'job')} to end. "
            "Ctrl-C again stops at once."
        )
    interrupts.cancel_after(drain)


def _uncancel() -> None:
    if (task := asyncio.current_task()) is not None:
        task.uncancel()
