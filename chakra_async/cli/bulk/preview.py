"""What a run would do: shown row by row in the order of the file, or written down as a plan."""

from __future__ import annotations

import heapq
from contextlib import suppress

import click
from attrs import evolve

from chakra_async.bulk.plans import PlanWriter
from chakra_async.bulk.rows import RowResult, Summary, as_json
from chakra_async.bulk.run import BulkRun
from chakra_async.cli.bulk.account import Account, Row
from chakra_async.cli.bulk.request import Request
from chakra_async.cli.text import clean


class Preview:
    """Takes the results of a dry run, in any order."""

    def __init__(self, request: Request, account: Account, plan: PlanWriter | None) -> None:
        self._account = account
        self._plan = plan
        self._shows = request.diff
        self._to_stderr = request.json
        # Results that came before their turn, with the row numbers that bring them into it.
        self._early: list[tuple[int, RowResult]] = []
        self._next = 0
        self._unplanned = 0

    def take(self, result: RowResult, run: BulkRun) -> None:
        """Take a result."""
        heapq.heappush(self._early, (result.index, result))
        while self._early and self._early[0][0] == self._next:
            self._next += 1
            self._see(heapq.heappop(self._early)[1], run)

    def finish(self, run: BulkRun) -> Summary:
        """Take what a run that was broken off has left, and return its account."""
        while self._early:
            self._see(heapq.heappop(self._early)[1], run)
        if self._plan is not None:
            self._end_plan(self._plan)
        summary = run.summary
        return evolve(
            summary, valid=summary.valid - self._unplanned, invalid=summary.invalid + self._unplanned
        )

    def _end_plan(self, plan: PlanWriter) -> None:
        """Finish the plan, or leave none: a part of it would look like all."""
        try:
            if self._account.whole and self._account.error is None:
                plan.close()
                return
        except OSError as error:
            self._account.error = error
        with suppress(OSError):
            plan.discard()

    def _see(self, result: RowResult, run: BulkRun) -> None:
        result = self._planned(result, run)
        if not result.ok:
            self._account.add(result)
            return
        if result.warnings:
            self._account.warn(result)
        if self._shows and result.outcome != "unchanged":
            click.echo(_shown(result), err=self._to_stderr)

    def _planned(self, result: RowResult, run: BulkRun) -> RowResult:
        """Write a row into the plan, if there is one and the row can be in it."""
        if self._plan is None:
            return result
        try:
            self._plan.write(result)
        except ValueError as error:
            self._unplanned += 1
            return evolve(result, outcome="invalid", errors=(str(error),))
        except OSError as error:
            self._account.error = self._account.error or error
            run.stop("the plan cannot be written")
        return result


def _shown(result: RowResult) -> str:
    lines = [str(Row(result.index, result.line, result.key))]
    for change in result.changes:
        before = click.style(clean(as_json(change.before)), fg="red")
        after = click.style(clean(as_json(change.after)), fg="green")
        lines.append(f"    {clean(change.name, 60)}: {before} -> {after}")
    return "\n".join([*lines, *(f"    {text}" for text in result.warnings)])
