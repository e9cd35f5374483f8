"""``chakra bulk plan`` and ``apply``: what would be sent, as a file; and then exactly that."""

from __future__ import annotations

from typing import Any

import click

from chakra_async.cli.bulk.options import apply_options, plan_options
from chakra_async.cli.bulk.request import Request
from chakra_async.cli.bulk.sections import SectionedCommand
from chakra_async.cli.bulk.start import carry_out, start
from chakra_async.cli.connection import Connection, pass_connection


@click.command("plan", cls=SectionedCommand, short_help="Write down what an update would send.")
@plan_options
@click.pass_context
@pass_connection
def plan(connection: Connection, ctx: click.Context, /, **given: Any) -> None:
    """Write into a file what "chakra bulk update" would send for the rows of FILE, and send nothing.

    Every row is checked and compared with the current values. The plan holds the fields that differ, each
    with the value it replaces; rows that need no change, or would be refused, are not in it. It is JSON
    Lines: read it, show it to others, but do not edit it.

    The exit status is 0 if every row is in the plan, or needs no change. No process may have two rows: what
    the second replaces can only be told once the first is done.

    \b
    Examples:
      chakra bulk plan aircraft planes.csv --key tailnum --type seats=int \\
          -o planes.plan
      chakra bulk apply planes.plan
    """  # noqa: D301 - click's own mark
    ctx.exit(start(connection, Request(action="update", **given)))


@click.command("apply", cls=SectionedCommand, short_help="Send exactly what a plan says.")
@click.argument("plan", type=click.Path(exists=True, dir_okay=False))
@apply_options
@click.pass_context
@pass_connection
def apply(
    connection: Connection, ctx: click.Context, /, plan: str, even_if_changed: bool, **given: Any
) -> None:
    """Send exactly what PLAN says, where the values are still those that it replaces.

    Each process is looked at right before its row is sent. A row whose process has other values by now is
    not sent, and reported; one whose process has the new values already is done. A plan that was cut short
    or edited, or made for another address, is refused as a whole.

    \b
    Examples:
      chakra bulk apply planes.plan --journal planes.db
      chakra bulk resume planes.db
    """  # noqa: D301
    ctx.exit(carry_out(connection, plan, given, even_if_changed=even_if_changed))
