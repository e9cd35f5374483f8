"""A bulk run as sync callers see it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeAlias

from chakra_async.bulk import run
from chakra_async.bulk.rows import RowResult, Summary
from chakra_async.errors import ClientClosedError
from chakra_async.sync._portal import Portal


Source: TypeAlias = Iterable[run.RowT]


class BulkRun(run.RunControls):
    """A bulk run: enter it with ``with``, then iterate for one :class:`RowResult` a row.

    Rows are taken from the source in the caller's own thread, and only while the caller asks for results,
    so memory stays bounded, a database cursor may be the source, and the source may use the client itself.
    One thread at a time may ask. Results come job by job, in the order in which jobs end; ``result.index``
    says which row each is about.

    Leaving early, also by Ctrl-C, sends nothing more, gives the jobs in flight ``Timeouts.drain`` seconds to
    end, and counts in :attr:`summary` what became of every row taken. When the run itself cannot go on (the
    token is refused, the service stays away), every row gets its result first, and then iterating raises
    the error.
    """

    def __init__(self, portal: Portal, run: run.BulkRun) -> None:
        # Some sources, such as Django's query sets, are both.
        if not isinstance(run.source, Iterable):
            raise TypeError("rows must be an iterable here; an async iterable needs the async client")
        self._portal = portal
        super().__init__(run.engine)
        self._source = run.source
        self._rows: Iterator[Any] = iter(())

    def run(self) -> Summary:
        """Do the whole run and return only the account.

        Raises:
            ChakraError: the run could not go on; :attr:`summary` tells how far it got.
        """
        with self:
            for _ in self:
                pass
        return self.summary

    def __enter__(self) -> Self:
        with self._entering():
            self._rows = iter(self._source)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        broken = error is not None and not isinstance(error, KeyboardInterrupt)
        under_way = self._engine.busy
        try:
            self._portal.call(self._engine.leave, at_once=broken)
        except ClientClosedError as closed:
            # The loop is gone with everything that was in flight; what is known is still accounted for.
            self._portal.close()
            self._engine.account_for_all()
            if error is None and under_way:
                raise self._of_run(closed) from None
        self._engine.tell_progress()
        if error is None:
            self._engine.check_asked()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> RowResult:
        engine = self._engine
        for ready in engine.results.at_hand:
            return ready
        self._begin_waiting()
        try:
            self._pull_ahead()
            while (result := engine.results.take()) is None:
                self._pull()
                if engine.results:
                    continue
                if not engine.busy:
                    if self._has_ended():
                        raise StopIteration
                    continue
                self._call(engine.collect)
                engine.tell_progress()
                # Before the results are handed out, so that no job's place stands empty meanwhile.
                self._pull()
        finally:
            self._awaited = False
        return result

    def _call(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            self._portal.call(function)
        except ClientClosedError as closed:
            raise self._of_run(closed) from None

    def _pull(self) -> None:
        """Take rows from the source, as many as may be in flight, and send them."""
        engine = self._engine
        while room := engine.room:
            engine.intake.take(self._rows, room)
            if engine.calls_for_loop:
                self._call(engine.launch)
        if engine.calls_for_loop:
            self._call(engine.launch)

    def _pull_ahead(self) -> None:
        """Take some rows before the next results are handed out."""
        engine = self._engine
        if room := engine.room_ahead:
            engine.intake.take(self._rows, room)
            if engine.calls_for_loop:
                self._call(engine.launch)
