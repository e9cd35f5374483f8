"""Processes and jobs as tables for people, and as JSON and CSV for programs."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Any, Literal, Self, cast

import attrs
import click
import orjson
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chakra_async.bulk.sources._csv import line_of
from chakra_async.cli.streams import write_stdout
from chakra_async.cli.text import clean
from chakra_async.models.jobs import Job
from chakra_async.models.processes import Process


_UTC_Z = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
_ROOTS = ("id", "status", "state", "assigned_to", "next_action_at")
_CELL = 40
_LINES = 500
"""That are written at once."""


def as_object(item: Process | Job) -> dict[str, Any]:
    """Return what is known of an item: our names, then what came beside them under its own."""
    known = attrs.asdict(item, recurse=False, filter=lambda _, value: value is not None)
    extra: dict[str, Any] = known.pop("extra")
    return {**known, **{name: value for name, value in extra.items() if name not in known}}


def show_one(item: Process | Job, output: Literal["table", "json"]) -> None:
    """Show one item."""
    shown = as_object(item)
    if output == "json":
        write_stdout(orjson.dumps(shown, option=_UTC_Z | orjson.OPT_INDENT_2) + b"\n")
        return
    nested = cast("dict[str, Any]", shown.pop("data", None) or shown.pop("counts", None) or {})
    shown.pop("counts", None)
    pairs = [*shown.items(), *((f"  {name}", value) for name, value in nested.items())]
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        click.echo(f"{name:{width}}  {clean(_cell(value), 2000)}")


class Writer:
    """Writes pages of processes to stdout in one form."""

    def __init__(self) -> None:
        self.count: int = 0
        """Processes written."""
        self._stack = ExitStack()

    def write(self, page: Sequence[Process]) -> None:
        """Write a page."""
        self._page([as_object(process) for process in page])
        self.count += len(page)

    def _page(self, page: Sequence[dict[str, Any]]) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        """Write what comes last."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is None:
                self._end()


class _JsonLines(Writer):
    def _page(self, page: Sequence[dict[str, Any]]) -> None:
        write_stdout(b"".join(orjson.dumps(process, option=_UTC_Z) + b"\n" for process in page))


class _Json(Writer):
    def _page(self, page: Sequence[dict[str, Any]]) -> None:
        if page:
            items = b",\n".join(orjson.dumps(process, option=_UTC_Z) for process in page)
            write_stdout((b",\n" if self.count else b"[\n") + items)

    def _end(self) -> None:
        write_stdout(b"\n]\n" if self.count else b"[]\n")


class _Csv(Writer):
    """Keeps everything in a file first: a column may show up in the last process."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._stack.enter_context(self._kept)
        self._columns: dict[str, None] = {}

    def _page(self, page: Sequence[dict[str, Any]]) -> None:
        for process in page:
            self._columns.update(dict.fromkeys(process["data"]))
            row = [{name: process.get(name) for name in _ROOTS}, process["data"]]
            self._kept.write(orjson.dumps(row, option=_UTC_Z) + b"\n")

    def _end(self) -> None:
        # An attribute may be called "status" too.
        names = [f"data.{name}" if name in _ROOTS else name for name in self._columns]
        line_of_fields = line_of(",")
        text = [line_of_fields([*_ROOTS, *names])]
        self._kept.seek(0)
        for line in self._kept:
            roots, data = orjson.loads(line)
            cells = [_cell(roots[name]) for name in _ROOTS] + [_cell(data.get(n)) for n in self._columns]
            text.append(line_of_fields(cells))
            if len(text) == _LINES:
                _flush(text)
        _flush(text)


class _Table(Writer):
    """A table a page, with as many columns as fit."""

    def _page(self, page: Sequence[dict[str, Any]]) -> None:
        if not page:
            if not self.count:
                click.echo("no processes", err=True)
            return
        terminal = Console()
        width = terminal.width if terminal.is_terminal else 10_000
        columns, hidden = _fitting(_columns_of(page), width)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in columns:
            table.add_column(Text(clean(name, _CELL)), no_wrap=True)
        for cells in zip(*columns.values(), strict=True):
            table.add_row(*map(Text, cells))
        console = Console(file=sys.stdout, width=width)
        with console.capture() as captured:
            console.print(table)
        click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))
        if hidden:
            click.echo(f"Not shown: {', '.join(hidden)} (--output jsonl shows all)", err=True)


WRITERS: Mapping[str, Callable[[], Writer]] = {
    "table": _Table,
    "json": _Json,
    "jsonl": _JsonLines,
    "csv": _Csv,
}


def _columns_of(page: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    rows = [
        {**{name: process.get(name) for name in ("id", "status", "state")}, **_named(process["data"])}
        for process in page
    ]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [clean(_cell(row.get(name)), _CELL) for row in rows] for name in names}


def _named(data: dict[str, Any]) -> dict[str, Any]:
    return {f"data.{name}" if name in _ROOTS else name: value for name, value in data.items()}


def _fitting(columns: dict[str, list[str]], width: int) -> tuple[dict[str, list[str]], list[str]]:
    """Divide columns into those that fit, the first three in any case, and the names of the others."""
    fitting: dict[str, list[str]] = {}
    used = 0
    for name, cells in columns.items():
        used += 3 + max(map(cell_len, (name, *cells)))
        if used > width and len(fitting) >= 3:
            break
        fitting[name] = cells
    return fitting, [name for name in columns if name not in fitting]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return orjson.dumps(value, option=_UTC_Z).decode().strip('"')


def _flush(text: list[str]) -> None:
    write_stdout("".join(text).encode("utf-8", "backslashreplace"))
    text.clear()
