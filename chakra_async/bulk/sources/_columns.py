"""Which column means what: the user's `Columns`, checked against a file's header."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Literal, cast, get_args

from attrs import Factory, field, frozen

from chakra_async.bulk.sources._values import ColumnType, Converter, converters


LINE_COLUMN = "chakra_line"
"""Stands for the number of the line a row begins on; every file has it, though no file need hold it."""

OUTCOME_COLUMN = "chakra_outcome"
ERRORS_COLUMN = "chakra_errors"
FAILURE_COLUMNS = (LINE_COLUMN, OUTCOME_COLUMN, ERRORS_COLUMN)
FAILURE_FIELD = "_chakra"
_RESERVED = "chakra_"
_OFFSET = re.compile(r"UTC[+-]")
ROOTS = ("state", "status", "assigned_to", "next_action_at")
"""The fields of a row beside what names it and ``data``."""


def parse_column(spec: str) -> tuple[str, str]:
    """Read ``COLUMN`` or ``COLUMN=SHORT_ID`` as a person types it.

    Without ``=`` the column's name is the short id. The last ``=`` divides, since a column's name may hold
    one and a short id may not: ``a=b=c`` is the column ``a=b`` sent as ``c``.

    Raises:
        ValueError: The column or the short id is empty.
    """
    column, divider, short_id = spec.rpartition("=")
    if not divider:
        column = short_id
    if not column or not short_id:
        raise ValueError(f"{spec!r} names no column; write COLUMN or COLUMN=SHORT_ID")
    return column, short_id


def _pairs(data: Mapping[str, str] | Iterable[str] | None) -> Mapping[str, str] | None:
    if data is None:
        return None
    if isinstance(data, Mapping):
        return dict(cast("Mapping[str, str]", data))
    names = _names(data)
    if len(set(names)) < len(names):
        raise ValueError("data names a column twice")
    return {name: name for name in names}


def _names(names: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(names, (str, bytes)):  # a string is a sequence of its characters, which nobody means
        raise ValueError(f"give a sequence of texts such as ({names!r},), not the bare text {names!r}")  # noqa: TRY004
    # The order of a set is another one in each process.
    return tuple(sorted(names, key=repr) if isinstance(names, (set, frozenset)) else names)


def _zone(timezone: tzinfo | str | None) -> tzinfo | None:
    if not isinstance(timezone, str):
        return timezone
    try:
        if _OFFSET.match(timezone):
            return datetime.strptime(timezone, "UTC%z").tzinfo
        return zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError(
            f"{timezone!r} is not a time zone; write one such as 'Asia/Kolkata' or 'UTC+05:30'"
        ) from None


@frozen(kw_only=True)
class Columns:
    """Which column of a file means what.

    A column is a CSV column or a top-level field of a JSON Lines object. Columns whose names begin with
    ``chakra_`` and the JSON field ``_chakra`` are never data: a failures file keeps its own notes there.

    ``chakra_line`` may be named like any column, though the file has none: it is the number of the line the
    row begins on. ``Columns(key="chakra_line", key_id="flight_id")`` makes a key for a file that has none,
    and a failures file keeps the original numbers, so its rows go to the same processes.

    Raises:
        ValueError: The options contradict each other.
    """

    key: str | None = None
    """The column whose value names the process."""
    key_id: str | None = None
    """The short id of the primary key, when it is not the name of the key's column."""
    id: str | None = None
    """The column with the process's own id."""
    state: str | None = None
    status: str | None = None
    assigned_to: str | None = None
    next_action_at: str | None = None
    """ISO 8601 with an offset, or epoch milliseconds (13 digits)."""
    data: Mapping[str, str] | None = field(default=None, converter=_pairs)
    """Columns to send as attributes: names, or a mapping of column to short id. None is every column that has
    no other role, under its own name."""
    skip: Collection[str] = field(default=(), converter=_names)
    """Columns left out when ``data`` is not given."""
    types: Mapping[str, str] = Factory(dict[str, str])
    """Column to type; without one, a CSV cell is text and a JSON value stays what it is. ``datetime`` is sent
    as epoch milliseconds, ``date`` as ``YYYY-MM-DD``. The key may be ``str`` or ``int``."""
    missing: Collection[str | None] = field(default=(), converter=_names)
    """Texts that mean "no value", such as ``("NA",)``; ``None`` among them means JSON's ``null`` as well,
    which is otherwise sent as it stands."""
    missing_as: Literal["omit", "null"] = "omit"
    """A missing attribute is left as it is (``omit``), or cleared (``null``)."""
    empty: Literal["missing", "text"] | None = None
    """An empty attribute is missing, or is empty text. By default missing in CSV, where exports write nothing
    for "no value", and text in JSON Lines, where somebody wrote ``""``. An empty key, id or root field is
    always missing."""
    timezone: tzinfo | None = field(default=None, converter=_zone)
    """What times without an offset are in, as a ``tzinfo``, a name, or an offset such as ``UTC+05:30``;
    without it they are refused. Of a time that comes twice when clocks go back, the first is meant."""

    def __attrs_post_init__(self) -> None:
        if self.key_id is not None and self.key is None:
            raise ValueError("key_id is given but no key: name the key's column as well")
        if self.missing_as not in ("omit", "null"):
            raise ValueError(f"missing_as is 'omit' or 'null', not {self.missing_as!r}")
        if self.empty not in (None, "missing", "text"):
            raise ValueError(f"empty is 'missing' or 'text', not {self.empty!r}")
        if any(name == "" for name in self.named()):
            raise ValueError("a column is named by an empty text")
        if self.data is not None:
            self._check_data(self.data)
        self._check_types()

    def _check_data(self, data: Mapping[str, str]) -> None:
        short_ids = list(data.values())
        if "" in short_ids or len(set(short_ids)) < len(short_ids):
            raise ValueError("data sends two columns under one short id, or one under an empty short id")
        if both := sorted(set(data) & set(self.skip)):
            raise ValueError(f"data and skip both name {', '.join(map(repr, both))}")
        if reserved := [name for name in data if is_reserved(name) and name != LINE_COLUMN]:
            raise ValueError(f"{reserved[0]!r} is never data: the names of a failures file's notes begin so")

    def _check_types(self) -> None:
        for column, kind in self.types.items():
            if kind not in get_args(ColumnType):
                raise ValueError(f"{kind!r} is not a type; write one of {', '.join(get_args(ColumnType))}")
            if column == self.key and kind not in ("str", "int"):
                raise ValueError(f"the key {column!r} may be str or int, not {kind}")
            if column in self.roots().values() and column not in (self.data or ()):
                raise ValueError(f"{column!r} holds a root field, whose type is fixed: leave it out of types")
            if self.data is not None and column != self.key and column not in self.data:
                raise ValueError(f"{column!r} is given a type, but is neither the key nor in data")
            if column in self.skip:
                raise ValueError(f"{column!r} is both skipped and given a type")

    def roots(self) -> dict[str, str]:
        """Columns of the root fields that are given, by field."""
        return {name: column for name in ("id", *ROOTS) if (column := getattr(self, name)) is not None}

    def named(self) -> tuple[str, ...]:
        """Every column named anywhere, each once."""
        key = () if self.key is None else (self.key,)
        return tuple(
            dict.fromkeys([*key, *self.roots().values(), *(self.data or ()), *self.skip, *self.types])
        )

    def key_short_id(self) -> str:
        """The short id the key is sent under."""
        return self.key_id or self.key or ""

    def key_type(self) -> str | None:
        """The type of the key, None when not given; a line number is a number."""
        if self.key is None:
            return None
        return self.types.get(self.key) or ("int" if self.key == LINE_COLUMN else None)

    def markers(self, *, empty_is_missing: bool) -> frozenset[str | None]:
        """The values that mean "missing" in a data column, by the default of the format."""
        missing = frozenset(self.missing)
        empty = self.empty == "missing" if self.empty is not None else empty_is_missing
        return missing | {""} if empty else missing

    def types_of(self, data: Mapping[str, str]) -> list[tuple[str, str, Converter]]:
        """Short id, column and converter of those data columns that have a type."""
        table = converters(self.timezone)
        kinds: dict[str, str] = {LINE_COLUMN: "int", **self.types}
        return [(short_id, name, table[kinds[name]]) for name, short_id in data.items() if name in kinds]


def is_reserved(name: str) -> bool:
    """Whether a column or field is a failures file's own note."""
    return name.startswith(_RESERVED) or name == FAILURE_FIELD


def check_header(header: Sequence[str], columns: Columns, delimiter: str) -> None:
    """Refuse a header that cannot serve these columns.

    Raises:
        ValueError: It has duplicate or empty names, lacks a column, or seems to have another delimiter.
    """
    if len(header) == 1:
        other = next((mark for mark in ",;\t|" if mark in header[0] and mark != delimiter), None)
        if other is not None:
            raise ValueError(
                f"the header is the single column {header[0][:60]!r}, divided at {delimiter!r}: "
                f"this file seems to be divided by {other!r}; give delimiter={other!r}"
            )
    seen: set[str] = set()
    for position, name in enumerate(header, 1):
        if name in seen and name:
            raise ValueError(f"the header names the column {name!r} twice; give each column its own name")
        if not name and columns.data is None:
            raise ValueError(
                f"column {position} of the header has no name; name it, or choose columns with data="
            )
        seen.add(name)
    for name in columns.named():
        if name not in seen and name != LINE_COLUMN:
            raise ValueError(
                f"the file has no column {name!r}{_closest(name, header)}; it has {_listed(header)}"
            )


def _closest(name: str, header: Sequence[str]) -> str:
    folded = {column.strip().casefold(): column for column in header}
    close = difflib.get_close_matches(name.strip().casefold(), folded, 1)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""


def _listed(header: Sequence[str], most: int = 40) -> str:
    rest = f" and {len(header) - most} more" if len(header) > most else ""
    return ", ".join(repr(name[:60]) for name in header[:most]) + rest
