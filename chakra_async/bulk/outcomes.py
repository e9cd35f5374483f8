"""From the entries of a job to the outcome of every row of its chunk. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import define

from chakra_async.bulk.chunks import PlannedRow
from chakra_async.bulk.rows import Outcome
from chakra_async.models.jobs import Job, JobEntry


@define
class Fate:
    """What became of one row."""

    outcome: Outcome
    errors: tuple[str, ...] = ()
    process_id: str | None = None
    job_id: str | None = None


def settle(rows: Sequence[PlannedRow], job: Job, entries: Iterable[JobEntry], done: Outcome) -> list[Fate]:
    """Match entries to rows and say what became of each.

    How an entry names its item is not documented. In this order it is matched by the id or key it repeats,
    by a position it carries, and, when there are as many entries as rows, by its place in the list. A row
    that no entry speaks of counts as done only if the job's counts leave no other possibility.
    """
    fates: list[Fate | None] = [None] * len(rows)
    listed = list({entry.id or number: entry for number, entry in enumerate(entries)}.values())
    places = _Places(rows)
    for number, entry in enumerate(listed):
        place = places.find(entry, number if len(listed) == len(rows) else None)
        if place is not None:
            fates[place] = _fate(entry, done)
    missing = fates.count(None)
    sure = missing == job.counts.get("SUCCESS", 0) - sum(
        fate is not None and fate.outcome == done for fate in fates
    )
    sure = sure and job.total == len(rows)
    rest = (
        Fate(done)
        if sure
        else Fate("unknown", (f"job {job.id} has no entry that can be matched to this row",))
    )
    return [fate or rest for fate in fates]


def _fate(entry: JobEntry, done: Outcome) -> Fate:
    status = (entry.completion_status or "").upper()
    reasons = (entry.status_message,) if entry.status_message else ()
    match status:
        case "SUCCESS":
            return Fate(done, (), entry.process)
        case "INVALID":
            return Fate(
                "invalid",
                reasons or ("the service did not process the row and gave no reason",),
                entry.process,
            )
        case "ERROR":
            return Fate(
                "failed", reasons or ("the service refused the row and gave no reason",), entry.process
            )
        case "NOT_STARTED":
            return Fate("failed", (*reasons, "the job ended before it came to this row"), entry.process)
        case _:
            return Fate("unknown", (*reasons, f"the entry's status is {status or 'missing'}"), entry.process)


class _Places:
    """Finds the row that an entry speaks of."""

    def __init__(self, rows: Sequence[PlannedRow]) -> None:
        self._count = len(rows)
        self._by_identity: dict[tuple[str, str], list[int]] = {}
        for place, row in enumerate(rows):
            if row.identity is not None:
                self._by_identity.setdefault(row.identity, []).append(place)
        self._names = {name for name, _ in self._by_identity}

    def find(self, entry: JobEntry, position: int | None) -> int | None:
        if (payload := entry.payload) is not None:
            for name in self._names:
                if (place := self._named(name, payload)) is not None:
                    return place
        if entry.index is not None:
            return entry.index if 0 <= entry.index < self._count else None
        return position

    def _named(self, name: str, payload: Mapping[str, Any]) -> int | None:
        value = payload.get(name)
        places = self._by_identity.get((name, str(value))) if value is not None else None
        # Several rows of one process in one job: their entries come in the rows' order.
        return places.pop(0) if places else None
