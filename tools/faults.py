"""Write ``docs/faults.md``: what may go wrong, what happens then, and which tests hold it.

The rows stand in ``tests/faults/rows.toml``. Their tests are found by ``ast``, without importing them: by
names such as ``test_T4_…`` (``test_T3_T6_…`` holds both), and by ``pytest.mark.fault("T4")`` on a test, a
class or, as ``pytestmark``, a module. Stops at a row that no test holds, unless it says why in ``open``; at
an ``open`` row that is held; and at a test of no known row.

Usage: ``python tools/faults.py [--check]``. With ``--check`` nothing is written; the exit status tells
whether the table is up to date.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import document


ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
TARGET = ROOT / "docs" / "faults.md"

AREAS = {
    "T": "Connections and time",
    "H": "What the service answers",
    "P": "What the answer holds",
    "S": "Safety",
    "C": "Cancelling, loops, threads, processes",
    "R": "Rates",
    "B": "Bulk runs",
    "W": "Webhooks",
    "F": "Files",
}

HEAD = """\
# Faults

What may go wrong, what happens then, and the tests that hold it. Written by `tools/faults.py` from
`tests/faults/rows.toml` and the tests; change those, then run `make generate`.
"""

_IDS = re.compile(r"test_((?:[A-Z][0-9]+_)+)")

Rows = dict[str, dict[str, str]]
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class UnheldError(document.UntrueError):
    """Rows and tests do not agree."""


def main(arguments: list[str]) -> int:
    """Generate, or check."""
    return document.run(arguments, __doc__, TARGET, generate)


def generate() -> str:
    """Return the whole text of the table."""
    rows: Rows = tomllib.loads((TESTS / "faults" / "rows.toml").read_text(encoding="utf-8"))
    held = _held(rows)
    parts = [HEAD]
    for letter, area in AREAS.items():
        parts.append(f"\n## {area}\n\n| | fault | expected | held by |\n| --- | --- | --- | --- |\n")
        for row, said in rows.items():
            if row.startswith(letter):
                tests = "<br>".join(held[row]) or f"not held: {said['open']}"
                parts.append(f"| {row} | {said['fault']} | {said['expected']} | {tests} |\n")
    return "".join(parts)


def _held(rows: Rows) -> dict[str, list[str]]:
    held: dict[str, list[str]] = {row: [] for row in rows}
    wrong: list[str] = []
    for path in sorted(TESTS.rglob("test_*.py")):
        for row, line, link in _tests(path):
            if row not in held:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: there is no row {row} in rows.toml")
            elif link not in held[row]:
                held[row].append(link)
    for row, said in rows.items():
        if not held[row] and "open" not in said:
            wrong.append(f"{row} is held by no test; write one, or say why not: open = …")
        if held[row] and "open" in said:
            wrong.append(f"{row} is held by tests: delete its open = … in rows.toml")
    if wrong:
        raise UnheldError("\n".join(wrong))
    return held


def _tests(path: Path) -> Iterator[tuple[str, int, str]]:
    """Give each row that the tests of a file hold, with the line and a link."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    name, address = path.relative_to(TESTS).as_posix(), f"../{path.relative_to(ROOT).as_posix()}"
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            marks = node.value.elts if isinstance(node.value, ast.List) else [node.value]
            yield from ((row, node.lineno, f"[{name}]({address})") for row in _marked(marks))
    for label, node in _definitions(tree, ""):
        match = _IDS.match(node.name)
        for row in [*(match[1].rstrip("_").split("_") if match else ()), *_marked(node.decorator_list)]:
            yield row, node.lineno, f"[{name}{label}]({address})"


def _definitions(parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, Definition]]:
    for node in parent.body:
        if isinstance(node, Definition):
            label = f"{prefix}::{node.name}"
            yield label, node
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node, label)


def _marked(decorators: list[ast.expr]) -> Iterator[str]:
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.fault":
            yield from (str(ast.literal_eval(argument)) for argument in decorator.args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
