"""How far a run has got, on stderr: a live bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Protocol

import click
from attrs import define
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Column, Table
from rich.text import Text

from chakra_async.bulk.rows import OUTCOMES, Progress
from chakra_async.cli.bulk.lines import count_rows
from chakra_async.cli.text import counted, counted_rows, duration


_STYLES = {"invalid": "yellow", "failed": "red", "unknown": "magenta"}


@define
class Seen:
    """What there is to show."""

    run: Progress
    about: int | None
    """Rows in the file, by its line ends; a quoted line end counts for one too many."""

    @property
    def share(self) -> float | None:
        """Done, from 0 to 1."""
        return min(1.0, self.run.total / self.about) if self.about else None

    @property
    def speed(self) -> str:
        """Rows per second."""
        return f"{self.run.rows_per_second:,.0f} rows/s" if self._told else ""

    @property
    def left(self) -> str:
        """Time left, where it can be told."""
        if not self.about or not self._told or self.run.total >= self.about:
            return ""
        pace = self.run.rows_per_second
        if not pace:
            return ""
        seconds = (self.about - self.run.total) / pace
        return f"about {duration(max(seconds, 1), 0)} left"

    @property
    def _told(self) -> bool:
        """Whether what is done tells anything of the rest: rows that are only refused here go much faster."""
        run = self.run
        return run.total - run.resumed > run.invalid

    @property
    def rows(self) -> str:
        """Rows done, of how many."""
        done = f"{self.run.total:,}"
        return f"{done} of about {self.about:,} rows" if self.about else f"{done} rows"

    @property
    def jobs(self) -> str:
        """What is under way."""
        return f"{counted(self.run.in_flight, 'job')} in flight"

    def outcomes(self) -> list[tuple[str, str]]:
        """Counts that are not nil, with the name of each."""
        return [(f"{getattr(self.run, name):,} {name}", name) for name in OUTCOMES if getattr(self.run, name)]


class View(Protocol):
    """A way to show it."""

    first: float
    """Seconds to the first showing."""
    interval: float
    """Seconds between showings."""

    def show(self, seen: Seen, *, last: bool = False) -> None:
        """Show it."""
        ...

    def say(self, text: str) -> None:
        """Say something else."""
        ...


class Lines:
    """A line now and then."""

    first: float = 1.0
    interval: float = 5.0

    def show(self, seen: Seen, *, last: bool = False) -> None:
        """Write a line."""
        outcomes = ", ".join(text for text, _ in seen.outcomes())
        if last:
            # Now the true number is known, and nothing is left.
            rows = counted_rows(seen.run.total, seen.run.resumed)
            took = duration(seen.run.seconds)
            line = f"{rows} in {took} ({seen.run.rows_per_second:,.0f} rows/s)"
            click.echo(": ".join(filter(None, (line, outcomes))), err=True)
            return
        share = "" if seen.share is None else f" ({seen.share:.0%})"
        parts = [f"{seen.rows}{share}", outcomes, seen.jobs, seen.speed, seen.left]
        click.echo(", ".join(filter(None, parts)), err=True)

    def say(self, text: str) -> None:
        """Write a line."""
        click.echo(text, err=True)


class Bar:
    """A bar that lives while the run does, and leaves no trace."""

    first: float = 0.0
    interval: float = 0.125

    def __init__(self, live: Live) -> None:
        self._live = live
        self._spinner = Spinner("line")

    def show(self, seen: Seen, *, last: bool = False) -> None:
        """Draw it."""
        if not last:
            self._live.update(Group(self._upper(seen), self._lower(seen)), refresh=True)

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        self._live.console.print(Text(text))

    def _upper(self, seen: Seen) -> Table:
        bar: list[RenderableType] = []
        if seen.share is not None:
            bar = [ProgressBar(total=1.0, completed=seen.share, width=20), f"{seen.share:.0%}"]
        table = Table.grid(*[Column(no_wrap=True) for _ in range(len(bar) + 3)], padding=(0, 1))
        table.add_row(self._spinner, *bar, Text(seen.rows), Text(seen.left, style="dim"))
        return table

    def _lower(self, seen: Seen) -> Text:
        text = Text("  ", overflow="ellipsis", no_wrap=True)
        for words, name in seen.outcomes():
            text.append(words, style=_STYLES.get(name, "green")).append(", ")
        return text.append(", ".join(filter(None, (seen.jobs, seen.speed, seen.run.pace))), style="dim")


@asynccontextmanager
async def show_progress(
    look: Callable[[], Progress], path: str | None, *, other_lines: int, quiet: bool, plain: bool
) -> AsyncGenerator[Callable[[str], None]]:
    """Show the progress of a run while the block runs; gives a way to say something else meanwhile.

    Args:
        look: tells how far the run is.
        path: the regular file it reads, whose lines can be counted.
        other_lines: lines that are no rows, such as a header.
        quiet: show nothing.
        plain: write lines even on a terminal, as other lines are written there too.
    """
    if quiet:
        yield Lines().say
        return
    counting_ends = threading.Event()
    about: asyncio.Task[int | None] | None = None
    if path is not None:
        counting = asyncio.to_thread(count_rows, path, counting_ends, other_lines=other_lines)
        about = asyncio.create_task(counting)
    with ExitStack() as stack:
        view = _view(stack, plain=plain)
        ticking = asyncio.create_task(_tick(look, view, about))
        try:
            yield view.say
        finally:
            counting_ends.set()
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking
            view.show(_see(look, about), last=True)
            if about is not None:
                await about


def _view(stack: ExitStack, *, plain: bool) -> View:
    console = Console(stderr=True)
    if plain or not console.is_terminal or console.is_dumb_terminal:
        return Lines()
    live = Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    return Bar(stack.enter_context(live))


async def _tick(look: Callable[[], Progress], view: View, about: asyncio.Task[int | None] | None) -> None:
    await asyncio.sleep(view.first)
    while True:
        view.show(_see(look, about))
        await asyncio.sleep(view.interval)


def _see(look: Callable[[], Progress], about: asyncio.Task[int | None] | None) -> Seen:
    lines = about.result() if about is not None and about.done() else None
    return Seen(look(), lines)
