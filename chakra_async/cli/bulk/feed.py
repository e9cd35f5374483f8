"""Rows on their way from the reader into the run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any, Self, TypeAlias

from chakra_async.bulk.plans import PlanReader
from chakra_async.bulk.sources import RowReader
from chakra_async.cli.bulk.past import Past


_BATCH = 512
_BATCHES = 8


Reader: TypeAlias = RowReader[Any] | PlanReader


class FileRows(Iterable[Any]):
    """The rows of a file, of which the first is read at once, and with it the header.

    Raises:
        ValueError: the header cannot serve.
        OSError: the file cannot be read.
    """

    def __init__(self, reader: Reader) -> None:
        self.past: Past | None = None
        """Is shown every row, where there is one."""
        self.first: Any = None
        """The first row, if there is one."""
        self._reader = reader
        first = list(islice(reader, 1))
        if first:
            self.first = first[0]
        self._rows: Iterator[Any] = chain(first, reader)

    def describe(self) -> dict[str, Any]:
        """Say what is read and how."""
        return self._reader.describe()

    def __iter__(self) -> Iterator[Any]:
        return self._rows if self.past is None else map(self.past.see, self._rows)


class PipedRows(AsyncIterator[Any]):
    """The rows of a source that may make one wait.

    They are read in a thread of their own: a pipe in which nothing comes holds up neither the jobs in flight
    nor Ctrl-C. The thread is a daemon, as nothing can interrupt its reading.
    """

    def __init__(self, reader: Reader) -> None:
        self.past: Past | None = None
        """Is shown every row, where there is one."""
        self.first: Any = None
        """The first row, if there is one."""
        self._reader = reader
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[Iterable[Any] | Exception | None] = asyncio.Queue()
        self._places = threading.Semaphore(_BATCHES)
        self._batch: Iterator[Any] = iter(())
        self._ended = False

    def describe(self) -> dict[str, Any]:
        """Say how it is read; what is read, only the rows themselves can tell."""
        return self._reader.describe()

    async def begin(self) -> None:
        """Start reading, and wait for the first row.

        Raises:
            ValueError: the header cannot serve.
            OSError: the source cannot be read.
        """
        threading.Thread(target=self._read, name="chakra-rows", daemon=True).start()
        await self._next_batch()
        first = list(self._batch)
        if first:
            self.first = first[0]
        self._batch = iter(first)

    def end(self) -> None:
        """Give no more rows."""
        self._ended = True
        self._arrived.put_nowait(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        while not self._ended:
            for row in self._batch:
                return row if self.past is None else self.past.see(row)
            await self._next_batch()
        raise StopAsyncIteration

    async def _next_batch(self) -> None:
        arrived = await self._arrived.get()
        if arrived is None:
            self._ended = True
        elif isinstance(arrived, Exception):
            self._ended = True
            raise arrived
        else:
            self._places.release()
            self._batch = iter(arrived)

    def _read(self) -> None:
        size, batch = 1, list[Any]()
        end: Exception | None = None
        # The loop may be gone by the time something comes.
        with suppress(RuntimeError):
            try:
                for row in self._reader:
                    batch.append(row)
                    if len(batch) == size:
                        full, batch = batch, []
                        self._give(full)
                        size = min(2 * size, _BATCH)
            except Exception as error:  # whatever it is, the run has to hear of it
                end = error
            if batch:  # good rows, whatever ended them
                self._give(batch)
            self._tell(end)

    def _give(self, batch: list[Any]) -> None:
        self._places.acquire()
        self._tell(batch)

    def _tell(self, arrived: Iterable[Any] | Exception | None) -> None:
        self._loop.call_soon_threadsafe(self._arrived.put_nowait, arrived)
