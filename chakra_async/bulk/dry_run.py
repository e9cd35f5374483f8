"""Looks at rows that will not be sent, to say which could be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import orjson

from chakra_async.bulk.checks import Checks
from chakra_async.bulk.chunks import Chunk, PlannedRow
from chakra_async.bulk.duplicates import Duplicates
from chakra_async.bulk.outcomes import Fate
from chakra_async.bulk.patience import Patience
from chakra_async.bulk.rows import row_line


if TYPE_CHECKING:
    from chakra_async.models.config import TeamConfig


class DryRun:
    """Checks every row of a run against the team's config, which is fetched once, and against each other."""

    def __init__(self, config: Callable[[], Awaitable[TeamConfig]], procedure: str, *, creates: bool) -> None:
        self._config = config
        self._procedure = procedure
        self._creates = creates
        self._duplicates = Duplicates()
        self._checks: Checks | None = None
        self._fetching = asyncio.Lock()

    async def look(
        self,
        chunk: Chunk,
        places: Sequence[int],
        patience: Patience,
        settled: dict[int, Fate],
        warnings: dict[int, tuple[str, ...]],
    ) -> None:
        """Check rows of a chunk: settle those that could not be sent, warn of those that are strange.

        Raises:
            ChakraError: the config cannot be fetched.
        """
        async with self._fetching:
            checks = self._checks = self._checks or Checks(await patience(self._config), self._procedure)
        for place in places:
            row = chunk.rows[place]
            name = None if row.identity is None else row.identity[0]
            item = orjson.loads(chunk.item(place))
            problems = checks.problems(
                None if name == "id" else name, item if self._creates else item["update"]
            )
            if same := self._same(row):
                if self._creates:
                    problems.append(f"{same}: whether creating it again fails, or updates it, is not known")
                else:
                    warnings[place] = (f"{same}; both would be sent, in order",)
            if problems:
                settled[place] = Fate("invalid", tuple(problems))

    def _same(self, row: PlannedRow) -> str | None:
        """Say which row before concerns the same process."""
        if row.identity is None:
            return None
        line = row_line(row.item)
        place, word = (row.index, "row") if line is None else (line, "line")
        first = self._duplicates.first(row.identity, place)
        return None if first is None else f"{word} {place} and {word} {first} concern the same process"
