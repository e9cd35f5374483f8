"""CSV: records that survive bad quoting, and the rows they become."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from chakra_async.bulk.rows import RejectedRow
from chakra_async.bulk.sources import _files
from chakra_async.bulk.sources._columns import LINE_COLUMN, Columns, check_header, is_reserved
from chakra_async.bulk.sources._files import damage, is_damaged, stub
from chakra_async.bulk.sources._rows import Row, finisher, given_roots, reject


Record: TypeAlias = "tuple[int, list[str] | str, str | None]"
"""Line it begins on; its fields, or its text when it has none; and what is wrong with it."""

MAX_CONTINUATION = 2**20
MIN_CONTINUATION = 2**12
"""Characters a record may have after its first line: what an unclosed quote may swallow at most.

Every record that fails so halves the limit, down to the minimum, and every one that succeeds restores it:
else a file whose every line leaves a quote open would be read over and over."""

_DAMAGED = "holds undecodable bytes or NUL characters"


def check_delimiter(delimiter: str) -> None:
    """Refuse what cannot divide fields.

    Raises:
        ValueError: It is not one character, or has another meaning in CSV.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise ValueError(f"a delimiter is one character, such as ';' or a tab, not {delimiter!r}")


class _Echo:
    """Lets a `csv.writer` return its text."""

    def write(self, text: str, /) -> str:
        return text


def line_of(delimiter: str) -> Callable[[Sequence[str]], str]:
    """Make the function that writes fields as a line."""
    to_text = csv.writer(_Echo(), delimiter=delimiter).writerow

    def write(fields: Sequence[str]) -> str:
        # The writer quotes a field for "\r" only when its line ends hold one.
        text: Any = to_text(fields)
        return f"{str(text)[:-2]}\n"

    return write


class _Tape:
    """Lines for a `csv.reader`, of which it can give back what a bad record has swallowed."""

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self.taken: list[str] = []
        self._lines = lines
        self._pending: deque[str] = deque()
        self._delimiter = delimiter
        self._size = 0
        self._limit = MAX_CONTINUATION

    def reader(self) -> Iterator[list[str]]:
        """Make a reader that goes on where the tape stands."""
        return csv.reader(self._feed(), delimiter=self._delimiter, strict=True)

    def give_back(self) -> None:
        """Give back every line taken but the first."""
        if len(self.taken) > 1:
            self._limit = max(self._limit // 2, MIN_CONTINUATION)
        self._pending.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    def _feed(self) -> Iterator[str]:
        pending, taken, limit = self._pending, self.taken, _files.MAX_LINE
        while pending:
            line = pending.popleft()
            taken.append(line)
            if len(taken) > 1 or len(line) >= limit:
                self._check(line, limit)
            yield line
        for line in self._lines:
            taken.append(line)
            if len(taken) > 1 or len(line) >= limit:
                self._check(line, limit)
            yield line

    def _check(self, line: str, limit: int) -> None:
        if len(line) >= limit:
            raise csv.Error(f"a line of more than {limit} characters")
        if len(self.taken) == 2:
            self._size = 0
        self._size += len(line)
        if self._size > self._limit:
            raise csv.Error(f"a quote that is not closed within {self._limit} characters")

    def restore(self) -> None:
        """Trust quotes again, after a record of several lines."""
        self._limit = MAX_CONTINUATION


def records(lines: Iterator[str], delimiter: str) -> Iterator[Record]:
    """Divide lines into records, and never stop at a bad one.

    An unclosed quote makes one record of everything up to the next quote. Such a record fails there, at the
    field limit, or at the end of the file: only its first line is refused, and reading goes on at the second.
    """
    tape = _Tape(lines, delimiter)
    taken, reader, line = tape.taken, tape.reader(), 1
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            text = stub(taken[0]) if len(taken[0]) >= _files.MAX_LINE else taken[0].rstrip("\r\n")
            tape.give_back()
            yield line, text, _fault(error)
            taken.clear()
            line += 1
            reader = tape.reader()
            continue
        if len(taken) == 1:
            text = taken[0]
        else:
            text = "".join(taken)
            tape.restore()
        if fields:
            yield line, fields, _DAMAGED if is_damaged(text) else None
        line += len(taken)
        taken.clear()


def _fault(error: csv.Error) -> str:
    if "field limit" in str(error):
        return (
            f"holds a field of more than {csv.field_size_limit():,} characters; close its quotes, or raise "
            "the limit with csv.field_size_limit"
        )
    return f"is not well-formed CSV ({error}); check its quotes: a quote in a value is written twice"


def read_csv(
    lines: Iterator[str],
    columns: Columns,
    *,
    create: bool,
    delimiter: str,
    on_header: Callable[[list[str]], None],
) -> Iterator[Row]:
    """Read the header, then a row or a rejection from each record.

    Raises:
        ValueError: The header cannot serve the columns.
    """
    rows = records(lines, delimiter)
    header = _read_header(rows)
    check_header(header, columns, delimiter)
    on_header(header)
    width = len(header)
    numbered = LINE_COLUMN in columns.named() and LINE_COLUMN not in header
    names = [*header, LINE_COLUMN] if numbered else header
    at = {name: position for position, name in enumerate(names)}
    data = _data_columns(header, columns)
    short_ids = tuple(data.values())
    pick = _picker([at[name] for name in data], len(names))
    missing, as_null = columns.markers(empty_is_missing=True), columns.missing_as == "null"
    typed = [entry for entry in columns.types_of(data) if columns.types.get(entry[1]) != "str"]
    finish = finisher(columns, typed, create=create, absent=missing | {""})
    key_at = None if columns.key is None else at[columns.key]
    id_at = None if columns.id is None else at[columns.id]
    roots_at = [at[column] for _, column in given_roots(columns)]

    for line, fields, fault in rows:
        if fault is not None or len(fields) != width or isinstance(fields, str):
            rejected = _reject(line, fields, fault, header, key_at)
            if rejected is not None:
                yield rejected
            continue
        cells = [*fields, str(line)] if numbered else fields
        if as_null:
            values = {
                name: None if cell in missing else cell
                for name, cell in zip(short_ids, pick(cells), strict=True)
            }
        else:
            values = {
                name: cell for name, cell in zip(short_ids, pick(cells), strict=True) if cell not in missing
            }
        yield finish(
            line,
            fields,
            None if key_at is None else cells[key_at],
            None if id_at is None else cells[id_at],
            [cells[position] for position in roots_at] if roots_at else (),
            values,
        )


def _read_header(rows: Iterator[Record]) -> list[str]:
    for line, fields, fault in rows:
        text = fields if isinstance(fields, str) else "".join(fields)
        if is_damaged(text):
            raise ValueError(f"line {line}: the header {damage(text)}")
        if isinstance(fields, str):
            raise ValueError(f"line {line}: the header {fault}")  # noqa: TRY004
        fields[0] = fields[0].removeprefix("\ufeff")
        if any(map(str.strip, fields)):
            return fields
        if len(fields) > 1:
            raise ValueError(f"line {line}: the header is empty; name the columns in the first line")
    raise ValueError("the file is empty; a CSV file begins with a line that names its columns")


def _data_columns(header: Sequence[str], columns: Columns) -> dict[str, str]:
    if columns.data is not None:
        return dict(columns.data)
    other = {columns.key, *columns.roots().values(), *columns.skip}
    return {name: name for name in header if name not in other and not is_reserved(name)}


def _picker(positions: list[int], width: int) -> Callable[[list[str]], Sequence[str]]:
    if positions == list(range(width)):
        return lambda cells: cells
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda cells: [cells[position] for position in positions]


def _reject(
    line: int, fields: list[str] | str, fault: str | None, header: list[str], key_at: int | None
) -> RejectedRow | None:
    if isinstance(fields, str):
        reasons = [f"the line {fault}"]
        if is_damaged(fields):
            reasons.append(f"the line {damage(fields)}")
        return reject(line, fields, *reasons)
    key: Any = fields[key_at] if key_at is not None and key_at < len(fields) else None
    if key is not None and is_damaged(key):
        key = None
    width = len(header)
    if fault is not None:
        reasons = [
            f"column {header[position] if position < width else position + 1!r} {damage(field)}"
            for position, field in enumerate(fields)
            if is_damaged(field)
        ]
        return reject(line, fields, *(reasons or [fault]), key=key)
    if len(fields) == 1 and not fields[0].strip():
        return None
    more = (
        "quote values that hold the delimiter or a line end"
        if len(fields) > width
        else "is the row cut short?"
    )
    count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
    return reject(line, fields, f"{count}, but the header has {width}; {more}", key=key)
