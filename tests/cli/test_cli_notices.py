"""What newcomers stumbled over: columns that look like fields, empty files, journals that do not fit."""

import json
import re
import shlex
from pathlib import Path

import pytest

from chakra_async import Progress, RowResult
from chakra_async.cli.bulk.account import Account
from chakra_async.cli.bulk.progress import Seen


UPDATE = ("bulk", "update", "aircraft")
KEY = ("--key", "tailnum")


class TestColumnsThatLookLikeFields:
    @pytest.mark.parametrize(
        ("name", "option"),
        [
            ("state", "state"),
            ("Status", "status"),
            ("assignedTo", "assigned-to"),
            ("next action at", "next-action-at"),
        ],
    )
    def test_they_are_told_of_once(self, chakra, created, name, option):
        Path("news.csv").write_text(f"tailnum,{name}\nN10156,x\nN102UW,y\n")
        result = chakra(*UPDATE, "news.csv", *KEY, "-q")
        assert result.exit_code == 0
        assert result.stderr.count("Note: ") == 1
        assert f"the column {name!r} is sent as an attribute of that name" in result.stderr
        typed = shlex.quote(name)
        assert f"--{option}-column {typed}; to leave it out, --skip {typed}" in result.stderr

    @pytest.mark.parametrize("said", [("--state-column", "state"), ("--skip", "state"), ("--data", "state")])
    def test_whoever_has_said_so_is_not_told(self, chakra, created, said):
        Path("news.csv").write_text("tailnum,state,seats\nN10156,NEW,5\n")
        assert chakra(*UPDATE, "news.csv", *KEY, *said, "-q").output == ""

    def test_in_json_lines(self, chakra, created):
        Path("news.jsonl").write_text('{"tailnum": "N10156", "status": "OPEN"}\n')
        assert "the column 'status'" in chakra(*UPDATE, "news.jsonl", *KEY).stderr

    def test_on_standard_input(self, chakra, created):
        result = chakra(*UPDATE, "-", "--format", "csv", *KEY, stdin="tailnum,state\nN10156,NEW\n")
        assert (result.exit_code, "the column 'state'" in result.stderr) == (0, True)

    def test_a_resumed_run_has_been_told(self, chakra, created):
        Path("news.csv").write_text("tailnum,state\nN10156,NEW\n")
        assert "Note: " in chakra(*UPDATE, "news.csv", *KEY, "--journal", "run.db").stderr
        assert "Note: " not in chakra("bulk", "resume", "run.db").stderr


class TestNamesOfColumns:
    def test_those_of_a_failures_file_are_not_sent(self, chakra, emulator, created):
        Path("n.csv").write_text("tailnum,chakra_id,chakra_errors,seats\nN10156,7,x,5\n")
        Path("n.jsonl").write_text('{"tailnum": "N10156", "chakra_id": 7, "_chakra": {}, "seats": 5}\n')
        for name in ("n.csv", "n.jsonl"):
            result = chakra(*UPDATE, name, *KEY)
            assert result.stderr.count("Note: ") == 1
            assert "the column 'chakra_id' is not sent" in result.stderr
            assert chakra(*UPDATE, name, *KEY, "--skip", "chakra_id", "-q").output == ""

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--state-column", "sate"), "'sate', which --state-column names"),
            (("--next-action-at-column", "x"), "'x', which --next-action-at-column names"),
            (("--skip", "x"), "'x', which --skip names"),
            (("--type", "seat=int"), "'seat', which --type names"),
            (("--data", "seats", "--data", "x=y"), "'x', which --data names"),
        ],
    )
    def test_a_field_that_no_object_has(self, chakra, created, options, said):
        Path("n.jsonl").write_text('{"tailnum": "N10156", "seats": 5}\n{"tailnum": "N102UW", "seats": 5}\n')
        result = chakra(*UPDATE, "n.jsonl", *KEY, *options, "-q")
        assert (result.exit_code, result.stderr) == (0, f"Note: no row has the field {said}.\n")

    def test_a_field_that_a_later_object_has(self, chakra, created):
        Path("n.jsonl").write_text(
            '{"tailnum": "N10156", "seats": 5}\n{"tailnum": "N102UW", "state": "NEW"}\n'
        )
        assert chakra(*UPDATE, "n.jsonl", *KEY, "--state-column", "state", "-q").output == ""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("n.csv", "tailnum,seats\n", "a header and no rows"), ("n.jsonl", "\n", "no rows")],
)
def test_a_file_without_rows(chakra, name, text, said):
    Path(name).write_text(text)
    result = chakra(*UPDATE, name, *KEY)
    assert (result.exit_code, f"Note: {name} holds {said}." in result.stderr) == (0, True), result.output


def test_equal_mistakes_are_said_once(chakra, created):
    Path("bad.csv").write_text("tailnum,seats\n" + "".join(f"X{n},1\n" for n in range(5)))
    result = chakra(*UPDATE, "bad.csv", *KEY, "--json")
    assert result.exit_code == 1
    assert re.search(r"^  5 rows invalid: .*…", result.stderr, re.MULTILINE)
    [reason] = json.loads(result.stdout)["reasons"]
    assert (reason["rows"], "…" in reason["reason"]) == (5, True)
    Path("bad.csv").write_text("tailnum,seats\nX1,1\n")
    result = chakra(*UPDATE, "bad.csv", *KEY, "--json")
    assert "X1" in json.loads(result.stdout)["reasons"][0]["reason"]
    assert "…" not in result.stderr


@pytest.mark.parametrize(
    ("key", "error", "said"),
    [
        ("5", "no pet 5 among 15 or 5", "no pet … among 15 or …"),
        ("N1", "N10 and N1", "N10 and …"),
        ("x", "exit", "exit"),
        (None, "no key", "no key"),
    ],
)
def test_a_reason_leaves_out_the_rows_own_key_where_it_stands_alone(key, error, said):
    assert RowResult(0, {"id": key}, "failed", (error,)).reason == said


def test_an_account_says_the_own_reason_of_a_single_row():
    account = Account()
    account.add(RowResult(0, {"id": "p1"}, "failed", ("no p1",)))
    [group] = account.ordered()
    assert (group.reason, group.said) == ("no …", "no p1")
    account.add(RowResult(1, {"id": "p2"}, "failed", ("no p2",)))
    assert [row.reason for row in group.first] == ["no p1", "no p2"]
    assert group.said == "no …"


class TestFailures:
    def test_an_empty_file_is_no_hindrance(self, chakra, created):
        Path("bad.csv").write_text("tailnum,seats\nX1,1\n")
        Path("failed.csv").touch()
        result = chakra(*UPDATE, "bad.csv", *KEY, "--failures", "failed.csv")
        assert result.exit_code == 1
        assert len(Path("failed.csv").read_text().splitlines()) == 2

    def test_rows_under_way_are_left_out_unless_asked_for(self, chakra, emulator, created):
        Path("many.csv").write_text("tailnum,seats\nX1,1\nN10156,2\nN102UW,3\n")
        emulator.faults.next("PATCH", after=1, status=401, times=10)
        options = ("--chunk-size", "1", "--concurrency", "1", "--journal", "run.db")
        assert chakra(*UPDATE, "many.csv", *KEY, *options).exit_code == 3
        emulator.faults.clear()
        emulator.job_settings.rows_per_second = 0.1
        emulator.faults.next("GET", path="/background-job/", status=401, times=10)
        assert chakra("bulk", "resume", "run.db", "--concurrency", "1").exit_code == 3
        status = json.loads(chakra("bulk", "status", "run.db", "--json").stdout)
        assert (status["invalid"], status["pending"]) == (1, 1)
        result = chakra("bulk", "failures", "run.db", "-o", "failed.csv")
        assert "1 row is in failed.csv" in result.stdout
        assert re.search(r"1 row may have been sent, .* are left out; .* --unsettled", result.stderr)
        assert len(Path("failed.csv").read_text().splitlines()) == 2
        result = chakra("bulk", "failures", "run.db", "-o", "failed.csv", "--overwrite", "--unsettled")
        assert "2 rows are in failed.csv" in result.stdout
        assert "--unsettled" not in result.stderr


class TestJournals:
    def test_what_differs_is_a_sentence(self, chakra, created):
        columns = ("--type", "seats=int,year=str", "--missing", "NA")
        assert chakra(*UPDATE, "planes.csv", *KEY, *columns, "--journal", "run.db", "-q").exit_code == 0
        changed = ("--type", "seats=float,year=str", "--skip", "model", "--encoding", "cp1252")
        result = chakra(*UPDATE, "planes.csv", *KEY, *changed, "--journal", "run.db")
        assert result.exit_code == 2
        assert (
            "run.db belongs to another run: the columns' missing was NA and is not given; the columns' skip "
            "was not given and is model; types of the column 'seats' was int and is float; encoding was not "
            "given and is cp1252."
        ) in result.stderr
        Path("planes.csv").write_text(Path("planes.csv").read_text().replace("EMB", "EMC"))
        result = chakra("bulk", "resume", "run.db")
        assert "the file has changed at its beginning; the file has changed at its end." in result.stderr

    def test_a_name_that_begins_with_a_dash(self, chakra, created):
        Path("bad.csv").write_text("tailnum,seats\nX1,1\n")
        result = chakra(*UPDATE, "bad.csv", *KEY, "--journal", "-run.db")
        command = re.search(r"in a file: chakra (.*) -o FILE", result.stdout)[1]
        assert chakra(*shlex.split(command), "-o", "failed.csv").exit_code == 0
        assert Path("failed.csv").exists()

    def test_the_size_of_jobs_is_remembered(self, chakra, emulator, created):
        options = ("--chunk-size", "2", "--concurrency", "1", "--journal", "run.db")
        emulator.faults.next("PATCH", status=401)
        assert chakra(*UPDATE, "planes.csv", *KEY, *options).exit_code == 3
        emulator.faults.clear()
        result = chakra("bulk", "resume", "run.db", "--json")
        assert (result.exit_code, json.loads(result.stdout)["jobs"]) == (0, 2)


def test_rows_that_were_only_refused_tell_nothing_of_the_rest():
    assert (Seen(Progress(invalid=15, seconds=5.0), 20_000).speed, Seen(Progress(), 20_000).left) == ("", "")
    assert Seen(Progress(invalid=15, updated=85, seconds=1.0), 200).left == "about 1 s left"
    assert Progress(invalid=15, seconds=5.0, expected=20_000).seconds_left is None
    assert Progress(invalid=15, seconds=5.0, expected=15).seconds_left == 0.0
    assert Progress(invalid=15, updated=85, seconds=1.0, expected=200).seconds_left == 1.0


def test_the_pace_of_a_resumed_run_is_its_own():
    run = Progress(updated=900, resumed=800, seconds=10.0, expected=1000)
    seen = Seen(run, 1000)
    assert (seen.speed, seen.left) == ("10 rows/s", "about 10 s left")
    assert run.seconds_left == 10.0
