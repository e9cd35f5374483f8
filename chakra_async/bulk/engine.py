"""The heart of a bulk run, the same for async and sync.

Rows come in on the caller's side (`intake`), where they are encoded and grouped; chunks travel in tasks of
the event loop; what became of them is collected on the caller's side again. The two sides never run at once:
while tasks work, they touch nothing but the report of their own chunk.
"""

from __future__ import annotations

import asyncio
import time

from attrs import asdict

from chakra_async._endings import ended
from chakra_async.bulk.chunks import Chunk, Planner
from chakra_async.bulk.courier import BulkCalls, Courier
from chakra_async.bulk.encode import Encoder
from chakra_async.bulk.intake import Intake
from chakra_async.bulk.journal import Journal, Plan
from chakra_async.bulk.options import BulkOptions
from chakra_async.bulk.pace import JobWindow
from chakra_async.bulk.report import Report
from chakra_async.bulk.results import SHARE, Results
from chakra_async.bulk.resume import Recall
from chakra_async.bulk.rows import Progress, Summary
from chakra_async.errors import JournalError
from chakra_async.settings import Timeouts


FEW = 8
"""Jobs that may be under way whatever memory their rows take."""
SMALL_BYTES = 4_000_000
"""Encoded rows up to here are little memory, though as objects they take five to ten times as much."""
A_WAIT = 0.002
"""Seconds from which on waiting for a job is waiting, and not only a turn of the loop."""
NOTHING_TO_DO = 0.0005
"""Seconds after which another job is sent ahead."""


class Engine:
    """Rows in, results out, a bounded number of rows between."""

    def __init__(
        self,
        calls: BulkCalls,
        encoder: Encoder,
        options: BulkOptions,
        timeouts: Timeouts,
        plan: Plan,
        expected: int | None,
    ) -> None:
        self.results: Results = Results()
        """Rows whose fate is known, to be handed to the caller."""
        self._phase = "new"
        self._options = options
        self._timeouts = timeouts
        self._expected = expected
        self._calls = calls
        self._courier = Courier(calls, timeouts, retry_unknown=options.retry_unknown)
        self._planner = Planner(options.chunk_size, options.max_chunk_bytes, sums=options.journal is not None)
        self._jobs = JobWindow(options.jobs_in_flight, options.concurrency)
        self._plan = plan
        self._tasks: dict[asyncio.Task[None], Report] = {}
        self._job_ended = False
        self._summary = Summary()
        self.intake: Intake = Intake(
            encoder, self._planner, self.results, self._summary, stop_on_error=options.stop_on_error
        )
        """Rows on their way in."""
        self._started = time.monotonic()
        self._ended: float | None = None
        self._asked = False
        self._told_to_stop = False

    # -- the caller's side

    def enter(self) -> None:
        """Begin the run.

        Raises:
            RuntimeError: it has begun before.
            JournalError: the journal cannot be used, or belongs to another run.
        """
        if self._phase != "new":
            raise RuntimeError("a bulk run can be entered only once; call the method again for another")
        if self._options.journal is not None:
            journal = Journal(self._options.journal, self._plan)
            self._courier.journal = self.intake.journal = journal
            if journal.past.known:
                self.intake.recall = Recall(journal.past, self._planner.hold)
            for outcome, rows in journal.past.counts.items():
                self._summary.count(outcome, rows)
                self._summary.resumed += rows
            self._summary.jobs += journal.past.jobs
        self._phase = "entered"
        self._started = time.monotonic()

    def check_entered(self) -> None:
        """Refuse to go on outside the run's block.

        Raises:
            RuntimeError: the block was not entered, or is left.
        """
        if self._phase != "entered":
            raise RuntimeError(
                "iterate over a bulk run inside its block ('async with … as run:', in the sync client "
                "'with'), or call its run()"
            )
        self._asked = True

    def check_asked(self) -> None:
        """Refuse to pass for a run of no rows what was never iterated over.

        Raises:
            RuntimeError: nothing was ever asked of the run, so nothing was sent.
        """
        if not self._asked and not self._told_to_stop:
            raise RuntimeError(
                "nothing was sent: the rows of a bulk run are taken while you iterate over it; iterate, or "
                "call its run()"
            )

    @property
    def room(self) -> int:
        """How many rows may be taken from the source now, at most as many as make a chunk full."""
        return self._room_for(self._at_once)

    @property
    def room_ahead(self) -> int:
        """How many may be taken between two shares of results, for up to a chunk that waits for a place.

        As many come in as go out: so the garbage collector, which counts objects made against objects gone,
        finds next to nothing to do.
        """
        return min(SHARE, self._room_for(self._at_once + 1))

    def _room_for(self, jobs: int) -> int:
        window = self._options.chunk_size * jobs
        if self.intake.exhausted or self.intake.stopped or len(self.results) > window:
            return 0
        if not self._tasks and self._planner.stuck and not self.intake.to_take_up:
            # Whatever waits, waits for rows that have not come yet; those of an earlier run take no room.
            return max(1, min(self._options.chunk_size, self.intake.known_ahead))
        ready = self._planner.ready + len(self.intake.to_take_up) + len(self._tasks)
        if ready >= jobs:
            return 0
        # Results that wait to be taken are rows, too; a few of them must not keep jobs from being sent.
        held = self._planner.unfinished + max(0, len(self.results) - self._options.chunk_size)
        return max(0, min(self._planner.room, window - held))

    @property
    def calls_for_loop(self) -> bool:
        """Whether :meth:`launch` has something to do: to send a chunk, or to write what was noted."""
        journal = self._courier.journal
        return self._can_launch or (journal is not None and journal.has_gathered)

    @property
    def _can_launch(self) -> bool:
        """Whether a chunk may go now: a full one, or one that no further row can join."""
        if len(self._tasks) >= self._at_once:
            return False
        return self.intake.has_chunk or (self._partial_may_go and not self._planner.stuck)

    @property
    def _partial_may_go(self) -> bool:
        return self.intake.exhausted or self._planner.unfinished >= self._window

    @property
    def _window(self) -> int:
        """Rows that may be under way."""
        return self._options.chunk_size * self._at_once

    @property
    def _at_once(self) -> int:
        """Jobs that may be under way: beyond a few only while their rows take little memory."""
        size = self._jobs.size
        if self._options.concurrency is None and self._planner.unfinished_bytes > SMALL_BYTES:
            return min(size, FEW)
        return size

    @property
    def busy(self) -> bool:
        """Whether jobs are in flight."""
        return bool(self._tasks)

    def has_news(self) -> bool:
        """Whether a job has ended whose rows are not accounted for."""
        return self._job_ended and any(task.done() for task in self._tasks)

    def _note_end(self, _: asyncio.Task[None]) -> None:
        self._job_ended = True

    @property
    def summary(self) -> Summary:
        """The account so far."""
        self._summary.seconds = (self._ended or time.monotonic()) - self._started
        self._summary.pace = self._jobs.described(self._calls.limit())
        return self._summary

    @property
    def progress(self) -> Progress:
        """The account so far, and what is under way."""
        return Progress(**asdict(self.summary), in_flight=len(self._tasks), expected=self._expected)

    def tell_progress(self) -> None:
        """Call ``on_progress``, in the caller's own task or thread."""
        if self._options.on_progress is not None:
            self._options.on_progress(self.progress)

    def finish(self) -> None:
        """Stop the clock, and raise what made the run end before its time, if anything did."""
        self._ended = self._ended or time.monotonic()
        error, self.intake.error = self.intake.error, None
        if error is not None:
            raise error

    # -- the loop's side

    async def launch(self) -> None:
        """Send every chunk that may go now; a partial one only when no further row can join it.

        Rows that were refused are written down meanwhile, lest they gather in memory.
        """
        while len(self._tasks) < self._at_once:
            chunk = self._next_chunk()
            if chunk is None:
                break
            report = Report(chunk, len(self._tasks) + 1)
            task = asyncio.create_task(self._courier.carry(report))
            task.add_done_callback(self._note_end)
            self._tasks[task] = report
        if (journal := self._courier.journal) is not None:
            try:
                await journal.flush()
            except JournalError as error:
                self.intake.break_off(error)
        # A source that never waits would keep the loop from sending what is ready.
        await asyncio.sleep(0)

    def _next_chunk(self) -> Chunk | None:
        if self.intake.recall is not None and self.intake.recall.ready:
            chunk = self.intake.recall.ready.popleft()
            self._planner.adopt(chunk)
            return chunk
        return self._planner.take(partial=self._partial_may_go)

    async def collect(self) -> None:
        """Wait until a job is done, and account for its rows; or until another may be sent ahead of that."""
        began = time.monotonic() - time.thread_time()
        known = self._courier.has_looked or self.intake.exhausted or self.intake.stopped
        ahead = self._jobs.may_go_ahead and not known
        first = asyncio.FIRST_COMPLETED
        done, _ = await asyncio.wait(self._tasks, timeout=NOTHING_TO_DO if ahead else None, return_when=first)
        # What was spent on sending and receiving was not waited for.
        idle = time.monotonic() - time.thread_time() - began
        if not done:
            self._jobs.go_ahead()
        self._account(done, waited=idle > A_WAIT)

    async def leave(self, *, at_once: bool) -> None:
        """End the run: give jobs in flight ``Timeouts.drain`` seconds, or none, and account for all."""
        self._phase = "left"
        self.results.put_back()
        # Whoever has stopped a run on purpose has seen to it.
        self._told_to_stop = self.intake.stopped
        self.intake.stop("the run was left before")
        try:
            if self._tasks and not at_once:
                await asyncio.wait(self._tasks, timeout=self._timeouts.drain)
        finally:
            for task in self._tasks:
                task.cancel()
            try:
                # Not waited for, their connections would be left to chance.
                await ended(self._tasks)
            finally:
                self.account_for_all()

    def account_for_all(self) -> None:
        """Close the account once no task runs any more, also where the loop itself has ended."""
        self._phase = "left"
        self.results.put_back()
        self.intake.stop("the run was left before")
        self._account(set(self._tasks))
        self._ended = self._ended or time.monotonic()
        if (journal := self._courier.journal) is not None:
            self._courier.journal = self.intake.journal = None
            journal.close()

    def _account(self, done: set[asyncio.Task[None]], *, waited: bool = False) -> None:
        self._job_ended = False
        for task in done:
            report = self._tasks.pop(task)
            counts = report.close("not sent: the run stopped before")
            self._planner.done(report.chunk, report.unsettled)
            self.intake.give_stranded()
            self._summary.jobs += report.jobs
            self._summary.retries += report.count.retries
            if report.seconds is not None and report.chunk.job_id is None:
                rows, retries = len(report.chunk.rows), report.count.retries
                self._jobs.done(rows, report.seconds, retries=retries, waited=waited, among=report.among)
            for outcome, number in counts.items():
                self._summary.count(outcome, number)
            self.results.put(report.results(), len(report.chunk.rows))
            if self._options.stop_on_error and (bad := next(report.bad(), None)):
                self.intake.stop_at(bad)
            if report.too_large is not None:
                self._planner.limit(report.too_large // 2)
            if report.stop is not None:
                self.intake.break_off(report.stop)
