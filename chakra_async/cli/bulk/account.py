"""The rows that did not succeed, remembered just as far as a person can read them."""

from __future__ import annotations

import re

from attrs import define, field

from chakra_async.bulk.rows import RejectedRow, RowResult
from chakra_async.bulk.sources import FailuresWriter
from chakra_async.cli.text import as_options, clean


_CALL = re.compile(
    r" \[[A-Z]+ /\S*, \d+ attempts?\]"
    r"(?: (?:Safe|Not safe) to try again(?: blindly)?\.)?(?: Request id: \S*\.)?"
)
"""What an error says about its own call; in the way when a thousand rows share a reason."""

_REASONS = 200
_ROWS_A_REASON = 10


@define(order=True)
class Row:
    """A row to be named."""

    index: int
    line: int | None
    key: str | None
    reason: str = field(default="", order=False)
    """Its own one, in which the key may stand."""

    def __str__(self) -> str:
        place = f"row {self.index}" if self.line is None else f"line {self.line:,}"
        return place if self.key is None else f"{place}, {clean(self.key, 60)}"


@define
class Group:
    """Rows that did not succeed, all for one reason."""

    outcome: str
    reason: str
    """With a mark where each row has its own key."""
    count: int = 0
    first: list[Row] = field(factory=list[Row])
    """Those that come first in the file, in order."""

    @property
    def said(self) -> str:
        """The reason, as it is when it is said once."""
        return self.first[0].reason if self.count == 1 else self.reason

    def add(self, row: Row) -> None:
        """Count a row."""
        self.count += 1
        if len(self.first) == _ROWS_A_REASON:
            if row > self.first[-1]:
                return
            self.first.pop()
        self.first.append(row)
        self.first.sort()


class Account:
    """Takes every row that did not succeed: writes it to the failures file, and keeps a few to show."""

    def __init__(self) -> None:
        self.count: int = 0
        self.groups: dict[tuple[str, str], Group] = {}
        self.warnings: int = 0
        self.warned: list[Row] = []
        """The first rows that a dry run warns of, with what it says."""
        self.whole = False
        """Whether the source was read to its end."""
        self.error: Exception | None = None
        """Why the run could not go on."""
        self.write_error: Exception | None = None
        """Why the failures file is not whole."""
        self.writer: FailuresWriter | None = None
        """Where the rows go as well."""

    @property
    def written(self) -> int:
        """Rows in the failures file."""
        return 0 if self.writer is None else self.writer.count

    def ordered(self) -> list[Group]:
        """Return the groups in the order of the file; rows that were merely not sent come last."""
        return sorted(
            self.groups.values(), key=lambda group: (group.reason.startswith("not sent:"), group.first[0])
        )

    def add(self, result: RowResult) -> None:
        """Take a row."""
        self.count += 1
        own, shared = (self._said(result, text) for text in ("; ".join(result.errors), result.reason))
        key = (result.outcome, shared)
        group = self.groups.get(key)
        if group is None and len(self.groups) < _REASONS:
            group = self.groups[key] = Group(*key)
        if group is not None:
            group.add(Row(result.index, result.line, result.key, own))
        if self.writer is not None and self.write_error is None:
            try:
                self.writer.write(result)
            except Exception as error:  # whatever it is, the file is not whole
                self.write_error = error

    def warn(self, result: RowResult) -> None:
        """Take a row that a dry run warns of."""
        self.warnings += 1
        if len(self.warned) < _ROWS_A_REASON:
            text = clean("; ".join(result.warnings))
            self.warned.append(Row(result.index, result.line, result.key, text))

    @staticmethod
    def _said(result: RowResult, text: str) -> str:
        text = _CALL.sub("", text)
        if isinstance(result.item, RejectedRow):
            text = as_options(text).replace(f"line {result.line}: ", "")
        return clean(text)

    def close(self) -> None:
        """Finish the failures file."""
        if self.writer is not None:
            try:
                self.writer.close()
            except OSError as error:  # tells where the part is
                self.write_error = error
