"""Files: safe names, types by name, hashes as text, and reading and writing in threads."""

from __future__ import annotations

import asyncio
import base64
import binascii
import mimetypes
import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from chakra_async._own_thread import OwnThread


T = TypeVar("T")

PIECE = 256 * 1024
"""Bytes read or written at once: enough to make a thread worth its while, too little to block for long."""

_LONGEST_NAME = 200

# To begin a thread takes longer than to read a small file. They end with the loop.
_idle: WeakKeyDictionary[asyncio.AbstractEventLoop, list[OwnThread]] = WeakKeyDictionary()
_MOST_IDLE = 32

# What WhatsApp carries. The standard library knows half of it, and which half depends on its version.
_TYPES = {
    ".3gp": "video/3gpp",
    ".aac": "audio/aac",
    ".amr": "audio/amr",
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".m4a": "audio/mp4",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".webp": "image/webp",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_ENDING = re.compile(r"(\.[\w+-]{1,20}){1,2}\Z", re.ASCII)

_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+( *;[ -~]*)?", re.ASCII)


@cache
def _library() -> mimetypes.MimeTypes:
    # An instance of its own knows nothing of the host's files, so that a name has one type everywhere.
    known = mimetypes.MimeTypes()
    for extension, kind in _TYPES.items():
        known.add_type(kind, extension)
    return known


def type_of(name: str) -> str | None:
    """Tell a content type by the name's ending."""
    # Nothing but the ending is shown to the library, which would take the whole for an address.
    ending = _ENDING.search(name)
    kind, encoding = _library().guess_type(f"file{ending[0]}" if ending else "file", strict=False)
    return "application/gzip" if encoding == "gzip" else None if encoding else kind


def check_type(content_type: str) -> str:
    """Return a content type that can stand in a header.

    Raises:
        ValueError: it cannot.
    """
    if not _TYPE.fullmatch(content_type):
        raise ValueError(f"content_type must look like image/jpeg, not {content_type!r}")
    return content_type


def extension_of(content_type: str) -> str:
    """Return the usual ending of names of a type, or nothing."""
    kind = content_type.partition(";")[0].strip().lower()
    usual = next((extension for extension, known in _TYPES.items() if known == kind), None)
    return {"image/jpeg": ".jpg"}.get(kind) or usual or _library().guess_extension(kind, strict=False) or ""


def safe_name(name: str) -> str:
    """Return a bare file name: no path, no control characters, no lone surrogates, not too long.

    Everything else stays, whatever its script. An unusable name becomes ``file``.
    """
    bare = re.split(r"[/\\]", name)[-1]
    bare = "".join(character if character.isprintable() else "_" for character in bare)
    bare = bare.encode("utf-8", "replace").decode().strip()
    if not bare.strip("._ "):
        return "file"
    stem, dot, extension = bare.rpartition(".")
    if not stem or len(extension) > 20:
        stem, dot, extension = bare, "", ""
    room = _LONGEST_NAME - len((dot + extension).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + dot + extension


def disposition(field: str, filename: str | None = None) -> bytes:
    """Write the ``Content-Disposition`` of a part of a form, as browsers do."""
    value = f'form-data; name="{field}"'
    if filename is not None:
        value += '; filename="{}"'.format(filename.replace('"', "%22"))
    return f"Content-Disposition: {value}\r\n".encode()


def hex_hash(sha256: str) -> str:
    """Read a SHA-256 that is written in hex (by the service) or in base64 (in webhooks).

    Raises:
        ValueError: it is neither.
    """
    text = sha256.strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return text.lower()
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 32:
        raise ValueError(f"sha256 must be 64 hex digits or base64, not {sha256!r}")
    return digest.hex()


class Errands:
    """Blocking work, one piece after another, in a thread of its own: it may never end."""

    def __init__(self) -> None:
        self._idle: list[OwnThread] = []
        self._thread: OwnThread | None = None
        self._last: asyncio.Future[Any] | None = None

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do ``work`` in the thread. When this is cancelled, the work goes on; see :meth:`settle`."""
        if self._thread is None:
            self._idle = _idle.setdefault(asyncio.get_running_loop(), [])
            self._thread = self._idle.pop() if self._idle else OwnThread("chakra-file")
        future = asyncio.wrap_future(self._thread.call(partial(_bearable, work, *arguments)))
        self._last = future
        # Looked at here, for asyncio complains of errors that nobody asked for, as after a cancellation.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(future)

    async def settle(self) -> None:
        """Wait until no work goes on."""
        if self._last is not None and not self._last.done():
            await asyncio.wait([self._last])

    def end(self, work: Callable[[], object] = lambda: None) -> None:
        """Do ``work`` once nothing goes on, and give up the thread, without waiting for either."""
        thread, self._thread = self._thread, None
        if thread is not None and self._last is not None and not self._last.done():
            # What comes of it is for nobody, and the loop may be closed by then.
            self._last.cancel()
            thread.call(work)
            return
        work()
        if thread is not None and len(self._idle) < _MOST_IDLE:
            self._idle.append(thread)


def _bearable(work: Callable[..., T], *arguments: Any) -> T:
    try:
        return work(*arguments)
    except StopIteration as error:
        # No future takes it, so that whoever waits for one would wait for ever.
        raise RuntimeError("a file raised StopIteration; at its end, read returns no bytes") from error
