"""``chakra bulk resume``, ``status`` and ``failures``: what can be done with a journal."""

from __future__ import annotations

import json
from typing import Any

import click

from chakra_async.bulk.journal import read_report
from chakra_async.bulk.sources import RowReader
from chakra_async.cli.bulk.mend import list_failures, write_failures
from chakra_async.cli.bulk.options import resume_options
from chakra_async.cli.bulk.request import reading_options
from chakra_async.cli.bulk.sections import SectionedCommand
from chakra_async.cli.bulk.standing import Standing
from chakra_async.cli.bulk.start import check_output, reread
from chakra_async.cli.bulk.start import resume as take_up
from chakra_async.cli.connection import Connection, pass_connection
from chakra_async.cli.text import counted


_journal = click.argument("journal", type=click.Path(exists=True, dir_okay=False))


@click.command("resume", cls=SectionedCommand, short_help="Go on with a run that has ended half-way.")
@_journal
@resume_options
@click.pass_context
@pass_connection
def resume(connection: Connection, ctx: click.Context, /, journal: str, **given: Any) -> None:
    """Go on with the run of JOURNAL, whatever has ended it.

    Procedure, file, columns and the rest are in the journal. Rows that are settled are not sent again; jobs
    that were under way are asked how they have ended; everything else is sent. The file has to be as it was.

    Only where to and who calls has to be said again, by CHAKRA_ACCESS_TOKEN or --token-file, and by
    CHAKRA_BASE_URL or --base-url if the run was not at the usual address. Exit statuses are those of the
    other bulk commands.

    \b
    Examples:
      chakra bulk update aircraft planes.csv --key tailnum --journal planes.db
      chakra bulk resume planes.db
    """  # noqa: D301 - click's own mark
    ctx.exit(take_up(connection, journal, given))


@click.command("status", short_help="Tell how the run of a journal stands.")
@_journal
@click.option("--json", "as_json", is_flag=True, help="Write it as one JSON object.")
def status(journal: str, as_json: bool) -> None:
    """Tell how the run of JOURNAL stands, and what to do next; also while it runs."""
    standing = Standing(journal, read_report(journal))
    # All ASCII: a file's name may hold what is no text.
    click.echo(
        json.dumps(standing.as_json(), separators=(",", ":")) if as_json else "\n".join(standing.lines())
    )


@click.command("failures", short_help="Write the rows of a journal that were not done into a file.")
@_journal
@click.option("-o", "--output", required=True, metavar="FILE", help="The file to write.")
@click.option("--overwrite", is_flag=True, help="Replace it, if there is one.")
@click.option(
    "--unsettled",
    is_flag=True,
    help="Write also the rows that may have been sent, and of which it is not known what became.",
)
def failures(journal: str, output: str, overwrite: bool, unsettled: bool) -> None:
    """Write every row of JOURNAL that was refused or not done, with the reason.

    The rows are read again from the original file, which has to be as it was, and keep all their columns.
    The new file can be mended and given to the original command, without or with another --journal.

    Of a run over standard input, a pipe or a program's own rows there is only what the journal holds: FILE
    is CSV then, with the number of each row (from 0), its line where it has one, its key or id, and why.
    """
    report = read_report(journal)
    standing = Standing(journal, report)
    pending = report.pending if unsettled else []
    if standing.file is None:
        check_output(output, overwrite, "-", journal)
        writer = list_failures(journal, pending, output, overwrite=overwrite)
        about = ", by number and key, with the reason; the journal does not hold what else is in them."
    else:
        with reread(journal, report.plan) as reader:
            check_output(output, overwrite, standing.file, journal)
            writer = write_failures(journal, pending, reader, output, overwrite=overwrite)
        options = reading_options(writer) if isinstance(reader, RowReader) else ""
        about = f", with the reason. To read that file, add {options}." if options else ", with the reason."
    if writer.count:
        all_of_them = "1 row is" if writer.count == 1 else f"{counted(writer.count, 'row')} are"
        click.echo(f"{all_of_them} in {output}{about}")
    else:
        settled = "Every row was done" if standing.step == "nothing" else "There is no such row yet"
        click.echo(f"{settled}; no file was written.")
    if report.pending_rows and not unsettled:
        click.echo(
            f"{counted(report.pending_rows, 'row')} may have been sent, and it is not known what became of "
            "them: they are left out; going on may settle them. With --unsettled they are written too.",
            err=True,
        )
    if standing.step == "wait":
        click.echo("A run has the journal open: there may be more to come.", err=True)
    elif standing.unfinished:
        click.echo(
            f"The run is not over: rows are unknown, or were not sent yet. {standing.going_on}", err=True
        )
