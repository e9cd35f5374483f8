"""A writer as async callers see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from chakra_async.bulk.group_commit import GroupCommit
from chakra_async.bulk.rows import RowResult, Summary
from chakra_async.models.rows import ProcessUpdate


class Writer:
    """Single updates from many tasks, gathered into jobs: ``async with`` it, then await its methods.

    Each call returns its own row's :class:`RowResult` once the job that carried it has ended, whatever the
    outcome: as in a bulk run, a row that was not done is a value and not an error. Calls for one process are
    applied in the order in which they were made.

    A call that is cancelled, also by a time-out, takes nothing back: its row may still be sent, and counts in
    :attr:`summary`.

    While a service that was there is away, calls wait for it, at most ``Timeouts.job`` seconds. When it stays
    away, or refuses all (the token, the procedure), the rows of that job say so, and the next job tries anew:
    a writer outlives an outage. If it was the last job, leaving the block raises the error.

    Leaving the block waits for every row that was written. Left by an error, it sends nothing more and waits
    for nothing: rows not sent are ``failed``, those under way ``unknown``.

    A writer serves the tasks of one event loop, that of its block.
    """

    def __init__(self, group: GroupCommit) -> None:
        self._group = group

    @property
    def group(self) -> GroupCommit:
        """What the writer shares with its sync twin."""
        return self._group

    @property
    def summary(self) -> Summary:
        """The account: complete once the block was left, up to date before."""
        return self._group.summary

    async def update(
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
            RuntimeError: outside the writer's block, or in another event loop.
        """
        return await self.write(
            ProcessUpdate(process_id, None, data, state, status, assigned_to, next_action_at)
        )

    async def update_by_key(
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
            RuntimeError: outside the writer's block, or in another event loop.
        """
        return await self.write(
            ProcessUpdate(None, (key, value), data, state, status, assigned_to, next_action_at)
        )

    async def write(self, row: ProcessUpdate | Mapping[str, Any], /) -> RowResult:
        """Send a row as ``bulk_update`` takes it, which may set ``is_deleted`` and ``expect`` too.

        Raises:
            ValueError: the row names no process or nothing to change, or holds what cannot be sent.
            RuntimeError: outside the writer's block, or in another event loop.
        """
        return await self._group.write(row)

    async def __aenter__(self) -> Self:
        self._group.enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._group.leave(error)
