"""Carries one chunk: submits it, has its job followed, and settles what became of every row."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from operator import attrgetter
from typing import Any

from attrs import define, field

from chakra_async._retry import RetryCount, lane, retry_count
from chakra_async.bulk.chunks import Chunk, PlannedRow
from chakra_async.bulk.follow import Follower, JobCalls
from chakra_async.bulk.journal import Journal, Problem, Rows
from chakra_async.bulk.outcomes import Fate
from chakra_async.bulk.patience import Patience, ends_run
from chakra_async.bulk.review import Findings, Review
from chakra_async.bulk.rows import Outcome, RowResult, row_key, row_line
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
    review: Review | None = None
    """What is looked at before rows are sent."""
    limit: Callable[[], str] = str
    """Says what limits the client's requests, or nothing."""


@define
class Report:
    """What became of a chunk, kept up to date on the way, so that it is true whenever work is broken off."""

    chunk: Chunk
    fates: list[Fate | None] = field(factory=list[Fate | None])
    """By the row's place in the chunk."""
    pending: list[tuple[Sequence[int], Fate | None]] = field(
        factory=list[tuple[Sequence[int], "Fate | None"]]
    )
    """What rows under way become if nothing more is heard of them; the last word on each counts."""
    jobs: int = 0
    seconds: float | None = None
    """How long it took in all, once it has ended."""
    requests_left: int = SEARCH_REQUESTS
    count: RetryCount = field(factory=RetryCount)
    stop: Exception | None = None
    """Why the run cannot go on."""
    too_large: int | None = None
    """Size of a body that the service would not take."""
    found: Findings = field(factory=Findings)
    """What was found before rows were sent."""
    common: Fate | None = None
    """The fate of all rows, once closed, where it is the same."""

    def __attrs_post_init__(self) -> None:
        self.fates = [None] * len(self.chunk.rows)

    def pend(self, places: Sequence[int], reason: str, job_id: str | None = None) -> None:
        """Say what rows become if nothing more is heard of them."""
        self.pending.append((places, Fate("unknown", (reason,), job_id=job_id)))

    def unpend(self, places: Sequence[int]) -> None:
        """Say that rows are not under way."""
        self.pending.append((places, None))

    def give(self, places: Sequence[int], fates: Sequence[Fate]) -> None:
        """Say what became of rows."""
        if places == range(len(fates)) == range(len(self.fates)):
            self.fates = list(fates)
            return
        for place, fate in zip(places, fates, strict=True):
            self.fates[place] = fate

    def items(self, places: Sequence[int]) -> bytes:
        """Return what is sent for some rows, joined by commas."""
        if not (reduced := self.found.reduced):
            return self.chunk.items(places)
        return b",".join([reduced.get(place) or self.chunk.item(place) for place in places])

    def close(self, unsent: str) -> Mapping[Outcome, int]:
        """Settle the rows without a fate, and return how many have which outcome."""
        fates = self.fates
        if fates and fates[0] is not None and fates.count(fates[0]) == len(fates):
            self.common = fates[0]
            return {self.common.outcome: len(fates)}
        left = Fate("failed", (unsent,))
        pending = {place: fate for places, fate in self.pending for place in places}
        self.fates = [fate or pending.get(place) or left for place, fate in enumerate(fates)]
        return Counter(fate.outcome for fate in self.fates if fate is not None)

    def results(self) -> Iterator[RowResult]:
        """Make the results, once closed, one by one as they are taken; each lets go of its row."""
        rows, fate = self.chunk.rows, self.common
        items = map(deque[Any].popleft, repeat(deque(rows.items)))
        if fate is None or self.found.changes or self.found.warnings:
            return map(RowResult, rows.indexes, items, *self._columns())
        same = map(repeat, (fate.outcome, fate.errors, fate.job_id, fate.process_id))
        return map(RowResult, rows.indexes, items, *same)

    def _columns(self) -> Iterable[Iterable[Any]]:
        fates = [fate for fate in self.fates if fate is not None]
        for name in ("outcome", "errors", "job_id", "process_id"):
            yield map(attrgetter(name), fates)
        for found in (self.found.changes, self.found.warnings):
            yield [found.get(place, ()) for place in range(len(fates))]

    def bad(self) -> Iterator[RowResult]:
        """Make the results of the rows that were not done."""
        return (result for result in self.results() if not result.ok)


class Courier:
    """Carries the chunks of one run."""

    def __init__(self, calls: BulkCalls, timeouts: Timeouts, *, retry_unknown: bool = False) -> None:
        self.journal: Journal | None = None
        self._calls = calls
        self._retry_unknown = retry_unknown
        self._patience = Patience(timeouts.job)
        self._stall = timeouts.job
        self._follower = Follower(calls.jobs, calls.done, self._patience, timeouts.job)
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
        places = range(len(chunk.rows))
        try:
            if chunk.job_id is not None:
                await self._follow(report, places, chunk.number, Job(id=chunk.job_id))
            elif chunk.number is not None and self._calls.lookup is not None:
                await self._resolve(report, places, chunk.number)
            elif self._calls.review is not None and self._calls.review.concerns(chunk):
                await self._review(report, places, chunk.number, self._calls.review)
            else:
                await self._deliver(report, places, chunk.number)
        except Exception as error:  # a defect of ours must not cost the account of the rows
            report.stop = error
        report.seconds = time.monotonic() - started

    async def _review(
        self, report: Report, places: Sequence[int], number: int | None, review: Review
    ) -> None:
        """Settle the rows that need not, or must not, be sent, and send the others."""
        while places and report.stop is None:
            if number is not None:
                report.pend(places, "an earlier run may have sent it, and the current values were not seen")
            try:
                found = await review.look(report.chunk, places, self._patience, again=number is not None)
            except ChakraError as error:
                report.stop = error
                if number is None:
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
                await self._deliver(report, send, number)
            places, number = found.later, None

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
        body = self._calls.wrap(report.items(places))
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
                self.journal.accepted(number, job.id)
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
        rows: Sequence[PlannedRow] = report.chunk.rows
        if len(places) < len(rows):
            rows = [rows[place] for place in places]
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
            await self.journal.done(number, _outcomes(fates) if problems else (), problems)

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
        if number is not None:
            await self._divide(report, number, there, blind)
        if missing:
            await self._deliver(report, missing, search=search)

    async def _record(self, journal: Journal, chunk: Chunk, places: Sequence[int]) -> int:
        return await journal.sending(*_rows(chunk, places))

    async def _refuse(
        self, report: Report, places: Sequence[int], number: int | None, fates: Sequence[Fate]
    ) -> None:
        """Give the fates of rows that the service would not take; they are final unless the run stops."""
        report.give(places, fates)
        if report.stop is not None:
            await self._withdraw(report, places, number)
        elif self.journal is not None and number is not None:
            problems = _problems(report.chunk, places, fates)
            await self.journal.done(number, _outcomes(fates) if problems else (), problems)

    async def _withdraw(self, report: Report, places: Sequence[int], number: int | None) -> None:
        report.unpend(places)
        if self.journal is not None and number is not None:
            await self.journal.withdraw(number)

    async def _divide(
        self, report: Report, number: int | None, settled: Sequence[int], rest: Sequence[int]
    ) -> int | None:
        """Note rows settled without a request; the rest of an earlier delivery becomes one of its own."""
        journal, chunk = self.journal, report.chunk
        if journal is None or (number is None and not settled):
            return None
        fates = [fate for place in settled if (fate := report.fates[place]) is not None]
        outcomes = _outcomes(fates)
        problems = _problems(chunk, settled, fates)
        kept = None if number is None else _rows(chunk, rest)
        return await journal.divide(number, _rows(chunk, settled), outcomes, problems, kept)


def _rows(chunk: Chunk, places: Sequence[int]) -> Rows:
    indexes, sums = chunk.rows.indexes, chunk.sums
    if len(places) == len(indexes):
        return indexes, sums
    return [indexes[place] for place in places], [sums[place] for place in places]


def _outcomes(fates: Sequence[Fate]) -> list[Outcome]:
    return [fate.outcome for fate in fates]


def _problems(chunk: Chunk, places: Sequence[int], fates: Sequence[Fate]) -> list[Problem]:
    if fates and not fates[0].errors and fates.count(fates[0]) == len(fates):
        return []
    bad = [(chunk.rows[place], fate) for place, fate in zip(places, fates, strict=True) if fate.errors]
    return [
        Problem(row.index, fate.outcome, row_key(row.item), row_line(row.item), fate.errors, fate.job_id)
        for row, fate in bad
    ]
