"""multipart/form-data, parsed while it arrives: files go to blobs, fields stay in memory."""

from __future__ import annotations

from email.message import Message
from email.parser import HeaderParser
from typing import Final

from attrs import field, frozen

from chakra_async.emulator.blobs import Blob, Blobs, BlobWriter
from chakra_async.emulator.refusals import Refusal, SchemaRefusal


_LONGEST_HEADERS: Final = 16 * 1024
_LONGEST_FIELD: Final = 64 * 1024


@frozen
class File:
    """A file of a form."""

    filename: str | None
    content_type: str | None
    blob: Blob


@frozen
class Form:
    """A form: its fields and its files, by name."""

    fields: dict[str, str] = field(factory=dict[str, str])
    files: dict[str, File] = field(factory=dict[str, File])

    def file(self, name: str) -> File:
        """Return a file that must be there."""
        if name not in self.files:
            raise SchemaRefusal("required", "body", f"must have required property '{name}'")
        return self.files[name]


class _Part:
    def __init__(self, headers: Message, blobs: Blobs) -> None:
        # With compat32, the default policy, a parameter that is RFC 2231 encoded comes as a tuple.
        name = headers.get_param("name", "", "content-disposition")
        self.name = name[2] if isinstance(name, tuple) else name
        self.filename = headers.get_filename()
        self.content_type = headers.get("content-type")
        is_text = (self.content_type or "text/plain").startswith("text/plain")
        self.writer: BlobWriter | None = None if self.filename is None and is_text else blobs.new()
        self.text = bytearray()

    def write(self, data: bytes) -> None:
        if self.writer is not None:
            self.writer.write(data)
        else:
            self.text += data
            if len(self.text) > _LONGEST_FIELD:
                raise Refusal(f"The field '{self.name}' of the form is too long")


class FormParser:
    """Parses a body that is fed to it piece by piece.

    What is wrong with it is raised at the end: until then the body must be read in any case.

    Args:
        content_type: the header, with the boundary.
        blobs: where files go.
    """

    def __init__(self, content_type: str, blobs: Blobs) -> None:
        header = Message()
        header["content-type"] = content_type
        boundary = header.get_boundary()
        self._blobs = blobs
        self._delimiter = b"\r\n--" + (boundary or "").encode("utf-8", "surrogateescape")
        self._error = None if boundary else Refusal("Multipart: Boundary not found")
        self._buffer = bytearray(b"\r\n")  # as if the first delimiter followed a line like all others
        self._part: _Part | None = None
        self._inside = True
        self._ended = False
        self._form = Form()
        self.seqs: list[int] = []

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        if self._error is not None or self._ended:
            return
        self._buffer += data
        try:
            while self._step():
                pass
        except Refusal as refusal:
            self._error = refusal

    def _step(self) -> bool:
        """Go on as far as the next delimiter or past the next headers; ``False`` waits for more."""
        if not self._inside:
            return self._headers()
        at = self._buffer.find(self._delimiter)
        # Without a delimiter, its beginning may still be what stands at the end.
        ready = at if at >= 0 else len(self._buffer) - len(self._delimiter) + 1
        if ready > 0:
            if self._part is not None:
                self._part.write(bytes(self._buffer[:ready]))
            del self._buffer[:ready]
        if at < 0:
            return False
        del self._buffer[: len(self._delimiter)]
        self._close_part()
        self._inside = False
        return True

    def _headers(self) -> bool:
        if self._buffer.startswith(b"--"):
            self._ended = True
            return False
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _LONGEST_HEADERS:
                raise Refusal("Multipart: Malformed part header")
            return False
        text = bytes(self._buffer[:end]).lstrip().decode("utf-8", "replace")
        del self._buffer[: end + 4]
        headers = HeaderParser().parsestr(text)
        if headers.get_content_disposition() != "form-data":
            raise Refusal("Multipart: Malformed part header")
        self._part = _Part(headers, self._blobs)
        if self._part.writer is not None:
            self.seqs.append(self._part.writer.seq)
        self._inside = True
        return True

    def _close_part(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        if part.writer is not None:
            file = File(part.filename, part.content_type, part.writer.finish())
            self._form.files.setdefault(part.name, file)
        else:
            self._form.fields[part.name] = part.text.decode("utf-8", "replace")

    def finish(self) -> Form:
        """Return the form.

        Raises:
            Refusal: it was malformed, or ended too early.
        """
        if self._error is None and not self._ended:
            self._error = Refusal("Multipart: Unexpected end of form")
        if self._error is not None:
            raise self._error
        return self._form
