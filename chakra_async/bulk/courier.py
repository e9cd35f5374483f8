"""Carries one chunk: submits it, has its job followed, and settles what became of every row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from attrs import define, field

from chakra_async._retry import RetryCount, retry_count
from chakra_async.bulk.chunks import Chunk
from chakra_async.bulk.follow import Follower, JobCalls
from chakra_async.bulk.journal import Journal, Problem
from chakra_async.bulk.outcomes import Fate
from chakra_async.bulk.patience import Patience, ends_run
from chakra_async.bulk.resume import checksum
from chakra_async.bulk.rows import Outcome, row_key, row_line
from chakra_async.bulk.search import Lookup, Search
from chakra_async.errors import (
    ApiError,
    BadRequestError,
    ChakraError,
    ConnectError,
    NotFoundError,
    PayloadTooLargeError,
    ServerError,
    TransportError,
)
from chakra_async.models.jobs import Job
from chakra_async.settings import Timeouts


# Requests that one refused chunk may cost while its bad rows are searched by halving: enough for a handful
# of bad rows, little enough that a request which is wrong as a whole does not become thousands.
SEARCH_REQUESTS = 64


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


@define
class Report:
    """What became of a chunk, kept up to date on the way, so that it is true whenever work is broken off."""

    chunk: Chunk
    fates: list[Fate | None] = field(factory=list[Fate | None])
    """By the row's place in the chunk."""
    pending: dict[int, Fate] = field(factory=dict[int, Fate])
    """What the rows under way become if nothing more is heard of them."""
    jobs: int = 0
    requests_left: int = SEARCH_REQUESTS
    count: RetryCount = field(factory=RetryCount)
    stop: Exception | None = None
    """Why the run cannot go on."""
    too_large: int | None = None
    """Size of a body that the service would not take."""

    def __attrs_post_init__(self) -> None:
        self.fates = [None] * len(self.chunk.rows)

    def pend(self, places: Sequence[int], reason: str, job_id: str | None = None) -> None:
        """Say what rows become if nothing more is heard of them."""
        self.pending.update(dict.fromkeys(places, Fate("unknown", (reason,), job_id=job_id)))

    def unpend(self, places: Sequence[int]) -> None:
        """Say that rows are not under way."""
        for place in places:
            self.pending.pop(place, None)

    def give(self, places: Sequence[int], fates: Sequence[Fate]) -> None:
        """Say what became of rows."""
        for place, fate in zip(places, fates, strict=True):
            self.fates[place] = fate

    def close(self, unsent: str) -> list[Fate]:
        """Return the fate of every row, with one for each that has none yet."""
        left = Fate("failed", (unsent,))
        return [fate or self.pending.get(place, left) for place, fate in enumerate(self.fates)]


class Courier:
    """Carries the chunks of one run."""

    def __init__(self, calls: BulkCalls, timeouts: Timeouts, *, retry_unknown: bool = False) -> None:
        self.journal: Journal | None = None
        self._calls = calls
        self._retry_unknown = retry_unknown
        self._patience = Patience(timeouts.job)
        self._stall = timeouts.job
        self._follower = Follower(calls.jobs, calls.done, self._patience, timeouts.job)

    async def carry(self, report: Report) -> None:
        """See a chunk through."""
        retry_count.set(report.count)
        chunk = report.chunk
        places = range(len(chunk.rows))
        try:
            if chunk.job_id is not None:
                await self._follow(report, places, chunk.number, Job(id=chunk.job_id))
            elif chunk.number is not None and self._calls.lookup is not None:
                await self._resolve(report, places, chunk.number)
            else:
                await self._deliver(report, places, chunk.number)
        except Exception as error:  # a defect of ours must not cost the account of the rows
            report.stop = error

    async def _deliver(
        self,
        report: Report,
        places: Sequence[int],
        number: int | None = None,
        search: Search | None = None,
    ) -> None:
        """Submit rows as one job; a refused body is halved, to find the rows that are to blame."""
        if report.stop is not None:
            return
        report.requests_left -= 1
        if self.journal is not None and number is None:
            number = await self._record(self.journal, report.chunk, places)
        body = self._calls.wrap(report.chunk.items(places))
        report.pend(places, "the request may have left, and no answer was seen")
        try:
            job = await self._patience(partial(self._calls.submit, body))
        except (BadRequestError, PayloadTooLargeError) as error:
            if isinstance(error, PayloadTooLargeError):
                report.too_large = len(body)
            if len(places) > 1 and report.requests_left > 0:
                await self._withdraw(report, places, number)
                middle = len(places) // 2
                await self._deliver(report, places[:middle])
                await self._deliver(report, places[middle:])
                return
            if not self._patience.ever_healthy and report.requests_left <= 0:
                report.stop = error
            fates = [Fate("failed", error.errors or (str(error),))] * len(places)
            await self._refuse(report, places, number, fates)
        except ChakraError as error:
            await self._unanswered(report, places, number, error)
        else:
            report.jobs += 1
            if self.journal is not None and number is not None:
                await self.journal.accepted(number, job.id)
            await self._follow(report, places, number, job, search)

    async def _follow(
        self,
        report: Report,
        places: Sequence[int],
        number: int | None,
        job: Job,
        search: Search | None = None,
    ) -> None:
        """Settle the rows of an accepted job."""
        report.pend(places, f"job {job.id} was accepted, but not followed to its end (see jobs.wait)", job.id)
        rows = [report.chunk.rows[place] for place in places]
        try:
            fates = await self._follower.settle(rows, job)
            if fates is not None and search is not None:
                fates = await search.look_again(places, fates)
        except ChakraError as error:
            report.pend(places, f"job {job.id} was accepted, but: {error}", job.id)
            if ends_run(error):
                report.stop = error
            return
        if fates is None:
            stalled = f"job {job.id} made no progress for {self._stall:g} s (see jobs.wait)"
            report.pend(places, stalled, job.id)
            return
        report.give(places, fates)
        if self.journal is not None and number is not None:
            problems = _problems(report.chunk, places, fates)
            await self.journal.done(number, [fate.outcome for fate in fates], problems)

    async def _unanswered(
        self, report: Report, places: Sequence[int], number: int | None, error: ChakraError
    ) -> None:
        """Settle what can be settled when a submission ends without a job."""
        if not self._patience.ever_healthy or isinstance(error, NotFoundError) or ends_run(error):
            report.stop = error
        refused = isinstance(error, ApiError) and not isinstance(error, ServerError)
        unsent = isinstance(error, TransportError) and not error.sent
        if refused or unsent or isinstance(error, ConnectError):
            await self._withdraw(report, places, number)
            report.give(places, [Fate("failed", (f"not done: {error}",))] * len(places))
            return
        report.pend(places, str(error))
        if self._calls.lookup is not None and report.stop is None:
            await self._resolve(report, places, number)

    async def _resolve(self, report: Report, places: Sequence[int], number: int | None) -> None:
        """Settle rows that may have been created: look their keys up, and send only what is missing.

        Rows without a key stay ``unknown``, or are sent again if the caller has said so.
        """
        rows = report.chunk.rows
        keyed = [place for place in places if rows[place].identity is not None]
        blind = [place for place in places if rows[place].identity is None]
        report.pend(places, "the answer was lost, and without a key nobody can tell whether it was done")
        lookup = self._calls.lookup
        if not keyed or lookup is None:
            if self._retry_unknown and number is not None and report.chunk.number == number:
                await self._deliver(report, blind, number)
            return
        search = Search(lookup, report.chunk, self._patience)
        found = await search.until_still(keyed)
        there = [place for place in keyed if place in found]
        missing = [place for place in keyed if place not in found]
        fates = [search.fate(place, found[place]) for place in there]
        report.give(there, fates)
        report.unpend(missing)
        if self.journal is not None and number is not None:
            await self._split(self.journal, report.chunk, number, there, fates, blind)
        if missing:
            await self._deliver(report, missing, search=search)

    async def _record(self, journal: Journal, chunk: Chunk, places: Sequence[int]) -> int:
        rows = [chunk.rows[place].index for place in places]
        return await journal.sending(rows, [checksum(chunk.item(place)) for place in places])

    async def _refuse(
        self, report: Report, places: Sequence[int], number: int | None, fates: Sequence[Fate]
    ) -> None:
        """Give the fates of rows that the service would not take; they are final unless the run stops."""
        report.give(places, fates)
        if report.stop is not None:
            await self._withdraw(report, places, number)
        elif self.journal is not None and number is not None:
            problems = _problems(report.chunk, places, fates)
            await self.journal.done(number, [fate.outcome for fate in fates], problems)

    async def _withdraw(self, report: Report, places: Sequence[int], number: int | None) -> None:
        report.unpend(places)
        if self.journal is not None and number is not None:
            await self.journal.withdraw(number)

    async def _split(
        self,
        journal: Journal,
        chunk: Chunk,
        number: int,
        there: Sequence[int],
        fates: Sequence[Fate],
        blind: Sequence[int],
    ) -> None:
        """Replace a delivery by what is known of it now: rows found, and rows nobody can tell of."""
        if there:
            done = await self._record(journal, chunk, there)
            await journal.done(done, [fate.outcome for fate in fates], _problems(chunk, there, fates))
        if blind:
            await self._record(journal, chunk, blind)
        await journal.withdraw(number)


def _problems(chunk: Chunk, places: Sequence[int], fates: Sequence[Fate]) -> list[Problem]:
    bad = [(chunk.rows[place], fate) for place, fate in zip(places, fates, strict=True) if fate.errors]
    return [
        Problem(row.index, fate.outcome, row_key(row.item), row_line(row.item), fate.errors, fate.job_id)
        for row, fate in bad
    ]
