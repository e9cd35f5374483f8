"""From the options to the run: whatever can be refused before anything is sent is refused here."""

from __future__ import annotations

import asyncio
import io
import os
import stat
import sys
from pathlib import Path
from typing import IO, Any

import click

from chakra_async.bulk.sources import RowReader, read_creates, read_updates
from chakra_async.cli.bulk.drive import drive
from chakra_async.cli.bulk.options import Request
from chakra_async.cli.connection import Connection
from chakra_async.cli.text import as_options


def start(connection: Connection, request: Request) -> int:
    """Run a bulk command, and return its exit status.

    Raises:
        click.UsageError: the options, the token, or the file's header cannot be used; nothing was sent.
    """
    reader = _open(request)
    client = connection.client()
    _check_failures(request)
    return asyncio.run(drive(client, request, reader, piped=_is_piped(request.file)))


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


def _is_piped(file: str) -> bool:
    """Whether reading may have to wait for somebody: standard input, a named pipe, a terminal."""
    return file == "-" or not stat.S_ISREG(Path(file).stat().st_mode)


def _check_failures(request: Request) -> None:
    if request.failures is None:
        if request.overwrite:
            raise click.UsageError("--overwrite is about --failures FILE, which is not given")
        return
    path = Path(request.failures)
    if path.exists():
        if request.file != "-" and path.samefile(request.file):
            raise click.UsageError(f"{path} is the file being read; write the failures to another")
        if not path.is_file():
            raise click.UsageError(f"{path} is not a file that failures could be written to")
        if not request.overwrite:
            raise click.UsageError(f"{path} exists; move it away, or give --overwrite")
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no directory {path.parent} for the failures file")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise click.UsageError(f"no file of failures can be made in {path.parent}: permission denied")
