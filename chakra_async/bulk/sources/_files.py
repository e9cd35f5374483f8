"""Open files as bounded lines of text: compression, byte order marks, undecodable bytes."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import select
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any, TypeAlias, cast


Source: TypeAlias = "str | os.PathLike[str] | IO[str] | IO[bytes]"

MAX_LINE = 4 * 2**20
"""Characters of a line; what is longer is cut, so that a file without line ends cannot fill the memory."""

_KEEP = "chakra_async.keep"
_BYTE_ORDER_MARKS = (  # UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GZIP = b"\x1f\x8b"
_UNPACKING = (EOFError, zlib.error, gzip.BadGzipFile)
"""What is raised over a file that ends early, is damaged, or goes on with something else."""


def _keep(error: UnicodeError) -> tuple[str | bytes, int]:
    """Keep undecodable bytes as lone surrogates, and write them back.

    As ``surrogateescape``, which however raises on bytes below 128, that UTF-16 and UTF-32 can fail on.
    """
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end
    if isinstance(error, UnicodeEncodeError):
        codes = (ord(character) - 0xDC00 for character in error.object[error.start : error.end])
        return bytes(code if 0x80 <= code <= 0xFF else 0x3F for code in codes), error.end
    raise error


codecs.register_error(_KEEP, _keep)


def _read(file: Any, size: int) -> bytes:
    """Read some bytes, and none only at the end; a file that does not block may have none yet."""
    # A pipe's read() waits until everything asked for has come.
    read = getattr(file, "read1", file.read)
    data = read(size)
    if not data and _is_unblocked(file):
        select.select([file], [], [])
        data = read(size)
    return data or b""


def _is_unblocked(file: Any) -> bool:
    try:
        return not os.get_blocking(file.fileno())
    except (AttributeError, OSError, ValueError):  # no file of the system, or none that could be so
        return False


class _Resumed(io.RawIOBase):
    """A binary file whose first bytes were already read; closing it leaves the file open."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head = head
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._head or _read(self._file, len(buffer))
        size = min(len(data), len(buffer))
        buffer[:size] = data[:size]
        self._head = data[size:]
        return size


def check_encoding(encoding: str) -> None:
    """Refuse what is not a text encoding.

    Raises:
        ValueError: It is not one.
    """
    try:
        b"x".decode(encoding, "replace")
    except (LookupError, UnicodeError):
        raise ValueError(
            f"{encoding!r} is not a text encoding; write one such as 'utf-8' or 'cp1252'"
        ) from None


def open_lines(source: Source, stack: ExitStack, *, encoding: str | None, newline: str) -> Iterator[str]:
    """Open a source as an iterator of lines, each with its line end and at most `MAX_LINE` long.

    What is opened here is closed by ``stack``; a file object given by the caller is not.
    """
    if isinstance(source, (str, os.PathLike)):
        return _bounded(_decoded(stack.enter_context(open(source, "rb")), stack, encoding, newline))  # noqa: PTH123
    if isinstance(source.read(0), str):
        return _bounded(cast("IO[str]", source))
    return _bounded(_decoded(source, stack, encoding, newline))


def _decoded(file: Any, stack: ExitStack, encoding: str | None, newline: str) -> IO[str]:
    head = _head(file)
    if head.startswith(_GZIP):
        file = stack.enter_context(gzip.GzipFile(fileobj=_resumed(head, file, stack)))
        head = _head(file)
    for mark, name in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            encoding = name
            break
    text = io.TextIOWrapper(_resumed(head, file, stack), encoding or "utf-8", _KEEP, newline)
    return stack.enter_context(text)


def _resumed(head: bytes, file: IO[bytes], stack: ExitStack) -> Any:
    return stack.enter_context(io.BufferedReader(_Resumed(head, file), 2**16))


def _head(file: IO[bytes]) -> bytes:
    head = b""
    try:
        while len(head) < 4 and (more := _read(file, 4 - len(head))):
            head += more
    except _UNPACKING as error:
        raise _damaged(0) from error
    return head


def _damaged(lines: int) -> OSError:
    return OSError(
        f"the compressed file is damaged or ends early, after line {lines}; what follows is unreadable"
    )


def _bounded(file: IO[str]) -> Iterator[str]:
    readline, limit, count = file.readline, MAX_LINE, 0
    while True:
        try:
            line = readline(limit)
            rest = line
            while len(rest) == limit and rest[-1] not in "\r\n":
                rest = readline(limit)
        except _UNPACKING as error:
            raise _damaged(count) from error
        except UnicodeError:
            raise ValueError(
                f"after line {count}: bytes that are no text in this encoding; "
                "give a path or a binary file, and encoding= if it is not UTF-8"
            ) from None
        if not line:
            return
        count += 1
        yield line


def is_damaged(text: str) -> bool:
    """Whether text holds undecodable bytes or NUL characters, which no service takes."""
    if "\0" in text:
        return True
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def damage(text: str) -> str:
    """Say what is wrong with text that `is_damaged`."""
    if "\0" in text:
        return "holds a NUL character; is the file really UTF-16? Then give encoding='utf-16-le'"
    return "holds bytes that are no text in this encoding; give the file's encoding=, such as 'cp1252'"


def stub(text: str) -> str:
    """Stand for a line that was too long; neither CSV nor JSON, so its beginning is never read as a row."""
    return f'"line too long, cut here" {text[:200]}'


def open_for_writing(
    path: str | os.PathLike[str], stack: ExitStack, *, packed: bool, marked: bool
) -> IO[str]:
    """Create a UTF-8 file, packed with gzip or begun with a byte order mark if wanted; overwrite none."""
    raw: Any = stack.enter_context(open(path, "xb"))  # noqa: PTH123, SIM115
    if packed:
        raw = stack.enter_context(gzip.GzipFile(fileobj=raw, mode="wb"))
    return stack.enter_context(io.TextIOWrapper(raw, "utf-8-sig" if marked else "utf-8", _KEEP, ""))
