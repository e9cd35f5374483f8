"""What uploads take, what downloads give, and how far either has got."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from attrs import define, field, frozen


class Readable(Protocol):
    """A binary file, or anything that reads like one; ``read`` may be a coroutine function."""

    def read(self, size: int, /) -> Any:
        """Return up to ``size`` bytes, and none at the end."""
        ...


class Writable(Protocol):
    """A binary file, or anything that is written like one; ``write`` may be a coroutine function."""

    def write(self, data: bytes, /) -> Any:
        """Take ``data``."""
        ...


UploadSource: TypeAlias = (
    str | PathLike[str] | bytes | bytearray | memoryview | Readable | Iterable[bytes] | AsyncIterable[bytes]
)
"""A path, bytes, a binary file, or an (async) iterable of pieces."""

DownloadTarget: TypeAlias = str | PathLike[str] | Writable
"""A path, or a binary file."""


@frozen
class Transferred:
    """How far a transfer has got. An attempt that has to begin anew counts anew."""

    done_bytes: int
    """Bytes of the file itself that have left, or have come."""
    total_bytes: int | None = None
    """Bytes of the file in all; ``None`` where that is not known."""


OnTransferred: TypeAlias = Callable[[Transferred], object]


@define(kw_only=True)
class Downloaded:
    """A file that was downloaded, whole and checked."""

    size_bytes: int
    sha256: str
    """Hex, of the bytes as they were stored."""
    content_type: str | None = None
    filename: str | None = None
    """The name the service gave it, made safe: a bare name, never a path. ``None`` where it gave none."""
    path: Path | None = None
    """Where it was stored, when it was downloaded to a path."""
    content: bytes | None = field(default=None, repr=False)
    """The bytes, when it was downloaded into memory."""
