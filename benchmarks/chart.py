"""The chart of the README, ``docs/benchmarks.svg``, and the table of targets, made from ``results.json``.

``python -m benchmarks --chart`` measures and makes all three anew; ``python -m benchmarks.chart`` only draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from attrs import frozen

from benchmarks import targets
from benchmarks.harness.figures import Figure
from benchmarks.harness.tables import RELATIVE
from benchmarks.report import Report


HERE: Final = Path(__file__).resolve().parent
RESULTS: Final = HERE / "results.json"
CHART: Final = HERE.parent / "docs" / "benchmarks.svg"
README: Final = HERE / "README.md"
BEGIN, END = "<!-- targets -->\n", "<!-- /targets -->"

WIDTH, PANEL, MARGIN = 880, 412, 20
LABEL, BAR = 150, 170
LINE, HEAD = 25, 54


@frozen
class Panel:
    """A group of bars on one scale.

    Attributes:
        bars: label and name of the figure of each, ours first.
        ours: how many are ours.
    """

    title: str
    subtitle: str
    scenario: str
    bars: tuple[tuple[str, str], ...]
    ours: int


def _relative(title: str, *bars: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((label, f"{title}: {name}{RELATIVE}") for label, name in bars)


PANELS: Final = (
    Panel(
        "Single updates, 100 in flight",
        "rate beside aiohttp by hand; more is better",
        "single_updates",
        _relative(
            "100 in flight",
            ("chakra_async, uvloop", "chakra_async, uvloop"),
            ("chakra_async", "chakra_async"),
            ("aiohttp by hand", "aiohttp by hand"),
            ("requests, 50 threads", "requests, 50 threads"),
            ("httpx", "httpx"),
        ),
        ours=2,
    ),
    Panel(
        "Bulk update of 100,000 rows",
        "rate beside a bare loop; those in grey learn no row's fate",
        "bulk_updates",
        _relative(
            "1,000 rows a job",
            ("chakra_async", "chakra_async"),
            ("with a journal", "chakra_async, journal"),
            ("dicts, orjson, aiohttp", "dicts, orjson, aiohttp"),
            ("dicts, requests", "dicts, requests, 1 at a time"),
            ("pydantic, httpx", "pydantic, httpx"),
        ),
        ours=2,
    ),
    Panel(
        "Sync GETs, one after another",
        "rate beside httpx; more is better",
        "sync_calls",
        _relative(
            "one after another",
            ("chakra_async.sync", "chakra_async.sync"),
            ("httpx.Client", "httpx.Client"),
            ("requests.Session", "requests.Session"),
        ),
        ours=1,
    ),
    Panel(
        "Memory of a bulk update",
        "peak MiB above the idle client; less is better",
        "memory",
        (
            ("100,000 rows", "chakra_async, 100,000 rows"),
            ("10,000,000 rows", "chakra_async, 10,000,000 rows"),
            ("list of 100,000 models", "list of pydantic models, httpx, 100,000 rows"),
        ),
        ours=2,
    ),
)

STYLE: Final = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .faint { fill: #59636e; font-size: 12px }
  .card { fill: #ffffff; stroke: #d1d9e0 }
  .ours { fill: #1a7f64 }
  .peer { fill: #b6bfc8 }
  .spread { stroke: #1f2328; stroke-width: 1.5; opacity: 0.6 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .faint { fill: #9198a1 }
    .card { fill: #0d1117; stroke: #3d444d }
    .ours { fill: #3fb68f }
    .peer { fill: #515a65 }
    .spread { stroke: #e6edf3 }
  }
"""


def draw(report: Report) -> str:
    """Draw the panels, two in a row."""
    parts, top = [], MARGIN
    for first in range(0, len(PANELS), 2):
        row = PANELS[first : first + 2]
        for column, panel in enumerate(row):
            parts += _panel(panel, report, MARGIN + column * (PANEL + MARGIN), top)
        top += HEAD + LINE * max(len(panel.bars) for panel in row) + MARGIN
    about = report.environment
    notes = (
        "Medians and quartiles of the rounds of one run, in which all took turns. Repeat it with make bench.",
        f"{about['python']}, aiohttp {about['aiohttp']}, {about['machine']}.",
    )
    parts += [_text(MARGIN, top + 6 + 18 * number, note, "faint") for number, note in enumerate(notes)]
    height = top + 24 + MARGIN
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    card = f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>'
    title = "<title>chakra_async beside what one would write by hand</title>"
    return "\n".join([head, title, f"<style>{STYLE}</style>", card, *parts, "</svg>\n"])


def _panel(panel: Panel, report: Report, left: int, top: int) -> Iterator[str]:
    figures = [report.measured[panel.scenario][name] for _, name in panel.bars]
    scale = BAR / max(figure.spread.high for figure in figures)
    yield _text(left, top + 14, panel.title, "title")
    yield _text(left, top + 32, panel.subtitle, "faint")
    for number, (figure, (label, _)) in enumerate(zip(figures, panel.bars, strict=True)):
        middle = top + HEAD + LINE * number
        yield _text(left + LABEL, middle + 5, label, end=True)
        kind = "ours" if number < panel.ours else "peer"
        yield from _bar(figure, kind, scale, left + LABEL + 8, middle)


def _bar(figure: Figure, kind: str, scale: float, left: int, middle: int) -> Iterator[str]:
    """Draw a bar, the line of its quartiles and its value."""
    spread = figure.spread
    low, width, high = (max(1.0, value * scale) for value in (spread.low, spread.middle, spread.high))
    yield f'<rect class="{kind}" x="{left}" y="{middle - 8}" width="{width:.1f}" height="17"/>'
    if spread.low != spread.high:
        ends = f'x1="{left + low:.1f}" x2="{left + high:.1f}"'
        yield f'<line class="spread" {ends} y1="{middle + 0.5}" y2="{middle + 0.5}"/>'
    value = f"{spread.middle:.2f}x" if figure.unit == "x" else f"{spread.middle:.0f} {figure.unit}"
    yield _text(left + int(high) + 7, middle + 5, value)


def _text(left: int, top: int, text: str, kind: str = "", *, end: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ""
    css = f' class="{kind}"' if kind else ""
    return f'<text{css} x="{left}" y="{top}"{anchor}>{escape(text)}</text>'


def with_table(readme: str, report: Report) -> str:
    """Put the table of targets into a README, between its marks."""
    head, *rows = targets.table(report.measured)
    lines = [head, ["---"] * len(head), *rows]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    before, _, rest = readme.partition(BEGIN)
    return before + BEGIN + table + END + rest.partition(END)[2]


def publish(report: Report) -> None:
    """Write results, chart and table."""
    report.save(RESULTS)
    CHART.write_text(draw(report), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8"), report), encoding="utf-8")


if __name__ == "__main__":
    publish(Report.load(RESULTS))
