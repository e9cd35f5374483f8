"""Where the bytes of a download go: memory, a path, a file."""

from __future__ import annotations

import errno
import inspect
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from chakra_async._transfer.files import Errands
from chakra_async.errors import ResponseTooLargeError
from chakra_async.models.transfers import DownloadTarget


class Sink:
    """Where bytes go."""

    renewable: bool = True
    """Whether what was written can be taken back."""

    async def check(self) -> None:
        """See, before anything is asked for, whether it can be written to."""

    def expect(self, size: int | None) -> None:
        """Learn how much is to come."""

    async def write(self, data: bytes, digest: Any) -> None:
        """Write ``data``, and have ``digest`` hash it."""
        raise NotImplementedError

    async def reset(self) -> None:
        """Forget what was written."""

    async def keep(self) -> tuple[Path | None, bytes | None]:
        """Make it final."""
        return None, None

    async def discard(self) -> None:
        """Leave nothing."""


def sink_of(to: DownloadTarget | None, limit: int) -> Sink:
    """Tell what kind of target it is.

    Raises:
        TypeError: none.
        ValueError: a file that is closed.
    """
    if to is None:
        return _Memory(limit)
    if isinstance(to, str | os.PathLike):
        return _Place(Path(to))
    if not callable(getattr(to, "write", None)):
        raise TypeError(f"to must be a path or a binary file, not {type(to).__name__}")
    if getattr(to, "closed", False):
        raise ValueError("the file to download to is closed")
    if hasattr(to, "encoding"):
        raise TypeError("a text file takes no bytes; open it with mode 'wb'")
    return _File(to)


class _Memory(Sink):
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def expect(self, size: int | None) -> None:
        if size is not None and size > self._limit:
            raise self._too_large()

    async def write(self, data: bytes, digest: Any) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise self._too_large()
        digest.update(data)
        self._pieces.append(data)

    async def reset(self) -> None:
        self._pieces, self._size = [], 0

    async def keep(self) -> tuple[Path | None, bytes | None]:
        return None, b"".join(self._pieces)

    async def discard(self) -> None:
        # An error that is kept keeps the frames, and they this.
        await self.reset()

    def _too_large(self) -> ResponseTooLargeError:
        return ResponseTooLargeError(
            f"The file exceeds {self._limit:,} bytes (Limits.max_response_bytes); download it to a path."
        )


class _Place(Sink):
    """A path: written beside it, and put there at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.part")
        self._file: IO[bytes] | None = None
        self._errands = Errands()

    async def check(self) -> None:
        await self._errands.run(self._check)

    def _check(self) -> None:
        if self._path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "to is a folder; name a file in it", str(self._path))
        if not self._path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(self._path.parent))

    async def write(self, data: bytes, digest: Any) -> None:
        await self._errands.run(self._write, data, digest)

    def _write(self, data: bytes, digest: Any) -> None:
        if self._file is None:
            self._file = self._beside.open("xb", buffering=0)
        _write_all(self._file, data)
        digest.update(data)

    async def reset(self) -> None:
        if self._file is not None:
            await self._errands.run(_cut, self._file, 0)

    async def keep(self) -> tuple[Path | None, bytes | None]:
        await self._errands.run(self._keep)
        return self._path, None

    def _keep(self) -> None:
        if self._file is not None:
            self._file.close()
            self._beside.replace(self._path)

    async def discard(self) -> None:
        try:
            await self._errands.settle()
        finally:
            # Done even when whoever waits for it is cancelled.
            self._errands.afterwards(self._discard)

    def _discard(self) -> None:
        if self._file is not None:
            self._file.close()
            with suppress(OSError):
                self._beside.unlink()


class _File(Sink):
    """A file of the caller's, written from where it stands, and never closed."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._errands = Errands()
        self._start: int | None = None
        self._async = inspect.iscoroutinefunction(file.write)
        self.renewable = not self._async

    async def check(self) -> None:
        if not self._async:
            await self._errands.run(self._check)

    def _check(self) -> None:
        seekable = getattr(self._file, "seekable", None)
        self.renewable = seekable is not None and bool(seekable())
        if self.renewable:
            self._start = self._file.tell()

    async def write(self, data: bytes, digest: Any) -> None:
        if self._async:
            await self._file.write(data)
        else:
            await self._errands.run(_write_all, self._file, data)
        digest.update(data)

    async def reset(self) -> None:
        if self._start is not None:
            await self._errands.run(_cut, self._file, self._start)

    async def keep(self) -> tuple[Path | None, bytes | None]:
        flush = getattr(self._file, "flush", None)
        if flush is not None and not self._async:
            await self._errands.run(flush)
        return None, None

    async def discard(self) -> None:
        await self._errands.settle()
        with suppress(OSError, ValueError):
            await self.reset()


def _write_all(file: Any, data: bytes) -> None:
    """Write to a file that may take less than it is given."""
    rest = memoryview(data)
    while rest:
        taken = file.write(rest)
        rest = rest[taken if isinstance(taken, int) and not isinstance(taken, bool) else len(rest) :]


def _cut(file: IO[bytes], at: int) -> None:
    file.seek(at)
    file.truncate()
