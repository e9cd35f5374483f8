"""When webhooks leave, and in which order: delays, duplicates, re-ordering. No clock, no I/O."""

from __future__ import annotations

import heapq
import random
from typing import Final

from attrs import frozen

from chakra_async.emulator.events import EventKind


QUIET: Final = 0.2
"""Seconds after which a group that is not full is sent nevertheless."""


@frozen
class Outgoing:
    """A webhook that waits to be sent."""

    kind: EventKind
    body: bytes
    is_copy: bool = False


class Schedule:
    """Decides about the webhooks of one receiver; the same seed and order of events give the same decisions.

    Instants are seconds of any clock.

    Args:
        duplicates: how probable it is, from 0 to 1, that a webhook is sent twice.
        shuffle: webhooks are sent in groups of this many, each group in a random order; 1 keeps the order.
        delay: the least and the most seconds from event to sending, each webhook having its own.
        seed: of the random numbers.
    """

    def __init__(self, *, duplicates: float, shuffle: int, delay: tuple[float, float], seed: int) -> None:
        self._duplicates = duplicates
        self._shuffle = shuffle
        self._delay = delay
        self._random = random.Random(seed)
        self._count = 0
        self._waiting: list[tuple[float, int, Outgoing]] = []
        self._group: list[Outgoing] = []
        self._group_leaves_at = 0.0

    def add(self, kind: EventKind, body: bytes, now: float) -> int:
        """Take in a webhook, and return how many it has become: 1, or 2 with a duplicate."""
        copies = 1 + (self._random.random() < self._duplicates)
        for number in range(copies):
            due = now + self._random.uniform(*self._delay)
            self._count += 1
            heapq.heappush(self._waiting, (due, self._count, Outgoing(kind, body, number > 0)))
        return copies

    def take(self, now: float) -> list[Outgoing]:
        """Return what is to be sent now, in its order; everything when ``now`` is infinite."""
        taken: list[Outgoing] = []
        while self._waiting and self._waiting[0][0] <= now:
            due, _, outgoing = heapq.heappop(self._waiting)
            self._group.append(outgoing)
            self._group_leaves_at = due + QUIET
            if len(self._group) >= self._shuffle:
                taken += self._released()
        if self._group and self._group_leaves_at <= now:
            taken += self._released()
        return taken

    def next_at(self) -> float | None:
        """Say when to look again; ``None`` when nothing waits."""
        instants = [due for due, _, _ in self._waiting[:1]]
        if self._group:
            instants.append(self._group_leaves_at)
        return min(instants, default=None)

    def _released(self) -> list[Outgoing]:
        group, self._group = self._group, []
        self._random.shuffle(group)
        return group
