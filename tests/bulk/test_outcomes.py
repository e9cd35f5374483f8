"""Entries of a job, in whatever form they come, become the outcome of every row."""

import random

import pytest

from chakra_async import Job, JobEntry
from chakra_async.bulk.chunks import PlannedRow
from chakra_async.bulk.outcomes import settle


STATUSES = ["SUCCESS", "INVALID", "ERROR", "NOT_STARTED", "SUCCESS"]
EXPECTED = ["updated", "invalid", "failed", "failed", "updated"]


def rows(keys="abcde"):
    return [PlannedRow(100 + n, key, ("lead_id", key)) for n, key in enumerate(keys)]


def job(**counts):
    return Job(id="J", counts=counts or {"SUCCESS": 2, "INVALID": 1, "ERROR": 1, "NOT_STARTED": 1})


def entries(*, index=False, payload=None):
    return [
        JobEntry(
            id=f"e{n}",
            completion_status=status,
            status_message=None if status == "SUCCESS" else f"because {n}",
            index=n if index else None,
            process=f"p{n}",
            extra={payload: {"lead_id": "abcde"[n]}} if payload else {},
        )
        for n, status in enumerate(STATUSES)
    ]


def outcomes(fates):
    return [fate.outcome for fate in fates]


@pytest.mark.parametrize("shape", [{"index": True}, {"payload": "request"}, {"payload": "data"}, {}])
def test_entries_are_matched_by_key_position_or_place(shape):
    fates = settle(rows(), job(), entries(**shape), "updated")
    assert outcomes(fates) == EXPECTED
    assert fates[1].errors == ("because 1",)
    assert fates[0].errors == ()
    assert [fate.process_id for fate in fates] == ["p0", "p1", "p2", "p3", "p4"]


@pytest.mark.parametrize("shape", [{"index": True}, {"payload": "request"}])
def test_the_order_and_the_repetition_of_entries_do_not_matter(shape):
    listed = entries(**shape) * 2
    random.Random(1).shuffle(listed)
    assert outcomes(settle(rows(), job(), listed, "updated")) == EXPECTED


def test_rows_without_an_entry_count_as_done_only_if_the_counts_leave_no_other_possibility():
    bad = [entry for entry in entries(payload="request") if entry.completion_status != "SUCCESS"]
    assert outcomes(settle(rows(), job(), bad, "updated")) == EXPECTED
    missing = settle(rows(), job(), bad[1:], "updated")
    assert outcomes(missing) == ["unknown", "unknown", "failed", "failed", "unknown"]
    assert "no entry" in missing[0].errors[0]


def test_without_counts_a_row_without_an_entry_is_unknown():
    assert outcomes(settle(rows("ab"), Job(id="J"), [], "updated")) == ["unknown", "unknown"]


def test_rows_of_one_process_take_its_entries_in_order():
    listed = [
        JobEntry(id=f"e{n}", completion_status=status, extra={"request": {"lead_id": "a"}})
        for n, status in enumerate(["SUCCESS", "ERROR"])
    ]
    fates = settle(rows("aa"), job(SUCCESS=1, ERROR=1), listed, "updated")
    assert outcomes(fates) == ["updated", "failed"]


def test_an_unknown_status_is_an_unknown_outcome():
    fates = settle(rows("a"), job(SKIPPED=1), [JobEntry(completion_status="SKIPPED", index=0)], "updated")
    assert outcomes(fates) == ["unknown"]
    assert "SKIPPED" in fates[0].errors[0]


def test_an_index_beyond_the_rows_is_not_believed():
    fates = settle(rows("a"), job(SUCCESS=1), [JobEntry(completion_status="ERROR", index=7)], "updated")
    assert outcomes(fates) == ["updated"]
