"""Carries one chunk: submits it, has its job followed, and settles what became of every row."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import orjson
from attrs import define

from chakra_async._retry import lane, retry_count
from chakra_async._shapes import as_object
from chakra_async.bulk.chunks import Chunk, PlannedRow
from chakra_async.bulk.deliveries import outcomes_of, problems_of, rows_of
from chakra_async.bulk.follow import Follower, JobCalls
from chakra_async.bulk.journal import Journal
from chakra_async.bulk.outcomes import BEHIND, Fate
from chakra_async.bulk.patience import Patience, ends_run
from chakra_async.bulk.polling import JobPace
from chakra_async.bulk.report import Parcel, Report
from chakra_async.bulk.review import Review
from chakra_async.bulk.rows import Outcome
from chakra_async.bulk.search import Lookup, Search
from chakra_async.errors import (
    BadRequestError,
    ChakraError,
    NotFoundError,
    PayloadTooLargeError,
)
from chakra_async.models.jobs import Job
from chakra_async.settings import Timeouts


# Times that rows are looked up and sent again when the answer is lost each time.
ROUNDS = 3

LOST_BEFORE = "an earlier run may have sent it, and the keys were not looked up"
MAYBE_BEFORE = "a request before this one, whose answer was lost, may have done it"


@define
class BulkCalls:
    """All that a bulk run knows of the API."""

    submit: Callable[[bytes], Awaitable[Job]]
    jobs: JobCalls
    wrap: Callable[[bytes], bytes]
    done: Outcome
    """The outcome of a row that succeeded."""
    lookup: Lookup | None = None
    """For what must not be sent twice: how to see whether it was done. ``None`` where repeating is safe."""
    review: Review | None = None
    """What is looked at before rows are sent."""
    pace: JobPace | None = None
    """How long jobs took so far, if any went before those of the run."""
    limit: Callable[[], str] = str
    """Says what limits the client's requests, or nothing."""


class Courier:
    """Carries the chunks of one run."""

    def __init__(self, calls: BulkCalls, timeouts: Timeouts, *, retry_unknown: bool = False) -> None:
        self.journal: Journal | None = None
        self._calls = calls
        self._retry_unknown = retry_unknown
        self._patience = Patience(timeouts.job)
        self._stall = timeouts.job
        self._follower = Follower(calls.jobs, calls.done, self._patience, timeouts.job, calls.pace)
        self._ever_accepted = False
        # Not the courier itself: a context may live on in a timer or an idle connection.
        self._lane = object()

    @property
    def has_looked(self) -> bool:
        """Whether any job was looked at yet."""
        return self._follower.has_looked

    async def carry(self, report: Report) -> None:
        """See a chunk through."""
        retry_count.set(report.count)
        lane.set(self._lane)
        started = time.monotonic()
        chunk = report.chunk
        parcel = Parcel(
            range(len(chunk.rows)), chunk.number, doubt=chunk.number is not None and chunk.job_id is None
        )
        try:
            if chunk.job_id is not None:
                await self._follow(report, parcel, Job(id=chunk.job_id))
            elif chunk.number is not None and self._calls.lookup is not None:
                await self._resolve(report, parcel, LOST_BEFORE)
            elif self._calls.review is not None and self._calls.review.concerns(chunk):
                await self._review(report, parcel, self._calls.review)
            else:
                await self._deliver(report, parcel)
        except Exception as error:  # a defect of ours must not cost the account of the rows
            report.stop = error
        report.seconds = time.monotonic() - started

    async def _review(self, report: Report, parcel: Parcel, review: Review) -> None:
        """Settle the rows that need not, or must not, be sent, and send the others."""
        places, number, doubt = parcel.places, parcel.number, parcel.doubt
        while (places := _in_order(report, places, doubt=doubt)) and report.stop is None:
            if doubt:
                report.pend(places, "an earlier run may have sent it, and the current values were not seen")
            try:
                found = await review.look(report.chunk, places, self._patience, again=doubt)
            except ChakraError as error:
                report.stop = error
                if not doubt:
                    report.give(places, [Fate("failed", (f"not sent: {error}",))] * len(places))
                return
            report.found.add(found)
            report.give(list(found.settled), list(found.settled.values()))
            send = [place for place in places if place not in found.settled and place not in found.later]
            if review.dry_run is not None:
                report.give(send, [Fate("valid")] * len(send))
                return
            if len(send) < len(places):
                number = await self._divide(report, number, list(found.settled), send)
            if send:
                await self._deliver(report, Parcel(send, number, doubt=doubt))
            places, number = found.later, None

    async def _deliver(self, report: Report, parcel: Parcel) -> None:
        """Submit rows as one job."""
        places = parcel.places = _in_order(report, parcel.places, doubt=parcel.doubt)
        if report.stop is not None or not places:
            return
        report.requests_left -= 1
        if self.journal is not None and parcel.number is None:
            parcel.number = await self.journal.sending(*rows_of(report.chunk, places))
        body = self._calls.wrap(report.items(places))
        report.pend(places, "the request may have left, and no answer was seen")
        try:
            job = await self._patience(partial(self._submit, report, parcel, body))
        except (BadRequestError, PayloadTooLargeError) as error:
            if isinstance(error, PayloadTooLargeError):
                report.too_large = len(body)
            if parcel.doubt and self._calls.lookup is not None:
                await self._unanswered(report, parcel, error)
            else:
                await self._refused(report, parcel, error)
        except ChakraError as error:
            await self._unanswered(report, parcel, error)
        else:
            report.jobs += 1
            self._ever_accepted = True
            if self.journal is not None and parcel.number is not None:
                self.journal.accepted(parcel.number, job.id)
            await self._follow(report, parcel, job)

    async def _submit(self, report: Report, parcel: Parcel, body: bytes) -> Job:
        """Submit rows, and note whether they may have been done without our hearing of it."""
        report.count.lost = False
        try:
            job = await self._calls.submit(body)
        except ChakraError as error:
            parcel.doubt = parcel.doubt or error.may_be_done
            raise
        parcel.doubt = parcel.doubt or report.count.lost
        return job

    async def _follow(self, report: Report, parcel: Parcel, job: Job) -> None:
        """Settle the rows of an accepted job."""
        places = parcel.places
        report.pend(places, f"job {job.id} was accepted, but not followed to its end (see jobs.wait)", job.id)
        rows: Sequence[PlannedRow] = report.chunk.rows
        if len(places) < len(rows):
            rows = [rows[place] for place in places]
        try:
            fates = await self._follower.settle(
                rows, job, lambda place: report.items([places[place]]), report.among
            )
            if fates is not None and parcel.search is not None:
                fates = await parcel.search.look_again(places, fates)
        except ChakraError as error:
            report.pend(places, f"job {job.id} was accepted, but: {error}", job.id)
            if ends_run(error):
                report.stop = error
            return
        if fates is None:
            stalled = f"job {job.id} made no progress for {self._stall:g} s (see jobs.wait)"
            report.pend(places, stalled, job.id)
            return
        if parcel.doubt and self._calls.lookup is None:
            fates = [_doubted(report.chunk, place, fate) for place, fate in zip(places, fates, strict=True)]
        await self._settle(report, parcel, fates)

    async def _refused(
        self, report: Report, parcel: Parcel, error: BadRequestError | PayloadTooLargeError
    ) -> None:
        """Halve a body that was refused, to find the rows that are to blame."""
        places = parcel.places
        if not self._patience.ever_healthy and report.requests_left <= 0:
            await self._unanswered(report, parcel, error)
            return
        if len(places) > 1 and report.requests_left > 0:
            await self._withdraw(report, parcel)
            if parcel.doubt:
                report.pend(places, MAYBE_BEFORE)
            middle = len(places) // 2
            await self._deliver(report, Parcel(places[:middle], doubt=parcel.doubt))
            await self._deliver(report, Parcel(places[middle:], doubt=parcel.doubt))
            return
        reasons = error.errors or (str(error),)
        fate = Fate("unknown", (*reasons, MAYBE_BEFORE)) if parcel.doubt else Fate("failed", reasons)
        # Final, for the service would refuse them again.
        await self._settle(report, parcel, [fate] * len(places))

    async def _unanswered(self, report: Report, parcel: Parcel, error: ChakraError) -> None:
        """Settle what can be settled when a submission ends without a job."""
        places = parcel.places
        if isinstance(error, NotFoundError) or ends_run(error):
            report.stop = error
        if not parcel.doubt:
            await self._withdraw(report, parcel)
            report.give(places, [Fate("failed", (f"not done: {error}",))] * len(places))
        else:
            report.pend(places, str(error) if error.may_be_done else f"{MAYBE_BEFORE}; now: {error.message}")
            if self._calls.lookup is not None and report.stop is None and parcel.round < ROUNDS:
                try:
                    await self._resolve(report, parcel, str(error))
                except ChakraError:
                    # Of a run that never worked the first failure is told, not that of the lookup after it.
                    if self._patience.ever_healthy:
                        raise
        given_up = parcel.search is not None and parcel.round >= ROUNDS
        if not self._patience.ever_healthy or (given_up and not self._ever_accepted):
            report.stop = error

    async def _resolve(self, report: Report, parcel: Parcel, lost: str) -> None:
        """Settle rows that may have been created: look their keys up, and send only what is missing.

        Rows without a key stay ``unknown``, or are sent again if the caller has said so.
        """
        rows, places, number = report.chunk.rows, parcel.places, parcel.number
        keyed = [place for place in places if rows[place].identity is not None]
        blind = [place for place in places if rows[place].identity is None]
        report.pend(keyed, lost)
        report.pend(blind, "the answer was lost, and without a key nobody can tell whether it was done")
        again = self._retry_unknown and number is not None and report.chunk.number == number
        if keyed and (lookup := self._calls.lookup) is not None:
            search = Search(lookup, report.chunk, self._patience)
            try:
                found = await search.until_still(keyed)
            except ChakraError as error:
                report.pend(keyed, f"{lost}; the lookup failed: {error.message}")
                raise
            there = [place for place in keyed if place in found]
            missing = [place for place in keyed if place not in found]
            report.give(there, [search.fate(place, found[place]) for place in there])
            report.unpend(missing)
            if number is not None:
                number = await self._divide(report, number, there, blind)
            if missing:
                await self._deliver(report, Parcel(missing, search=search, round=parcel.round + 1))
        if blind and again:
            await self._deliver(report, Parcel(blind, number, doubt=True, round=ROUNDS))

    async def _settle(self, report: Report, parcel: Parcel, fates: Sequence[Fate]) -> None:
        """Give rows their fates, for good."""
        report.give(parcel.places, fates)
        if self.journal is not None and parcel.number is not None:
            problems = problems_of(report.chunk, parcel.places, fates)
            await self.journal.done(parcel.number, outcomes_of(fates) if problems else (), problems)

    async def _withdraw(self, report: Report, parcel: Parcel) -> None:
        report.unpend(parcel.places)
        if self.journal is not None and parcel.number is not None:
            await self.journal.withdraw(parcel.number)

    async def _divide(
        self, report: Report, number: int | None, settled: Sequence[int], rest: Sequence[int]
    ) -> int | None:
        """Note rows settled without a request; the rest of an earlier delivery becomes one of its own."""
        journal, chunk = self.journal, report.chunk
        if journal is None or (number is None and not settled):
            return None
        fates = [fate for place in settled if (fate := report.fates[place]) is not None]
        outcomes = outcomes_of(fates)
        problems = problems_of(chunk, settled, fates)
        kept = None if number is None else rows_of(chunk, rest)
        return await journal.divide(number, rows_of(chunk, settled), outcomes, problems, kept)


def _in_order(report: Report, places: Sequence[int], *, doubt: bool) -> Sequence[int]:
    """Leave out rows behind one that may be under way; an earlier run may have sent them if in ``doubt``."""
    if not (behind := report.behind(places)):
        return places
    if doubt:
        report.pend(behind, f"{BEHIND}; {MAYBE_BEFORE}")
    else:
        report.give(behind, [Fate("failed", (BEHIND,))] * len(behind))
    left_out = set(behind)
    return [place for place in places if place not in left_out]


def _doubted(chunk: Chunk, place: int, fate: Fate) -> Fate:
    """Take back that a row was refused, where having done it before could be the reason."""
    if fate.outcome not in {"invalid", "failed"} or not _hides_itself(chunk, place):
        return fate
    return Fate("unknown", (*fate.errors, MAYBE_BEFORE), fate.process_id, fate.job_id)


def _hides_itself(chunk: Chunk, place: int) -> bool:
    """Whether a row, once done, can no longer be found by the name it has: it deletes, or renames."""
    identity = chunk.rows[place].identity
    update = as_object(as_object(orjson.loads(chunk.item(place))).get("update"))
    renamed = identity is not None and identity[0] in as_object(update.get("data"))
    return renamed or update.get("isDeleted") is True
