"""From the options to the run: whatever can be refused before anything is sent is refused here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from attrs import evolve

from chakra_async._shapes import as_object
from chakra_async.bulk.journal import Plan, compare, read_report
from chakra_async.bulk.plans import PlanReader, host_of, read_plan
from chakra_async.bulk.sources import RowReader, read_creates, read_updates, reopen
from chakra_async.cli.bulk.drive import drive
from chakra_async.cli.bulk.feed import Reader
from chakra_async.cli.bulk.request import Request
from chakra_async.cli.bulk.standing import ACTIONS, RUN_AGAIN, origin
from chakra_async.cli.connection import Connection
from chakra_async.cli.streams import stdin
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


def carry_out(connection: Connection, plan: str, given: Mapping[str, Any], *, even_if_changed: bool) -> int:
    """Carry out a plan, and return the exit status.

    Raises:
        click.UsageError: it is no plan, not whole, or for another address; nothing was sent.
        JournalError: the journal cannot be used; nothing was sent.
    """
    try:
        reader = read_plan(plan, even_if_changed=even_if_changed)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    header = reader.header
    request = Request(action="update", procedure=header.procedure, file=plan, applies=True, **given)
    client = connection.client()
    host = host_of(client.settings.base_url)
    if host != header.host:
        raise click.UsageError(
            f"{plan} was made for {header.host}, and the address is {host} now: give the right one, and its "
            "token, by CHAKRA_BASE_URL or --base-url"
        )
    return run(client, request, reader)


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
    remembered = {name: value for name, value in as_object(known.plan.options).items() if not given.get(name)}
    request = Request(
        action=action,
        procedure=known.plan.procedure,
        file=file,
        journal=journal,
        applies=isinstance(reader, PlanReader),
        resumes=True,
        **{**given, **remembered},
    )
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


def reread(journal: str, plan: Plan) -> Reader:
    """Open the file of a journal again.

    Raises:
        click.UsageError: there is none that could be read again.
        JournalError: it has changed.
    """
    described = as_object(plan.source)
    if "path" not in described:
        raise click.UsageError(f"the rows of {journal} came from {origin(plan)}, and {RUN_AGAIN}")
    try:
        if "plan" in described:
            reader: Reader = read_plan(described["path"], even_if_changed=described["even_if_changed"])
        else:
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


def run(client: Client, request: Request, reader: Reader) -> int:
    """Carry out a bulk command, and return its exit status."""
    if request.journal is not None and not request.sends:
        raise click.UsageError(
            "--dry-run and --diff send nothing that a journal could remember: leave it out"
        )
    if request.failures is not None:
        check_output(request.failures, request.overwrite, request.file, request.journal)
    elif request.overwrite and request.output is None:
        raise click.UsageError("--overwrite is about --failures FILE, which is not given")
    if request.output is not None:
        check_output(request.output, request.overwrite, request.file, None, what="plan")
        if (
            request.failures is not None
            and Path(request.output).absolute() == Path(request.failures).absolute()
        ):
            raise click.UsageError("the plan and the failures cannot be one file")
    if request.journal == "":
        raise click.UsageError("--journal is given no name of a file")
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
            stdin() if request.file == "-" else request.file,
            columns=columns,
            format=request.format,
            encoding=request.encoding,
            delimiter=request.delimiter,
        )
    except (ValueError, OSError) as error:
        raise click.UsageError(as_options(str(error))) from None


def check_output(
    output: str, overwrite: bool, file: str, journal: str | None, *, what: str = "failures"
) -> None:
    """Refuse a file for the failures, or the plan, that cannot be written, or would destroy something else.

    Raises:
        click.UsageError: it is so.
    """
    path = Path(output)
    if same_file(output, file):
        raise click.UsageError(f"{path} is the file being read; write the {what} to another")
    if journal is not None and path.absolute() == Path(journal).absolute():
        raise click.UsageError(f"{path} is the journal; write the {what} to another file")
    if path.exists():
        if not path.is_file():
            raise click.UsageError(f"{path} is not a file that the {what} could be written to")
        # An empty one holds nothing to lose.
        if not overwrite and path.stat().st_size:
            raise click.UsageError(f"{path} exists; move it away, or give --overwrite")
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no directory {path.parent} for the {what}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise click.UsageError(f"no file can be made for the {what} in {path.parent}: permission denied")


def same_file(one: str, other: str) -> bool:
    """Whether two names lead to the same file, which exists."""
    return other != "-" and Path(one).exists() and Path(one).samefile(other)
