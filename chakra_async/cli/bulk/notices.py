"""What may not be meant as it was said: told on stderr, and nothing is stopped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from chakra_async._shapes import as_object
from chakra_async.bulk.sources import RowReader
from chakra_async.cli.bulk.request import Request
from chakra_async.cli.text import clean


_FIELDS = {
    "state": ("state", "the state"),
    "status": ("status", "the status"),
    "assignedto": ("assigned-to", "the assignee"),
    "nextactionat": ("next-action-at", "the next action's time"),
}
"""Fields of a process by how a column for one would be called: the option, and what it sets."""


def tell_of_columns(request: Request, reader: Any, first: Any) -> None:
    """Tell of columns that are sent as attributes, and look as if they were fields of the process itself.

    Args:
        request: the command.
        reader: what reads the file.
        first: its first row.
    """
    if not isinstance(reader, RowReader) or request.resumes or reader.columns.data is not None:
        return
    named = reader.columns.named()
    names: Iterable[str] = reader.header or as_object(getattr(first, "data", None))
    for name in names:
        known = _FIELDS.get(name.casefold().translate({ord(mark): None for mark in "_- "}))
        if known is not None and name not in named:
            option, meaning = known
            shown = clean(name, 60)
            click.echo(
                f"Note: the column {shown!r} is sent as an attribute of that name. To set {meaning} of the "
                f"process by it, give --{option}-column {shown}; to leave it out, --skip {shown}.",
                err=True,
            )


def tell_of_no_rows(request: Request, reader: Any) -> None:
    """Tell that a file has been read to its end, and held no row."""
    name = "standard input" if request.file == "-" else clean(request.file, 1000)
    what = "a header and no rows" if getattr(reader, "header", None) and reader.format == "csv" else "no rows"
    click.echo(f"Note: {name} holds {what}.", err=True)
