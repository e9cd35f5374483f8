"""The run itself: rows in, results looked at, signals heeded."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack
from functools import partial

import click

from chakra_async.bulk.plans import PlanWriter
from chakra_async.bulk.rows import RowResult
from chakra_async.bulk.run import BulkRun
from chakra_async.cli.bulk.account import Account
from chakra_async.cli.bulk.feed import FileRows, PipedRows, Reader
from chakra_async.cli.bulk.interrupts import Interrupts
from chakra_async.cli.bulk.notices import tell_of_columns, tell_of_no_rows, tell_of_unseen
from chakra_async.cli.bulk.past import Past
from chakra_async.cli.bulk.preview import Preview
from chakra_async.cli.bulk.progress import show_progress
from chakra_async.cli.bulk.report import report
from chakra_async.cli.bulk.request import Request
from chakra_async.cli.connection import Connection
from chakra_async.cli.text import as_options, counted
from chakra_async.client import Client


async def drive(client: Client, request: Request, reader: Reader) -> int:
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
            tell_of_columns(request, reader, rows.first)
            account = Account()
            if request.journal is not None:
                rows.past = Past(request.journal, account.add)
            run = _begin(client, request, rows)
            # Before the failures file, which is replaced at once.
            await entered.enter_async_context(run)
            if request.failures is not None:
                writer = reader.failures(request.failures, overwrite=request.overwrite)
                account.writer = stack.enter_context(writer)
            preview = None if request.sends else _preview(client, request, rows, account)
            async with _progress(run, request, reader) as say:
                drain = client.settings.timeouts.drain
                interrupts.stop = lambda: _stop(run, rows, interrupts, drain, say)
                await _carry_out(run, entered, account, interrupts, preview)
        # Closed before the report, which tells people to look into it.
        account.close()
        summary = run.summary if preview is None else preview.finish(run)
        if account.whole and not summary.total:
            tell_of_no_rows(request, reader)
        elif account.whole:
            tell_of_unseen(request, reader)
        return report(summary, account, request, interrupts)


async def _first(reader: Reader, *, piped: bool) -> FileRows | PipedRows:
    if not piped:
        return FileRows(reader)
    rows = PipedRows(reader)
    await rows.begin()
    return rows


def _preview(client: Client, request: Request, rows: FileRows | PipedRows, account: Account) -> Preview:
    if request.output is None:
        return Preview(request, account, None)
    plan = PlanWriter(
        request.output,
        procedure=request.procedure,
        base_url=client.settings.base_url,
        source=rows.describe(),
        overwrite=request.overwrite,
    )
    return Preview(request, account, plan)


def _progress(
    run: BulkRun, request: Request, reader: Reader
) -> AbstractAsyncContextManager[Callable[[str], None]]:
    return show_progress(
        lambda: run.progress,
        None if request.piped else request.file,
        # The header of a CSV file; the first and the last line of a plan.
        other_lines=2 if request.applies else int(reader.format == "csv"),
        # A bar and the rows of a diff would stand in each other's way.
        quiet=request.quiet or (request.diff and sys.stdout is not None and sys.stdout.isatty()),
        plain=click.get_current_context().ensure_object(Connection).verbose,
    )


def _begin(client: Client, request: Request, rows: FileRows | PipedRows) -> BulkRun:
    processes = client.processes
    methods: dict[str, Callable[..., BulkRun]] = {
        "update": partial(processes.bulk_update, only_changed=request.compares),
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
        dry_run=not request.sends,
        stop_on_error=request.stop_on_error,
    )


async def _carry_out(
    run: BulkRun,
    entered: AsyncExitStack,
    account: Account,
    interrupts: Interrupts,
    preview: Preview | None,
) -> None:
    """Iterate to the end, whatever end that is; of what is sent, only failures are looked at."""

    def take(result: RowResult) -> None:
        if preview is not None:
            preview.take(result, run)
        elif not result.ok:
            account.add(result)

    try:
        async with entered.pop_all():
            async for result in run:
                take(result)
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
        take(result)


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
    interrupts.cancel_after(drain)
    if flying := run.progress.in_flight:
        say(
            f"Stopping: waiting up to {drain:g} s for {counted(flying, 'job')} to end. "
            "Ctrl-C again stops at once."
        )


def _uncancel() -> None:
    if (task := asyncio.current_task()) is not None:
        task.uncancel()
