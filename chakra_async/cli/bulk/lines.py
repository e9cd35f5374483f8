"""How many rows a file may hold, for the time left."""

from __future__ import annotations

import gzip
import threading
import zlib
from pathlib import Path


_PIECE = 2**20


def count_rows(path: str, stop: threading.Event, *, other_lines: int) -> int | None:
    """Count line ends, also through gzip; ``None`` when stopped or when the file cannot be read."""
    count, last = 0, b"\n"
    try:
        with Path(path).open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            while piece := file.read(_PIECE):
                if stop.is_set():
                    return None
                count += piece.count(b"\n")
                last = piece[-1:]
    except (OSError, EOFError, zlib.error):
        return None
    return max(0, count + (last != b"\n") - other_lines)
