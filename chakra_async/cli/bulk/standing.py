"""How the run of a journal stands, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from attrs import frozen

from chakra_async._shapes import as_object
from chakra_async.bulk.journal import Plan, Report
from chakra_async.bulk.rows import OUTCOMES
from chakra_async.cli.bulk.request import Action, failures_command, resume_command
from chakra_async.cli.text import clean, counted


ACTIONS: Mapping[str, Action] = {"updated": "update", "created": "create", "deleted": "delete"}
"""By the outcome of a row that succeeds."""

_OUTCOMES: tuple[str, ...] = tuple(name for name in OUTCOMES if name != "valid")
_NOT_DONE = ("invalid", "failed", "unknown")

RUN_AGAIN = (
    "only what has begun the run can go on with it: repeat that, with the same input and the same journal "
    "(and with --failures FILE for the rows that were not done)"
)

Step: TypeAlias = Literal["wait", "resume", "repeat", "failures", "nothing"]


def origin(plan: Plan) -> str:
    """Say where the rows of a run came from."""
    path = as_object(plan.source).get("path")
    if path is not None:
        return clean(path, 1000)
    return "standard input or a pipe" if plan.source else "a program"


@frozen
class Standing:
    """What a journal tells of its run."""

    journal: str
    report: Report

    @property
    def file(self) -> str | None:
        """The file that its rows came from, if it can be read again."""
        path = as_object(self.report.plan.source).get("path")
        return None if path is None else str(path)

    @property
    def not_done(self) -> int:
        """Rows that were settled, and not done."""
        return sum(self.report.counts.get(name, 0) for name in _NOT_DONE)

    @property
    def not_sent(self) -> int | None:
        """Rows of the source that were never sent; ``None`` while nobody knows how many it has."""
        known = sum(self.report.counts.values()) + self.report.pending_rows
        return None if self.report.rows is None else max(0, self.report.rows - known)

    @property
    def unfinished(self) -> bool:
        """Whether going on could settle more rows."""
        return self.not_sent != 0 or self.report.pending_rows > 0

    @property
    def step(self) -> Step:
        """What to do next."""
        if self.report.running:
            return "wait"
        if self.unfinished:
            return "repeat" if self.file is None else "resume"
        return "failures" if self.not_done else "nothing"

    @property
    def command(self) -> str | None:
        """The command that does it, where there is one."""
        commands = {"resume": resume_command, "failures": failures_command}
        return commands[self.step](self.journal) if self.step in commands else None

    @property
    def going_on(self) -> str:
        """How to go on with a run that is not over."""
        if self.command is None:
            return f"The rows came from {origin(self.report.plan)}, and {RUN_AGAIN}."
        return f"To go on: {self.command}"

    def lines(self) -> Iterator[str]:
        """Tell it all to a person."""
        report, plan = self.report, self.report.plan
        yield f"{ACTIONS[plan.operation]} {clean(plan.procedure)}, rows from {origin(plan)}"
        yield f"at {clean(plan.base_url)}"
        yield ""
        numbers = [(report.counts.get(name, 0), name) for name in _OUTCOMES]
        numbers.append((report.pending_rows, "sent, and what became of them is not known yet"))
        numbers.append((self.not_sent or 0, "not sent yet"))
        width = max(len(f"{number:,}") for number, _ in numbers)
        for number, words in numbers:
            if number:
                yield f"  {number:{width},} {words}"
        if report.rows is None:
            yield "  The source was not yet read to its end: there may be more rows."
        yield f"  {counted(report.jobs, 'job')}"
        yield ""
        yield from self._advice()

    def _advice(self) -> Iterator[str]:
        match self.step:
            case "wait":
                yield "A run has it open now. Nothing to do but wait."
            case "resume" | "repeat":
                yield f"No run has it open. {self.going_on}"
            case "failures":
                rows = "rows" if self.file else "numbers and keys of the rows"
                yield f"The run is over. The {rows} that were not done, with the reasons: {self.command}"
            case "nothing":
                yield "The run is over, and every row was done."
        if self.report.pending_rows and self.report.plan.operation == "created":
            yield (
                "Rows that may have been created are looked up by their keys. Those without a key stay "
                "unknown; --on-unknown retry sends them again, though they may then exist twice."
            )

    def as_json(self) -> dict[str, Any]:
        """Tell it all to a program."""
        report, plan = self.report, self.report.plan
        return {
            "journal": self.journal,
            "procedure": plan.procedure,
            "action": ACTIONS[plan.operation],
            "base_url": plan.base_url,
            "file": self.file,
            "running": report.running,
            "rows": report.rows,
            **{name: report.counts.get(name, 0) for name in _OUTCOMES},
            "pending": report.pending_rows,
            "not_sent": self.not_sent,
            "jobs": report.jobs,
            "next": self.step,
            "command": self.command,
        }
