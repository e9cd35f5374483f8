"""Which rows concern a process that a row before has named. No I/O."""

from __future__ import annotations

from array import array

from chakra_async.bulk.encode import Identity


_FIRST_SLOTS = 2**12
_BITS = 2**64 - 1


class Duplicates:
    """Remembers every process named so far, in 24 to 48 bytes each.

    A table of hashes with the place of the first row for each, in two arrays at most two thirds full: a dict
    would take five times as much. That any two of ten million processes share a hash has a chance of one in
    370,000.
    """

    def __init__(self) -> None:
        self._count = 0
        self._make(_FIRST_SLOTS)

    def first(self, identity: Identity, place: int) -> int | None:
        """Return the place of the first row for this process, or remember ``place`` as the first."""
        number = hash(identity) & _BITS or 1  # 0 stands for a free slot
        slot = self._slot(number)
        if self._hashes[slot]:
            return self._places[slot]
        self._hashes[slot], self._places[slot] = number, place
        self._count += 1
        if 3 * self._count > 2 * len(self._hashes):
            self._grow()
        return None

    def _slot(self, number: int) -> int:
        """Find the slot where a hash stands, or would stand."""
        hashes, mask = self._hashes, self._mask
        slot = number & mask
        while (found := hashes[slot]) and found != number:
            slot = (slot + 1) & mask
        return slot

    def _make(self, slots: int) -> None:
        self._hashes = array("Q", [0]) * slots
        self._places = array("Q", [0]) * slots
        self._mask = slots - 1

    def _grow(self) -> None:
        hashes, places = self._hashes, self._places
        self._make(2 * len(hashes))
        for number, place in zip(hashes, places, strict=True):
            if number:
                slot = self._slot(number)
                self._hashes[slot], self._places[slot] = number, place
