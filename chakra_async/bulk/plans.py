"""Plans: files that say what a bulk update would send, made to be read, approved, and sent exactly so.

::

    changes = chakra.processes.bulk_update("aircraft", rows, only_changed=True, dry_run=True)
    with PlanWriter("march.plan", procedure="aircraft", base_url=chakra.settings.base_url) as plan:
        async with changes as run:
            async for result in run:
                plan.write(result)

    plan = read_plan("march.plan")
    await chakra.processes.bulk_update(plan.header.procedure, plan).run()

A plan is JSON Lines: a line that says what it is about, a line for each row, and a last line with the number
of rows and a checksum, without which no plan is taken. A row has the fields to set and the values they
replace; it is sent only if those are still there. A plan holds no token.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self
from urllib.parse import urlsplit

import orjson
from attrs import asdict, frozen

from chakra_async._shapes import as_mapping, as_object, as_pair
from chakra_async.bulk.rows import RowResult, SourceLine
from chakra_async.bulk.sources import FailuresWriter
from chakra_async.bulk.sources._described import describe_file
from chakra_async.models.rows import ProcessUpdate


VERSION = 1

_FINGERPRINT = ("path", "size", "head", "tail")


@frozen(kw_only=True)
class PlanHeader:
    """What a plan is about: its first line."""

    chakra_plan: int = VERSION
    """The version of the format."""
    operation: str = "update"
    procedure: str
    host: str
    """Where the current values came from, with the port where one was given."""
    created_at: str
    """ISO 8601."""
    source: Mapping[str, Any] | None = None
    """The file the rows were read from: path, size, and checksums of its beginning and end."""


class PlanWriter:
    """Writes a plan, in the order of the results.

    Only `close`, or the end of a ``with`` block, makes it whole; a block that ends with an error leaves none.

    Args:
        path: The file to make.
        procedure: Short id of the procedure.
        base_url: Where the current values come from; only the host is kept.
        source: What a reader's ``describe`` tells of the rows.
        overwrite: Replace an existing file.

    Raises:
        FileExistsError: There is such a file, and it is not to be overwritten.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        procedure: str,
        base_url: str,
        source: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path: Path = Path(path)
        self.count: int = 0
        """Rows written."""
        header = PlanHeader(
            procedure=procedure,
            host=host_of(base_url),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            source=_fingerprint(source or {}) or None,
        )
        self._sum = hashlib.sha256()
        self._file: IO[bytes] = self.path.open("wb" if overwrite else "xb")
        self._write(asdict(header))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.discard()

    def write(self, result: RowResult) -> None:
        """Write a row of a dry run that compares; one that would not be sent is left out.

        Raises:
            ValueError: It would be sent, and nobody knows what it would replace: the run has not compared it,
                or a row before concerns the same process.
        """
        if result.outcome != "valid":
            return
        if not result.changes:
            why = "; ".join(result.warnings) or "the run does not compare (only_changed)"
            raise ValueError(f"a plan has to say what a row replaces, and that is not known here: {why}")
        place = {} if result.line is None else {"line": result.line}
        process_id, changes = _field(result.item, "id"), result.changes
        self._write(
            {
                **place,
                **({"key": _field(result.item, "key")} if process_id is None else {"id": process_id}),
                "set": _fields((change.field, change.attribute, change.after) for change in changes),
                "before": _fields((change.field, change.attribute, change.before) for change in changes),
            }
        )
        self.count += 1

    def close(self) -> None:
        """Finish the plan."""
        if not self._file.closed:
            self._file.write(_line({"rows": self.count, "sha256": self._sum.hexdigest()}))
            self._file.close()

    def discard(self) -> None:
        """Leave no plan."""
        try:
            self._file.close()
        finally:
            self.path.unlink(missing_ok=True)

    def _write(self, line: Mapping[str, Any]) -> None:
        text = _line(line)
        self._sum.update(text)
        self._file.write(text)


class PlanReader(Iterator[ProcessUpdate]):
    """An iterator over the rows of a plan; made by `read_plan`, and used once.

    Each row expects the values that it replaces. Its ``ref`` is a `SourceLine` with the line of the original
    file, where there was one, and the text of the plan.
    """

    format: Literal["jsonl"] = "jsonl"

    def __init__(
        self, path: Path, header: PlanHeader, rows: int, checksum: str, *, even_if_changed: bool
    ) -> None:
        self.path: Path = path
        self.header: PlanHeader = header
        self.rows: int = rows
        self._checksum = checksum
        self._even_if_changed = even_if_changed
        self._updates = self._read()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ProcessUpdate:
        return next(self._updates)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; no rows follow."""
        self._updates.close()

    def describe(self) -> dict[str, Any]:
        """Say in JSON values what is read and how: a journal keeps it, and notices when it changes."""
        return {
            **describe_file(self.path),
            "plan": self._checksum,
            "even_if_changed": self._even_if_changed,
        }

    def failures(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> FailuresWriter:
        """Make a writer of the lines of the plan that were not done, each with the reasons in front.

        Raises:
            FileExistsError: There is such a file, and it is not to be overwritten.
        """
        return FailuresWriter(path, format="jsonl", overwrite=overwrite)

    def _read(self) -> Generator[ProcessUpdate]:
        with self.path.open("rb") as file:
            next(file)
            for number, line in zip(range(2, 2 + self.rows), file, strict=False):
                yield self._update(line, number)

    def _update(self, line: bytes, number: int) -> ProcessUpdate:
        row = as_object(orjson.loads(line))
        return ProcessUpdate(
            row.get("id"),
            as_pair(row.get("key")),
            expect=None if self._even_if_changed else _with_instant(as_object(row["before"])),
            ref=SourceLine(row.get("line", number), line.decode().rstrip("\n")),
            **_with_instant(as_object(row["set"])),
        )


def read_plan(path: str | os.PathLike[str], *, even_if_changed: bool = False) -> PlanReader:
    """Read a plan as the rows of a bulk update; it is checked as a whole, at once.

    Args:
        path: The plan.
        even_if_changed: Send the rows whatever values stand there now.

    Raises:
        ValueError: It is no plan, or not as it was written.
        OSError: It cannot be read.
    """
    file = Path(path)
    if file.exists() and not file.is_file():
        raise ValueError(f"{file} is no regular file, and a plan is read twice: checked first, and then sent")
    digest, last, first, lines = hashlib.sha256(), b"", b"", 0
    with file.open("rb") as opened:
        for line in opened:
            digest.update(last)
            first = first or line
            last, lines = line, lines + 1
    header = _header(file, first)
    checksum = digest.hexdigest()
    if not last.endswith(b"\n") or _object(last) != {"rows": lines - 2, "sha256": checksum}:
        raise ValueError(f"{file} is not as it was written: it was cut short or edited; make a new plan")
    return PlanReader(file, header, lines - 2, checksum, even_if_changed=even_if_changed)


def host_of(base_url: str) -> str:
    """Return the host of an address, with the port where one is given."""
    return urlsplit(base_url).netloc


def _header(path: Path, line: bytes) -> PlanHeader:
    found = _object(line)
    if "chakra_plan" not in found:
        raise ValueError(f"{path} is no plan of a bulk update")
    if found["chakra_plan"] != VERSION:
        raise ValueError(
            f"{path} is a plan of version {found['chakra_plan']}, and this release reads {VERSION}"
        )
    try:
        return PlanHeader(**found)
    except TypeError:
        raise ValueError(f"{path} is not as it was written: its first line was edited") from None


def _object(line: bytes) -> dict[str, Any]:
    try:
        return as_object(orjson.loads(line))
    except ValueError:
        return {}


def _fingerprint(source: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: source[name] for name in _FINGERPRINT if name in source}
    if "path" in found:  # only to be read by people; what of a name is no text, orjson does not take
        found["path"] = str(found["path"]).encode("utf-8", "backslashreplace").decode()
    return found


def _line(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def _fields(values: Iterable[tuple[str, str | None, Any]]) -> dict[str, Any]:
    """Put values under the names of an update's fields."""
    fields: dict[str, Any] = {}
    for name, attribute, value in values:
        if attribute is None:
            fields[name] = value
        else:
            fields.setdefault(name, {})[attribute] = value
    return fields


def _with_instant(fields: dict[str, Any]) -> dict[str, Any]:
    """Read the one field that is no JSON value."""
    if (text := fields.get("next_action_at")) is not None:
        fields["next_action_at"] = datetime.fromisoformat(text)
    return fields


def _field(item: Any, name: str) -> Any:
    return (as_mapping(item) or {}).get(name, getattr(item, name, None))
