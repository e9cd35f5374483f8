"""What every contender is given to do: the same processes, the same values, the same order."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar


T = TypeVar("T")

_dice = random.Random(20260101)
IDS: Final = tuple(str(uuid.UUID(int=_dice.getrandbits(128), version=4)) for _ in range(1000))
"""Ids of processes. As many as this, so that no cache of addresses knows them all."""

PROCESSES: Final = "/v1/ext/procedure/lead/process"
STATE: Final = "CONVERTED"
EMULATED: Final = 20_000
"""Rows whose processes exist in the emulator."""


def process_id(number: int) -> str:
    """Return the process that call ``number`` is about."""
    return IDS[number % len(IDS)]


def values(number: int) -> dict[str, Any]:
    """Return what a single update sets."""
    return {"city": "Panaji", "score": number, "remarks": "called back, wants an offer"}


def row_key(number: int) -> str:
    """Return the primary key of row ``number``."""
    return f"LEAD-{number:07}"


def row_values(number: int) -> dict[str, Any]:
    """Return what row ``number`` of a bulk update sets; its item is 137 bytes long on the wire."""
    return {"city": "Panaji", "score": number % 100, "pincode": "403001", "source": "walk-in"}


def row_items(rows: int) -> Iterator[dict[str, Any]]:
    """Give the items of a bulk update as the wire has them, for contenders that know no better."""
    return ({"lead_id": row_key(n), "update": {"data": row_values(n), "state": STATE}} for n in range(rows))


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut a stream into lists."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch


def numbers_for(seconds: float) -> Iterator[int]:
    """Count, until the time is over."""
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        yield number
        number += 1


async def in_flight(tasks: Iterable[T], do: Callable[[T], Awaitable[object]], concurrency: int) -> None:
    """Do all tasks, so many at a time, the way it is commonly written."""
    stream = iter(tasks)

    async def worker() -> None:
        for task in stream:
            await do(task)

    await asyncio.gather(*(worker() for _ in range(concurrency)))
