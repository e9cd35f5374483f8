"""What the tools that write a document have in common: generate it, or check that it is up to date."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


class UntrueError(Exception):
    """What the document would be made of is not as it has to be."""


def run(arguments: list[str], usage: str | None, target: Path, generate: Callable[[], str]) -> int:
    """Write the document, or with ``--check`` only tell by the exit status whether it is up to date."""
    if arguments not in ([], ["--check"]):
        print(usage, file=sys.stderr)
        return 2
    try:
        wanted = generate()
    except UntrueError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments:
        stale = not target.exists() or wanted != target.read_text(encoding="utf-8")
        if stale:
            print(f"{target.parent.name}/{target.name} is out of date: run make generate", file=sys.stderr)
        return int(stale)
    target.write_text(wanted, encoding="utf-8", newline="\n")
    return 0
