"""Carries one chunk: submit it, follow its job, settle every row."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from attrs import define, field

from chakra_async._retry import RetryCount, retry_count
from chakra_async.bulk.chunks import Chunk, PlannedRow
from chakra_async.bulk.outcomes import Fate, settle
from chakra_async.bulk.polling import JobPace
from chakra_async.bulk.rows import Outcome
from chakra_async.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ChakraError,
    ClientClosedError,
    ConnectError,
    NotFoundError,
    PayloadTooLargeError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    TransportError,
)
from chakra_async.models.jobs import Job, JobEntry
from chakra_async.settings import Timeouts


T = TypeVar("T")

# Requests that one refused chunk may cost while its bad rows are searched by halving: enough for a handful
# of bad rows, little enough that a request which is wrong as a whole does not become thousands.
SEARCH_REQUESTS = 64

# A job that the service does not know (any more) is asked for this often before it is given up.
LOOKS_FOR_LOST_JOB = 3


class JobCalls(Protocol):
    """How to follow a job."""

    async def get(self, job_id: str, /) -> Job:
        """Fetch a job with its counts."""
        ...

    def entries(self, job_id: str, /) -> AsyncIterable[JobEntry]:
        """List its entries."""
        ...


@define
class BulkCalls:
    """All that a bulk run knows of the API."""

    submit: Callable[[bytes], Awaitable[Job]]
    jobs: JobCalls
    wrap: Callable[[bytes], bytes]
    done: Outcome
    """The outcome of a row that succeeded."""


@define
class Report:
    """What became of a chunk, kept up to date on the way, so that it is true whenever work is broken off."""

    chunk: Chunk
    fates: list[Fate] = field(factory=list[Fate])
    """One for each row, in order, as far as the work has got."""
    pending: str = ""
    """Why the rows without a fate are unknown if nothing more is heard; empty while nothing was sent."""
    pending_job: str | None = None
    jobs: int = 0
    requests_left: int = SEARCH_REQUESTS
    count: RetryCount = field(factory=RetryCount)
    stop: Exception | None = None
    """Why the run cannot go on."""
    too_large: int | None = None
    """Size of a body that the service would not take."""

    def close(self, unsent: str) -> None:
        """Give a fate to every row that has none yet."""
        missing = len(self.chunk.rows) - len(self.fates)
        if missing and self.pending:
            self.fates += [Fate("unknown", (self.pending,), job_id=self.pending_job)] * missing
        elif missing:
            self.fates += [Fate("failed", (unsent,))] * missing


class Courier:
    """Carries the chunks of one run; what one learns serves the next."""

    def __init__(self, calls: BulkCalls, timeouts: Timeouts) -> None:
        self._calls = calls
        self._timeouts = timeouts
        self._pace = JobPace()
        self._healthy_at: float | None = None

    async def carry(self, report: Report) -> None:
        """See a chunk through. Every row of it has its fate in ``report`` afterwards."""
        retry_count.set(report.count)
        try:
            await self._deliver(0, len(report.chunk.rows), report)
        except Exception as error:  # a defect of ours must not cost the account of the rows
            report.stop = error
        report.close("not sent: the run stopped before")

    async def _deliver(self, start: int, stop: int, report: Report) -> None:
        """Submit a stretch of a chunk as one job and settle its rows.

        A refused body is halved, to find the rows that are to blame.
        """
        rows = report.chunk.rows[start:stop]
        if report.stop is not None:
            report.fates += [Fate("failed", (f"not sent: {report.stop}",))] * len(rows)
            return
        report.requests_left -= 1
        body = self._calls.wrap(report.chunk.items(start, stop))
        report.pending = "the request may have left, and no answer was seen"
        try:
            job = await self._patiently(lambda: self._calls.submit(body))
        except (BadRequestError, PayloadTooLargeError) as error:
            report.pending = ""
            if isinstance(error, PayloadTooLargeError):
                report.too_large = len(body)
            if len(rows) > 1 and report.requests_left > 0:
                middle = (start + stop) // 2
                await self._deliver(start, middle, report)
                await self._deliver(middle, stop, report)
                return
            report.fates += [Fate("failed", error.errors or (str(error),))] * len(rows)
            if self._healthy_at is None and report.requests_left <= 0:
                report.stop = error
        except ChakraError as error:
            report.fates += [_fate_of_unanswered(error)] * len(rows)
            report.pending = ""
            if self._healthy_at is None or isinstance(error, NotFoundError) or _ends_run(error):
                report.stop = error
        else:
            report.jobs += 1
            report.pending = f"job {job.id} was accepted, but not followed to its end (see jobs.wait)"
            report.pending_job = job.id
            fates = await self._settle(rows, job, report)
            for fate in fates:
                fate.job_id = job.id
            report.fates += fates
            report.pending, report.pending_job = "", None

    async def _settle(self, rows: Sequence[PlannedRow], job: Job, report: Report) -> list[Fate]:
        """Wait for a job's end and say what became of its rows."""
        try:
            last = await self._follow(job, len(rows))
            if last is None:
                stalled = f"job {job.id} made no progress for {self._timeouts.job:g} s (see jobs.wait)"
                return [Fate("unknown", (stalled,))] * len(rows)
            if last.all_succeeded(len(rows)):
                return [Fate(self._calls.done)] * len(rows)
            entries = await self._patiently(lambda: self._entries(job.id, len(rows)))
            return settle(rows, last, entries, self._calls.done)
        except ChakraError as error:
            if _ends_run(error):
                report.stop = error
            return [Fate("unknown", (f"job {job.id} was accepted, but: {error}",))] * len(rows)

    async def _follow(self, job: Job, rows: int) -> Job | None:
        """Poll a job until it ends; ``None`` when it makes no progress for ``Timeouts.job``."""
        start = moved = time.monotonic()
        processed, lost, polls = job.processed, 0, 0
        wait = self._pace.first_wait(rows)
        while not job.has_finished(rows):
            await asyncio.sleep(wait)
            try:
                polls += 1
                job = await self._patiently(partial(self._calls.jobs.get, job.id))
            except NotFoundError:
                lost += 1
                if lost >= LOOKS_FOR_LOST_JOB:
                    raise
            now = time.monotonic()
            if job.processed > processed:
                processed, moved = job.processed, now
            elif now - moved > self._timeouts.job:
                return None
            wait = self._pace.next_wait(now - start, processed / rows)
        self._pace.learn(rows, job.seconds or time.monotonic() - start, polls=2 if job.seconds else polls)
        return job

    async def _entries(self, job_id: str, rows: int) -> list[JobEntry]:
        found: list[JobEntry] = []
        async for entry in self._calls.jobs.entries(job_id):
            found.append(entry)
            # Pages that repeat without end must not fill the memory.
            if len(found) >= 4 * rows + 100:
                break
        return found

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call, and make it again while the service is away.

        Single calls give up after some attempts; a run that was working waits as long as ``Timeouts.job``
        for the service to come back. One that never worked fails at once.
        """
        wait = 1.0
        while True:
            try:
                result = await call()
            except ChakraError as error:
                since = self._healthy_at
                if since is None or not _passing(error):
                    raise
                asked = (error.retry_after if isinstance(error, ApiError) else None) or 0.0
                if time.monotonic() + asked - since > self._timeouts.job:
                    raise
                await asyncio.sleep(asked + random.uniform(0, wait))
                wait = min(2 * wait, 20.0)
            else:
                self._healthy_at = time.monotonic()
                return result


def _passing(error: ChakraError) -> bool:
    """Whether an error is of the kind that goes away by itself, and the call may be made again."""
    return isinstance(error, TransportError | ServerError | RateLimitError) and error.retry_safe is True


def _ends_run(error: ChakraError) -> bool:
    """Whether the next chunk would fare no better: refused for good, or away for longer than we wait."""
    refused = AuthenticationError | PaymentRequiredError | PermissionDeniedError | ClientClosedError
    return isinstance(error, refused) or _passing(error)


def _fate_of_unanswered(error: ChakraError) -> Fate:
    """Say what a failed submission means for its rows."""
    refused = isinstance(error, ApiError) and not isinstance(error, ServerError)
    if refused or isinstance(error, ConnectError) or (isinstance(error, TransportError) and not error.sent):
        return Fate("failed", (f"not done: {error}",))
    return Fate("unknown", (str(error),))
