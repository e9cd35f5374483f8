"""The options of the bulk commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import click

from chakra_async.cli.bulk.request import TYPES, Action
from chakra_async.cli.bulk.sections import section
from chakra_async.cli.connection import connection_options


F = TypeVar("F", bound=Callable[..., Any])


def _delimiter(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    return "\t" if value in ("\\t", "tab") else value


def bulk_options(action: Action) -> Callable[[F], F]:
    """Add arguments and options of one of the three commands."""

    def add(function: F) -> F:
        function = connection_options(function)
        looking = [_only_changed(), _dry_run(), _diff()] if action == "update" else [_dry_run()]
        options = [*_file_options(action), *looking, *_running(action), *_telling()]
        return _with_file(_with(function, options))

    return add


def plan_options(function: F) -> F:
    """Add arguments and options of the command that writes a plan."""
    options = [
        _output(),
        *_file_options("update"),
        *_sending(),
        *_telling("the files of --output and --failures"),
    ]
    return _with_file(_with(connection_options(function), options))


def apply_options(function: F) -> F:
    """Add what can be said when a plan is applied."""
    telling = _telling(then="What has changed meanwhile needs a new plan.")
    options = [_even_if_changed(), _dry_run(), *_running("update"), *telling]
    return _with(connection_options(function), options)


def resume_options(function: F) -> F:
    """Add what can be said anew when a run is taken up again."""
    telling = _telling(then="It can be mended and given to the original command.")
    return _with(connection_options(function), [*_sending(), *_on_unknown(), *telling])


_Decorator: TypeAlias = Callable[[Any], Any]


def _with(function: F, options: Sequence[_Decorator]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def _with_file(function: F) -> F:
    file = click.Path(exists=True, dir_okay=False, allow_dash=True)
    return click.argument("procedure")(click.argument("file", type=file)(function))


def _file_options(action: Action) -> Sequence[_Decorator]:
    return [*_naming(action), *_meaning(action), *_reading()]


def _naming(action: Action) -> Sequence[_Decorator]:
    cls = section("Which process")
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
    cls = section("What the columns mean")
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
            help="What times without an offset are in, such as Asia/Kolkata or UTC+05:30.  "
            "[default: they are refused]",
        ),
    ]


def _reading() -> Sequence[_Decorator]:
    cls = section("How the file is written")
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


_LOOKING = "What is sent"


def _only_changed() -> _Decorator:
    return click.option(
        "--only-changed",
        cls=section(_LOOKING),
        is_flag=True,
        help="Fetch the current values first, and send only what differs.",
    )


def _dry_run() -> _Decorator:
    return click.option(
        "--dry-run",
        cls=section(_LOOKING),
        is_flag=True,
        help="Send nothing: check every row, also against the team's config.",
    )


def _diff() -> _Decorator:
    return click.option(
        "--diff",
        cls=section(_LOOKING),
        is_flag=True,
        help="Send nothing: check every row, fetch the current values, and show what would change.",
    )


def _output() -> _Decorator:
    return click.option(
        "-o", "--output", cls=section(_LOOKING), required=True, metavar="PLAN", help="The plan to write."
    )


def _even_if_changed() -> _Decorator:
    return click.option(
        "--even-if-changed",
        cls=section(_LOOKING),
        is_flag=True,
        help="Send every row, whatever values stand there now, without looking.",
    )


def _running(action: Action) -> Sequence[_Decorator]:
    cls = section("How it is sent")
    journal = click.option(
        "--journal",
        cls=cls,
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Remember in this file what was sent and what became of it, so that the run can go on after "
        "whatever ends it, and no row is lost and none created twice: chakra bulk resume FILE.",
    )
    return [*_sending(), journal, *(_on_unknown() if action == "create" else ())]


def _on_unknown() -> Sequence[_Decorator]:
    return [
        click.option(
            "--on-unknown",
            cls=section("How it is sent"),
            type=click.Choice(["skip", "retry"]),
            default="skip",
            show_default=True,
            help="When going on with a journal: rows to create whose answer was lost, and that have no key "
            "to look for, stay unknown (skip), or are sent again and may then exist twice (retry).",
        )
    ]


def _sending() -> Sequence[_Decorator]:
    cls, count = section("How it is sent"), click.IntRange(min=1)
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
            "--concurrency",
            cls=cls,
            type=count,
            metavar="JOBS",
            help="Jobs in flight; if not given, found out.",
        ),
        click.option(
            "--stop-on-error",
            cls=cls,
            is_flag=True,
            help="Send nothing more after the first row that did not succeed.",
        ),
    ]


def _telling(
    replaced: str = "the file of --failures",
    then: str = "It can be mended and given to the same command again.",
) -> Sequence[_Decorator]:
    cls = section("What it tells")
    return [
        click.option(
            "--failures",
            cls=cls,
            metavar="FILE",
            help=f"Write every row that did not succeed, with the reason, into this file, "
            f"which is there once the run has ended. {then}",
        ),
        click.option("--overwrite", cls=cls, is_flag=True, help=f"Replace {replaced}."),
        click.option(
            "-q", "--quiet", cls=cls, is_flag=True, help="No progress; no account when every row succeeded."
        ),
        click.option("--json", cls=cls, is_flag=True, help="Write the account as one JSON object on stdout."),
    ]
