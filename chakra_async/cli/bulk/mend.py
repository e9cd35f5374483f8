"""From a journal to a file of the rows that were not done, made to be mended and read again."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any

from chakra_async.bulk.journal import Delivery, Problem, read_problems
from chakra_async.bulk.rows import row_key, row_line
from chakra_async.cli.bulk.feed import Reader
from chakra_async.errors import JournalError


def write_failures(
    journal: str, pending: Iterable[Delivery], reader: Reader, output: str, *, overwrite: bool
) -> int:
    """Write them, each as it stands in the source, and return how many there are.

    Args:
        journal: the journal.
        pending: deliveries that were not settled, and whose rows are to be written as well.
        reader: reads the source.
        output: the file to write.
        overwrite: replace it, if there is one.

    Raises:
        JournalError: the journal is damaged, or the source has changed.
        OSError: the source cannot be read, or the file not be written.
    """
    problems = heapq.merge(read_problems(journal), _unsettled(pending), key=lambda problem: problem.row)
    with reader.failures(output, overwrite=overwrite) as writer:
        try:
            for problem, row in _rows(problems, reader):
                writer.write(problem.result(row))
        except BaseException:
            # Half of them would look like all.
            writer.discard()
            raise
    return writer.count


def _rows(problems: Iterator[Problem], reader: Reader) -> Iterator[tuple[Problem, Any]]:
    """Find the row of each problem in the source."""
    rows = enumerate(reader)
    last = -1
    for problem in problems:
        if problem.row == last:
            continue  # settled by a run that goes on, after it was read as unsettled
        last = problem.row
        row = next((row for index, row in rows if index == last), None)
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
