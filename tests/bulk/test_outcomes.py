"""Entries of a job, in whatever form they come, become the outcome of every row."""

import random

import pytest

from chakra_async import Job, JobEntry
from chakra_async._reading import reader_of
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


def of_one_process(*statuses, **extra):
    """Entries that repeat the key of their process, and nothing else of their item."""
    return [
        JobEntry(
            id=f"e{n}",
            completion_status=status,
            status_message=None if status == "SUCCESS" else f"because {n}",
            extra={"request": {"lead_id": "a"} | {name: values[n] for name, values in extra.items()}},
        )
        for n, status in enumerate(statuses)
    ]


def test_entries_of_one_process_that_differ_are_not_dealt_out_to_its_rows():
    fates = settle(rows("aa"), job(SUCCESS=1, ERROR=1), of_one_process("SUCCESS", "ERROR"), "updated")
    assert outcomes(fates) == ["unknown", "unknown"]
    for fate in fates:
        assert fate.errors == (
            "job J does not tell which of the rows for this process its entries speak of",
            "because 1",
        )


def test_nor_are_they_if_some_are_missing():
    counts = job(SUCCESS=2, ERROR=1)
    one = of_one_process("ERROR")
    assert outcomes(settle(rows("aab"), counts, one, "updated")) == ["unknown", "unknown", "updated"]
    assert outcomes(settle(rows("aab"), Job(id="J"), one, "updated")) == ["unknown"] * 3
    one = [*of_one_process("SUCCESS"), JobEntry(id="e", completion_status="ERROR", index=2)]
    assert outcomes(settle(rows("aab"), counts, one, "updated")) == ["updated", "updated", "failed"]


def test_nor_if_there_are_too_many_of_them():
    repeated = of_one_process("SUCCESS", "SUCCESS", "ERROR")
    for entry in repeated:
        entry.id = None
    assert outcomes(settle(rows("aa"), job(SUCCESS=1, ERROR=1), repeated, "updated")) == ["unknown"] * 2
    assert outcomes(settle(rows("a"), job(ERROR=1), repeated[1:], "updated")) == ["unknown"]


def test_entries_of_one_process_that_agree_hold_for_all_its_rows():
    counts = job(SUCCESS=1, ERROR=2)
    listed = of_one_process("ERROR", "ERROR", "SUCCESS")
    listed[2].extra = {"request": {"lead_id": "b"}}
    fates = settle(rows("aab"), counts, listed, "updated")
    assert outcomes(fates) == ["failed", "failed", "updated"]
    assert [fate.errors for fate in fates] == [("because 0", "because 1")] * 2 + [()]


def test_two_processes_are_not_dealt_out_to_two_creates_of_one_key():
    listed = of_one_process("SUCCESS", "SUCCESS")
    listed[0].process, listed[1].process = "p0", "p1"
    fates = settle(rows("aa"), Job(id="J"), listed, "created")
    assert [(fate.outcome, fate.process_id) for fate in fates] == [("created", None)] * 2


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_rows_of_one_process_are_told_apart_by_the_items_repeated(order):
    listed = of_one_process("SUCCESS", "ERROR", "INVALID", n=(0, 1, 2))
    listed = [listed[number] for number in order]
    sent = [b'{"n":%d,"lead_id":"a"}' % n for n in range(3)]
    fates = settle(rows("aaa"), job(SUCCESS=1, ERROR=1, INVALID=1), listed, "updated", sent.__getitem__)
    assert outcomes(fates) == ["updated", "failed", "invalid"]
    sent[2] = sent[0]
    fates = settle(rows("aaa"), job(SUCCESS=1, ERROR=1, INVALID=1), listed, "updated", sent.__getitem__)
    assert outcomes(fates) == ["unknown", "failed", "unknown"]


def test_the_place_of_an_entry_that_repeats_nothing_is_believed_for_rows_of_one_process_too():
    listed = [JobEntry(id=f"e{n}", completion_status=one) for n, one in enumerate(["SUCCESS", "ERROR"])]
    assert outcomes(settle(rows("aa"), job(SUCCESS=1, ERROR=1), listed, "updated")) == ["updated", "failed"]


def test_an_unknown_status_is_an_unknown_outcome():
    fates = settle(rows("a"), job(SKIPPED=1), [JobEntry(completion_status="SKIPPED", index=0)], "updated")
    assert outcomes(fates) == ["unknown"]
    assert "SKIPPED" in fates[0].errors[0]


def test_an_index_beyond_the_rows_is_not_believed():
    fates = settle(rows("a"), job(SUCCESS=1), [JobEntry(completion_status="ERROR", index=7)], "updated")
    assert outcomes(fates) == ["updated"]


def by_ids(text="AB"):
    return [PlannedRow(n, one, ("id", one)) for n, one in enumerate(text)]


def told(**fields):
    """The entries of B, which failed, and of A, in this order; of each one more field, by its name."""
    read = reader_of(JobEntry)
    bad = {"id": "e2", "completionStatus": "ERROR", "statusMessage": "bad"}
    good = {"id": "e1", "completionStatus": "SUCCESS"}
    for name, value in fields.items():
        bad[name], good[name] = value("B"), value("A")
    return [read(bad), read(good)]


@pytest.mark.parametrize(
    ("known_by", "field", "value"),
    [
        ("id", "process", str),
        ("id", "processId", str),
        ("id", "process", lambda one: {"id": one}),
        ("id", "request", lambda one: {"id": one}),
        ("id", "id", str),
        ("lead_id", "lead_id", str),
        ("lead_id", "payload", lambda one: {"lead_id": one}),
    ],
)
def test_entries_in_another_order_are_matched_by_what_they_repeat(known_by, field, value):
    planned = [PlannedRow(n, one, (known_by, one)) for n, one in enumerate("AB")]
    listed = told(**{field: value})
    fates = settle(planned, job(SUCCESS=1, ERROR=1), listed, "updated")
    assert outcomes(fates) == ["updated", "failed"]
    assert fates[1].errors == ("bad",)
    fates = settle(planned, job(SUCCESS=1, ERROR=1), listed[:1], "updated")
    assert outcomes(fates) == ["updated", "failed"]


def test_where_one_entry_is_not_in_its_place_no_other_is_believed_to_be():
    listed = told(process={"B": "B", "A": None}.get)
    fates = settle(by_ids(), job(SUCCESS=1, ERROR=1), listed, "updated")
    assert outcomes(fates) == ["updated", "failed"]
    three = [*listed, JobEntry(id="e3", completion_status="ERROR")]
    fates = settle(by_ids("ABC"), job(SUCCESS=1, ERROR=2), three, "updated")
    assert outcomes(fates) == ["unknown", "failed", "unknown"]


def test_a_place_or_an_index_does_not_overrule_an_id_of_nobody():
    listed = told(process=lambda one: f"not {one}")
    assert outcomes(settle(by_ids(), job(SUCCESS=1, ERROR=1), listed, "updated")) == ["unknown", "unknown"]
    for number, entry in enumerate(listed):
        entry.index = number
    assert outcomes(settle(by_ids(), job(SUCCESS=1, ERROR=1), listed, "updated")) == ["unknown", "unknown"]


def test_the_id_of_a_process_does_not_speak_against_the_place_of_a_row_named_by_its_key():
    planned = [PlannedRow(0, "A", ("id", "A")), PlannedRow(1, "k", ("lead_id", "k"))]
    listed = [
        JobEntry(id="e1", completion_status="ERROR", process="A"),
        JobEntry(id="e2", completion_status="SUCCESS", process="its uuid"),
    ]
    fates = settle(planned, job(SUCCESS=1, ERROR=1), listed, "updated")
    assert [(fate.outcome, fate.process_id) for fate in fates] == [("failed", "A"), ("updated", "its uuid")]


@pytest.mark.parametrize("indexes", [(1, 2), (0, 0), (1, 0)])
def test_indexes_that_cannot_be_right_give_way_to_ids(indexes):
    listed = told(process=str)
    listed.reverse()
    for entry, index in zip(listed, indexes, strict=True):
        entry.index = index
    assert outcomes(settle(by_ids(), job(SUCCESS=1, ERROR=1), listed, "updated")) == ["updated", "failed"]


@pytest.mark.parametrize("indexes", [(1, 2), (0, 0)])
def test_indexes_that_cannot_be_right_are_not_used(indexes):
    listed = told()
    for entry, index in zip(listed, indexes, strict=True):
        entry.index = index
    assert outcomes(settle(by_ids(), job(SUCCESS=1, ERROR=1), listed, "updated")) == ["unknown", "unknown"]


def test_rows_of_one_process_are_told_apart_by_an_index():
    listed = told(process=lambda _: "A")
    listed[0].index, listed[1].index = 1, 0
    assert outcomes(settle(by_ids("AA"), job(SUCCESS=1, ERROR=1), listed, "updated")) == ["updated", "failed"]
    listed[1].index = None
    assert outcomes(settle(by_ids("AA"), job(SUCCESS=1, ERROR=1), listed, "updated")) == ["updated", "failed"]


@pytest.mark.parametrize(("second", "outcome"), [("SUCCESS", "updated"), ("ERROR", "unknown")])
def test_entries_that_have_the_id_of_their_process_for_their_own(second, outcome):
    listed = [JobEntry(id="A", completion_status=status) for status in ("SUCCESS", second)]
    fates = settle(by_ids("AA"), job(SUCCESS=1, ERROR=1), [*listed, *listed], "updated")
    assert outcomes(fates) == [outcome, outcome]


@pytest.mark.parametrize(
    ("said", "reasons"),
    [
        ({"statusMessage": "bad"}, ("bad",)),
        ({"statusMessage": ["bad", {"message": "worse"}]}, ("bad", "worse")),
        ({"statusMessage": {"message": "bad"}}, ("bad",)),
        ({"errors": ["bad", "worse"]}, ("bad", "worse")),
        ({"_errors": ["bad"]}, ("bad",)),
        ({"error": "bad"}, ("bad",)),
        ({"message": "bad"}, ("bad",)),
        ({"statusMessage": "bad", "errors": ["bad", "worse"]}, ("bad", "worse")),
        ({"errors": []}, ("the service refused the row and gave no reason",)),
    ],
)
def test_a_reason_is_found_under_any_name_that_errors_have(said, reasons):
    entry = reader_of(JobEntry)({"id": "e", "completionStatus": "ERROR", **said})
    [fate] = settle(by_ids("A"), job(ERROR=1), [entry], "updated")
    assert (fate.outcome, fate.errors) == ("failed", reasons)


def test_a_status_may_be_called_just_that():
    entry = reader_of(JobEntry)({"id": "e", "status": "invalid", "statusMessage": "bad"})
    [fate] = settle(by_ids("A"), job(INVALID=1), [entry], "updated")
    assert (fate.outcome, fate.errors) == ("invalid", ("bad",))
