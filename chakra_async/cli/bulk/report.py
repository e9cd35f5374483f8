"""What is said at the end of a run, for people and as JSON, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from chakra_async.bulk.journal import read_report
from chakra_async.bulk.rows import OUTCOMES, Summary
from chakra_async.cli.bulk.account import Account, Group
from chakra_async.cli.bulk.interrupts import Interrupts
from chakra_async.cli.bulk.request import Request, failures_command, reading_options
from chakra_async.cli.bulk.standing import Standing
from chakra_async.cli.connection import Connection
from chakra_async.cli.status import BROKEN_OFF, NOT_ALL, sentence
from chakra_async.cli.streams import forget_stdout
from chakra_async.cli.text import counted, counted_rows, duration, quoted_path
from chakra_async.errors import JournalError


_SHOWN = 10
_ONE_BY_ONE = 3
_ENOUGH_JOBS = 8
_COLOURS = {"invalid": "yellow", "failed": "red", "unknown": "magenta"}


def report(summary: Summary, account: Account, request: Request, interrupts: Interrupts) -> int:
    """Say what became of a run, and return the exit status."""
    connection = click.get_current_context().ensure_object(Connection)
    unfinished = _unfinished(summary, account, request)
    try:
        if not (request.quiet and summary.ok and account.whole):
            text = "\n".join(_account(summary, account, request, unfinished=unfinished))
            click.echo(connection.scrub(text), err=request.json)
        if request.json:
            found = _as_json(summary, account, request, interrupts, unfinished=unfinished)
            # All ASCII: a file's name may hold what is no text.
            click.echo(connection.scrub(json.dumps(found, separators=(",", ":"))))
    except BrokenPipeError:
        if interrupts.number is None:
            raise
        forget_stdout()  # Ctrl-C has ended its reader as well
    if account.write_error is not None:
        click.echo(f"Error: the failures file is not complete: {sentence(account.write_error)}", err=True)
    if account.error is not None:
        connection.tell(account.error)
    if interrupts.number is not None:
        click.echo(f"Stopped by {interrupts.name}.", err=True)
    if unfinished:
        click.echo(_how_to_go_on(request), err=True)
    if interrupts.number is not None:
        return interrupts.status
    if account.error is not None or account.write_error is not None:
        return BROKEN_OFF
    return 0 if summary.ok else NOT_ALL


def _unfinished(summary: Summary, account: Account, request: Request) -> bool:
    """Whether going on with the journal could settle more rows."""
    if request.journal is None or (summary.ok and account.whole and account.error is None):
        return False
    try:
        return Standing(request.journal, read_report(request.journal)).unfinished
    except JournalError:  # it is in the report already, and may be mended
        return True


def _how_to_go_on(request: Request) -> str:
    if request.resume is None:
        return "To go on, repeat the same command with the same input; what is settled is not sent again."
    return f"To go on: {request.resume}"


def _account(summary: Summary, account: Account, request: Request, *, unfinished: bool) -> Iterator[str]:
    found = [name for name in OUTCOMES if getattr(summary, name)]
    parts = [
        click.style(f"{getattr(summary, name):,} {name}", fg=_COLOURS.get(name, "green"), bold=True)
        for name in found
    ]
    yield f"{request.procedure}: {', '.join(parts) or 'no rows'}"
    if request.sends:
        yield (
            f"{counted_rows(summary.total, summary.resumed)} in {duration(summary.seconds)} "
            f"({summary.rows_per_second:,.0f} rows/s), {counted(summary.jobs, 'job')}, "
            f"{counted(summary.retries, 'retry', 'retries')}"
        )
        if summary.jobs >= _ENOUGH_JOBS:
            yield f"Pace at the end: {summary.pace}."
    else:
        took = duration(summary.seconds)
        yield f"Nothing was sent: {counted(summary.total, 'row')} looked at in {took}."
    if not account.whole:
        yield "The run ended early: the rows after these were not read, and not sent."
    elif request.output is not None and account.error is None:
        plan = quoted_path(request.output)
        go_on = f" To send exactly that: chakra bulk apply {plan}" if summary.valid else ""
        yield f"{counted(summary.valid, 'row')} in {plan}.{go_on}"
    if account.warnings:
        yield ""
        yield from (f"  {row}: note: {row.reason}" for row in account.warned)
        if account.warnings > len(account.warned):
            yield f"  and {account.warnings - len(account.warned):,} more notes"
    if account.count:
        yield ""
        yield from _listed(account)
        if where := _where_all_are(account, request, unfinished=unfinished):
            yield ""
            yield where
    if summary.unknown:
        yield _about_unknown(summary.unknown, request)


def _listed(account: Account) -> Iterator[str]:
    """The first rows, one by one where each has its own reason, together where many share one."""
    shown = lines = 0
    for group in account.ordered():
        if lines >= _SHOWN:
            break
        if group.count > _ONE_BY_ONE:
            yield f"  {_shared(group)}"
            shown, lines = shown + group.count, lines + 2
            continue
        for row in group.first[: _SHOWN - lines]:
            yield f"  {row}: {_coloured(group.outcome)}: {row.reason}"
            shown, lines = shown + 1, lines + 1
    if account.count > shown:
        yield f"  and {account.count - shown:,} more"


def _shared(group: Group) -> str:
    rows = "; ".join(str(row) for row in group.first[:_ONE_BY_ONE])
    more = f"; and {group.count - _ONE_BY_ONE:,} more"
    return f"{group.count:,} rows {_coloured(group.outcome)}: {group.reason}\n    {rows}{more}"


def _coloured(outcome: str) -> str:
    return click.style(outcome, fg=_COLOURS.get(outcome))


def _where_all_are(account: Account, request: Request, *, unfinished: bool) -> str | None:
    """Say where every row that did not succeed can be found, if that is of use."""
    # Of a file that is not whole, the error tells.
    whole = request.failures is not None and account.write_error is None
    if unfinished:
        # Mending the others as well would send again what going on sends.
        place = f" {account.written:,} rows are in {request.failures};" if whole else ""
        return f"The run is not over:{place} go on first, and mend what remains then."
    if not whole and request.journal is not None and not request.piped:
        return f"To get every such row, with its reason, in a file: {failures_command(request.journal)}"
    if request.failures is None:
        if account.error is not None and all(group.outcome != "invalid" for group in account.groups.values()):
            return None  # nothing is wrong with the rows themselves
        made = "" if request.applies else " made to be mended"
        return f"Give --failures FILE to get every such row, with its reason, in a file{made}."
    if not whole:
        return None
    all_of_them = "It is" if account.count == 1 else "All of them are"
    if request.applies:
        return f"{all_of_them} in {request.failures}, with the reason. What has changed needs a new plan."
    command = "the original command" if request.resumes else "the same command"
    another = "--failures" if request.journal is None else "--failures and --journal"
    if account.writer is not None and (options := reading_options(account.writer, request)):
        command = f"{command} with {options}"
    return (
        f"{all_of_them} in {request.failures}, with the reason: mend that file, and give it to {command} "
        f"(and another {another})."
    )


def _about_unknown(count: int, request: Request) -> str:
    head = f"{counted(count, 'row')} unknown: nobody can tell whether it was done."
    if request.journal is not None:
        return f"{head} Going on with the journal looks again where that can tell more."
    if request.action == "create":
        return (
            f"{head} Look before you send such a row again (chakra processes get {request.procedure} VALUE "
            "--key SHORT_ID), or it may be created twice."
        )
    return f"{head} Sending such a row again does no harm: the result is the same."


def _as_json(
    summary: Summary, account: Account, request: Request, interrupts: Interrupts, *, unfinished: bool
) -> dict[str, Any]:
    error = account.error or account.write_error
    return {
        "ok": summary.ok and account.whole and account.error is None,
        "procedure": request.procedure,
        "action": request.action,
        "dry_run": not request.sends,
        "total": summary.total,
        **{name: getattr(summary, name) for name in OUTCOMES},
        "resumed": summary.resumed,
        "jobs": summary.jobs,
        "retries": summary.retries,
        "seconds": round(summary.seconds, 3),
        "rows_per_second": round(summary.rows_per_second, 1),
        "pace": summary.pace,
        "read_to_the_end": account.whole,
        "stopped_by": None if interrupts.number is None else interrupts.name,
        "error": None if error is None else sentence(error),
        "failures": request.failures if account.written and account.write_error is None else None,
        "plan": request.output if account.whole and account.error is None else None,
        "journal": request.journal,
        "resume": request.resume if unfinished else None,
        "reasons": [
            {
                "outcome": group.outcome,
                "reason": group.said,
                "rows": group.count,
                "first": [{"line": row.line, "key": row.key} for row in group.first],
            }
            for group in account.ordered()[:_SHOWN]
        ],
        "warnings": account.warnings,
    }
