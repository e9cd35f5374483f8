"""A bulk run as async callers see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

from chakra_async._shapes import as_mapping
from chakra_async.bulk.engine import Engine
from chakra_async.bulk.patience import closed_midway
from chakra_async.bulk.rows import Progress, RejectedRow, RowResult, Summary
from chakra_async.errors import ClientClosedError
from chakra_async.models.rows import ProcessCreate, ProcessUpdate


RowT = TypeVar("RowT")

Source: TypeAlias = Iterable[RowT] | AsyncIterable[RowT]

CreateRow: TypeAlias = ProcessCreate | RejectedRow | Mapping[str, Any]
UpdateRow: TypeAlias = ProcessUpdate | RejectedRow | Mapping[str, Any]
DeleteRow: TypeAlias = str | tuple[str, str | int] | UpdateRow


@runtime_checkable
class DescribedSource(Protocol):
    """A source that can tell what it reads, so that a change of it is noticed by the journal."""

    def describe(self) -> Mapping[str, Any]:
        """Return JSON values by name: those of two readings of the same source are equal."""
        ...


def check_source(source: Any) -> None:
    """Refuse what is iterable but surely not meant as rows.

    Raises:
        TypeError: it is no iterable, or is text or a single mapping.
    """
    kind = type(source).__name__
    if isinstance(source, str | bytes | Mapping):
        raise TypeError(
            f"rows must be an iterable of rows, not a single {kind}; to read a file, use "
            "chakra_async.bulk.sources.read_updates(path, columns=…)"
        )
    if not isinstance(source, Iterable | AsyncIterable):
        raise TypeError(f"rows must be an iterable or async iterable, not {kind}")


def describe(source: Any) -> Mapping[str, Any] | None:
    """Return what a source tells of itself, if it does; a column of a table describes itself otherwise."""
    found: Any = source.describe() if isinstance(source, DescribedSource) else None
    return as_mapping(found)


class RunControls:
    """What can be asked of a bulk run besides its results; the same for async and sync."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._awaited = False

    @property
    def summary(self) -> Summary:
        """The account: complete once the run has ended, up to date before."""
        return self._engine.summary

    @property
    def progress(self) -> Progress:
        """The account so far, and what is under way; may be looked at any time."""
        return self._engine.progress

    @property
    def exhausted(self) -> bool:
        """Whether the source was read to its end."""
        return self._engine.intake.read_to_end

    def stop(self, reason: str = "the run was stopped") -> None:
        """Take and send nothing more.

        Iterating goes on with the jobs in flight and then ends; rows taken but not sent fail with
        ``reason``.
        """
        self._engine.intake.stop(reason)

    def leftover(self) -> Iterator[RowResult]:
        """Hand out, after the run was left early, the results that were not yet iterated over."""
        results = self._engine.results
        while (result := results.take()) is not None:
            yield result

    @contextmanager
    def _entering(self) -> Generator[None]:
        """Begin the run, unless its source cannot even be begun."""
        self._engine.enter()
        try:
            yield
        except BaseException:
            self._engine.account_for_all()
            raise

    def _begin_waiting(self) -> None:
        """Let one at a time take rows and wait for results: what comes in has one order."""
        self._engine.check_entered()
        if self._awaited:
            raise RuntimeError(
                "another task or thread, or its own source, is iterating over this bulk run; one at a time "
                "may, and can hand the results on through a queue"
            )
        self._awaited = True

    def _has_ended(self) -> bool:
        """Whether no row waits for its result, now that no job is under way; raises what ended the run."""
        # A source that raised has perhaps not given all rows of a delivery that an earlier run began.
        if self._engine.intake.error is not None:
            self._engine.intake.stop("the source ended before its time")
        if self._engine.results:
            return False
        try:
            self._engine.finish()
        except ClientClosedError as closed:
            raise self._of_run(closed) from None
        return True

    def _of_run(self, closed: ClientClosedError) -> ClientClosedError:
        """Say of the run what is said of one call of it, which alone has sent nothing."""
        sent = self._engine.busy or self.summary.jobs or self.summary.unknown
        return closed_midway("run") if sent else closed


class BulkRun(RunControls):
    """A bulk run: ``async with`` it, then iterate for one :class:`RowResult` a row.

    Rows are taken from the source in the caller's own task, and only while the caller asks for results, so
    memory stays bounded and the source may use the client itself; it must not wait for results of its own
    run. One task at a time may ask. Results come job by job, in the order in which jobs end;
    ``result.index`` says which row each is about.

    Leaving early sends nothing more, gives the jobs in flight ``Timeouts.drain`` seconds to end, and counts
    in :attr:`summary` what became of every row taken. When the run itself cannot go on (the token is
    refused, the service stays away), every row gets its result first, and then iterating raises the error.

    A time limit around a single step cancels an async source that is waited for. A generator is ended by
    that: its rows so far are seen through, then iterating raises ``RuntimeError``: it may have had more. The
    same is said of any source that gives no row after it was cancelled.
    """

    def __init__(self, engine: Engine, source: Source[Any]) -> None:
        super().__init__(engine)
        self.source = source
        self._rows: Iterator[Any] | AsyncIterator[Any] = iter(())

    @property
    def engine(self) -> Engine:
        """What the run shares with its sync twin."""
        return self._engine

    async def run(self) -> Summary:
        """Do the whole run and return only the account.

        Raises:
            ChakraError: the run could not go on; :attr:`summary` tells how far it got.
        """
        async with self:
            async for _ in self:
                pass
        return self.summary

    async def __aenter__(self) -> Self:
        source = self.source
        with self._entering():
            self._rows = aiter(source) if isinstance(source, AsyncIterable) else iter(source)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.leave(at_once=error is not None)
        self._engine.tell_progress()
        if error is None:
            self._engine.check_asked()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> RowResult:
        engine = self._engine
        for ready in engine.results.at_hand:
            return ready
        self._begin_waiting()
        try:
            await self._pull_ahead()
            while (result := engine.results.take()) is None:
                await self._pull()
                if engine.results:
                    continue
                if not engine.busy:
                    if self._has_ended():
                        raise StopAsyncIteration
                    continue
                await engine.collect()
                engine.tell_progress()
                # Before the results are handed out, so that no job's place stands empty meanwhile.
                await self._pull()
        finally:
            self._awaited = False
        return result

    async def _pull(self) -> None:
        """Take rows from the source, as many as may be in flight, and send them."""
        engine, rows = self._engine, self._rows
        while room := engine.room:
            if isinstance(rows, AsyncIterator):
                # Whoever waits for a slow source shall not wait for results that are there.
                if engine.has_news() or engine.results:
                    break
                await engine.intake.take_async(rows, room, engine.has_news)
            else:
                engine.intake.take(rows, room)
            if engine.calls_for_loop:
                await engine.launch()
            else:
                # Of a run that is taken up, all rows may have been seen to before.
                await asyncio.sleep(0)
        await engine.launch()

    async def _pull_ahead(self) -> None:
        """Take some rows before the next results are handed out."""
        engine, rows = self._engine, self._rows
        if isinstance(rows, Iterator) and (room := engine.room_ahead):
            engine.intake.take(rows, room)
            if engine.calls_for_loop:
                await engine.launch()
