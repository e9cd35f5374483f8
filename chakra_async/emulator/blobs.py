"""Bytes of any length, stored and read in chunks so that none of them is ever in memory whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from attrs import evolve, frozen

from chakra_async.emulator.store import Store


_CHUNK: Final = 256 * 1024
_CHUNKS: Final = 1 << 24  # of a blob, at most


@frozen
class Blob:
    """Stored bytes, or a part of them."""

    store: Store
    seq: int
    sha256: str
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.stop - self.start

    def part(self, start: int, stop: int) -> Blob:
        """Return the bytes from ``start`` to before ``stop``."""
        return evolve(self, start=self.start + start, stop=min(self.start + stop, self.stop))

    def chunks(self) -> Iterator[bytes]:
        """Read the bytes piece by piece."""
        at = self.start
        while at < self.stop:
            first = at - at % _CHUNK
            place = self.seq * _CHUNKS + at // _CHUNK
            found = self.store.rows("SELECT bytes FROM chunk WHERE id = ?", (place,))
            if not found:
                return  # replaced meanwhile
            yield found[0][0][at - first : self.stop - first]
            at = first + _CHUNK


class BlobWriter:
    """Takes bytes in pieces of any size."""

    def __init__(self, store: Store, seq: int) -> None:
        self._store = store
        self.seq: Final = seq
        self.size: int = 0
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._written = 0

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self.size += len(data)
        self._digest.update(data)
        self._waiting += data
        while len(self._waiting) >= _CHUNK:
            self._flush()

    def _flush(self) -> None:
        with self._store.transaction() as db:
            place = self.seq * _CHUNKS + self._written
            db.execute("INSERT INTO chunk VALUES (?, ?)", (place, bytes(self._waiting[:_CHUNK])))
        del self._waiting[:_CHUNK]
        self._written += 1

    def finish(self) -> Blob:
        """Write what is left and return the whole."""
        if self._waiting:
            self._flush()
        digest = self._digest.hexdigest()
        with self._store.transaction() as db:
            db.execute("UPDATE blob SET size = ?, sha256 = ? WHERE seq = ?", (self.size, digest, self.seq))
        return Blob(self._store, self.seq, digest, 0, self.size)


class Blobs:
    """The blobs of a store. One that nobody keeps is gone with the call that brought it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        for (seq,) in store.rows("SELECT seq FROM blob WHERE kept = 0"):
            self.drop(seq)

    def new(self) -> BlobWriter:
        """Begin a blob."""
        with self._store.transaction() as db:
            seq = db.execute("INSERT INTO blob (size, sha256, kept) VALUES (0, '', 0)").lastrowid
        return BlobWriter(self._store, int(seq or 0))

    def put(self, data: bytes) -> Blob:
        """Store bytes that are at hand, and keep them."""
        writer = self.new()
        writer.write(data)
        blob = writer.finish()
        self.keep(blob.seq)
        return blob

    def get(self, seq: int) -> Blob:
        """Return a blob that is kept."""
        ((size, sha256),) = self._store.rows("SELECT size, sha256 FROM blob WHERE seq = ?", (seq,))
        return Blob(self._store, seq, sha256, 0, size)

    def keep(self, seq: int) -> None:
        """Save a blob from being dropped at the end of the call."""
        with self._store.transaction() as db:
            db.execute("UPDATE blob SET kept = 1 WHERE seq = ?", (seq,))

    def drop_unkept(self, seq: int) -> None:
        """Drop a blob unless somebody keeps it."""
        if self._store.rows("SELECT 1 FROM blob WHERE seq = ? AND kept = 0", (seq,)):
            self.drop(seq)

    def drop(self, seq: int) -> None:
        """Forget a blob."""
        with self._store.transaction() as db:
            first = seq * _CHUNKS
            db.execute("DELETE FROM chunk WHERE id >= ? AND id < ?", (first, first + _CHUNKS))
            db.execute("DELETE FROM blob WHERE seq = ?", (seq,))
