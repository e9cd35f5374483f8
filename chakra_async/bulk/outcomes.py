"""From the entries of a job to the outcome of every row of its chunk. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import define

from chakra_async._envelope import error_texts
from chakra_async.bulk.chunks import PlannedRow
from chakra_async.bulk.matching import matches, process_of
from chakra_async.bulk.rows import Outcome
from chakra_async.models.jobs import Job, JobEntry


BEHIND = "not sent: an earlier row for this process may still be under way"


@define
class Fate:
    """What became of one row."""

    outcome: Outcome
    errors: tuple[str, ...] = ()
    process_id: str | None = None
    job_id: str | None = None


def settle(
    rows: Sequence[PlannedRow],
    job: Job,
    entries: Iterable[JobEntry],
    done: Outcome,
    sent: Callable[[int], bytes] | None = None,
) -> list[Fate]:
    """Match entries to rows and say what became of each.

    How an entry names its item is not documented. It is matched by a position it carries, by the id or key it
    repeats, or, when there are as many entries as rows, by its place in the list. Positions and places are
    believed only if no entry repeats what contradicts them. A row that no entry speaks of counts as done only
    if the job's counts leave no other possibility.

    Several rows for one process are told apart by a position, or by an item that is repeated whole (``sent``
    gives it as it was sent). Where neither tells, they are what their entries say all alike, or ``unknown``.
    """
    identities = [row.identity for row in rows]
    known = {identity for identity in identities if identity is not None}
    # Pages may repeat entries. One that has its item's id for its own may stand for several rows.
    by_id = {
        number if entry.id is None or ("id", entry.id) in known else entry.id: entry
        for number, entry in enumerate(entries)
    }
    fates: list[Fate | None] = [None] * len(rows)
    mixed: list[tuple[list[int], list[Fate]]] = []
    for places, told in matches(identities, known, list(by_id.values()), sent):
        said = [_fate(entry, done) for entry in told]
        for place, fate in zip(places, said, strict=False):
            fates[place] = fate
        if len(places) > 1 or len(said) > 1:
            mixed.append((places, said))
    rest = _rest(fates, job, done)
    for places, said in mixed:
        one = _in_common([*said, *(rest for place in places if fates[place] is None)], job)
        for place in places:
            fates[place] = one
    return [fate or rest for fate in fates]


def _rest(fates: Sequence[Fate | None], job: Job, done: Outcome) -> Fate:
    """Say what became of each row that no entry speaks of."""
    succeeded = sum(fate is not None and fate.outcome == done for fate in fates)
    if job.total == len(fates) and fates.count(None) == job.counts.get("SUCCESS", 0) - succeeded:
        return Fate(done)
    return Fate("unknown", (f"job {job.id} has no entry that can be matched to this row",))


def _in_common(fates: Sequence[Fate], job: Job) -> Fate:
    """Say what holds of each of some rows, if it is not known which fate is whose."""
    reasons = tuple(dict.fromkeys(reason for fate in fates for reason in fate.errors))
    processes = {fate.process_id for fate in fates}
    process = processes.pop() if len(processes) == 1 else None
    if len({fate.outcome for fate in fates}) == 1:
        return Fate(fates[0].outcome, reasons, process)
    unclear = f"job {job.id} does not tell which of the rows for this process its entries speak of"
    return Fate("unknown", (unclear, *reasons), process)


def _fate(entry: JobEntry, done: Outcome) -> Fate:
    status = str(entry.completion_status or entry.extra.get("status") or "").upper()
    process = process_of(entry)
    if status == "SUCCESS":
        return Fate(done, (), process)
    reasons = _reasons(entry)
    match status:
        case "INVALID":
            return Fate(
                "invalid", reasons or ("the service did not process the row and gave no reason",), process
            )
        case "ERROR":
            return Fate("failed", reasons or ("the service refused the row and gave no reason",), process)
        case "NOT_STARTED":
            return Fate("failed", (*reasons, "the job ended before it came to this row"), process)
        case _:
            return Fate("unknown", (*reasons, f"the entry's status is {status or 'missing'}"), process)


def _reasons(entry: JobEntry) -> tuple[str, ...]:
    """Return what the entry says of its failure, under any of the names that errors have elsewhere."""
    message = entry.status_message or entry.extra.get("statusMessage")
    texts = error_texts({"_errors": message}, failed=True) + error_texts(entry.extra, failed=True)
    return tuple(dict.fromkeys(texts))
