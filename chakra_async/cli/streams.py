"""The standard streams of the command, which may be closed, full, read by nobody, or short of letters."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import IO, Any


class _Forgiving(io.RawIOBase):
    """Writes to another file, and drops what that does not take."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._file.isatty())

    def fileno(self) -> int:
        return int(self._file.fileno())

    def write(self, data: Any, /) -> int:
        written: int | None = None
        with suppress(OSError):
            written = self._file.write(data)
        return len(data) if written is None else written


def prepare() -> None:
    """Let neither a letter that cannot be shown nor a stderr that breaks cost the account of a run."""
    if (reconfigure := getattr(sys.stdout, "reconfigure", None)) is not None:
        reconfigure(errors="backslashreplace")
    if (buffer := getattr(sys.stderr, "buffer", None)) is not None:
        to = io.BufferedWriter(_Forgiving(getattr(buffer, "raw", buffer)))
        sys.stderr = io.TextIOWrapper(to, sys.stderr.encoding, "backslashreplace", line_buffering=True)


def stdin() -> IO[bytes]:
    """Return standard input.

    Raises:
        OSError: it is closed.
    """
    if sys.stdin is None:
        raise OSError("standard input is closed: there is nothing to read")
    try:
        # An object of its own: the interpreter, which closes sys.stdin at exit, would wait for a thread
        # that still reads from it.
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except io.UnsupportedOperation:
        return sys.stdin.buffer


def write_stdout(data: bytes) -> None:
    """Write to stdout at once: whoever reads a pipe shall not wait, and a broken one is noticed here.

    Raises:
        OSError: it is closed, or does not take it.
    """
    if sys.stdout is None:
        raise OSError("standard output is closed: there is nowhere to write to")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def forget_stdout() -> None:
    """Keep the interpreter from complaining, at exit, that nobody reads what is left to write."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
