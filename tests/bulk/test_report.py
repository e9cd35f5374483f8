"""A report is true whenever work on its chunk is broken off."""

from chakra_async import Change
from chakra_async.bulk.chunks import Chunk
from chakra_async.bulk.outcomes import Fate
from chakra_async.bulk.report import Report


def report_of(rows, keys=None):
    chunk = Chunk()
    for index in range(rows):
        identity = ("lead_id", keys[index]) if keys and keys[index] != "-" else None
        chunk.add(index, f"row {index}", (b"{}", identity, None))
    return Report(chunk)


def test_rows_under_way_are_unknown_and_others_failed():
    report = report_of(4)
    report.pend(range(4), "no answer was seen")
    report.give([0], [Fate("updated")])
    report.pend([1, 2], "not followed", "job-1")
    report.unpend([2])
    assert report.close("not sent") == {"updated": 1, "unknown": 2, "failed": 1}
    assert [
        (result.index, result.item, result.outcome, result.errors, result.job_id)
        for result in report.results()
    ] == [
        (0, "row 0", "updated", (), None),
        (1, "row 1", "unknown", ("not followed",), "job-1"),
        (2, "row 2", "failed", ("not sent",), None),
        (3, "row 3", "unknown", ("no answer was seen",), None),
    ]
    assert [result.index for result in report.bad()] == [1, 2, 3]


def test_rows_are_behind_those_before_them_that_may_be_under_way():
    report = report_of(7, "ab-a-ba")
    assert report.behind(range(7)) == []
    report.pend([0, 2, 5], "no answer was seen")
    assert report.behind([1, 3, 4, 6]) == [3, 6]
    assert report.behind(range(7)) == []
    report.pend([3], "nor here")
    report.give([0], [Fate("updated")])
    assert report.behind([1, 4, 6]) == [6]
    report.unpend([3])
    assert report.behind([1, 4, 6]) == []
    report.close("not sent")
    assert report.unsettled == {None, ("lead_id", "b")}


def test_rows_of_one_fate_have_it_in_their_results():
    report = report_of(3)
    report.give(range(3), [Fate("updated", ("so it is",), "process-1", "job-1")] * 3)
    assert report.close("not sent") == {"updated": 3}
    results = list(report.results())
    assert [result.index for result in results] == [0, 1, 2]
    fates = {(result.outcome, result.errors, result.process_id, result.job_id) for result in results}
    assert fates == {("updated", ("so it is",), "process-1", "job-1")}


def test_what_was_found_of_a_row_stands_in_its_result():
    report = report_of(2)
    report.give(range(2), [Fate("valid")] * 2)
    report.found.changes[1] = (Change("state", None, "NEW", "WON"),)
    report.found.warnings[0] = ("strange",)
    assert report.close("not sent") == {"valid": 2}
    assert [(result.changes, result.warnings) for result in report.results()] == [
        ((), ("strange",)),
        (report.found.changes[1], ()),
    ]
