"""From the options to the run: whatever can be refused before anything is sent is refused here."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import click
from attrs import evolve

from chakra_async._shapes import as_object
from chakra_async.bulk.journal import Plan, compare, read_report
from chakra_async.bulk.sources import RowReader, read_creates, read_updates, reopen
from chakra_async.cli.bulk.drive import drive
from chakra_async.cli.bulk.request import Request
from chakra_async.cli.bulk.standing import ACTIONS, RUN_AGAIN, origin
from chakra_async.cli.connection import Connection
from chakra_async.cli.text import as_options
from chakra_async.client import Client


def start(connection: Connection, request: Request) -> int:
    """Run a bulk command, and return its exit status.

    Raises:
        click.UsageError: the options, the token, or the file's header cannot be used; nothing was sent.
        JournalError: the journal cannot be used; nothing was sent.
    """
    if request.on_unknown == "retry" and request.journal is None:
        raise click.UsageError("--on-unknown retry is about going on with a journal: give --journal FILE")
    reader = _open(request)
    return run(connection.client(), request, reader)


def resume(connection: Connection, journal: str, given: Mapping[str, Any]) -> int:
    """Take up the run of a journal, and return the exit status.

    Args:
        connection: where to, and who calls.
        journal: the journal.
        given: options that are given anew.

    Raises:
        click.UsageError: something cannot be used; nothing was sent.
        JournalError: the journal cannot be used, or its file has changed; nothing was sent.
    """
    known = read_report(journal)
    reader = reread(journal, known.plan)
    action = ACTIONS[known.plan.operation]
    file = str(as_object(known.plan.source)["path"])
    request = Request(action=action, procedure=known.plan.procedure, file=file, journal=journal, **given)
    if request.on_unknown == "retry" and action != "create":
        raise click.UsageError(
            f"--on-unknown retry is about create, and {journal} is the journal of an {action}"
        )
    client = connection.client()
    here, there = client.settings.base_url, known.plan.base_url
    if here != there:
        raise click.UsageError(
            f"{journal} is the journal of a run at {there}, and the address is {here} now: give the right "
            "one, and its token, by CHAKRA_BASE_URL or --base-url"
        )
    return run(client, request, reader)


def reread(journal: str, plan: Plan) -> RowReader[Any]:
    """Open the file of a journal again.

    Raises:
        click.UsageError: there is none that could be read again.
        JournalError: it has changed.
    """
    described = as_object(plan.source)
    if "path" not in described:
        raise click.UsageError(f"the rows of {journal} came from {origin(plan)}, and {RUN_AGAIN}")
    try:
        reader = reopen(described)
    except (ValueError, TypeError, LookupError):
        raise click.UsageError(f"the rows of {journal} came from no file this command can read") from None
    except OSError as error:
        raise click.UsageError(
            f"the file of {journal} cannot be read again: {described['path']}: {error.strerror}; put it "
            "back, or repeat the original command with its new name and the same --journal"
        ) from None
    compare(Path(journal), plan, evolve(plan, source=reader.describe()))
    return reader


def run(client: Client, request: Request, reader: RowReader[Any]) -> int:
    """Carry out a bulk command, and return its exit status."""
    if request.failures is not None:
        check_output(request.failures, request.overwrite, request.file, request.journal)
    elif request.overwrite:
        raise click.UsageError("--overwrite is about --failures FILE, which is not given")
    if request.journal is not None and same_file(request.journal, request.file):
        raise click.UsageError(
            f"{request.journal} is the file being read; give the journal a file of its own"
        )
    return asyncio.run(drive(client, request, reader))


def _open(request: Request) -> RowReader[Any]:
    columns = request.columns()
    if request.file == "-" and request.format is None:
        raise click.UsageError("standard input has no name to tell the format: give --format csv or jsonl")
    read = read_creates if request.action == "create" else read_updates
    try:
        return read(
            _stdin() if request.file == "-" else request.file,
            columns=columns,
            format=request.format,
            encoding=request.encoding,
            delimiter=request.delimiter,
        )
    except (ValueError, OSError) as error:
        raise click.UsageError(as_options(str(error))) from None


def _stdin() -> IO[bytes]:
    try:
        # An object of its own: the interpreter, which closes sys.stdin at exit, would wait for a thread
        # that still reads from it.
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except io.UnsupportedOperation:
        return sys.stdin.buffer


def check_output(output: str, overwrite: bool, file: str, journal: str | None) -> None:
    """Refuse a failures file that cannot be written, or would destroy something else.

    Raises:
        click.UsageError: it is so.
    """
    path = Path(output)
    if same_file(output, file):
        raise click.UsageError(f"{path} is the file being read; write the failures to another")
    if journal is not None and path.absolute() == Path(journal).absolute():
        raise click.UsageError(f"{path} is the journal; write the failures to another file")
    if path.exists():
        if not path.is_file():
            raise click.UsageError(f"{path} is not a file that failures could be written to")
        if not overwrite:
            raise click.UsageError(f"{path} exists; move it away, or give --overwrite")
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no directory {path.parent} for the failures file")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise click.UsageError(f"no file of failures can be made in {path.parent}: permission denied")


def same_file(one: str, other: str) -> bool:
    """Whether two names lead to the same file, which exists."""
    return other != "-" and Path(one).exists() and Path(one).samefile(other)
