"""Follows a job to its end and says what became of its rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from chakra_async.bulk.chunks import PlannedRow
from chakra_async.bulk.outcomes import Fate, settle
from chakra_async.bulk.patience import Patience
from chakra_async.bulk.polling import AT_ONCE, JobPace, Watch
from chakra_async.bulk.rows import Outcome
from chakra_async.errors import DecodeError, NotFoundError
from chakra_async.models.jobs import Job, JobEntry


# A job that the service does not know (any more) is asked for this often before it is given up.
LOOKS_FOR_LOST_JOB = 3


class JobCalls(Protocol):
    """How to ask for a job."""

    async def get(self, job_id: str, /) -> Job:
        """Fetch a job with its counts."""
        ...

    def entries(self, job_id: str, /) -> AsyncIterable[JobEntry]:
        """List its entries."""
        ...


class Follower:
    """Follows the jobs of one run; how long one takes is learned for the next."""

    def __init__(
        self, jobs: JobCalls, done: Outcome, patience: Patience, stall: float, pace: JobPace | None = None
    ) -> None:
        self._jobs = jobs
        self._done: Outcome = done
        self._patience = patience
        self._stall = stall
        self.has_looked: bool = False
        """Whether any job was looked at yet."""
        self._pace = pace or JobPace(AT_ONCE)
        # An earlier run takes no more looks that could be shared.
        self._pace.looks.clear()
        self._moved = 0.0

    async def settle(
        self,
        rows: Sequence[PlannedRow],
        job: Job,
        sent: Callable[[int], bytes] | None = None,
        among: int = 1,
    ) -> list[Fate] | None:
        """Return the fate of each row, or ``None`` when the job makes no progress for ``Timeouts.job``.

        One that has not begun is not given up while others of the run go on: it may only wait for them.
        ``sent`` gives the item that was sent for a row, by its place among ``rows``; ``among`` tells how many
        jobs were under way then, this one included.

        Raises:
            ChakraError: the job, or its entries, cannot be asked for.
        """
        last = await self._end(job, len(rows), among)
        if last is None:
            return None
        if last.all_succeeded(len(rows)):
            return [Fate(self._done, job_id=job.id)] * len(rows)
        entries = await self._patience(partial(self._entries, job.id, len(rows)))
        fates = settle(rows, last, entries, self._done, sent)
        for fate in fates:
            fate.job_id = job.id
        return fates

    async def _end(self, job: Job, rows: int, among: int) -> Job | None:
        """Poll a job until it has ended."""
        start = moved = time.monotonic()
        processed, lost, age = job.processed, 0, 0.0
        watch = Watch(self._pace, rows, processed, among)
        while not job.has_finished(rows):
            while wait := watch.wait(age):
                await asyncio.sleep(wait)
                age = max(age + wait, time.monotonic() - start)
            asked = time.monotonic()
            try:
                job = await self._patience(partial(self._jobs.get, job.id))
            except NotFoundError:
                lost += 1
                if lost >= LOOKS_FOR_LOST_JOB:
                    raise
            now = time.monotonic()
            self.has_looked = True
            age += now - asked
            self._pace.answered(now - asked)
            if job.has_finished(rows):
                self._moved = now
                watch.ended(age, job.seconds)
                break
            if job.processed > processed:
                processed = job.processed
                self._moved = moved = now
            elif now - (moved if processed else max(moved, self._moved)) > self._stall:
                return None
            watch.unfinished(age, processed)
        return job

    async def _entries(self, job_id: str, rows: int) -> list[JobEntry]:
        found: list[JobEntry] = []
        # Pages that lead nowhere cost only the rows on them: what was read before still counts.
        with suppress(DecodeError):
            async for entry in self._jobs.entries(job_id):
                found.append(entry)
                # Pages that repeat without end must not fill the memory.
                if len(found) >= 4 * rows + 100:
                    break
        return found
