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

    That a list in ``where`` means any-of is inferred, and whether ``id`` may stand there is not known: when
    the service does not understand it, or ignores it, processes are fetched by their ids one by one.
    """

    def __init__(self, any_of: AnyOf, get: Callable[[str], Awaitable[Process]]) -> None:
        self._any_of = any_of
        self._get = get
        self._one_by_one = False

    async def __call__(self, name: str, values: Sequence[str | int]) -> dict[str, Process]:
        """Return those that exist, by the value as text.

        Args:
            name: short id of a key, or ``id``.
            values: what it may be.

        Raises:
            ChakraError: the service does not answer, or does not understand.
        """
        found: dict[str, Process] = {}
        for start in range(0, len(values), MOST):
            some = values[start : start + MOST]
            found |= await (self._by_id(some) if name == "id" else self._listed(name, some))
        return found

    async def _listed(self, name: str, values: Sequence[str | int]) -> dict[str, Process]:
        wanted = {str(value) for value in values}
        found: dict[str, Process] = {}
        seen = 0
        async for process in self._any_of(name, values):
            value = str(process.id if name == "id" else process.data.get(name))
            seen += 1
            if value in wanted:
                found[value] = process
            elif name == "id":
                # The condition is ignored, so what is not on this page may be on any other.
                self._one_by_one = True
            # Each value has one process: so many more mean the same.
            if self._one_by_one or seen >= 2 * len(values):
                break
        return found

    async def _by_id(self, ids: Sequence[str | int]) -> dict[str, Process]:
        found: dict[str, Process] = {}
        if not self._one_by_one:
            try:
                found = await self._listed("id", ids)
            except BadRequestError:
                self._one_by_one = True
        if found and not self._one_by_one:
            return found
        for value in map(str, ids):
            with suppress(NotFoundError):
                found[value] = await self._get(value)
                # Deleted processes are not listed; this one should have been.
                self._one_by_one |= not found[value].is_deleted
        return found
