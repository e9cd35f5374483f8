"""Gathers rows that many tasks hand in one by one into jobs, as databases gather commits: by group commit.

All of it happens in one event loop, in callbacks that never wait, so that a caller who is cancelled leaves
everything else as it is.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextvars import copy_context
from typing import Any

from chakra_async._endings import ended
from chakra_async._shapes import is_number
from chakra_async.bulk.chunks import Chunk, Planner, compact
from chakra_async.bulk.courier import BulkCalls, Courier
from chakra_async.bulk.encode import EncodedRow, encode_update
from chakra_async.bulk.options import BulkOptions
from chakra_async.bulk.pace import JobWindow
from chakra_async.bulk.patience import closed_midway
from chakra_async.bulk.report import Report
from chakra_async.bulk.rows import RowResult, Summary
from chakra_async.errors import ClientClosedError
from chakra_async.models.rows import ProcessUpdate
from chakra_async.settings import Timeouts


class GroupCommit:
    """Rows in, one by one, from any task of one loop; out to each caller the result of the caller's own row.

    While nothing is in flight, a row leaves with whatever else came in the same turn of the loop. While jobs
    are in flight rows gather, until they fill a job, no job is left in flight, or ``linger`` seconds have
    passed; the linger bounds what a row waits for company while a slow job is under way.
    """

    def __init__(
        self, calls: BulkCalls, options: BulkOptions, timeouts: Timeouts, *, linger: float, max_waiting: int
    ) -> None:
        if not is_number(linger) or not linger >= 0:
            raise ValueError(f"linger must be a number of seconds that is not negative, not {linger!r}")
        if not isinstance(max_waiting, int) or isinstance(max_waiting, bool) or max_waiting < 1:
            raise ValueError(f"max_waiting must be a whole number of at least 1, not {max_waiting!r}")
        self._calls = calls
        self._timeouts = timeouts
        self._linger = linger
        self._max_waiting = max_waiting
        self._courier = Courier(calls, timeouts)
        self._planner = Planner(options.chunk_size, options.max_chunk_bytes)
        self._jobs = JobWindow(options.jobs_in_flight, options.concurrency)
        self._tasks: dict[asyncio.Task[None], Report] = {}
        self._callers: dict[int, asyncio.Future[RowResult]] = {}
        # Rows for which there is no room yet.
        self._lobby: OrderedDict[int, tuple[Any, EncodedRow]] = OrderedDict()
        self._count = 0
        self._phase = "new"
        self._loop: asyncio.AbstractEventLoop | None = None
        # What carries the rows of many callers runs in the context of none of them.
        self._context = copy_context()
        self._turn_awaited = False
        self._timer: asyncio.Handle | None = None
        self._overdue = False
        self._error: Exception | None = None
        self._summary = Summary()
        self._started = time.monotonic()
        self._ended: float | None = None

    def enter(self) -> None:
        """Begin, in the loop that runs.

        Raises:
            RuntimeError: it has begun before.
        """
        if self._phase != "new":
            raise RuntimeError("a writer can be entered only once; call the method again for another")
        self._loop = asyncio.get_running_loop()
        self._phase = "entered"
        self._started = time.monotonic()

    async def write(self, item: ProcessUpdate | Mapping[str, Any]) -> RowResult:
        """Take in a row, and return what became of it."""
        loop = self._check_usable()
        encoded = encode_update(item)
        index = self._count
        self._count += 1
        caller: asyncio.Future[RowResult] = loop.create_future()
        self._callers[index] = caller
        if self._planner.unfinished < self._max_waiting:
            self._planner.add(index, item, encoded)
        else:
            self._lobby[index] = item, (compact(encoded[0]), *encoded[1:])
        self._send_next_turn()
        try:
            return await caller
        except asyncio.CancelledError:
            # A row that was let in keeps its place; one still outside, whose memory nothing bounds, goes.
            if self._lobby.pop(index, None) is not None:
                del self._callers[index]
            raise

    async def leave(self, error: BaseException | None) -> None:
        """Send what is there and see it through; after an error send nothing more, and wait for nothing.

        After ``KeyboardInterrupt`` jobs in flight have ``Timeouts.drain`` seconds to end.

        Raises:
            Exception: the last that was heard of the service is that it cannot be written to.
        """
        try:
            if error is None:
                await self._flush()
            elif isinstance(error, KeyboardInterrupt):
                self._close(error)
                if self._tasks:
                    await asyncio.wait(self._tasks, timeout=self._timeouts.drain)
        finally:
            self._close(error)
            for task in self._tasks:
                task.cancel()
            try:
                await ended(list(self._tasks))
            finally:
                self.account_for_all()
        if error is None and self._error is not None:
            last, self._error = self._error, None
            raise self.of_writer(last) if isinstance(last, ClientClosedError) else last

    def account_for_all(self) -> None:
        """Close the account once no task runs any more, also where the loop itself has ended."""
        self._close(None)
        for task in list(self._tasks):
            self._settle(task)
        self._ended = self._ended or time.monotonic()

    def of_writer(self, closed: ClientClosedError) -> ClientClosedError:
        """Say of the writer what is said of one call of it, which alone has sent nothing."""
        sent = self._summary.jobs or self._summary.unknown
        return closed_midway("writer") if sent else closed

    @property
    def summary(self) -> Summary:
        """The account so far."""
        self._summary.seconds = (self._ended or time.monotonic()) - self._started
        self._summary.pace = self._jobs.described(self._calls.limit())
        return self._summary

    def _check_usable(self) -> asyncio.AbstractEventLoop:
        if self._phase != "entered":
            raise RuntimeError(
                "write inside the writer's block ('async with … as writer:', in the sync client 'with')"
                + ("; it was left" if self._phase == "left" else "")
            )
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            raise RuntimeError(
                "a writer serves the event loop in which its block was entered, and this is another: make one"
                " for each loop, or use the sync client's, which serves any thread"
            )
        return loop

    def _admit(self) -> None:
        """Let rows in, as many as there is room for."""
        while self._lobby and self._planner.unfinished < self._max_waiting:
            index, (item, encoded) = self._lobby.popitem(last=False)
            self._planner.add(index, item, encoded)

    def _send_next_turn(self) -> None:
        """Send once all who are about to write have done so."""
        if not self._turn_awaited:
            self._turn_awaited = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        """Send every chunk that may go now; rows that could still get company wait for it."""
        self._turn_awaited = False
        hurry = not self._tasks or self._overdue or bool(self._lobby) or self._phase == "left"
        while len(self._tasks) < self._jobs.size and (chunk := self._planner.take(partial=hurry)):
            self._launch(chunk)
            self._reset_linger()
        if self._timer is None and not self._planner.stuck:
            self._timer = asyncio.get_running_loop().call_later(self._linger, self._lingered)

    def _launch(self, chunk: Chunk) -> None:
        report = Report(chunk, len(self._tasks) + 1)
        task = asyncio.create_task(self._courier.carry(report), context=self._context.copy())
        self._tasks[task] = report
        task.add_done_callback(self._settle)

    def _lingered(self) -> None:
        self._overdue = True
        self._send()

    def _reset_linger(self) -> None:
        self._overdue = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _settle(self, task: asyncio.Task[None]) -> None:
        """Account for the rows of a chunk that was seen through, or given up."""
        report = self._tasks.pop(task, None)
        if report is None:
            return
        if task.cancelled() and self._phase == "entered":
            # Not by us, so the loop is about to end, and takes no more tasks.
            self._close(None)
        self._summary.jobs += report.jobs
        self._summary.retries += report.count.retries
        # While rows are fewer than could be sent, how long jobs take says nothing about more at once.
        if report.seconds is not None and (report.count.retries or self._planner.ready):
            rows, retries = len(report.chunk.rows), report.count.retries
            self._jobs.done(rows, report.seconds, retries=retries, among=report.among)
        if report.too_large is not None:
            self._planner.limit(report.too_large // 2)
        self._error = report.stop
        self._planner.done(report.chunk)
        report.close(f"not sent: {report.stop or 'the writer was left before'}")
        for result in report.results():
            self._give(result)
        self._admit()
        if self._phase == "entered":
            self._send_next_turn()

    def _close(self, error: BaseException | None) -> None:
        """Take and send nothing more; rows that were not sent fail."""
        self._phase = "left"
        self._reset_linger()
        reason = "the writer was left before" + (f" ({type(error).__name__} in its block)" if error else "")
        rows = [(row.index, row.item) for row in self._planner.abandon()]
        rows += [(index, item) for index, (item, _) in self._lobby.items()]
        self._lobby.clear()
        for index, item in rows:
            self._give(RowResult(index, item, "failed", (f"not sent: {reason}",)))

    async def _flush(self) -> None:
        """See through all rows that were written before."""
        # Tasks that were made in the block, and have not had a turn yet, belong to it.
        await asyncio.sleep(0)
        self._phase = "left"
        self._send()
        while self._tasks:
            await asyncio.wait(self._tasks)
            self._send()

    def _give(self, result: RowResult) -> None:
        self._summary.count(result.outcome)
        caller = self._callers.pop(result.index)
        if not caller.done():
            caller.set_result(result)
