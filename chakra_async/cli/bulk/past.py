"""The rows that earlier runs on a journal did not get done: a later run accounts for them as well."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chakra_async.bulk.journal import read_problems
from chakra_async.bulk.rows import RowResult


class Past:
    """Recognises those rows by their place as the source gives them again.

    Raises:
        JournalError: the journal cannot be read.
    """

    def __init__(self, journal: str, tell: Callable[[RowResult], object]) -> None:
        path = Path(journal)
        begun = path.exists() and path.stat().st_size > 0
        self._problems = deque(read_problems(path) if begun else ())
        self._tell = tell
        self._index = 0

    def see(self, row: Any) -> Any:
        """Take in the next row, and return it."""
        if self._problems and self._problems[0].row == self._index:
            self._tell(self._problems.popleft().result(row))
        self._index += 1
        return row
