"""The options of the bulk commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import click

from chakra_async.cli.bulk.request import TYPES, Action
from chakra_async.cli.connection import connection_options


F = TypeVar("F", bound=Callable[..., Any])


def _delimiter(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    return "\t" if value in ("\\t", "tab") else value


class _Option(click.Option):
    """An option that knows under which heading of the help it stands."""

    section = "Options"

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Leave out that a count is at least 1, which nobody needs to be told."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


class SectionedCommand(click.Command):
    """A command whose many options stand under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, heading by heading."""
        sections: dict[str, list[tuple[str, str]]] = {}
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        for option in sorted(options, key=lambda option: not isinstance(option, _Option)):
            record = option.get_help_record(ctx)
            if record is not None:
                heading = option.section if isinstance(option, _Option) else "Connection and help"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def bulk_options(action: Action) -> Callable[[F], F]:
    """Add arguments and options of one of the three commands."""

    def add(function: F) -> F:
        function = connection_options(function)
        for option in reversed(
            [*_naming(action), *_meaning(action), *_reading(), *_running(action), *_telling()]
        ):
            function = option(function)
        file = click.Path(exists=True, dir_okay=False, allow_dash=True)
        function = click.argument("file", type=file)(function)
        return click.argument("procedure")(function)

    return add


def resume_options(function: F) -> F:
    """Add what can be said anew when a run is taken up again."""
    function = connection_options(function)
    for option in reversed([*_sending(), *_on_unknown(), *_telling()]):
        function = option(function)
    return function


_Decorator: TypeAlias = Callable[[Any], Any]


def _section(heading: str) -> type[_Option]:
    return type("_Option", (_Option,), {"section": heading})


def _naming(action: Action) -> Sequence[_Decorator]:
    cls = _section("Which process")
    key = click.option(
        "--key",
        cls=cls,
        metavar="COLUMN[=SHORT_ID]",
        help="Column with the value of a primary key, and its short id when that is not the column's name. "
        "The column chakra_line stands for the row's line number.",
    )
    if action == "create":
        return [key]
    return [
        key,
        click.option("--id", cls=cls, metavar="COLUMN", help="Column with the process's own id."),
    ]


def _meaning(action: Action) -> Sequence[_Decorator]:
    cls = _section("What the columns mean")
    types = click.option(
        "--type",
        cls=cls,
        multiple=True,
        metavar="COLUMN=TYPE,...",
        help=f"What a column holds: {', '.join(TYPES)}. Without it a CSV field is text, and a JSON value "
        "is what it is. Repeatable.",
    )
    if action == "delete":
        return [types]
    roots = [
        click.option(f"--{name}-column", cls=cls, metavar="COLUMN", help=f"Column with the {meaning}.")
        for name, meaning in (
            ("state", "state to put the process in"),
            ("status", "status: OPEN, COMPLETED or CANCELLED"),
            ("assigned-to", "username or id of whom it is assigned to"),
            ("next-action-at", "time of the next action, ISO 8601"),
        )
    ]
    return [
        click.option(
            "--data",
            cls=cls,
            multiple=True,
            metavar="COLUMN[=SHORT_ID]",
            help="Column to send as an attribute, and the attribute's short id when that is not the column's "
            "name. Repeatable.  [default: every column that has no other role]",
        ),
        click.option(
            "--skip", cls=cls, multiple=True, metavar="COLUMN", help="Column to leave out. Repeatable."
        ),
        *roots,
        types,
        click.option(
            "--missing",
            cls=cls,
            multiple=True,
            metavar="TEXT",
            help='Text that means "no value", such as NA. Repeatable.  [default: no text does; only an empty '
            "CSV field, see --empty]",
        ),
        click.option(
            "--missing-as",
            cls=cls,
            type=click.Choice(["omit", "null"]),
            default="omit",
            show_default=True,
            help="A missing value leaves the attribute as it is (omit) or clears it (null).",
        ),
        click.option(
            "--empty",
            cls=cls,
            type=click.Choice(["missing", "text"]),
            help="An empty value is missing, or is text.  [default: missing in CSV, text in JSON Lines]",
        ),
        click.option(
            "--timezone",
            cls=cls,
            metavar="ZONE",
            help="What times without an offset are in, such as Asia/Kolkata.  [default: they are refused]",
        ),
    ]


def _reading() -> Sequence[_Decorator]:
    cls = _section("How the file is written")
    return [
        click.option(
            "--format",
            cls=cls,
            type=click.Choice(["csv", "jsonl"]),
            help="[default: by the name: .csv .tsv .txt .jsonl .ndjson, each also with .gz]",
        ),
        click.option(
            "--encoding",
            cls=cls,
            metavar="NAME",
            help="Such as cp1252; a byte order mark decides before it.  [default: utf-8]",
        ),
        click.option(
            "--delimiter",
            cls=cls,
            metavar="CHAR",
            callback=_delimiter,
            help=r"Between CSV fields; \t is a tab.  [default: a comma, in .tsv a tab]",
        ),
    ]


def _running(action: Action) -> Sequence[_Decorator]:
    cls = _section("How it is sent")
    journal = click.option(
        "--journal",
        cls=cls,
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Remember in this file what was sent and what became of it, so that the run can go on after "
        "whatever ends it, and no row is lost or sent twice: chakra bulk resume FILE.",
    )
    return [*_sending(), journal, *(_on_unknown() if action == "create" else ())]


def _on_unknown() -> Sequence[_Decorator]:
    return [
        click.option(
            "--on-unknown",
            cls=_section("How it is sent"),
            type=click.Choice(["skip", "retry"]),
            default="skip",
            show_default=True,
            help="When going on with a journal: rows to create whose answer was lost, and that have no key "
            "to look for, stay unknown (skip), or are sent again and may then exist twice (retry).",
        )
    ]


def _sending() -> Sequence[_Decorator]:
    cls, count = _section("How it is sent"), click.IntRange(min=1)
    return [
        click.option(
            "--chunk-size", cls=cls, type=count, metavar="ROWS", help="Rows a job, at most.  [default: 1000]"
        ),
        click.option(
            "--max-chunk-bytes",
            cls=cls,
            type=count,
            metavar="BYTES",
            help="Bytes a job, at most.  [default: 4194304]",
        ),
        click.option(
            "--concurrency", cls=cls, type=count, metavar="JOBS", help="Jobs in flight.  [default: 8]"
        ),
        click.option(
            "--stop-on-error",
            cls=cls,
            is_flag=True,
            help="Send nothing more after the first row that did not succeed.",
        ),
    ]


def _telling() -> Sequence[_Decorator]:
    cls = _section("What it tells")
    return [
        click.option(
            "--failures",
            cls=cls,
            metavar="FILE",
            help="Write every row that did not succeed, with the reason, into this file, which can be mended "
            "and given to the same command again.",
        ),
        click.option("--overwrite", cls=cls, is_flag=True, help="Replace the file of --failures."),
        click.option(
            "-q", "--quiet", cls=cls, is_flag=True, help="No progress; no account when every row succeeded."
        ),
        click.option("--json", cls=cls, is_flag=True, help="Write the account as one JSON object on stdout."),
    ]
