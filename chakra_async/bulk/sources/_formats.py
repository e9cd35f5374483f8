"""What the name of a file tells of its format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, TypeAlias

from chakra_async.bulk.sources._files import Source


Format: TypeAlias = Literal["csv", "jsonl"]

SUFFIXES: dict[str, tuple[Format, str]] = {
    ".csv": ("csv", ","),
    ".tsv": ("csv", "\t"),
    ".txt": ("csv", ","),
    ".jsonl": ("jsonl", ","),
    ".ndjson": ("jsonl", ","),
}


def by_suffix(source: Source) -> tuple[Format, str] | None:
    """Return format and delimiter that go with the name of a path or a file object, if it tells them."""
    name: Any = os.fspath(source) if isinstance(source, (str, os.PathLike)) else getattr(source, "name", None)
    if not isinstance(name, str):
        return None
    return SUFFIXES.get(Path(name.lower().removesuffix(".gz")).suffix)
