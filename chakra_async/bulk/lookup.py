"""Finds the processes that rows name, many with one request."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from contextlib import suppress

from chakra_async.errors import BadRequestError, NotFoundError
from chakra_async.models.processes import Process


MOST = 100
"""Values that one request asks for: the service shows no more processes on a page."""

AnyOf = Callable[[str, Sequence[str | int]], AsyncIterable[Process]]
"""List the processes of which a field (first argument) has one of the values."""


class Finder:
    """Finds processes by a key or by ``id``.

    A list that shows other processes than were asked for cannot be believed about those it does not show:
    the service did not understand the condition, or shows a value in another form than it was sent. Nor is
    it known whether ``id`` may stand there. So processes that a list does not tell of are fetched by their
    ids one by one, and of those named by a key it is said that nobody can tell.
    """

    def __init__(self, any_of: AnyOf, get: Callable[[str], Awaitable[Process]]) -> None:
        self._any_of = any_of
        self._get = get
        self._one_by_one = False

    async def __call__(self, name: str, values: Sequence[str | int]) -> dict[str, Process | None]:
        """Return those that exist, by the value as text; ``None`` where nobody can tell.

        Args:
            name: short id of a key, or ``id``.
            values: what it may be.

        Raises:
            ChakraError: the service does not answer, or does not understand.
        """
        found: dict[str, Process | None] = {}
        for start in range(0, len(values), MOST):
            some = values[start : start + MOST]
            if name == "id":
                found |= await self._by_id(some)
                continue
            listed, complete = await self._listed(name, some)
            found |= listed if complete else dict.fromkeys(map(str, some)) | listed
        return found

    async def _listed(self, name: str, values: Sequence[str | int]) -> tuple[dict[str, Process], bool]:
        """Return those that a list shows, and whether it can be believed that there are no others."""
        wanted = {str(value) for value in values}
        found: dict[str, Process] = {}
        seen = strangers = 0
        async for process in self._any_of(name, values):
            value = str(process.id if name == "id" else process.data.get(name))
            seen += 1
            if value in wanted:
                found[value] = process
            else:
                strangers += 1
            # Each value has one process: so many more are not what was asked for.
            if seen >= 2 * len(values):
                return found, False
        return found, not strangers

    async def _by_id(self, ids: Sequence[str | int]) -> dict[str, Process]:
        found: dict[str, Process] = {}
        if not self._one_by_one:
            try:
                found, complete = await self._listed("id", ids)
                self._one_by_one = not complete
            except BadRequestError:
                self._one_by_one = True
        if found and not self._one_by_one:
            return found
        for value in map(str, ids):
            with suppress(NotFoundError):
                process = found[value] = await self._get(value)
                # Deleted processes are not listed; this one should have been.
                self._one_by_one |= not process.is_deleted
        return found
