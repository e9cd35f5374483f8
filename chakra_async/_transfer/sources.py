"""Where the bytes of an upload come from: memory, a path, a file, an iterable."""

from __future__ import annotations

import inspect
import io
import os
import stat
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import IO, Any, cast

from chakra_async._transfer.files import PIECE, Errands
from chakra_async.models.transfers import UploadSource


# An iterable may give None, which is no piece, and not its end either.
_END = object()


class Source:
    """Bytes to be read from their beginning, once or, if ``renewable``, any number of times."""

    name: str | None = None
    """The name of the file, where there is one."""
    size: int | None = None
    """Bytes in all, where that is known; for some only after :meth:`begin`."""
    renewable: bool = True

    async def begin(self) -> None:
        """Go to the beginning."""

    async def read(self) -> memoryview:
        """Return some bytes, and none at the end."""
        raise NotImplementedError

    async def finish(self) -> None:
        """Let go of what :meth:`begin` took."""


def source_of(given: UploadSource) -> Source:
    """Tell what kind of source it is.

    Raises:
        TypeError: none.
        ValueError: a file that is closed.
    """
    if isinstance(given, bytes | bytearray | memoryview):
        return _Memory(_view(given))
    if isinstance(given, str | os.PathLike):
        return _Path(os.fspath(given))
    if isinstance(given, io.TextIOBase):
        raise TypeError("a text file gives no bytes; open it with mode 'rb'")
    read = getattr(given, "read", None)
    if inspect.iscoroutinefunction(read):
        return _AsyncFile(given)
    if callable(read):
        return _File(cast("IO[bytes]", given))
    if isinstance(given, AsyncIterable):
        return _AsyncPieces(aiter(given))
    if isinstance(given, Iterable):
        return _Pieces(iter(given))
    raise TypeError(
        "an upload takes a path, bytes, a binary file or an (async) iterable of bytes, "
        f"not {type(given).__name__}"
    )


def _view(piece: Any) -> memoryview:
    if not isinstance(piece, bytes | bytearray | memoryview):
        raise TypeError(f"the source of the upload gave {type(piece).__name__}, not bytes")
    return memoryview(cast("bytes", piece)).cast("B")


class _Memory(Source):
    def __init__(self, given: memoryview) -> None:
        self._view = given
        self.size = len(self._view)
        self._at = 0

    async def begin(self) -> None:
        self._at = 0

    async def read(self) -> memoryview:
        start, self._at = self._at, self._at + PIECE
        return self._view[start : self._at]


class _Threaded(Source):
    """A file whose reading blocks."""

    def __init__(self) -> None:
        self._errands = Errands()
        self._file: IO[bytes] = io.BytesIO()

    async def read(self) -> memoryview:
        return _view(await self._errands.run(self._file.read, PIECE))


class _Path(_Threaded):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self.name = os.path.basename(path) or None  # noqa: PTH119

    async def begin(self) -> None:
        await self._errands.run(self._open)

    def _open(self) -> None:
        self._file = open(self._path, "rb", buffering=0)  # noqa: PTH123, SIM115
        status = os.fstat(self._file.fileno())
        # A pipe or a device has no size, and gives its bytes once.
        self.renewable = stat.S_ISREG(status.st_mode)
        self.size = status.st_size if self.renewable else None

    async def finish(self) -> None:
        try:
            # Opening a pipe that nobody writes to, or reading it, might never end.
            if self.size is not None:
                await self._errands.settle()
        finally:
            # Done even when whoever waits for it is cancelled.
            self._errands.end(self._close)

    def _close(self) -> None:
        self._file.close()


class _File(_Threaded):
    """A file of the caller's, read from where it stands, and never closed."""

    def __init__(self, given: IO[bytes]) -> None:
        super().__init__()
        if getattr(given, "closed", False):
            raise ValueError("the file to upload is closed")
        self._file = given
        self._start: int | None = None
        name = getattr(given, "name", None)
        self.name = os.path.basename(name) or None if isinstance(name, str) else None  # noqa: PTH119

    async def begin(self) -> None:
        await self._errands.run(self._rewind)

    def _rewind(self) -> None:
        if self._start is not None:
            self._file.seek(self._start)
            return
        seekable = getattr(self._file, "seekable", None)
        if seekable is None or not seekable():
            self.renewable = False
            return
        self._start = self._file.tell()
        self.size = max(0, self._file.seek(0, io.SEEK_END) - self._start)
        self._file.seek(self._start)

    async def finish(self) -> None:
        # A thread may still be reading; the caller shall find the file at rest, unless it might never be.
        try:
            if self._start is not None:
                await self._errands.settle()
        finally:
            self._errands.end()


class _Once(Source):
    """Pieces of any size that come once."""

    renewable = False

    def __init__(self) -> None:
        self._rest = memoryview(b"")

    async def read(self) -> memoryview:
        while not self._rest:
            piece = await self._next()
            if piece is _END:
                break
            self._rest = _view(piece)
        start, self._rest = self._rest[:PIECE], self._rest[PIECE:]
        return start

    async def _next(self) -> Any:
        """Return a piece, or ``_END``."""
        raise NotImplementedError


class _AsyncFile(_Once):
    def __init__(self, given: Any) -> None:
        super().__init__()
        if getattr(given, "closed", False):
            raise ValueError("the file to upload is closed")
        self._read = given.read
        name = getattr(given, "name", None)
        self.name = os.path.basename(name) or None if isinstance(name, str) else None  # noqa: PTH119

    async def _next(self) -> Any:
        return (await self._read(PIECE)) or _END


class _AsyncPieces(_Once):
    def __init__(self, pieces: AsyncIterator[Any]) -> None:
        super().__init__()
        self._pieces = pieces

    async def _next(self) -> Any:
        return await anext(self._pieces, _END)


class _Pieces(_Once):
    def __init__(self, pieces: Iterator[Any]) -> None:
        super().__init__()
        self._pieces = pieces
        self._errands = Errands()

    async def _next(self) -> Any:
        return await self._errands.run(next, self._pieces, _END)

    async def finish(self) -> None:
        # The next piece may never come.
        self._errands.end()
