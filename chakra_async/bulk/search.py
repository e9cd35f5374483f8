"""After a lost answer: which rows of a chunk exist at the service?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import orjson

from chakra_async._shapes import as_object
from chakra_async.bulk.chunks import Chunk
from chakra_async.bulk.compare import changes
from chakra_async.bulk.encode import Identity
from chakra_async.bulk.outcomes import Fate
from chakra_async.bulk.patience import Patience
from chakra_async.bulk.rows import Change
from chakra_async.models.processes import Process


# The lost request may still be at work, so looks go on until two in a row agree; seconds between them.
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)

# Of what a create gives. A user is told by id, and may have been given by name.
_COMPARED = ("data", "state", "status", "nextActionAt")

Lookup = Callable[[str, Sequence[str | int]], Awaitable[Mapping[str, Process | None]]]
"""Find the processes whose key (first argument) has one of the values: by the value as text.

``None`` where nobody can tell whether there is one."""

STRANGERS = "the service lists other processes than were asked for"


class Search:
    """Looks for the processes that rows of a chunk were to create."""

    def __init__(self, lookup: Lookup, chunk: Chunk, patience: Patience) -> None:
        self._lookup = lookup
        self._chunk = chunk
        self._patience = patience
        self._places: dict[Identity | None, list[int]] = {}
        for place, identity in enumerate(chunk.rows.identities):
            self._places.setdefault(identity, []).append(place)

    async def until_still(self, places: Sequence[int]) -> dict[int, Process | None]:
        """Look which rows exist, until all do or nothing more comes; ``None`` where nobody can tell."""
        found = await self.once(places)
        for pause in PAUSES:
            if len(found) == len(places):
                break
            await asyncio.sleep(pause)
            before, found = found, await self.once(places)
            if found.keys() == before.keys():
                break
        return found

    async def once(self, places: Sequence[int]) -> dict[int, Process | None]:
        """Look which rows exist now."""
        by_name: dict[str, dict[str, list[int]]] = {}
        for place in places:
            if (identity := self._chunk.rows[place].identity) is not None:
                by_name.setdefault(identity[0], {}).setdefault(identity[1], []).append(place)
        found: dict[int, Process | None] = {}
        for name, wanted in by_name.items():
            # As they were sent: the row itself may have been filled with another since.
            values = [orjson.loads(self._chunk.item(same[0]))[name] for same in wanted.values()]
            processes = await self._patience(partial(self._lookup, name, values))
            found |= {
                place: process for value, process in processes.items() for place in wanted.get(value, ())
            }
        return found

    async def look_again(self, places: Sequence[int], fates: Sequence[Fate]) -> list[Fate]:
        """Look once more at rows that were refused: the lost request may have done them meanwhile."""
        refused = [place for place, fate in zip(places, fates, strict=True) if fate.outcome == "failed"]
        found = await self.once(refused) if refused else {}
        return [
            self.fate(place, found[place]) if place in found else fate
            for place, fate in zip(places, fates, strict=True)
        ]

    def fate(self, place: int, process: Process | None) -> Fate:
        """Say what a process that exists after a lost answer, or may exist, tells of the row."""
        if process is None:
            reason = f"the answer was lost, and {STRANGERS}, so that nobody can tell whether this one exists"
            return Fate("unknown", (reason,))
        has_key = f"the answer was lost; process {process.id} has this key"
        if other := self._other_values(place, process):
            reason = f"{has_key}, but other values of {', '.join(other)}: it may have been there before"
            return Fate("unknown", (reason,), process_id=process.id)
        for twin in self._places[self._chunk.rows.identities[place]]:
            if twin != place and not self._other_values(twin, process):
                reason = f"{has_key}, and nobody can tell which of several rows with this key created it"
                return Fate("unknown", (reason,), process_id=process.id)
        return Fate("created", process_id=process.id)

    def _other_values(self, place: int, process: Process) -> list[str]:
        """Name what the process does not have as the row gives it."""
        item = as_object(orjson.loads(self._chunk.item(place)))
        wanted = {name: item[name] for name in _COMPARED if name in item}
        return sorted(change.name for change in changes(wanted, process) if not _two_names(change))


def _two_names(change: Change) -> bool:
    """Whether the values may be the same under two names: a state's short id, and its uuid."""
    return change.field == "state" and _is_uuid(change.before) != _is_uuid(change.after)


def _is_uuid(value: Any) -> bool:
    try:
        return bool(UUID(value))
    except (AttributeError, TypeError, ValueError):
        return False
