"""A bulk command as it was typed, and what it says about the file's columns."""

from __future__ import annotations

import re
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args

import click
from attrs import define, field

from chakra_async.bulk.sources import Columns, ColumnType, FailuresWriter, parse_column
from chakra_async.bulk.sources._formats import by_suffix
from chakra_async.cli.text import as_options, quoted_path


Action: TypeAlias = Literal["update", "create", "delete"]

TYPES: tuple[str, ...] = get_args(ColumnType)
_TYPED = re.compile(rf"(.+?)=({'|'.join(TYPES)})(?:,|$)", re.DOTALL)


@define(kw_only=True)
class Request:
    """A bulk command as it was typed. What an action has no option for keeps its default."""

    action: Action
    procedure: str
    file: str
    key: str | None = None
    id: str | None = None
    data: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    state_column: str | None = None
    status_column: str | None = None
    assigned_to_column: str | None = None
    next_action_at_column: str | None = None
    type: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    missing_as: Literal["omit", "null"] = "omit"
    empty: Literal["missing", "text"] | None = None
    timezone: str | None = None
    format: Literal["csv", "jsonl"] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    chunk_size: int | None = None
    max_chunk_bytes: int | None = None
    concurrency: int | None = None
    stop_on_error: bool = False
    journal: str | None = None
    on_unknown: Literal["skip", "retry"] = "skip"
    only_changed: bool = False
    dry_run: bool = False
    diff: bool = False
    output: str | None = None
    """The plan to write, in the place of sending."""
    applies: bool = False
    """Whether the file is a plan."""
    resumes: bool = False
    """Whether the journal, and not the command, says what is to be done."""
    failures: str | None = None
    overwrite: bool = False
    quiet: bool = False
    json: bool = False
    piped: bool = field(init=False)
    """Whether reading may have to wait for somebody: standard input, a named pipe, a terminal."""

    def __attrs_post_init__(self) -> None:
        self.piped = self.file == "-" or not stat.S_ISREG(Path(self.file).stat().st_mode)

    @property
    def sends(self) -> bool:
        """Whether anything is to be sent."""
        return not (self.dry_run or self.diff or self.output)

    @property
    def compares(self) -> bool:
        """Whether rows are compared with the current values, for the sake of what differs."""
        return self.only_changed or self.diff or self.output is not None

    @property
    def resume(self) -> str | None:
        """The command that takes the run up again, where the file can be read again."""
        return None if self.journal is None or self.piped else resume_command(self.journal)

    def columns(self) -> Columns:
        """Say what the columns mean.

        Raises:
            click.UsageError: the options contradict each other.
        """
        if self.action != "create" and (self.key is None) == (self.id is None):
            raise click.UsageError(
                "give --key or --id, not both"
                if self.key
                else "which process is each row about? Give --key COLUMN (a primary key) or --id COLUMN"
            )
        try:
            key, key_id = parse_column(self.key) if self.key is not None else (None, None)
            return Columns(
                key=key,
                key_id=key_id,
                id=self.id,
                state=self.state_column,
                status=self.status_column,
                assigned_to=self.assigned_to_column,
                next_action_at=self.next_action_at_column,
                data={} if self.action == "delete" else _data(self.data),
                skip=self.skip,
                types=column_types(self.type),
                missing=self.missing,
                missing_as=self.missing_as,
                empty=self.empty,
                timezone=self.timezone,
            )
        except ValueError as error:
            raise click.UsageError(as_options(str(error))) from None


def resume_command(journal: str) -> str:
    """Return the command that takes up the run of a journal."""
    return f"chakra bulk resume {quoted_path(journal)}"


def failures_command(journal: str) -> str:
    """Return the command that writes the rows of a journal that were not done."""
    return f"chakra bulk failures {quoted_path(journal)} -o FILE"


def reading_options(written: FailuresWriter, request: Request | None = None) -> str:
    """Return what a command must add to read a file of failures whose name tells another format.

    Args:
        written: the file.
        request: the command, as far as it is known; what it says already is left out.
    """
    named_format, named_delimiter = by_suffix(written.path) or (None, ",")
    options: list[str] = []
    if written.format != named_format and (request is None or request.format is None):
        options.append(f"--format {written.format}")
    divided_otherwise = written.format == "csv" and written.delimiter != named_delimiter
    if divided_otherwise and (request is None or request.delimiter is None):
        delimiter = "tab" if written.delimiter == "\t" else shlex.quote(written.delimiter)
        options.append(f"--delimiter {delimiter}")
    return " ".join(options)


def _data(specs: Iterable[str]) -> dict[str, str] | None:
    """Read ``COLUMN`` and ``COLUMN=SHORT_ID``; ``None`` when there are none."""
    pairs: dict[str, str] = {}
    for spec in specs:
        column, short_id = parse_column(spec)
        if column in pairs:
            raise ValueError(f"--data names the column {column!r} twice")
        pairs[column] = short_id
    return pairs or None


def column_types(specs: Iterable[str]) -> dict[str, ColumnType]:
    """Read ``COLUMN=TYPE`` and ``COLUMN=TYPE,COLUMN=TYPE``.

    A comma divides only after a type, so that ``Price, net=float`` is one column.

    Raises:
        ValueError: a type is unknown, or two are given to one column.
    """
    types: dict[str, ColumnType] = {}
    for spec in specs:
        end = 0
        while end < len(spec):
            found = _TYPED.match(spec, end)
            if found is None:
                name, divider, kind = spec[end:].rpartition("=")
                wrong = f"{kind!r} is not a type" if divider and name else f"{spec[end:]!r} names no type"
                raise ValueError(f"--type {spec}: {wrong}; write COLUMN=TYPE with one of {', '.join(TYPES)}")
            name, end = found[1], found.end()
            if name in types and types[name] != found[2]:
                raise ValueError(f"--type gives the column {name!r} two types")
            types[name] = cast("ColumnType", found[2])
    return types
