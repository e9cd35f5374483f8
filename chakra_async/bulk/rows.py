"""What goes into a bulk run besides rows to send, and what comes out of it."""

from __future__ import annotations

from typing import Any, Literal, get_args

import orjson
from attrs import define, field

from chakra_async._shapes import as_mapping, as_pair, as_plain


Outcome = Literal["updated", "created", "deleted", "unchanged", "valid", "invalid", "failed", "unknown"]
"""The fate of one row.

- ``updated``, ``created``, ``deleted``: done, by the service's own word.
- ``unchanged``: all was as the row wants it already, so it was not sent (``only_changed``, ``expect``).
- ``valid``: of a dry run: it would be sent.
- ``invalid``: refused before sending, or not processed by the service; nothing changed.
- ``failed``: the service tried and refused, or the row was never sent; nothing changed.
- ``unknown``: it may or may not have been done; the reason says why nobody can tell.
"""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@define
class SourceLine:
    """Where in a file a row came from; stands in ``ref`` of rows read by :mod:`chakra_async.bulk.sources`."""

    line: int
    """Number of the line the row begins on, from 1."""
    record: Any
    """The row as read: the list of a CSV row's fields, or the text of a JSON line."""


@define
class RejectedRow:
    """A row that could not be read; a bulk run reports it as ``invalid`` and sends nothing for it."""

    errors: tuple[str, ...]
    key: str | None = None
    ref: Any = field(default=None, repr=False)


@define
class Change:
    """A field of a process that a row would give, or has given, another value."""

    field: str
    """A field of `ProcessUpdate`: ``state``, ``status``, …, or ``data``."""
    attribute: str | None
    """Short id of the attribute, where the field is ``data``."""
    before: Any
    """As the service told it; ``None`` also where there was nothing."""
    after: Any

    @property
    def name(self) -> str:
        """What the field is called: an attribute by its short id, or ``data.state`` if that is ambiguous."""
        if self.attribute is None:
            return self.field
        return f"data.{self.attribute}" if self.attribute in _ROOTS else self.attribute

    def __str__(self) -> str:
        return f"{self.name}: {as_json(self.before)} -> {as_json(self.after)}"


_ROOTS = frozenset({"state", "status", "assigned_to", "next_action_at", "is_deleted"})


def as_json(value: Any) -> str:
    """Write a value of a process as JSON, an instant as text."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()


@define
class RowResult:
    """What became of one row."""

    index: int
    """Position in the source, from 0."""
    item: Any
    """The object that was handed in; if the source has filled it again since, it tells of a later row."""
    outcome: Outcome
    errors: tuple[str, ...] = ()
    """Why, for every outcome that is not a success."""
    job_id: str | None = None
    """The background job that carried the row, when it got that far."""
    process_id: str | None = None
    """The process concerned, where the service told; it does not when all rows of a job succeeded."""
    changes: tuple[Change, ...] = ()
    """What differed from the current values, where they were fetched (``only_changed``, ``expect``)."""
    warnings: tuple[str, ...] = ()
    """What a dry run found strange about a row that would be sent."""

    @property
    def ok(self) -> bool:
        """Whether the row was done, or need not be; in a dry run, whether it could be."""
        return self.outcome in _DONE

    @property
    def reason(self) -> str:
        """The errors as one text without the row's own key, so that equal mistakes read alike."""
        text, key = "; ".join(self.errors), self.key
        if not key or key not in text:
            return text
        said, *parts = text.split(key)
        for part in parts:
            inside_a_word = said[-1:].isalnum() or part[:1].isalnum()
            said += (key if inside_a_word else "…") + part
        return said

    @property
    def key(self) -> str | None:
        """The id or key value by which the row names its process."""
        return row_key(self.item)

    @property
    def ref(self) -> Any:
        """What stood in the row's ``ref``."""
        return _ref(self.item)

    @property
    def line(self) -> int | None:
        """Line of the file the row was read from, where it was read from one."""
        return row_line(self.item)


_DONE = frozenset({"updated", "created", "deleted", "unchanged", "valid"})


def row_key(item: Any) -> str | None:
    """Return the id or key value by which ``item`` names its process, in whatever form it came.

    As text that can be written anywhere, which a number of thousands of digits cannot.
    """
    value = as_plain(_name_of(item))
    try:
        return None if value is None else writable(str(value))
    except ValueError:
        return None


def _name_of(item: Any) -> Any:
    if isinstance(item, RejectedRow):
        return item.key
    if isinstance(item, str):
        return item
    fields = as_mapping(item) or {}
    identifier = fields.get("id", getattr(item, "id", None))
    if identifier is not None:
        return identifier
    pair = as_pair(item) or as_pair(fields.get("key", getattr(item, "key", None)))
    return None if pair is None else pair[1]


def writable(text: str) -> str:
    """Escape stray bytes of a source, which are no text and which neither files nor databases take."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def row_line(item: Any) -> int | None:
    """Return the line of the file that ``item`` was read from, where it was read from one."""
    ref = _ref(item)
    return ref.line if isinstance(ref, SourceLine) else None


def _ref(item: Any) -> Any:
    return (as_mapping(item) or {}).get("ref", getattr(item, "ref", None))


@define(kw_only=True)
class Summary:
    """The account of a bulk run: rows per outcome, and what it took."""

    updated: int = 0
    created: int = 0
    deleted: int = 0
    invalid: int = 0
    failed: int = 0
    unknown: int = 0
    unchanged: int = 0
    valid: int = 0
    jobs: int = 0
    """Background jobs the service accepted."""
    retries: int = 0
    """Requests that had to be repeated."""
    seconds: float = 0.0
    resumed: int = 0
    """Of these rows, how many an earlier run on the same journal has settled."""
    pace: str = ""
    """How fast the run goes, or went at its end, and why."""

    @property
    def total(self) -> int:
        """Rows with an outcome, which is every row taken from the source."""
        return self.succeeded + self.invalid + self.failed + self.unknown

    @property
    def succeeded(self) -> int:
        """Rows that were done, need not be done, or, in a dry run, could be."""
        return self.updated + self.created + self.deleted + self.unchanged + self.valid

    @property
    def ok(self) -> bool:
        """Whether every row succeeded."""
        return self.total == self.succeeded

    @property
    def rows_per_second(self) -> float:
        """Rows that got their outcome in this run, a second."""
        return (self.total - self.resumed) / self.seconds if self.seconds > 0 else 0.0

    def count(self, outcome: Outcome, rows: int = 1) -> None:
        """Count rows of one outcome."""
        setattr(self, outcome, getattr(self, outcome) + rows)

    def __str__(self) -> str:
        parts = [f"{getattr(self, name):,} {name}" for name in OUTCOMES if getattr(self, name)]
        rows = "1 row" if self.total == 1 else f"{self.total:,} rows"
        jobs = "1 job" if self.jobs == 1 else f"{self.jobs:,} jobs"
        retries = "1 retry" if self.retries == 1 else f"{self.retries:,} retries"
        before = f", {self.resumed:,} of them before" if self.resumed else ""
        return (
            f"{rows}: {', '.join(parts) or 'none'}{before} "
            f"({jobs}, {retries}, {self.seconds:.1f} s, {self.rows_per_second:,.0f} rows/s)"
        )


@define(kw_only=True)
class Progress(Summary):
    """A snapshot of a bulk run, as ``on_progress`` gets it."""

    in_flight: int = 0
    """Jobs submitted and not yet done."""
    expected: int | None = None
    """Rows in the source, where it can tell its length."""

    @property
    def seconds_left(self) -> float | None:
        """An estimate at the present pace, or ``None`` where it cannot be told.

        That is where the length of the source is not known, or where rows have only been refused so far,
        which goes much faster.
        """
        if self.expected is None:
            return None
        left, done_here = self.expected - self.total, self.total - self.resumed
        if left <= 0:
            return 0.0
        return left * self.seconds / done_here if done_here > self.invalid else None
