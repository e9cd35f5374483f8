"""What a reader reads, in JSON values: kept by a journal, to notice a changed file and to open it again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import timezone, tzinfo
from pathlib import Path
from typing import Any, cast

from attrs import fields

from chakra_async.bulk.sources._columns import Columns


SAMPLE_BYTES = 64 * 1024


def describe_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Say where a file is, how large, and how it begins and ends."""
    file = Path(path)
    with file.open("rb") as opened:
        size = file.stat().st_size
        head = opened.read(SAMPLE_BYTES)
        opened.seek(max(0, size - SAMPLE_BYTES))
        tail = opened.read(SAMPLE_BYTES)
    return {
        "path": str(file.absolute()),
        "size": size,
        "head": hashlib.sha256(head).hexdigest()[:16],
        "tail": hashlib.sha256(tail).hexdigest()[:16],
    }


def describe_columns(columns: Columns) -> dict[str, Any]:
    """Say what the columns mean; only what differs from the default."""
    found: dict[str, Any] = {}
    for field in fields(Columns):
        value = getattr(columns, field.name)
        if value != getattr(Columns(), field.name):
            found[field.name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    """Return a value as it comes back from JSON."""
    if isinstance(value, timezone):  # by its offset: it may have any name
        return str(timezone(value.utcoffset(None)))
    if isinstance(value, tzinfo):
        return str(value)
    if isinstance(value, tuple):
        return list(cast("Sequence[Any]", value))
    return value
