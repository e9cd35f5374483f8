"""An upload: a form with one file in it, made piece by piece. It knows nothing of connections."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping

from chakra_async._transfer.body import MORSEL, Body
from chakra_async._transfer.files import check_type, disposition, extension_of, safe_name, type_of
from chakra_async._transfer.sources import source_of
from chakra_async.models.transfers import OnTransferred, Transferred, UploadSource
from chakra_async.settings import Timeouts


class Upload(Body):
    """One file on its way up; begun anew for each attempt.

    Args:
        field: name of the file's field.
        source: where the bytes come from.
        times: the time limits.
        filename: name of the file, if not that of the source.
        content_type: type of the file, if its name does not tell.
        size_bytes: size of the file, if the source does not tell.
        on_progress: called as bytes leave.
        type_field: name of a field that repeats a ``content_type`` given by the caller.

    Raises:
        TypeError: the source is none.
        ValueError: the source is closed, or the type cannot be told.
    """

    failure: Exception | None
    sent: int

    def __init__(
        self,
        field: str,
        source: UploadSource,
        times: Timeouts,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        size_bytes: int | None = None,
        on_progress: OnTransferred | None = None,
        type_field: str | None = None,
    ) -> None:
        super().__init__(times)
        self._source = source_of(source)
        name = filename if filename is not None else self._source.name
        kind = check_type(content_type) if content_type is not None else type_of(name or "")
        if kind is None:
            # Stored without its type, a file is refused later, by WhatsApp, when nobody looks any more.
            raise ValueError(
                f"the content type cannot be told from {'the name ' + repr(name) if name else 'no name'}: "
                "give content_type, or a filename that ends in .jpg, .ogg, .pdf or the like"
            )
        if size_bytes is not None and size_bytes < 1:
            raise ValueError(f"size_bytes must be more than 0, not {size_bytes}")
        self.filename: str = safe_name(name) if name else f"file{extension_of(kind)}"
        # Form fields are read as UTF-8 everywhere; the name inside a Content-Disposition is not.
        fields = {"filename": self.filename}
        if type_field is not None and content_type is not None:
            fields[type_field] = content_type
        boundary = secrets.token_hex(16)
        self.content_type: str = f"multipart/form-data; boundary={boundary}"
        self._head = _head(boundary, fields, field, self.filename, kind)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._said = size_bytes
        self._on_progress = on_progress
        self._started = False

    @property
    def renewable(self) -> bool:
        """Whether another attempt can be made."""
        return self._source.renewable or not self._started

    @property
    def file_size(self) -> int | None:
        """Bytes of the file, as far as anyone said; known once begun."""
        return self._source.size if self._said is None else self._said

    @property
    def size(self) -> int | None:
        """Bytes of the whole body."""
        size = self.file_size
        return None if size is None else len(self._head) + size + len(self._tail)

    async def begin(self) -> None:
        """Get ready for an attempt: open or rewind the source."""
        await super().begin()
        try:
            await self._source.begin()
            self._check_size()
        except Exception as error:
            self.failure = error
            raise

    async def pieces(self) -> AsyncIterator[bytes | memoryview]:
        """Give the body. Where no size is known, it is complete only with its last boundary."""
        try:
            async for piece in self._pieces():
                yield piece
        except Exception as error:
            self.failure = error
            raise

    async def _pieces(self) -> AsyncIterator[bytes | memoryview]:
        self._limit(self._times.write)
        yield self._head
        said, read = self.file_size, 0
        while True:
            # The source may take its time; the service may not.
            self._limit(None)
            self._started = True
            piece = await self._read()
            if not piece:
                break
            read += len(piece)
            if said is not None and read > said:
                raise ValueError(
                    f"the source of the upload holds more than the {said:,} bytes it was said to hold"
                )
            for start in range(0, len(piece), MORSEL):
                morsel = piece[start : start + MORSEL]
                self._limit(self._times.write)
                yield morsel
                self.sent += len(morsel)
            if self._on_progress is not None:
                self._on_progress(Transferred(self.sent, said))
        if read < (said or 1):
            due = "at least one byte was" if said is None else f"{said:,} bytes were"
            raise ValueError(f"the source of the upload ended after {read:,} bytes; {due} due")
        self._limit(self._times.write)
        self.complete = True
        yield self._tail
        self._limit(self._times.total)

    async def _read(self) -> memoryview:
        try:
            return await self._source.read()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled the upload, and aiohttp would blame the connection.
            raise RuntimeError("the source of the upload was cancelled, and the upload was not") from error

    async def finish(self) -> None:
        """End an attempt."""
        await super().finish()
        await self._source.finish()

    def describe(self) -> str:
        """Say how far it got."""
        of = "" if self.file_size is None else f" of {self.file_size:,}"
        return f"{self.sent:,}{of} bytes of {self.filename!r} had left"

    def _check_size(self) -> None:
        size = self._source.size
        if size == 0:
            raise ValueError("there is nothing to upload: the source is empty, or stands at its end")
        if size is not None and self._said not in {None, size}:
            raise ValueError(f"the source of the upload holds {size:,} bytes, and not {self._said:,}")


def _head(boundary: str, fields: Mapping[str, str], field: str, filename: str, kind: str) -> bytes:
    """Write the form up to the file: the other fields come first, for those who read as they go."""
    start = f"--{boundary}\r\n".encode()
    parts = [start + disposition(name) + b"\r\n" + value.encode() + b"\r\n" for name, value in fields.items()]
    parts.append(start + disposition(field, filename) + f"Content-Type: {kind}\r\n\r\n".encode())
    return b"".join(parts)
