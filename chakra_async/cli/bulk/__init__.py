"""``chakra bulk``: many rows from a file, and the fate of each."""

from __future__ import annotations

from typing import Any

import click

from chakra_async.cli.bulk.journal import failures, resume, status
from chakra_async.cli.bulk.options import bulk_options
from chakra_async.cli.bulk.plan import apply, plan
from chakra_async.cli.bulk.request import Request
from chakra_async.cli.bulk.sections import SectionedCommand
from chakra_async.cli.bulk.start import start
from chakra_async.cli.connection import Connection, pass_connection
from chakra_async.cli.status import STATUSES


@click.group(short_help="Create, update or delete one process for each row of a file.")
def bulk() -> None:
    """Create, update or delete many processes, one for each row of a file."""


bulk.help = f"""{bulk.help}

Progress goes to stderr, the account of the run to stdout. With --journal a run can be taken up again by
resume, whatever has ended it. With --dry-run, or --diff, it is only shown what would be done; plan writes
that down, and apply does exactly that.

{STATUSES}"""


bulk.add_command(plan)
bulk.add_command(apply)
bulk.add_command(resume)
bulk.add_command(status)
bulk.add_command(failures)


@bulk.command("update", cls=SectionedCommand)
@bulk_options("update")
@click.pass_context
@pass_connection
def update(connection: Connection, ctx: click.Context, /, **given: Any) -> None:
    """Change the processes that the rows of FILE name.

    FILE is CSV or JSON Lines, also packed with gzip; - reads standard input. Each row names its process by
    the column given as --key or --id; every other column is sent as an attribute under its own name, unless
    --data or --skip say otherwise. What a row leaves empty stays as it is.

    Sending a row twice does no harm: values are absolute.

    --dry-run and --diff send nothing; their exit status is 0 if every row could be sent, or need not be.

    \b
    Examples:
      chakra bulk update aircraft planes.csv --key tailnum \\
          --type year=int,seats=int --missing NA --failures failed.csv
      chakra bulk update aircraft states.csv --id process_id \\
          --state-column state --data note=remark
      zcat planes.csv.gz | chakra bulk update aircraft - --format csv --key tailnum
    """  # noqa: D301 - click's own mark
    ctx.exit(start(connection, Request(action="update", **given)))


@bulk.command("create", cls=SectionedCommand)
@bulk_options("create")
@click.pass_context
@pass_connection
def create(connection: Connection, ctx: click.Context, /, **given: Any) -> None:
    """Create a process for each row of FILE.

    FILE is CSV or JSON Lines, also packed with gzip; - reads standard input. Give --key when the procedure
    has a primary key. Every other column is sent as an attribute under its own name, unless --data or --skip
    say otherwise.

    No row is ever sent twice: when an answer is lost, its rows are looked up by their keys, and without a
    key they end as "unknown".

    \b
    Examples:
      chakra bulk create aircraft planes.csv --key tailnum \\
          --type year=int,seats=int --missing NA --failures failed.csv
      chakra bulk create lead leads.jsonl --key phone_number --status-column status
    """  # noqa: D301
    ctx.exit(start(connection, Request(action="create", **given)))


@bulk.command("delete", cls=SectionedCommand)
@bulk_options("delete")
@click.pass_context
@pass_connection
def delete(connection: Connection, ctx: click.Context, /, **given: Any) -> None:
    """Delete the processes that the rows of FILE name.

    FILE is CSV or JSON Lines, also packed with gzip; - reads standard input. Only the column given as --key
    or --id is read.

    \b
    Examples:
      chakra bulk delete aircraft retired.csv --key tailnum --failures failed.csv
      cut -d, -f1 retired.csv |
          chakra bulk delete aircraft - --format csv --key tailnum
    """  # noqa: D301
    ctx.exit(start(connection, Request(action="delete", **given)))
