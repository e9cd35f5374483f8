"""Rows on their way in: taken from the source, encoded, recognised, and planned, or turned away.

All of it happens on the caller's side.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from chakra_async._codec import UnsendableError
from chakra_async.bulk.chunks import Chunk, Planner
from chakra_async.bulk.encode import EncodedRow, Encoder
from chakra_async.bulk.journal import Journal, Problem
from chakra_async.bulk.outcomes import BEHIND
from chakra_async.bulk.results import Results
from chakra_async.bulk.resume import Recall
from chakra_async.bulk.rows import RejectedRow, RowResult, Summary
from chakra_async.errors import JournalError


TOGETHER = 64
"""Rows that are planned at a time; until then each is held in a block of memory far larger than itself."""
CUT_SHORT = (
    "the source ended as it was cancelled while a row was waited for, which ends an async generator wherever "
    "it is, so there may be more rows; put no time limit on iterating over a run with such a source"
)
AGAIN = "an earlier run sent it, and this one stopped before it could look; run the same again"


class Intake:
    """What has come from the source of a run, until it stands in a chunk or has its result."""

    def __init__(
        self, encoder: Encoder, planner: Planner, results: Results, summary: Summary, *, stop_on_error: bool
    ) -> None:
        self.exhausted: bool = False
        """Whether the source gives no more rows."""
        self.read_to_end: bool = False
        """Whether it has given all it has."""
        self.stopped: bool = False
        """Whether nothing more is taken and sent."""
        self.error: Exception | None = None
        """What made the run end before its time, or the source."""
        self.recall: Recall | None = None
        self.journal: Journal | None = None
        self._encoder = encoder
        self._planner = planner
        self._results = results
        self._summary = summary
        self._stop_on_error = stop_on_error
        self._count = 0
        self._in_hand: tuple[int, Sequence[Any]] = (0, ())
        self._placed = 0
        self._unsent = ""
        self._cancelled_at: int | None = None

    @property
    def to_take_up(self) -> Sequence[Chunk]:
        """Deliveries of an earlier run whose rows have all come again."""
        return self.recall.ready if self.recall is not None else ()

    @property
    def has_chunk(self) -> bool:
        """Whether a full chunk waits to be launched."""
        return bool(self._planner.ready or self.to_take_up)

    @property
    def known_ahead(self) -> int:
        """How many rows are to come, at most, that an earlier run has seen to."""
        return 0 if self.recall is None else max(0, len(self.recall.past.known) - self._count)

    def take(self, rows: Iterator[Any], most: int) -> None:
        """Take in so many rows, as far as there are; what the source raises, the run raises later."""
        enough = self._count + most
        try:
            while self._count < enough and not self.stopped:
                some = min(TOGETHER, enough - self._count)
                if self._take_in(islice(rows, some)) < some:
                    self.exhaust()
                    return
        except Exception as error:
            self.exhaust(error)
        except BaseException:
            # A source that was interrupted has ended, though not at its end.
            self._drop("it was interrupted while rows were taken")
            raise

    async def take_async(self, rows: AsyncIterator[Any], most: int, has_news: Callable[[], bool]) -> None:
        """Take in so many rows, though no more once there is something else to do.

        A source that makes one wait must hold back neither a full chunk nor the results of a job, of which
        ``has_news`` tells.
        """
        enough = self._count + most
        try:
            while self._count < enough and not (self.stopped or self.has_chunk or has_news()):
                await self._take_in_async(rows, min(TOGETHER, enough - self._count), has_news)
        except StopAsyncIteration:
            # One that has given rows since has borne it.
            self.exhaust(RuntimeError(CUT_SHORT) if self._cancelled_at == self._count else None)
        except Exception as error:
            self.exhaust(error)
        except asyncio.CancelledError:
            # A generator is ended by that, and would seem to be at its end.
            self._cancelled_at = self._count
            raise

    def _take_in(self, rows: Iterable[Any]) -> int:
        """Encode rows as they come, each before the next is asked for, and plan them together.

        Returns:
            How many there were; fewer, too, if the run was stopped meanwhile.
        """
        encode = self._encoder
        first = self._count
        items: list[Any] = []
        encoded: list[EncodedRow] = []
        self._hold(items)
        try:
            for item in rows:
                try:
                    encoded.append(encode(item))
                    items.append(item)
                except UnsendableError as error:
                    self._turn_away(item, error, items, encoded)
                if self.stopped:
                    break
        except Exception:
            self._plan_rows(items, encoded)
            raise
        # After a Ctrl-C nothing is planned any more.
        self._plan_rows(items, encoded)
        return self._count - first

    async def _take_in_async(self, rows: AsyncIterator[Any], most: int, has_news: Callable[[], bool]) -> None:
        """Do the same with rows that are waited for, and with no more of them once a job has ended."""
        encode = self._encoder
        enough = self._count + most
        items: list[Any] = []
        encoded: list[EncodedRow] = []
        try:
            while self._count + len(items) < enough and not (self.stopped or has_news()):
                item = await anext(rows)
                try:
                    encoded.append(encode(item))
                    items.append(item)
                except UnsendableError as error:
                    self._turn_away(item, error, items, encoded)
        finally:
            self._plan_rows(items, encoded)

    def _turn_away(
        self, item: Any, error: UnsendableError, items: list[Any], encoded: list[EncodedRow]
    ) -> None:
        """Plan the rows before one that cannot be sent, and refuse that one."""
        self._plan_rows(items, encoded)
        items.clear()
        encoded.clear()
        self._refuse(item, error)
        self._hold(items)

    def _plan_rows(self, items: Sequence[Any], encoded: Sequence[EncodedRow]) -> None:
        """Take in rows that can be sent; those that come after the run was stopped are only accounted for."""
        first = self._count
        self._hold(items)
        if items and self.recall is None and not self.stopped:
            self._planner.extend(first, items, encoded)
        else:
            for index, item, one in zip(range(first, first + len(items)), items, encoded, strict=True):
                self._plan_row(index, item, one)
                self._placed += 1
        self._count = first + len(items)
        self._hold(())
        self.give_stranded()

    def _plan_row(self, index: int, item: Any, encoded: EncodedRow) -> None:
        if self.stopped:
            self._leave_out(index, item)
            return
        try:
            if self.recall is None or not self.recall.knows(index, item, encoded):
                self._planner.add(index, item, encoded)
        except JournalError as error:
            self.break_off(error)

    def _hold(self, items: Sequence[Any]) -> None:
        """Remember the rows that are being taken in, should Ctrl-C come before each has its place."""
        self._in_hand, self._placed = (self._count, items), 0

    def _drop(self, reason: str) -> None:
        """Stop, and account for the rows that were being taken in as well."""
        accounted = self._end(reason)
        first, items = self._in_hand
        self._hold(())
        for index, item in enumerate(items, first):
            if index not in accounted and index >= first + self._placed:
                self._leave_out(index, item)

    def _leave_out(self, index: int, item: Any) -> None:
        """Give the result of a row that came too late to be sent, unless an earlier run has."""
        if self.recall is None or not self.recall.has(index):
            self.give(RowResult(index, item, "failed", (self._unsent,)))
        elif self.recall.awaits(index):
            self.give(RowResult(index, item, "unknown", (AGAIN,)))

    def _refuse(self, item: Any, error: UnsendableError) -> None:
        """Give the result of a row that cannot be sent, unless an earlier run has."""
        index = self._count
        self._count += 1
        if self.recall is not None and self._knows_refused(self.recall, index):
            return
        errors = item.errors if isinstance(item, RejectedRow) else (str(error),)
        result = RowResult(index, item, "invalid", errors)
        if (journal := self.journal) is not None:
            journal.note(Problem(result.index, result.outcome, result.key, result.line, result.errors, None))
        self.give(result)

    def _knows_refused(self, recall: Recall, index: int) -> bool:
        try:
            return recall.knows_refused(index)
        except JournalError as error:
            self.break_off(error)
            return True

    def break_off(self, error: Exception) -> None:
        """Stop because of an error, which is raised once every row has its result."""
        self.error = self.error or error
        self.stop(f"the run stopped: {error}")

    def exhaust(self, error: Exception | None = None) -> None:
        """Note that the source ends here, or that it raised.

        What it gave before is sent and accounted for; then the caller gets the error.
        """
        if self.stopped and error is None:
            # A source may end because the run was stopped; then it says nothing about its rows.
            return
        self.exhausted = True
        self.read_to_end = error is None
        self.error = self.error or error
        if self.recall is not None and error is None:
            try:
                self.recall.check_end(self._count)
            except JournalError as changed:
                self.break_off(changed)
                return
        if (journal := self.journal) is not None and error is None:
            journal.ended(self._count)

    def stop(self, reason: str) -> None:
        """Send nothing more; rows taken but not sent fail with ``reason``."""
        self._end(reason)

    def _end(self, reason: str) -> set[int]:
        """Send nothing more, and return the places of the rows that are accounted for by that."""
        if self.stopped:
            return set()
        self.stopped = True
        self._unsent = f"not sent: {reason}"
        unsent = self._planner.abandon()
        for row in unsent:
            self.give(RowResult(row.index, row.item, "failed", (self._unsent,)))
        sent_before = self.recall.abandon() if self.recall is not None else []
        for row in sent_before:
            self.give(RowResult(row.index, row.item, "unknown", (AGAIN,)))
        return {row.index for row in (*unsent, *sent_before)}

    def give_stranded(self) -> None:
        """Give the results of rows that cannot be sent in their order."""
        stranded, self._planner.stranded = self._planner.stranded, []
        for row in stranded:
            self.give(RowResult(row.index, row.item, "failed", (BEHIND,)))

    def give(self, result: RowResult) -> None:
        """Give the result of a row that no job carries."""
        self._summary.count(result.outcome)
        self._results.put(iter((result,)), 1)
        if self._stop_on_error and not result.ok:
            self.stop_at(result)

    def stop_at(self, result: RowResult) -> None:
        """Stop because of a row that was not done (``stop_on_error``)."""
        where = f"row {result.index}" if result.line is None else f"line {result.line}"
        self.stop(f"the run stopped at {where} (stop_on_error)")
