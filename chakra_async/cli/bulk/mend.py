"""From a journal to a file of the rows that were not done."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any

from chakra_async.bulk.journal import Delivery, Problem, read_problems
from chakra_async.bulk.rows import RejectedRow, SourceLine, row_key, row_line
from chakra_async.bulk.sources import LINE_COLUMN, FailuresWriter
from chakra_async.cli.bulk.feed import Reader
from chakra_async.errors import JournalError


def write_failures(
    journal: str, pending: Iterable[Delivery], reader: Reader, output: str, *, overwrite: bool
) -> FailuresWriter:
    """Write them, each as it stands in the source, made to be mended and read again.

    Args:
        journal: the journal.
        pending: deliveries that were not settled, and whose rows are to be written as well.
        reader: reads the source.
        output: the file to write.
        overwrite: replace it, if there is one.

    Returns:
        The writer, which is closed.

    Raises:
        JournalError: the journal is damaged, or the source has changed.
        OSError: the source cannot be read, or the file not be written.
    """
    return _write(reader.failures(output, overwrite=overwrite), _rows(_problems(journal, pending), reader))


def list_failures(
    journal: str, pending: Iterable[Delivery], output: str, *, overwrite: bool
) -> FailuresWriter:
    """Write what the journal itself knows of them, as CSV, where the source cannot be read again.

    Arguments, result and errors are those of `write_failures`.
    """
    writer = FailuresWriter(output, header=[LINE_COLUMN, "row", "key"], overwrite=overwrite)
    return _write(writer, ((problem, _stub(problem)) for problem in _problems(journal, pending)))


def _write(writer: FailuresWriter, found: Iterable[tuple[Problem, Any]]) -> FailuresWriter:
    with writer:
        try:
            for problem, row in found:
                writer.write(problem.result(row))
        except BaseException:
            # Half of them would look like all.
            writer.discard()
            raise
    return writer


def _stub(problem: Problem) -> RejectedRow:
    """Stand for a row whose contents nobody knows."""
    line = "" if problem.line is None else str(problem.line)
    record = [line, str(problem.row), problem.key or ""]
    return RejectedRow((), problem.key, ref=SourceLine(problem.line or 0, record))


def _problems(journal: str, pending: Iterable[Delivery]) -> Iterator[Problem]:
    last = -1
    found = heapq.merge(read_problems(journal), _unsettled(pending), key=lambda problem: problem.row)
    for problem in found:
        if problem.row != last:  # else settled by a run that goes on, after it was read as unsettled
            yield problem
        last = problem.row


def _rows(problems: Iterator[Problem], reader: Reader) -> Iterator[tuple[Problem, Any]]:
    """Find the row of each problem in the source."""
    rows = enumerate(reader)
    for problem in problems:
        row = next((row for index, row in rows if index == problem.row), None)
        if row is None:
            raise _changed(f"it ends before row {problem.row:,} (counted from 0)")
        if problem.line is not None and (problem.line, problem.key) != (row_line(row), row_key(row)):
            raise _changed(f"line {problem.line:,} is not the row that stood there")
        yield problem, row


def _unsettled(pending: Iterable[Delivery]) -> list[Problem]:
    found: list[Problem] = []
    for delivery in pending:
        reason = (
            "it may have been sent, and no answer was seen"
            if delivery.job_id is None
            else f"job {delivery.job_id} was accepted, but not followed to its end (see jobs.wait)"
        )
        found += [Problem(row, "unknown", None, None, (reason,), delivery.job_id) for row in delivery.places]
    return sorted(found, key=lambda problem: problem.row)


def _changed(how: str) -> JournalError:
    return JournalError(f"The source has changed: {how}. Restore it.")
