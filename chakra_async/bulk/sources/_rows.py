"""From the cells of one record to the row to send, or to its rejection; the same for every format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from chakra_async.bulk.rows import RejectedRow, SourceLine
from chakra_async.bulk.sources._columns import ROOTS, Columns
from chakra_async.bulk.sources._values import Converter, converters, instant_converter, shortened
from chakra_async.models import ProcessCreate, ProcessUpdate


Row: TypeAlias = ProcessUpdate | ProcessCreate | RejectedRow
Finish: TypeAlias = Callable[[int, Any, Any, Any, Sequence[Any], dict[str, Any]], Row]
"""Takes line, record, key's cell, id's cell, cells of `ROOTS` that are given in that order, and data."""


def reject(line: int, record: Any, *reasons: str, key: Any = None) -> RejectedRow:
    """Refuse a record; the line it begins on stands in ``ref``."""
    named = None if key is None or key == "" else str(key)
    return RejectedRow(reasons, named, ref=SourceLine(line, record))


def given_roots(columns: Columns) -> list[tuple[str, str]]:
    """Those of `ROOTS` that are given, with their columns."""
    return [(name, column) for name, column in columns.roots().items() if name in ROOTS]


def finisher(
    columns: Columns,
    typed: Sequence[tuple[str, str, Converter]],
    *,
    create: bool,
    absent: frozenset[str | None],
) -> Finish:
    """Make the function that makes rows, with everything about the columns looked up once.

    Args:
        columns: What the columns mean.
        typed: Short id, column and converter of the data columns that have a type; their values are converted
            where they stand, and missing ones are gone from the data, or None there.
        create: Make `ProcessCreate`s, else `ProcessUpdate`s.
        absent: What stands for "no value" in the key, the id and the root fields.
    """
    key_column, key_id, id_column = columns.key, columns.key_short_id(), columns.id
    key_kind = columns.key_type()
    table = converters(columns.timezone)
    key_converter = table[key_kind] if key_kind else None
    instants = instant_converter(columns.timezone)
    roots = given_roots(columns)
    conversions = [(short_id, column, converter.convert, converter) for short_id, column, converter in typed]

    def is_absent(value: Any) -> bool:
        return value is None or (isinstance(value, str) and (value in absent or value.isspace()))

    def read_key(value: Any) -> str | int:
        if is_absent(value):
            raise ValueError("is missing, and nothing else names the process; give the row a key")
        if key_converter is not None:
            try:
                value = key_converter.convert(value)
            except ValueError:
                raise ValueError(key_converter.complaint(value)) from None
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise ValueError(f"{shortened(value)} cannot be a key; write text or a whole number")  # noqa: TRY004
        return value

    def read_root(name: str, value: Any) -> Any:
        if name != "next_action_at":
            if isinstance(value, str):
                return value
            raise ValueError(f"{shortened(value)} is not text; put it in quotes")
        try:
            return instants.convert(value)
        except ValueError:
            raise ValueError(instants.complaint(value)) from None

    def finish(
        line: int, record: Any, key_cell: Any, id_cell: Any, root_cells: Sequence[Any], data: dict[str, Any]
    ) -> Row:
        complaints: list[str] = []
        key: tuple[str, str | int] | None = None
        if key_column is not None:
            # The usual key, text with something in it, has no need of the call.
            if (
                key_converter is None
                and type(key_cell) is str
                and key_cell not in absent
                and not key_cell.isspace()
            ):
                key = (key_id, key_cell)
            else:
                try:
                    key = (key_id, read_key(key_cell))
                except ValueError as error:
                    complaints.append(f"column {key_column!r} {error}")
        elif id_column is not None and (is_absent(id_cell) or not isinstance(id_cell, str)):
            reason = "is missing" if is_absent(id_cell) else f"{shortened(id_cell)} is not text"
            complaints.append(f"column {id_column!r} {reason}; give the row the id of its process")
        fields: dict[str, Any] = {}
        for (name, column), cell in zip(roots, root_cells, strict=True):
            if not is_absent(cell):
                try:
                    fields[name] = read_root(name, cell)
                except ValueError as error:
                    complaints.append(f"column {column!r}: {error}")
        for short_id, column, convert, converter in conversions:
            value = data.get(short_id)
            if value is not None:
                try:
                    data[short_id] = convert(value)
                except ValueError:
                    complaints.append(f"column {column!r}: {converter.complaint(value)}")
        if complaints:
            return reject(line, record, *complaints, key=key_cell if key_column is not None else id_cell)
        ref = SourceLine(line, record)
        if create:
            return ProcessCreate(data, key=key, ref=ref, **fields)
        return ProcessUpdate(id_cell, key, data, ref=ref, **fields)

    return finish
