"""Read CSV and JSON Lines files as rows of a bulk run, in flat memory, and account for every line.

::

    columns = Columns(key="tailnum", types={"year": "int"}, missing=("NA",))
    with read_updates("planes.csv", columns=columns) as rows, rows.failures("failed.csv") as failures:
        async with chakra.processes.bulk_update("aircraft", rows) as run:
            async for result in run:
                if not result.ok:
                    failures.write(result)

A line that cannot be read becomes a `RejectedRow` in its place, and reading goes on. What ends the reading is
a header that cannot serve (``ValueError``, before any row) and a file that cannot be read on (``OSError``).

JSON Lines objects are rows as CSV rows are: the same `Columns` tells what each top-level field means. A file
whose objects are updates already, with ``id`` or ``key`` and ``data``, needs no reader: a bulk run takes
plain mappings. A whole number beyond 64 bits is refused; give such ids as text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar, cast

from chakra_async.bulk.rows import RejectedRow, SourceLine
from chakra_async.bulk.sources._columns import LINE_COLUMN, Columns, parse_column
from chakra_async.bulk.sources._csv import check_delimiter, read_csv
from chakra_async.bulk.sources._described import describe_columns, describe_file
from chakra_async.bulk.sources._failures import FailedRow, FailuresWriter
from chakra_async.bulk.sources._files import Source, check_encoding, open_lines
from chakra_async.bulk.sources._formats import SUFFIXES, by_suffix
from chakra_async.bulk.sources._jsonl import read_jsonl
from chakra_async.bulk.sources._rows import Row
from chakra_async.bulk.sources._values import ColumnType
from chakra_async.models import ProcessCreate, ProcessUpdate


__all__ = [
    "LINE_COLUMN",
    "ColumnType",
    "Columns",
    "FailedRow",
    "FailuresWriter",
    "RejectedRow",
    "RowReader",
    "SourceLine",
    "parse_column",
    "read_creates",
    "read_updates",
    "reopen",
]

RowT = TypeVar("RowT", ProcessUpdate, ProcessCreate)


class RowReader(Iterator[RowT | RejectedRow], Generic[RowT]):
    """An iterator over the rows of a file; made by `read_updates` and `read_creates`.

    Nothing is read before the first row is asked for. What it opened is closed at the end of the rows, by
    `close`, at the end of a ``with`` block, or when the reader is dropped. It may be used once, by one thread
    at a time.
    """

    def __init__(
        self,
        source: Source,
        columns: Columns,
        *,
        create: bool,
        format: Literal["csv", "jsonl"],  # noqa: A002
        delimiter: str,
        encoding: str | None,
    ) -> None:
        self.format: Literal["csv", "jsonl"] = format
        self.columns: Columns = columns
        self._encoding, self._create = encoding, create
        self.delimiter = delimiter
        self.header: list[str] | None = None
        """The CSV header, known with the first row; None for JSON Lines."""
        self.unseen: set[str] = set(columns.named()) - {LINE_COLUMN} if format == "jsonl" else set()
        """Fields named in `columns` that no JSON Lines object has had so far: a CSV header is checked."""
        self._source = source
        self._rows = cast("Any", self._read(columns, encoding, create=create))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> RowT | RejectedRow:
        row: RowT | RejectedRow = next(self._rows)
        return row

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what the reader has opened; no rows follow."""
        self._rows.close()

    def describe(self) -> dict[str, Any]:
        """Say in JSON values what is read and how: a journal keeps it, and notices when it changes.

        Of a file object or a named pipe only the columns and the way of reading are known.
        """
        source = self._source
        named = isinstance(source, (str, os.PathLike)) and Path(source).is_file()
        file = describe_file(cast("Any", source)) if named else {}
        return {
            **file,
            "creates": self._create,
            "columns": describe_columns(self.columns),
            "format": self.format,
            "encoding": self._encoding,
            "delimiter": self.delimiter,
        }

    def failures(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> FailuresWriter:
        """Make the writer of a failures file in this file's format.

        Args:
            path: The file to make, with the first failure.
            overwrite: Delete an existing file, at once.

        Raises:
            FileExistsError: There is such a file, and it is not to be overwritten.
            ValueError: It is the file being read.
        """
        source = self._source
        if isinstance(source, (str, os.PathLike)) and Path(path).exists() and Path(path).samefile(source):
            raise ValueError(f"{os.fspath(path)} is the file being read; write the failures to another")
        header = None if self.format == "jsonl" else lambda: self.header
        return FailuresWriter(
            path,
            format=self.format,
            header=header,
            delimiter=self.delimiter,
            encoding=self._encoding,
            overwrite=overwrite,
        )

    def _read(self, columns: Columns, encoding: str | None, *, create: bool) -> Iterator[Row]:
        with ExitStack() as stack:
            newline = "" if self.format == "csv" else "\n"
            lines = open_lines(self._source, stack, encoding=encoding, newline=newline)
            if self.format == "jsonl":
                yield from read_jsonl(lines, columns, self.unseen, create=create)
            else:
                yield from read_csv(
                    lines, columns, create=create, delimiter=self.delimiter, on_header=self._set_header
                )

    def _set_header(self, header: list[str]) -> None:
        self.header = header


def read_updates(
    source: Source,
    *,
    columns: Columns,
    format: Literal["csv", "jsonl"] | None = None,  # noqa: A002
    encoding: str | None = None,
    delimiter: str | None = None,
) -> RowReader[ProcessUpdate]:
    """Read a CSV or JSON Lines file as process updates, row by row.

    Args:
        source: A path, or a file object, binary or text, that stays open. Gzip is recognised by content.
        columns: What the columns mean; exactly one of ``key`` and ``id`` is needed.
        format: By the suffix ``.csv .tsv .txt .jsonl .ndjson``, each also with ``.gz``, when not given.
        encoding: UTF-8 when not given; a byte order mark at the beginning decides before either. Text file
            objects are already decoded.
        delimiter: Of CSV fields: the tab for ``.tsv``, else the comma.

    Returns:
        An iterator that is also a context manager. Each item has ``ref=SourceLine(line, record)``.

    Raises:
        ValueError: An option cannot be used (at once), or the header cannot serve (with the first row).
        OSError: There is no such file (at once), or it cannot be read on, as a damaged gzip file.
    """
    if (columns.key is None) == (columns.id is None):
        raise ValueError("an update names its process by one column: give Columns either key or id")
    return _reader(source, columns, format, encoding, delimiter, create=False)


def read_creates(
    source: Source,
    *,
    columns: Columns,
    format: Literal["csv", "jsonl"] | None = None,  # noqa: A002
    encoding: str | None = None,
    delimiter: str | None = None,
) -> RowReader[ProcessCreate]:
    """Read a CSV or JSON Lines file as processes to create, row by row.

    Everything is as for `read_updates`, but ``columns`` need not name a key, and may not name an id.

    Raises:
        ValueError: An option cannot be used (at once), or the header cannot serve (with the first row).
        OSError: There is no such file (at once), or it cannot be read on, as a damaged gzip file.
    """
    if columns.id is not None:
        raise ValueError("a new process has no id yet: give Columns no id")
    return _reader(source, columns, format, encoding, delimiter, create=True)


def reopen(description: Mapping[str, Any]) -> RowReader[Any]:
    """Read again what `RowReader.describe` has described.

    Raises:
        ValueError: It was not a file with a path.
        OSError: There is no such file any more.
    """
    if not description.get("path"):
        raise ValueError("what was read is no file that could be opened again")
    read = read_creates if description.get("creates") else read_updates
    return read(
        description["path"],
        columns=Columns(**description["columns"]),
        format=description["format"],
        encoding=description["encoding"],
        delimiter=description["delimiter"] if description["format"] == "csv" else None,
    )


def _reader(
    source: Source,
    columns: Columns,
    format: Literal["csv", "jsonl"] | None,  # noqa: A002
    encoding: str | None,
    delimiter: str | None,
    *,
    create: bool,
) -> RowReader[Any]:
    known = by_suffix(source)
    if format is None:
        if known is None:
            raise ValueError(
                f"the name does not tell the format; give format='csv' or 'jsonl' ({', '.join(SUFFIXES)})"
            )
        format = known[0]  # noqa: A001
    elif format not in ("csv", "jsonl"):
        raise ValueError(f"format is 'csv' or 'jsonl', not {format!r}")
    if delimiter is None:
        delimiter = known[1] if known else ","
    elif format == "jsonl":
        raise ValueError("a delimiter has no meaning in JSON Lines")
    check_delimiter(delimiter)
    if encoding is not None:
        check_encoding(encoding)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        path.stat()  # not opened: a named pipe can be opened only once
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a directory")
    elif not (hasattr(source, "read") and hasattr(source, "readline")):
        raise ValueError("the source is neither a path nor a file object")
    return RowReader(source, columns, create=create, format=format, delimiter=delimiter, encoding=encoding)
