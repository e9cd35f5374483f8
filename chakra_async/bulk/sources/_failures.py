"""The file of rows that did not go through, made to be mended and read again."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Protocol, Self, cast

import orjson

from chakra_async.bulk.rows import SourceLine
from chakra_async.bulk.sources._columns import FAILURE_COLUMNS, FAILURE_FIELD, LINE_COLUMN
from chakra_async.bulk.sources._csv import check_delimiter, line_of
from chakra_async.bulk.sources._files import open_for_writing


_OWN_NOTE = re.compile(r'\{\s*"' + FAILURE_FIELD + r'"\s*:\s*')


class FailedRow(Protocol):
    """What a failures file needs of a row's result."""

    @property
    def outcome(self) -> str:
        """The row's fate."""
        ...

    @property
    def errors(self) -> Sequence[str]:
        """The reasons."""
        ...

    @property
    def line(self) -> int | None:
        """The line the row begins on; the one in ``ref`` when None."""
        ...

    @property
    def ref(self) -> Any:
        """The `SourceLine` the reader gave the row."""
        ...


class FailuresWriter:
    """Write the rows that did not go through into a file that `read_updates` reads with the same `Columns`.

    The original fields stand unchanged, malformed ones too. A CSV file has ``chakra_line``,
    ``chakra_outcome`` and ``chakra_errors`` as its first columns, a JSON Lines file a first field
    ``_chakra``; the readers leave them out of the data. The file is UTF-8, packed when its name ends in
    ``.gz``; a run without failures leaves none. Read again and failed again, a row keeps the line number of
    the original file. Its name may tell another format than it has: then say `format` or `delimiter` when
    it is read.

    The file has its name once it is closed. Until then, and for good where the process is killed or the disk
    is full, what there is of it stands beside it in a file whose name ends in ``.part``: nobody takes a part
    for all.

    Usually made by `RowReader.failures`, which knows the header.

    Args:
        path: The file to make.
        format: ``csv`` or ``jsonl``.
        header: The original CSV header, or a function that returns it once it is known.
        delimiter: Of the CSV file.
        encoding: The one the original is read with, if one is given. The file then begins with a byte order
            mark, so that a reader with that encoding takes it for the UTF-8 that it is.
        overwrite: Delete an existing file, at once.

    Raises:
        FileExistsError: There is such a file, which is not empty, and it is not to be overwritten.
        ValueError: Format, header or delimiter cannot be used.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        format: Literal["csv", "jsonl"] = "csv",  # noqa: A002
        header: Sequence[str] | Callable[[], Sequence[str] | None] | None = None,
        delimiter: str = ",",
        encoding: str | None = None,
        overwrite: bool = False,
    ) -> None:
        if format not in ("csv", "jsonl"):
            raise ValueError(f"format is 'csv' or 'jsonl', not {format!r}")
        if format == "csv" and header is None:
            raise ValueError("a CSV file of failures needs the header of the original")
        check_delimiter(delimiter)
        self.path: Path = Path(path)
        self.count: int = 0
        """Rows written."""
        self.format: Literal["csv", "jsonl"] = format
        self.delimiter: str = delimiter
        """Of a CSV file."""
        self._header = header
        # In bytes, of which a name may have 255.
        beginning = os.fsencode(self.path.name)[:100].decode("utf-8", "ignore")
        self._part = self.path.with_name(f"{beginning}.{secrets.token_hex(4)}.part")
        self._own: list[int] = []
        self._row = line_of(delimiter)
        self._marked = encoding is not None
        self._line_at: int | None = None
        self._stack = ExitStack()
        self._file: IO[str] | None = None
        self._closed = False
        self._fault: OSError | None = None
        if overwrite:
            self.path.unlink(missing_ok=True)
        elif self._in_the_way():
            raise FileExistsError(f"{self.path} exists; move it away, or ask to overwrite it")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish the file, and give it its name.

        Raises:
            OSError: It could not be written to its end, or another file has that name by now.
        """
        self._closed = True
        begun, self._file = self._file is not None, None
        try:
            self._stack.close()
        except OSError as error:
            self._fault = self._fault or error
        if not begun:
            return
        if self._fault is not None:
            # What was lost need not be at the end.
            raise OSError(
                f"{self.path} could not be written to its end ({self._fault}); a part is in {self._part}"
            ) from self._fault
        if self._in_the_way():
            raise FileExistsError(f"{self.path} exists by now; the rows are in {self._part}")
        self._part.replace(self.path)

    def discard(self) -> None:
        """Leave no file."""
        self._closed = True
        self._file = None
        try:
            self._stack.close()
        finally:
            self._part.unlink(missing_ok=True)

    def _in_the_way(self) -> bool:
        """Whether a file of that name holds something to lose."""
        return self.path.exists() and not (self.path.is_file() and not self.path.stat().st_size)

    def write(self, result: FailedRow) -> None:
        """Write one row.

        Raises:
            OSError: It cannot be written.
            TypeError: The row's ``ref`` is not what a reader of this module gave it.
            ValueError: The writer is closed, or the header is not known yet.
        """
        ref = result.ref
        if not isinstance(ref, SourceLine):
            raise TypeError(f"the row's ref is {type(ref).__name__}, not the SourceLine its reader gave it")
        line = ref.line if result.line is None else result.line
        errors = [_tidy(error) for error in result.errors]
        file = self._file or self._open()
        write = self._csv if self.format == "csv" else _json
        try:
            file.write(write(line, result.outcome, errors, ref.record))
        except OSError as error:
            self._fault = error
            raise
        self.count += 1

    def _open(self) -> IO[str]:
        if self._closed:
            raise ValueError("the failures file is closed")
        header = self._header() if callable(self._header) else self._header
        if self.format == "csv" and header is None:
            raise ValueError("the header is not known before the first row is read")
        packed = self.path.name.endswith(".gz")
        file = open_for_writing(self._part, self._stack, packed=packed, marked=self._marked)
        if header is not None:
            self._own = [position for position, name in enumerate(header) if name in FAILURE_COLUMNS]
            self._line_at = header.index(LINE_COLUMN) if LINE_COLUMN in header else None
            file.write(self._row([*FAILURE_COLUMNS, *self._without_own(header)]))
        self._file = file
        return file

    def _without_own(self, fields: Sequence[str]) -> list[str]:
        return [field for position, field in enumerate(fields) if position not in self._own]

    def _csv(self, line: int, outcome: str, errors: list[str], record: Any) -> str:
        number, text = str(line), record
        if not isinstance(record, str):
            if self._line_at is not None and self._line_at < len(record):
                number = record[self._line_at]
            text = self._row(self._without_own(record))[:-1]
        else:
            # Text that could not be divided is kept to the letter; notes of an earlier run stand before it.
            mark = re.escape(self.delimiter)
            field = rf'(?:"(?:[^"]|"")*"|[^"{mark}]*){mark}'
            if self._own == [0, 1, 2] and (own := re.match(rf"([0-9]+){mark}{field}{field}", record)):
                number, text = own[1], record[own.end() :]
        # The outcome always stands in quotes: a quote left open by the row before closes at it and is
        # followed by text, which is an error, so two bad rows can never pass for one good row.
        notes = [self._row([number])[:-1], f'"{outcome}"', self._row(["; ".join(errors)])[:-1]]
        return self.delimiter.join([*notes, text] if text else notes) + "\n"


def _json(line: int, outcome: str, errors: list[str], record: str) -> str:
    if own := _OWN_NOTE.match(record):
        try:
            note, end = json.JSONDecoder().raw_decode(record, own.end())
        except (ValueError, RecursionError):
            pass
        else:
            original: Any = cast("dict[str, Any]", note).get("line") if isinstance(note, dict) else None
            line = original if type(original) is int and 0 < original < 2**63 else line
            record = "{" + record[end:].lstrip(" \t").removeprefix(",").lstrip(" \t")
    head = (
        '{"'
        + FAILURE_FIELD
        + '":'
        + orjson.dumps({"line": line, "outcome": outcome, "errors": errors}).decode()
    )
    if not record.startswith("{"):
        return f"{head}}} {record}\n"  # no JSON, as it was none: nobody may take the note for a row
    rest = record[1:]
    return f"{head}{rest}\n" if rest.lstrip().startswith("}") else f"{head},{rest}\n"


def _tidy(error: str) -> str:
    """Make one short line of an error, whatever a service has put into it."""
    return " ".join(error.replace("\0", "").split())[:1000].encode("utf-8", "replace").decode()
