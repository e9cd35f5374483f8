"""The heart of a bulk run, the same for async and sync.

Rows are added on the caller's side, encoded there, and grouped; chunks travel in tasks of the event loop;
what became of them is collected on the caller's side again. The two sides never run at once: while tasks
work, they touch nothing but the report of their own chunk.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

from attrs import asdict, frozen

from chakra_async.bulk.chunks import Chunk, PlannedRow, Planner
from chakra_async.bulk.courier import BulkCalls, Courier, Report
from chakra_async.bulk.encode import Encoder, UnsendableRowError
from chakra_async.bulk.journal import Journal, Plan, Problem
from chakra_async.bulk.resume import Recall
from chakra_async.bulk.rows import Progress, RejectedRow, RowResult, Summary
from chakra_async.errors import JournalError
from chakra_async.settings import Timeouts


@frozen(kw_only=True)
class BulkOptions:
    """How a bulk run goes about it."""

    chunk_size: int
    max_chunk_bytes: int
    concurrency: int
    stop_on_error: bool = False
    on_progress: Callable[[Progress], object] | None = None
    journal: str | PathLike[str] | None = None
    retry_unknown: bool = False

    def __attrs_post_init__(self) -> None:
        for name in ("chunk_size", "max_chunk_bytes", "concurrency"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")


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
        self.results: deque[RowResult] = deque()
        """Rows whose fate is known, to be handed to the caller."""
        self.exhausted: bool = False
        """Whether the source gives no more rows."""
        self.read_to_end: bool = False
        """Whether it has given all it has."""
        self._error: Exception | None = None
        self._phase = "new"
        self._encoder = encoder
        self._options = options
        self._timeouts = timeouts
        self._expected = expected
        self._courier = Courier(calls, timeouts, retry_unknown=options.retry_unknown)
        self._planner = Planner(options.chunk_size, options.max_chunk_bytes)
        self._window = options.chunk_size * options.concurrency
        self._plan = plan
        self._recall: Recall | None = None
        self._tasks: dict[asyncio.Task[None], Report] = {}
        self._count = 0
        self._summary = Summary()
        self._started = time.monotonic()
        self._ended: float | None = None
        self._stopped = False
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
            self._courier.journal = journal
            self._recall = Recall(journal.past, self._planner.hold)
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
    def wants_rows(self) -> bool:
        """Whether another row may be taken from the source now."""
        if self.exhausted or self._stopped or len(self.results) > self._window:
            return False
        if not self._tasks and self._planner.stuck and not self._to_take_up:
            # Whatever waits, waits for rows that have not come yet.
            return True
        ready = self._planner.ready + len(self._to_take_up) + len(self._tasks)
        return ready < self._options.concurrency and self._planner.unfinished < self._window

    @property
    def has_chunk(self) -> bool:
        """Whether a full chunk waits to be launched."""
        return bool(self._planner.ready or self._to_take_up)

    @property
    def _to_take_up(self) -> Sequence[Chunk]:
        return self._recall.ready if self._recall is not None else ()

    @property
    def busy(self) -> bool:
        """Whether jobs are in flight."""
        return bool(self._tasks)

    def add(self, item: Any) -> None:
        """Take in the next row of the source; one that cannot be sent gets its result at once."""
        index = self._count
        self._count += 1
        try:
            if isinstance(item, RejectedRow):
                self._refuse(RowResult(index, item, "invalid", item.errors))
                return
            try:
                encoded = self._encoder(item)
            except UnsendableRowError as error:
                self._refuse(RowResult(index, item, "invalid", (str(error),)))
                return
            row = PlannedRow(index, item, encoded.identity)
            if self._recall is None or not self._recall.knows(row, encoded.item):
                self._planner.add(row, encoded.item)
        except JournalError as error:
            self._break_off(error)

    def _refuse(self, result: RowResult) -> None:
        """Give the result of a row that cannot be sent, unless an earlier run has."""
        if self._recall is not None and self._recall.knows_refused(result.index):
            return
        if (journal := self._courier.journal) is not None:
            journal.note(Problem(result.index, result.outcome, result.key, result.line, result.errors, None))
        self._give(result)

    def _break_off(self, error: Exception) -> None:
        self._error = self._error or error
        self.stop(f"the run stopped: {error}")

    def exhaust(self, error: Exception | None = None) -> None:
        """Note that the source ends here, or that it raised.

        What it gave before is sent and accounted for; then the caller gets the error.
        """
        if self._stopped and error is None:
            # A source may end because the run was stopped; then it says nothing about its rows.
            return
        self.exhausted = True
        self.read_to_end = error is None
        self._error = self._error or error
        if self._recall is not None and error is None:
            try:
                self._recall.check_end(self._count)
            except JournalError as changed:
                self._break_off(changed)
                return
        if (journal := self._courier.journal) is not None and error is None:
            journal.ended(self._count)

    @property
    def has_news(self) -> bool:
        """Whether a job has ended whose rows are not accounted for."""
        return any(task.done() for task in self._tasks)

    def stop(self, reason: str) -> None:
        """Send nothing more; rows taken but not sent fail with ``reason``."""
        if self._stopped:
            return
        self._stopped = True
        for row in self._planner.abandon():
            self._give(RowResult(row.index, row.item, "failed", (f"not sent: {reason}",)))
        for row in self._recall.abandon() if self._recall is not None else ():
            again = "an earlier run sent it, and this one stopped before it could look; run the same again"
            self._give(RowResult(row.index, row.item, "unknown", (again,)))

    @property
    def summary(self) -> Summary:
        """The account so far."""
        self._summary.seconds = (self._ended or time.monotonic()) - self._started
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
        error, self._error = self._error, None
        if error is not None:
            raise error

    # -- the loop's side

    async def launch(self) -> None:
        """Send every chunk that may go now; a partial one only when no further row can join it."""
        while len(self._tasks) < self._options.concurrency:
            chunk = self._next_chunk()
            if chunk is None:
                break
            report = Report(chunk)
            self._tasks[asyncio.create_task(self._courier.carry(report))] = report
        # A source that never waits would keep the loop from sending what is ready.
        await asyncio.sleep(0)

    def _next_chunk(self) -> Chunk | None:
        if self._recall is not None and self._recall.ready:
            chunk = self._recall.ready.popleft()
            self._planner.adopt(chunk)
            return chunk
        full = self._planner.unfinished >= self._window
        return self._planner.take(partial=self.exhausted or full)

    async def collect(self) -> None:
        """Wait until at least one job in flight is done, and account for its rows."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        self._account(done)

    async def leave(self, *, at_once: bool) -> None:
        """End the run: give jobs in flight ``Timeouts.drain`` seconds, or none, and account for all."""
        self._phase = "left"
        # Whoever has stopped a run on purpose has seen to it.
        self._told_to_stop = self._stopped
        self.stop("the run was left before")
        try:
            if self._tasks and not at_once:
                await asyncio.wait(self._tasks, timeout=self._timeouts.drain)
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                # Cancelled tasks end within a few steps of the loop; they are waited for even if we are
                # cancelled ourselves, or their connections would be left to chance.
                await asyncio.wait(self._tasks)
            self.account_for_all()

    def account_for_all(self) -> None:
        """Close the account once no task runs any more, also where the loop itself has ended."""
        self._phase = "left"
        self.stop("the run was left before")
        self._account(set(self._tasks))
        self._ended = self._ended or time.monotonic()
        if (journal := self._courier.journal) is not None:
            self._courier.journal = None
            journal.close()

    def _account(self, done: set[asyncio.Task[None]]) -> None:
        for task in done:
            report = self._tasks.pop(task)
            fates = report.close("not sent: the run stopped before")
            self._planner.done(report.chunk)
            self._summary.jobs += report.jobs
            self._summary.retries += report.count.retries
            for row, fate in zip(report.chunk.rows, fates, strict=True):
                self._give(
                    RowResult(row.index, row.item, fate.outcome, fate.errors, fate.job_id, fate.process_id)
                )
            if report.too_large is not None:
                self._planner.limit(report.too_large // 2)
            if report.stop is not None:
                self._break_off(report.stop)

    def _give(self, result: RowResult) -> None:
        self._summary.count(result.outcome)
        self.results.append(result)
        if self._options.stop_on_error and not result.ok:
            where = f"row {result.index}" if result.line is None else f"line {result.line}"
            self.stop(f"the run stopped at {where} (stop_on_error)")
