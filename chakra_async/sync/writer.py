"""A writer as sync callers see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from chakra_async.bulk import writer
from chakra_async.bulk.rows import RowResult, Summary
from chakra_async.errors import ClientClosedError
from chakra_async.models.rows import ProcessUpdate
from chakra_async.sync._portal import Portal


class Writer:
    """Single updates from many threads, gathered into jobs: enter it with ``with``, then call its methods.

    Each call blocks until the job that carried its row has ended, and returns the row's :class:`RowResult`,
    whatever the outcome: as in a bulk run, a row that was not done is a value and not an error. Calls for one
    process are applied in the order in which they were made.

    A call that is interrupted (Ctrl-C) takes nothing back: its row may still be sent, and counts in
    :attr:`summary`.

    While a service that was there is away, calls wait for it, at most ``Timeouts.job`` seconds. When it stays
    away, or refuses all (the token, the procedure), the rows of that job say so, and the next job tries anew:
    a writer outlives an outage. If it was the last job, leaving the block raises the error.

    Leaving the block waits for every row that was written. Left by an error, it sends nothing more and waits
    for nothing (after Ctrl-C, ``Timeouts.drain`` seconds for the jobs in flight): rows not sent are
    ``failed``, those under way ``unknown``.

    A writer serves any number of threads.
    """

    def __init__(self, portal: Portal, writer: writer.Writer) -> None:
        self._portal = portal
        self._writer = writer

    @property
    def summary(self) -> Summary:
        """The account: complete once the block was left, up to date before."""
        return self._writer.summary

    def update(
        self,
        process_id: str,
        /,
        *,
        data: Mapping[str, Any] | None = None,
        state: str | None = None,
        status: str | None = None,
        assigned_to: str | None = None,
        next_action_at: datetime | None = None,
    ) -> RowResult:
        """Change a process; what is not given stays as it is.

        Raises:
            ValueError: nothing is given to change, or a value cannot be sent.
            RuntimeError: outside the writer's block.
        """
        return self.write(ProcessUpdate(process_id, None, data, state, status, assigned_to, next_action_at))

    def update_by_key(
        self,
        key: str,
        value: str | int,
        /,
        *,
        data: Mapping[str, Any] | None = None,
        state: str | None = None,
        status: str | None = None,
        assigned_to: str | None = None,
        next_action_at: datetime | None = None,
    ) -> RowResult:
        """Change the process whose primary key ``key`` (a short id) has ``value``; else as :meth:`update`.

        Raises:
            ValueError: nothing is given to change, or a value cannot be sent.
            RuntimeError: outside the writer's block.
        """
        return self.write(ProcessUpdate(None, (key, value), data, state, status, assigned_to, next_action_at))

    def write(self, row: ProcessUpdate | Mapping[str, Any], /) -> RowResult:
        """Send a row as ``bulk_update`` takes it, which may set ``is_deleted`` and ``expect`` too.

        Raises:
            ValueError: the row names no process or nothing to change, or holds what cannot be sent.
            RuntimeError: outside the writer's block.
        """
        return self._portal.call(self._writer.write, row)

    def __enter__(self) -> Self:
        self._portal.call(self._writer.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._portal.call(self._writer.group.leave, error)
        except ClientClosedError as closed:
            # The loop is gone with everything that was in flight; what is known is still accounted for.
            self._portal.close()
            self._writer.group.account_for_all()
            if error is None:
                raise self._writer.group.of_writer(closed) from None
