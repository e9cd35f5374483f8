"""What may not be meant as it was said: told on stderr, and nothing is stopped."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any

import click
import orjson

from chakra_async._shapes import as_object
from chakra_async.bulk.sources import RowReader
from chakra_async.bulk.sources._columns import FAILURE_COLUMNS, FAILURE_FIELD, Columns, is_reserved
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
    """Tell of columns that are not sent because of their names, and of such as look like something else.

    The latter are sent as attributes, and are called like fields of the process itself.

    Args:
        request: the command.
        reader: what reads the file.
        first: its first row.
    """
    if not isinstance(reader, RowReader) or request.resumes or reader.columns.data is not None:
        return
    named = reader.columns.named()
    for name in _names(reader.header, first):
        if is_reserved(name) and name not in (*FAILURE_COLUMNS, FAILURE_FIELD, *named):
            click.echo(
                f"Note: the column {clean(name, 60)!r} is not sent: names that begin with chakra_ are kept "
                "for the notes of a failures file. To send it, give it another name.",
                err=True,
            )
        known = _FIELDS.get(name.casefold().translate({ord(mark): None for mark in "_- "}))
        if known is not None and name not in named:
            option, meaning = known
            shown, typed = clean(name, 60), shlex.quote(clean(name, 60))
            click.echo(
                f"Note: the column {shown!r} is sent as an attribute of that name. To set {meaning} of the "
                f"process by it, give --{option}-column {typed}; to leave it out, --skip {typed}.",
                err=True,
            )


def tell_of_unseen(request: Request, reader: Any) -> None:
    """Tell of fields that the options name, and no JSON object of the whole file has."""
    if not isinstance(reader, RowReader) or request.resumes:
        return
    columns = reader.columns
    # Rows without key or id are refused, each with that reason.
    for name in sorted(reader.unseen - {columns.key, columns.id}):
        click.echo(
            f"Note: no row has the field {clean(name, 60)!r}, which {_option(columns, name)} names.", err=True
        )


def tell_of_no_rows(request: Request, reader: Any) -> None:
    """Tell that a file has been read to its end, and held no row."""
    name = "standard input" if request.file == "-" else clean(request.file, 1000)
    what = "a header and no rows" if getattr(reader, "header", None) and reader.format == "csv" else "no rows"
    click.echo(f"Note: {name} holds {what}.", err=True)


def _names(header: Iterable[str] | None, first: Any) -> Iterable[str]:
    """Return the names of the columns, or of the first object's fields."""
    if header is not None:
        return header
    try:
        return as_object(orjson.loads(first.ref.record))
    except (AttributeError, ValueError):  # there is no row, or it is no JSON
        return ()


def _option(columns: Columns, name: str) -> str:
    for field, column in columns.roots().items():
        if column == name:
            return f"--{field.replace('_', '-')}-column"
    if name in (columns.data or ()):
        return "--data"
    return "--skip" if name in columns.skip else "--type"
