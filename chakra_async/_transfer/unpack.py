"""Compressed bodies, unpacked piece by piece, and only when they are whole.

aiohttp's own unpacking takes a gzip body that was cut for a whole one, and hands on as they are the
encodings that it does not know.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from chakra_async._transfer.files import PIECE


_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
_MOST_LAYERS = 3


class DamagedError(OSError):
    """A compressed body is cut or damaged."""


class Unpacked:
    """The pieces of a body, each at most 256 KiB; empty ones stand for bytes from which nothing came yet.

    Args:
        pieces: the body as it comes.
        encoding: the ``Content-Encoding``; of several lines, joined by commas.

    Raises:
        ValueError: it is not known, or too deep.
    """

    def __init__(self, pieces: AsyncIterator[bytes], encoding: str) -> None:
        names = [name for part in encoding.split(",") if (name := part.strip().lower())]
        packings = [name for name in names if name != "identity"]
        if not _KNOWN.issuperset(packings) or len(packings) > _MOST_LAYERS:
            raise ValueError(f"the content encoding {encoding[:100]!r} was not asked for")
        self._pieces = pieces
        self._layers = [_Layer(gzip=name != "deflate") for name in reversed(packings)]
        self._waiting: Iterator[bytes] = iter(())

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if (waiting := next(self._waiting, None)) is not None:
            # A little can unfold into a lot; others have their turn between its pieces.
            await asyncio.sleep(0)
            return waiting
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            for layer in self._layers:
                layer.end()
            raise
        self._waiting = self._unfold(piece, self._layers)
        return next(self._waiting, b"")

    def _unfold(self, piece: bytes, layers: list[_Layer]) -> Iterator[bytes]:
        if not layers:
            yield piece
            return
        for part in layers[0].feed(piece):
            yield from self._unfold(part, layers[1:])


class _Layer:
    """One compression: for gzip any number of members, for deflate one stream with or without a header."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._stream: Any = None
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            stream = self._stream = self._stream or self._open(data)
            try:
                piece = stream.decompress(data, PIECE)
                # What unfolds may be more than fits, although all of the data is used up.
                while piece:
                    yield piece
                    piece = b"" if stream.eof else stream.decompress(stream.unconsumed_tail, PIECE)
            except zlib.error as error:
                raise DamagedError(f"a compressed body is damaged: {error}") from None
            data = stream.unused_data
            if stream.eof:
                self._stream, self._ended = None, True

    def end(self) -> None:
        if self._stream is not None:
            raise DamagedError("a compressed body was cut")

    def _open(self, data: bytes) -> Any:
        if self._gzip:
            return zlib.decompressobj(31)
        if self._ended:
            raise DamagedError("something follows a compressed body")
        # Many a server leaves the header out, although it should not.
        return zlib.decompressobj(15 if data[0] & 0x0F == 8 else -15)
