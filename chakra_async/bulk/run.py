"""A bulk run as async callers see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from chakra_async.bulk.engine import Engine
from chakra_async.bulk.rows import RowResult, Summary


Source = Iterable[Any] | AsyncIterable[Any]


def check_source(source: Any) -> None:
    """Refuse what is iterable but surely not meant as rows.

    Raises:
        TypeError: it is no iterable, or is text or a single mapping.
    """
    kind = type(source).__name__
    if isinstance(source, str | bytes | Mapping):
        raise TypeError(f"rows must be an iterable of rows, not a single {kind}")
    if not isinstance(source, Iterable | AsyncIterable):
        raise TypeError(f"rows must be an iterable or async iterable, not {kind}")


class BulkRun:
    """A bulk run: ``async with`` it, then iterate for one :class:`RowResult` a row.

    Rows are taken from the source in the caller's own task, and only while the caller asks for results, so
    memory stays bounded and the source may use the client itself. Results come job by job, in the order in
    which jobs end; ``result.index`` says which row each is about.

    Leaving early sends nothing more, gives the jobs in flight ``Timeouts.drain`` seconds to end, and counts
    in :attr:`summary` what became of every row taken. When the run itself cannot go on (the token is
    refused, the service stays away), every row gets its result first, and then iterating raises the error.
    """

    def __init__(self, engine: Engine, source: Source) -> None:
        self._engine = engine
        self._source = source
        self._rows: Iterator[Any] | AsyncIterator[Any] = iter(())
        self._source_error: Exception | None = None
        self._exhausted = False
        self._entered = False
        self._left = False

    @property
    def summary(self) -> Summary:
        """The account: complete once the run has ended, up to date before."""
        return self._engine.summary

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
        if self._entered:
            raise RuntimeError("a bulk run can be entered only once; call the method again for another")
        self._entered = True
        source = self._source
        self._rows = aiter(source) if isinstance(source, AsyncIterable) else iter(source)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left = True
        await self._engine.leave(at_once=error is not None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> RowResult:
        if not self._entered or self._left:
            raise RuntimeError("iterate over a bulk run inside its 'async with' block")
        engine = self._engine
        while not engine.results:
            await self._pull()
            engine.launch(exhausted=self._exhausted)
            if engine.results:
                break
            if not engine.busy:
                self._end()
            await engine.collect()
            # Refilled before the results are handed out, so that no job's place stands empty meanwhile.
            await self._pull()
            engine.launch(exhausted=self._exhausted)
        return engine.results.popleft()

    async def _pull(self) -> None:
        """Take rows from the source, as many as may be in flight."""
        engine, rows = self._engine, self._rows
        while not self._exhausted and engine.wants_rows:
            try:
                engine.add(next(rows) if isinstance(rows, Iterator) else await anext(rows))
            except (StopIteration, StopAsyncIteration):
                self._exhausted = True
            except Exception as error:
                # What was taken before is sent and accounted for; then the caller gets the error.
                self._source_error = error
                self._exhausted = True
            if engine.has_chunk:
                engine.launch(exhausted=False)
                # A source that never waits would keep the loop from sending what is ready.
                await asyncio.sleep(0)

    def _end(self) -> None:
        self._engine.finish()
        if (error := self._engine.error or self._source_error) is not None:
            self._engine.error = self._source_error = None
            raise error
        raise StopAsyncIteration
