"""Where the bytes of a download go: memory, a path, a file."""

from __future__ import annotations

import asyncio
import errno
import inspect
import io
import os
import secrets
import stat
from contextlib import suppress
from functools import partial
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

    async def reset(self) -> bool:
        """Forget what was written, and tell whether that could be done."""
        return self.renewable

    async def keep(self) -> tuple[Path | None, bytes | None]:
        """Make it final."""
        return None, None

    async def discard(self) -> None:
        """Leave nothing."""


def sink_of(to: DownloadTarget | None, limit: int) -> Sink:
    """Tell what kind of target it is.

    Raises:
        TypeError: none.
        ValueError: a file that is closed, or a path that is empty.
    """
    if to is None:
        return _Memory(limit)
    if isinstance(to, str | os.PathLike):
        if to == "":
            raise ValueError("to is empty; name a file")
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

    async def reset(self) -> bool:
        self._pieces, self._size = [], 0
        return True

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
        self._target = self._beside = path
        self._mode: int | None = None
        self._file: IO[bytes] | None = None
        self._errands = Errands()

    async def check(self) -> None:
        # Not in a thread of its own: of downloads, any number may wait for their turn.
        await asyncio.to_thread(self._check)

    def _check(self) -> None:
        with suppress(FileNotFoundError):
            self._mode = self._path.stat().st_mode
        if self._mode is not None and stat.S_ISDIR(self._mode):
            raise IsADirectoryError(errno.EISDIR, "to is a folder; name a file in it", str(self._path))
        if self._mode is not None and not stat.S_ISREG(self._mode):
            what = "to is no regular file, and is not replaced by one; open it, and give the open file"
            raise FileExistsError(errno.EEXIST, what, str(self._path))
        # What a link leads to is replaced, and not the link.
        self._target = Path(os.path.realpath(self._path))
        if not self._target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(self._target.parent))
        # Systems limit names by their bytes.
        name = self._target.name.encode(errors="ignore")[:100].decode(errors="ignore")
        self._beside = self._target.with_name(f".{name}.{secrets.token_hex(6)}.part")

    async def write(self, data: bytes, digest: Any) -> None:
        await self._errands.run(self._write, data, digest)

    def _write(self, data: bytes, digest: Any) -> None:
        if self._file is None:
            self._file = self._open()
        _write_all(self._file, data)
        digest.update(data)

    def _open(self) -> IO[bytes]:
        # What was closed to others stays so, while it is written too.
        mode = 0o666 if self._mode is None else 0o600
        return open(self._beside, "xb", buffering=0, opener=partial(os.open, mode=mode))

    async def reset(self) -> bool:
        if self._file is not None:
            await self._errands.run(_cut, self._file, 0)
        return True

    async def keep(self) -> tuple[Path | None, bytes | None]:
        await self._errands.run(self._keep)
        self._errands.end()
        return self._path, None

    def _keep(self) -> None:
        if self._file is not None:
            self._file.close()
            if self._mode is not None:
                # Some file systems have no modes to keep.
                with suppress(OSError):
                    self._beside.chmod(self._mode & 0o777)
            self._beside.replace(self._target)

    async def discard(self) -> None:
        try:
            await self._errands.settle()
        finally:
            # Done even when whoever waits for it is cancelled.
            self._errands.end(self._discard)

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
        self._touched = False
        self._async = inspect.iscoroutinefunction(file.write)
        self.renewable = not self._async

    async def check(self) -> None:
        if not self._async:
            await asyncio.to_thread(self._check)

    def _check(self) -> None:
        seekable = getattr(self._file, "seekable", None)
        self.renewable = seekable is not None and bool(seekable())
        if self.renewable:
            self._start = self._file.tell()

    async def write(self, data: bytes, digest: Any) -> None:
        self._touched = True
        if self._async:
            rest = data
            while rest:
                rest = rest[_taken(self._file, await self._file.write(rest), len(rest)) :]
        else:
            await self._errands.run(_write_all, self._file, data)
        digest.update(data)

    async def reset(self) -> bool:
        # Where nothing was written, what stands there is the caller's.
        if self._touched and self._start is not None:
            try:
                await self._errands.run(_cut, self._file, self._start)
            except OSError:
                # A gzip.GzipFile says that it can go back, and then does not.
                self.renewable = False
        return self.renewable

    async def keep(self) -> tuple[Path | None, bytes | None]:
        flush = getattr(self._file, "flush", None)
        if flush is not None and not self._async:
            await self._errands.run(flush)
        self._errands.end()
        return None, None

    async def discard(self) -> None:
        try:
            # Writing to a pipe that nobody reads might never end.
            if self._start is not None:
                await self._errands.settle()
                with suppress(ValueError):
                    await self.reset()
        finally:
            self._errands.end()


def _write_all(file: Any, data: bytes) -> None:
    """Write to a file that may take less than it is given."""
    rest = memoryview(data)
    while rest:
        rest = rest[_taken(file, file.write(rest), len(rest)) :]


def _taken(file: Any, said: Any, given: int) -> int:
    """Tell how many of the bytes given to a write were taken; all, if it does not say.

    Raises:
        BlockingIOError: none.
        TypeError: it has yet to be awaited.
    """
    if inspect.isawaitable(said):
        raise TypeError("the write of the file to download to must be a coroutine function to be awaited")
    if said is None and isinstance(file, io.RawIOBase):
        # So says one that does not block and is full.
        said = 0
    if not isinstance(said, int) or isinstance(said, bool):
        return given
    if said < 1:
        what = "the file to download to takes no more at present; open it so that writing waits"
        raise BlockingIOError(errno.EAGAIN, what)
    return said


def _cut(file: IO[bytes], at: int) -> None:
    file.seek(at)
    file.truncate()
