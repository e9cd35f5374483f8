"""Looks at rows before they are sent: against the current values, and, in a dry run, against the config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from attrs import define, field

from chakra_async._shapes import as_object
from chakra_async.bulk.chunks import Chunk, PlannedRow
from chakra_async.bulk.compare import changes, conflicts, reduced
from chakra_async.bulk.dry_run import DryRun
from chakra_async.bulk.encode import Identity
from chakra_async.bulk.outcomes import Fate
from chakra_async.bulk.patience import Patience
from chakra_async.bulk.rows import Change, Outcome
from chakra_async.bulk.search import STRANGERS, Lookup
from chakra_async.models.processes import Process


@define
class Findings:
    """What was found about rows, by their places in the chunk; one not mentioned is to be sent whole."""

    settled: dict[int, Fate] = field(factory=dict[int, Fate])
    """Rows that need not, or must not, be sent."""
    reduced: dict[int, bytes] = field(factory=dict[int, bytes])
    """What is sent in the place of a row: the part of it that changes something."""
    changes: dict[int, tuple[Change, ...]] = field(factory=dict[int, tuple[Change, ...]])
    warnings: dict[int, tuple[str, ...]] = field(factory=dict[int, tuple[str, ...]])
    later: list[int] = field(factory=list[int])
    """Rows to look at again when the others are done: behind one for the same process, a row that relies on
    current values, and all that follow it for that process."""

    def add(self, more: Findings) -> None:
        """Take in what was found about other rows of the chunk."""
        self.settled |= more.settled
        self.reduced |= more.reduced
        self.changes |= more.changes
        self.warnings |= more.warnings


@define
class Review:
    """How rows of one run are looked at."""

    lookup: Lookup | None
    """How to fetch current values; ``None`` where there are none, as before a creation."""
    done: Outcome
    only_changed: bool = False
    """Send only what differs from the current values."""
    dry_run: DryRun | None = None

    def concerns(self, chunk: Chunk) -> bool:
        """Whether there is anything to look at."""
        return self.only_changed or self.dry_run is not None or bool(chunk.rows.expected)

    async def look(self, chunk: Chunk, places: Sequence[int], patience: Patience, *, again: bool) -> Findings:
        """Look at rows of a chunk.

        Args:
            chunk: the chunk.
            places: the places of the rows in it.
            patience: makes the calls.
            again: an earlier run has found that they change something, and has perhaps sent them; what is as
                they want it now is done.

        Raises:
            ChakraError: the current values, or the config, cannot be fetched.
        """
        found = Findings()
        if self.dry_run is not None:
            await self.dry_run.look(chunk, places, patience, found.settled, found.warnings)
        compared = [
            place
            for place in places
            if (self.only_changed or chunk.rows[place].expected is not None)
            and place not in found.settled
            and place not in found.warnings
        ]
        items: dict[int, Any] = {}
        if self.lookup is not None and compared:
            items = {place: orjson.loads(chunk.item(place)) for place in compared}
            processes = await _fetch(self.lookup, chunk, items, patience)
            self._compare(chunk, places, items, processes, found)
        if again:
            found.settled = {place: self._again(fate, items[place]) for place, fate in found.settled.items()}
        return found

    def _again(self, fate: Fate, item: Mapping[str, Any]) -> Fate:
        """Say what was found of a row that an earlier run has perhaps sent."""
        gone = fate.outcome == "invalid" and fate.process_id is None
        deleted = gone and as_object(item.get("update")).get("isDeleted") is True
        if fate.outcome == "unchanged" or deleted:
            return Fate(self.done, process_id=fate.process_id)
        return Fate("unknown", (*fate.errors, "an earlier run may have sent it"), fate.process_id)

    def _compare(
        self,
        chunk: Chunk,
        places: Sequence[int],
        items: Mapping[int, Mapping[str, Any]],
        processes: Mapping[Identity, Process | None],
        found: Findings,
    ) -> None:
        """Compare those rows of which there is an item, where no row to be sent before them interferes."""
        touched: set[Identity | None] = set()
        waits: set[Identity | None] = set()
        for place in places:
            row = chunk.rows[place]
            if place in found.settled:
                continue
            behind = row.identity in touched
            if row.identity in waits or (behind and place in items and row.expected is not None):
                # Whatever follows it for this process must not overtake it.
                waits.add(row.identity)
                found.later.append(place)
                continue
            fate = None
            if place in items and not behind:
                fate = self._judge(row, place, items[place], processes, found)
            if fate is None:
                touched.add(row.identity)
            else:
                found.settled[place] = fate

    def _judge(
        self,
        row: PlannedRow,
        place: int,
        item: Mapping[str, Any],
        processes: Mapping[Identity, Process | None],
        found: Findings,
    ) -> Fate | None:
        """Compare a row with its process; ``None`` if it is to be sent."""
        name, value = identity = row.identity or ("id", "")
        if (process := processes.get(identity)) is None:
            # The service has the last word on what it does not list, unless the row relies on what is there.
            if row.expected is None and self.dry_run is None:
                return None
            if identity in processes:
                return Fate("failed", (f"not sent: {STRANGERS}, and none with {name} {value!r}",))
            return Fate("invalid", (f"no process with {name} {value!r} was found",))
        update = item["update"]
        differences = changes(update, process)
        if not differences:
            return Fate("unchanged", process_id=process.id)
        found.changes[place] = differences
        if row.expected is not None and (moved := conflicts(row.expected, update, process)):
            return Fate("invalid", (f"changed meanwhile: {', '.join(moved)}",), process.id)
        if self.only_changed:
            found.reduced[place] = orjson.dumps({**item, "update": reduced(update, differences)})
        return None


async def _fetch(
    lookup: Lookup, chunk: Chunk, items: Mapping[int, Mapping[str, Any]], patience: Patience
) -> dict[Identity, Process | None]:
    """Fetch the processes that rows name."""
    wanted: dict[str, dict[str, str | int]] = {}
    for place, item in items.items():
        if (identity := chunk.rows[place].identity) is not None:
            name, text = identity
            wanted.setdefault(name, {})[text] = item[name]
    found: dict[Identity, Process | None] = {}
    for name, values in wanted.items():
        processes = await patience(partial(lookup, name, list(values.values())))
        found |= {(name, text): process for text, process in processes.items()}
    return found
