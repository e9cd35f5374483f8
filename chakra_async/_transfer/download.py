"""A download: where its bytes go, how it goes on after a break, what is checked. It knows no connections."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import orjson

from chakra_async._codec import misshapen
from chakra_async._shapes import as_object
from chakra_async._transfer.files import PIECE, hex_hash, safe_name
from chakra_async._transfer.sinks import sink_of
from chakra_async.errors import IncompleteReadError, RequestTimeoutError, ResponseTooLargeError
from chakra_async.models.reply import Reply, readable
from chakra_async.models.transfers import Downloaded, DownloadTarget, OnTransferred, Transferred
from chakra_async.settings import Settings


T = TypeVar("T")

# What brings less than this a second, over ``Timeouts.total``, only pretends to be alive.
_SLOWEST = 1024

# Clocks may differ, and what changes twice in a second has one date for both.
_SETTLED = timedelta(minutes=1)

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class Paced:
    """The pieces of a body, for as long as they do not only drip.

    Args:
        pieces: the body as it comes.
        span: seconds over which it may bring too little.
    """

    def __init__(self, pieces: AsyncIterator[bytes], span: float) -> None:
        self._pieces = pieces
        self._span = span
        self._now = asyncio.get_running_loop().time
        self._mark = self._now()
        self._size = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await anext(self._pieces)
        self._size += len(piece)
        now = self._now()
        if now - self._mark > self._span:
            if self._size < _SLOWEST * self._span:
                raise RequestTimeoutError(
                    f"The download brought less than {_SLOWEST:,} bytes a second over {self._span:g} s "
                    "(Timeouts.total).",
                    sent=True,
                    retry_safe=True,
                )
            self._mark, self._size = now, 0
        return piece


class Download:
    """One file on its way down: a context, at whose end there is the whole file or nothing.

    Of what was written to a pipe or the like, nothing can be taken back; it is never written twice.

    Args:
        to: path, file, or ``None`` for memory.
        settings: time limits, and the limit for memory.
        sha256: what the bytes must hash to.
        on_progress: called as bytes come.
        objects: whether JSON is an object about the file rather than the file.

    Raises:
        TypeError: ``to`` is nothing to write to.
        ValueError: ``to`` is closed, or ``sha256`` is no hash.
    """

    def __init__(
        self,
        to: DownloadTarget | None,
        settings: Settings,
        *,
        sha256: str | None = None,
        on_progress: OnTransferred | None = None,
        objects: bool = False,
    ) -> None:
        self._limit = settings.limits.max_response_bytes
        self._sink = sink_of(to, self._limit)
        self._due_hash = None if sha256 is None else hex_hash(sha256)
        self._on_progress = on_progress
        self._objects = objects
        self._hash = hashlib.sha256()
        self._total: int | None = None
        self._validator: str | None = None
        self._kept = False
        self.received: int = 0
        """Bytes stored so far, by all attempts."""
        self.taken: bool = False
        """Whether a file has come, whole."""
        self.host: str | None = None
        """The other host to which the service sent us, in the present attempt."""
        self.failure: Exception | None = None
        """What went wrong on this side, if anything did."""

    @property
    def renewable(self) -> bool:
        """Whether another attempt can be made."""
        return self._sink.renewable or not self.received or self._validator is not None

    async def __aenter__(self) -> Self:
        await self._sink.check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._kept:
            await self._sink.discard()

    def headers(self) -> dict[str, str]:
        """Return what to ask for: all of it, or what is still missing."""
        asked = {"Accept": "*/*", "Accept-Encoding": "identity"}
        # Without anything to know the file by, the rest might be that of another.
        if self.received and self._validator is not None:
            asked["Range"] = f"bytes={self.received}-"
            asked["If-Range"] = self._validator
        return asked

    def is_file(self, body: bytes) -> bool:
        """Tell whether a JSON body is the file, and not the service's wrapper or an object about it."""
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            return not self._objects
        return not (self._objects or {"_data", "_errors"} & as_object(value).keys())

    def give_up_range(self) -> IncompleteReadError:
        """Begin anew next time, if there can be one, after a range was refused."""
        self._validator = None
        left = "it has to begin anew" if self._sink.renewable else "what was written cannot be taken back"
        return _broken(f"the service does not go on where it broke; {left}")

    async def take(self, status: int, headers: Mapping[str, str], pieces: AsyncIterator[bytes]) -> None:
        """Store the body of an answer."""
        encoded = headers.get("content-encoding", "identity").lower() != "identity"
        await self._begin(status, headers, encoded)
        waiting: list[bytes] = []
        size = 0
        try:
            async for piece in pieces:
                waiting.append(piece)
                size += len(piece)
                if size >= PIECE:
                    await self._store(waiting, encoded)
                    waiting, size = [], 0
        except Exception:
            # What came before the break need not come again.
            if self.failure is None and waiting:
                await self._store(waiting, encoded)
            raise
        await self._store(waiting, encoded)
        if self._total is not None and self.received != self._total:
            raise _broken(f"{self.received:,} of {self._total:,} bytes came")
        self.taken = self.received > 0

    async def keep(self, reply: Reply) -> Downloaded:
        """Check the whole, and put it in its place.

        Raises:
            DecodeError: it does not hash to what it should.
            OSError: it cannot be put there.
        """
        found = self._hash.hexdigest()
        if self._due_hash not in {None, found}:
            raise misshapen(reply, f"its SHA-256 is {found}, and not {self._due_hash}")
        path, content = await self._sink.keep()
        self._kept = True
        return Downloaded(
            size_bytes=self.received,
            sha256=found,
            content_type=None if (kind := reply.headers.get("content-type")) is None else readable(kind),
            filename=_filename(reply.headers),
            path=path,
            content=content,
        )

    async def _begin(self, status: int, headers: Mapping[str, str], encoded: bool) -> None:
        length = headers.get("content-length", "")
        size = int(length) if length.isdigit() and not encoded else None
        if status == 206:
            match = _RANGE.fullmatch(headers.get("content-range", ""))
            whole = int(match[3]) if match and match[3] != "*" else self._total
            # Where nobody says how long the whole is, a part may end before it does.
            fits = match is not None and int(match[1]) == self.received and whole is not None
            if not fits or encoded or self._total not in {None, whole} or not self._is_of_same(headers):
                raise self.give_up_range()
            self._total = whole
            return
        if self.received and not await self._act(self._sink.reset):
            raise self.give_up_range()
        self.received, self._total, self._hash = 0, size, hashlib.sha256()
        self._validator = None if encoded else _validator(headers)
        self._sink.expect(size)

    def _is_of_same(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a part is of the same file as what came before it."""
        if not self.received:
            return True
        shown = [headers[name] for name in ("etag", "last-modified") if name in headers]
        return self._validator is not None and (not shown or self._validator in shown)

    async def _store(self, pieces: list[bytes], encoded: bool) -> None:
        data = b"".join(pieces)
        if not data:
            return
        # Nobody asked for an encoding, and a little of it can unfold into any amount.
        if encoded and self.received + len(data) > self._limit:
            raise ResponseTooLargeError(
                f"The download, once decompressed, exceeds {self._limit:,} bytes (Limits.max_response_bytes)."
            )
        await self._act(self._sink.write, data, self._hash)
        self.received += len(data)
        if self._on_progress is not None:
            try:
                self._on_progress(Transferred(self.received, self._total))
            except Exception as error:
                self.failure = error
                raise

    async def _act(self, work: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        try:
            return await work(*arguments)
        except ResponseTooLargeError:
            raise
        except Exception as error:
            self.failure = error
            raise


def _broken(why: str) -> IncompleteReadError:
    return IncompleteReadError(f"The download broke: {why}.", sent=True, retry_safe=True)


def _validator(headers: Mapping[str, str]) -> str | None:
    """Return what tells a file from what it was or will be: a strong tag or, without any, a settled date.

    RFC 9110, 13.1.5 and 8.8.2.2.
    """
    tag = headers.get("etag")
    if tag is not None:
        return tag if tag.startswith('"') else None
    modified = headers.get("last-modified", "")
    with suppress(ValueError, TypeError, OverflowError):
        age = parsedate_to_datetime(headers.get("date", "")) - parsedate_to_datetime(modified)
        return modified if age >= _SETTLED else None
    return None


def _filename(headers: Mapping[str, str]) -> str | None:
    shown = headers.get("content-disposition")
    if not shown:
        return None
    message = Message()
    message["Content-Disposition"] = "".join(c if c.isprintable() else " " for c in shown)
    # Of a name given in numbered parts and in one, the library compares the numbers with none.
    with suppress(ValueError, LookupError, TypeError):
        name = message.get_filename()
        return safe_name(name) if name else None
    return None
