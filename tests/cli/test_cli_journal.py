"""The journal on the command line: runs that are killed, stopped and refused, and what can be done then."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from chakra_async import ProcessUpdate
from chakra_async.bulk import search
from chakra_async.bulk.journal import Journal, Plan
from chakra_async.emulator import Emulator
from chakra_async.sync import Client
from tests.waiting import until


ROWS = 400
CREATE = ("bulk", "create", "aircraft", "many.csv", "--key", "tailnum", "--type", "seats=int")
UPDATE = ("bulk", "update", "aircraft", "many.csv", "--key", "tailnum", "--type", "seats=int")
SMALL = ("--chunk-size", "20", "--concurrency", "2")
KEPT = ("--journal", "run.db")
STDIN = ("bulk", "update", "aircraft", "-", "--format", "csv", "--key", "tailnum", "--type", "seats=int")


@pytest.fixture
def emulator():
    with Emulator(rows_per_second=400, job_latency=0.0) as running:
        running.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "IN_SERVICE", "RETIRED"))
        running.add_procedure("note")
        yield running


@pytest.fixture
def many(here):
    """Rows, of which some cannot be sent, and some will be refused."""
    Path("many.csv").write_text("tailnum,seats\n" + "".join(f"N{n},{n}\n" for n in range(ROWS)))


@pytest.fixture
def fleet(chakra, emulator, many):
    emulator.job_settings.rows_per_second = None
    assert chakra(*CREATE, "-q").exit_code == 0
    emulator.job_settings.rows_per_second = 400


@pytest.fixture
def standing(chakra):
    """What `chakra bulk status` tells a program."""

    def ask(journal="run.db"):
        result = chakra("bulk", "status", journal, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return ask


def sent(emulator):
    return sum(request.method in ("PATCH", "POST") for request in emulator.requests)


def begun(standing, outcome, rows):
    return lambda: Path("run.db").exists() and sent_enough(standing, outcome, rows)


def sent_enough(standing, outcome, rows):
    try:
        return standing()[outcome] >= rows
    except AssertionError:  # the file is there, and its tables are not yet
        return False


def seats(emulator):
    return {item["data"]["tailnum"]: item["data"].get("seats") for item in emulator.processes("aircraft")}


class TestAfterAnEnd:
    def test_a_killed_run_is_taken_up_again(self, spawn, chakra, emulator, many, standing):
        with spawn(*CREATE, *SMALL, *KEPT) as process:
            until(begun(standing, "created", 60))
            during = standing()
            assert (during["running"], during["next"], during["command"]) == (True, "wait", None)
            process.kill()
        after = standing()
        assert (after["running"], after["next"]) == (False, "resume")
        assert after["command"] == "chakra bulk resume run.db"
        assert 60 <= after["created"] < ROWS
        result = chakra("bulk", "resume", "run.db", "--json", "--concurrency", "4")
        assert result.exit_code == 0, result.output
        account = json.loads(result.stdout)
        assert (account["ok"], account["total"], account["created"]) == (True, ROWS, ROWS)
        assert account["resumed"] >= 60
        assert re.search(rf"400 rows, {account['resumed']} of them by earlier runs, in ", result.stderr)
        assert Counter(effect.key for effect in emulator.ledger) == Counter(f"N{n}" for n in range(ROWS))
        assert seats(emulator) == {f"N{n}": n for n in range(ROWS)}
        assert (standing()["next"], standing()["created"], standing()["rows"]) == ("nothing", ROWS, ROWS)

    def test_a_killed_run_leaves_no_failures_file_that_looks_whole(
        self, spawn, chakra, emulator, fleet, standing
    ):
        with Path("many.csv").open("r+") as file:
            file.write("tailnum,seats\nX0,0\n")
        with spawn(*UPDATE, *SMALL, *KEPT, "--failures", "failed.csv") as process:
            until(begun(standing, "updated", 40))
            process.kill()
        assert not Path("failed.csv").exists()
        emulator.job_settings.rows_per_second = None
        result = chakra("bulk", "resume", "run.db")
        assert result.exit_code == 1
        assert "in a file: chakra bulk failures run.db -o FILE" in result.stdout
        assert chakra("bulk", "failures", "run.db", "-o", "failed.csv").exit_code == 0
        assert Path("failed.csv").read_text().splitlines()[1].startswith('2,"invalid",')

    @pytest.mark.fault("C2")
    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_a_stopped_run_says_how_to_go_on(self, spawn, chakra, emulator, fleet, standing, number, status):
        with spawn(*UPDATE, *SMALL, *KEPT, "--json") as process:
            until(begun(standing, "updated", 40))
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        assert process.returncode == status, err
        assert err.splitlines()[-1] == "To go on: chakra bulk resume run.db"
        assert json.loads(out)["resume"] == "chakra bulk resume run.db"
        done = json.loads(out)["updated"]
        assert (standing()["updated"], standing()["pending"], standing()["not_sent"]) == (done, 0, None)
        before = len(emulator.ledger)
        result = chakra("bulk", "resume", "run.db", "-q")
        assert (result.exit_code, result.output) == (0, "")
        assert len(emulator.ledger) - before == ROWS - done
        assert standing()["updated"] == ROWS

    def test_rows_in_flight_at_a_second_ctrl_c_are_followed(self, spawn, chakra, emulator, fleet, standing):
        emulator.job_settings.rows_per_second = 10
        with spawn(*UPDATE, *SMALL, *KEPT) as process:
            until(lambda: Path("run.db").exists() and sent_enough(standing, "jobs", 2))
            process.send_signal(signal.SIGINT)
            while "Stopping" not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        assert process.returncode == 130, err
        assert "40 unknown" in out
        assert "Going on with the journal looks again" in out
        assert err.splitlines()[-1] == "To go on: chakra bulk resume run.db"
        assert standing()["pending"] == 40
        emulator.job_settings.rows_per_second = None
        patches = sent(emulator)
        result = chakra("bulk", "resume", "run.db", "--chunk-size", "400", "--json")
        assert (result.exit_code, json.loads(result.stdout)["updated"]) == (0, ROWS)
        assert sent(emulator) == patches + 1

    def test_a_run_that_cannot_go_on_says_how_to(self, chakra, emulator, fleet, standing):
        emulator.faults.next("PATCH", status=401, after=3, times=100)
        result = chakra(*UPDATE, *SMALL, *KEPT)
        assert result.exit_code == 3
        assert result.stderr.splitlines()[-1] == "To go on: chakra bulk resume run.db"
        assert standing()["next"] == "resume"
        emulator.faults.clear()
        result = chakra("bulk", "resume", "run.db")
        assert (result.exit_code, "aircraft: 400 updated" in result.stdout) == (0, True), result.output

    def test_standard_input_is_given_again(self, spawn, chakra, emulator, fleet, standing):
        text = Path("many.csv").read_text()

        def stop_at(rows):
            with spawn(*STDIN, *SMALL, *KEPT, stdin=subprocess.PIPE) as process:
                process.stdin.write("".join(text.splitlines(keepends=True)[:300]))
                process.stdin.flush()
                until(begun(standing, "updated", rows))
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=20)
            assert process.returncode == 130, err
            assert err.splitlines()[-2:] == [
                "Stopped by Ctrl-C.",
                "To go on, repeat the same command with the same input; what is settled is not sent again.",
            ]

        stop_at(40)
        stop_at(120)
        found = standing()
        assert (found["next"], found["command"], found["file"]) == ("repeat", None, None)
        refused = chakra("bulk", "resume", "run.db")
        assert refused.exit_code == 2
        assert "came from standard input or a pipe, and only what has begun the run" in refused.stderr
        so_far = chakra("bulk", "failures", "run.db", "-o", "f.csv")
        assert (so_far.exit_code, "There is no such row yet" in so_far.stdout) == (0, True)
        assert "not sent yet. The rows came from standard input or a pipe, and only what" in so_far.stderr
        result = chakra(*STDIN, *KEPT, "--json", stdin=text)
        account = json.loads(result.stdout)
        assert (result.exit_code, account["updated"]) == (0, ROWS)
        assert account["resumed"] >= 120
        assert seats(emulator) == {f"N{n}": n for n in range(ROWS)}

    def test_a_named_pipe_is_read_once(self, spawn, emulator, fleet, standing):
        os.mkfifo("pipe.csv")
        with spawn("bulk", "update", "aircraft", "pipe.csv", "--key", "tailnum", *KEPT) as process:
            Path("pipe.csv").write_text("tailnum,seats\nN1,7\n")
            out, err = process.communicate(timeout=20)
        assert (process.returncode, "1 updated" in out) == (0, True), err
        assert standing()["file"] is None

    def test_creates_without_a_key_stay_unknown_unless_told(
        self, chakra, emulator, here, standing, monkeypatch
    ):
        monkeypatch.setattr(search, "PAUSES", (0.01,))
        Path("notes.csv").write_text("text\n" + "".join(f"T{n}\n" for n in range(40)))
        emulator.faults.next("POST", path="bulk-create", after=1, reset="before")
        options = ("--chunk-size", "20", "--concurrency", "1")
        result = chakra("bulk", "create", "note", "notes.csv", *KEPT, *options)
        assert (result.exit_code, "20 created, 20 unknown" in result.stdout) == (1, True), result.output
        assert (standing()["next"], standing()["pending"]) == ("resume", 20)
        assert "--on-unknown retry" in chakra("bulk", "status", "run.db").stdout
        assert chakra("bulk", "failures", "run.db", "-o", "unknown.csv", "--unsettled").exit_code == 0
        assert Path("unknown.csv").read_text().count(',"unknown",') == 20
        assert chakra("bulk", "resume", "run.db", "-q").exit_code == 1
        assert chakra("bulk", "resume", "run.db", "-q", "--on-unknown", "retry").exit_code == 0
        texts = Counter(note["data"]["text"] for note in emulator.processes("note"))
        assert texts == Counter(f"T{n}" for n in range(40))


BAD = """\
tailnum,seats,remark,state
N1,1,"a, b",NEW
N2,two,x,NEW
N3,3,y,OLD
N4,4
X5,5,z,NEW
N6,6,w,NEW
"""
BULK_BAD = (
    "bulk", "update", "aircraft", "bad.csv", "--key", "tailnum", "--type", "seats=int", "--skip", "remark",
    "--state-column", "state",
)  # fmt: skip


class TestFailures:
    def test_round_trip(self, chakra, emulator, fleet, standing):
        Path("bad.csv").write_text(BAD)
        result = chakra(*BULK_BAD, *KEPT)
        assert result.exit_code == 1
        assert "in a file: chakra bulk failures run.db -o FILE" in result.stdout
        assert "To go on" not in result.stderr
        assert (standing()["next"], standing()["updated"]) == ("failures", 2)
        assert (
            "with the reasons: chakra bulk failures run.db -o FILE"
            in chakra("bulk", "status", "run.db").stdout
        )
        result = chakra("bulk", "failures", "run.db", "-o", "failed.csv")
        assert (result.exit_code, result.output) == (0, "4 rows are in failed.csv, with the reason.\n")
        header, *lines = Path("failed.csv").read_text().splitlines()
        assert header == "chakra_line,chakra_outcome,chakra_errors,tailnum,seats,remark,state"
        assert [line.partition(",")[0] for line in lines] == ["3", "4", "5", "6"]
        assert lines[1].startswith('4,"')
        assert lines[1].endswith(",N3,3,y,OLD")
        # As the run itself would have written it.
        assert chakra(*BULK_BAD, "--failures", "same.csv").exit_code == 1
        assert set(Path("same.csv").read_text().splitlines()) == {header, *lines}
        text = Path("failed.csv").read_text()
        for wrong, right in (("two", "2"), ("OLD", "RETIRED"), ("N4,4", "N4,4,v,NEW"), ("X5", "N5")):
            text = text.replace(wrong, right)
        Path("bad.csv").write_text(re.sub(r'(?m)^"?failed.*\n', "", text))
        assert chakra(*BULK_BAD).exit_code == 0
        assert [seats(emulator)[f"N{n}"] for n in range(1, 7)] == [1, 2, 3, 4, 5, 6]

    def test_an_earlier_runs_failures_are_accounted_for_again(self, chakra, fleet):
        Path("bad.csv").write_text(BAD)
        assert chakra(*BULK_BAD, *KEPT, "--failures", "first.csv").exit_code == 1
        result = chakra("bulk", "resume", "run.db", "--failures", "again.csv", "--json")
        account = json.loads(result.stdout)
        assert (result.exit_code, account["resumed"], account["resume"]) == (1, 6, None)
        assert sum(reason["rows"] for reason in account["reasons"]) == 4
        first, again = (sorted(Path(name).read_text().splitlines()) for name in ("first.csv", "again.csv"))
        assert first == again
        piped = ["-" if part == "bad.csv" else part for part in BULK_BAD]
        options = ("--format", "csv", "--journal", "piped.db", "--failures", "piped.csv", "--overwrite")
        for _ in range(2):
            assert chakra(*piped, *options, stdin=BAD).exit_code == 1
            assert sorted(Path("piped.csv").read_text().splitlines()) == first

    def test_jsonl(self, chakra, fleet):
        Path("rows.jsonl").write_text('{"tailnum": "N1", "seats": 1}\n{"tailnum": "X1",  "seats": 2}\nno\n')
        assert chakra("bulk", "update", "aircraft", "rows.jsonl", "--key", "tailnum", *KEPT).exit_code == 1
        assert chakra("bulk", "failures", "run.db", "-o", "failed.jsonl").exit_code == 0
        first, second = Path("failed.jsonl").read_text().splitlines()
        assert json.loads(first)["_chakra"]["line"] == 2
        assert first.endswith('"tailnum": "X1",  "seats": 2}')
        assert second.endswith("} no")
        named_otherwise = chakra("bulk", "failures", "run.db", "-o", "failed.csv")
        assert "To read that file, add --format jsonl." in named_otherwise.stdout

    def test_rows_that_cannot_be_read_again_are_named(self, chakra, environment, fleet, standing):
        text = "tailnum,seats\nN1,1\nX1,2\nN3,three\nN4\n"
        assert chakra(*STDIN, *KEPT, stdin=text).exit_code == 1
        found = standing()
        assert (found["next"], found["command"]) == ("failures", "chakra bulk failures run.db -o FILE")
        assert "numbers and keys" in chakra("bulk", "status", "run.db").stdout
        result = chakra("bulk", "failures", "run.db", "-o", "failed.csv")
        assert (result.exit_code, "3 rows are in failed.csv, by number and key" in result.stdout) == (0, True)
        header, *lines = csv.reader(Path("failed.csv").read_text().splitlines())
        assert header == ["chakra_line", "chakra_outcome", "chakra_errors", "row", "key"]
        assert [(line[0], line[1], *line[3:]) for line in lines] == [
            ("3", "invalid", "1", "X1"),
            ("4", "invalid", "2", "N3"),
            ("5", "invalid", "3", "N4"),
        ]
        assert "three" in lines[1][2]
        assert chakra("bulk", "failures", "run.db", "-o", "failed.csv").exit_code == 2

    def test_rows_of_a_program_are_named_by_number_and_key(self, chakra, environment, fleet):
        rows = [ProcessUpdate(key=("tailnum", key), data={"seats": 1}) for key in ("N1", "X1")]
        with Client(environment["CHAKRA_ACCESS_TOKEN"], base_url=environment["CHAKRA_BASE_URL"]) as client:
            assert client.processes.bulk_update("aircraft", rows, journal="run.db").run().invalid == 1
        assert "-o FILE" in chakra("bulk", "status", "run.db").stdout
        assert chakra("bulk", "failures", "run.db", "-o", "failed.csv").exit_code == 0
        [_, (*_, row, key)] = csv.reader(Path("failed.csv").read_text().splitlines())
        assert (row, key) == ("1", "X1")

    @pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
    def test_a_name_that_is_no_text(self, chakra, emulator, fleet, standing):
        name = os.fsdecode(b"d\xf6n.csv")
        Path(name).write_text(BAD)
        command = [name if part == "bad.csv" else part for part in BULK_BAD]
        assert chakra(*command, *KEPT).exit_code == 1
        assert standing()["file"] == str(Path(name).absolute())
        assert chakra("bulk", "resume", "run.db").exit_code == 1
        assert chakra("bulk", "failures", "run.db", "-o", "failed.csv").exit_code == 0
        assert len(Path("failed.csv").read_text().splitlines()) == 5
        Path(name).write_text("tailnum,seats\nN1,77\n")
        options = ("--key", "tailnum", "--type", "seats=int", "-o", "run.plan")
        assert chakra("bulk", "plan", "aircraft", name, *options).exit_code == 0
        assert chakra("bulk", "apply", "run.plan").exit_code == 0
        assert seats(emulator)["N1"] == 77

    def test_none(self, chakra, emulator, fleet):
        assert chakra(*UPDATE, *KEPT, "-q").exit_code == 0
        result = chakra("bulk", "failures", "run.db", "-o", "failed.csv")
        assert (result.exit_code, result.output) == (0, "Every row was done; no file was written.\n")
        assert not Path("failed.csv").exists()

    @pytest.mark.parametrize("rows", [30, 500])
    def test_a_full_disk_leaves_no_file_of_that_name(self, spawn, chakra, fleet, small_disk, rows):
        Path("bad.csv").write_text("tailnum,seats\n" + "".join(f"X{n},{n}\n" for n in range(rows)))
        update = ("bulk", "update", "aircraft", "bad.csv", "--key", "tailnum")
        assert chakra(*update, *KEPT, "-q").exit_code == 1
        with spawn("bulk", "failures", "run.db", "-o", "failed.csv", **small_disk) as process:
            out, err = process.communicate(timeout=20)
        assert (process.returncode, out, "File too large" in err) == (3, "", True)
        assert not Path("failed.csv").exists()

    def test_where_it_may_not_be_written(self, chakra, fleet):
        Path("bad.csv").write_text(BAD)
        Path("there.csv").write_text("precious")
        assert chakra(*BULK_BAD, *KEPT, "-q").exit_code == 1
        for output, said in (
            ("there.csv", "exists"),
            ("bad.csv", "being read"),
            ("run.db", "is the journal"),
        ):
            result = chakra("bulk", "failures", "run.db", "-o", output)
            assert (result.exit_code, said in result.stderr) == (2, True), result.output
        assert Path("there.csv").read_text() == "precious"
        assert chakra("bulk", "failures", "run.db", "-o", "there.csv", "--overwrite").exit_code == 0
        assert len(Path("there.csv").read_text().splitlines()) == 5

    def test_a_file_changed_in_its_middle_is_noticed(self, chakra, fleet):
        lines = [f"X{n},{'x' * 1000}" for n in range(300)]
        Path("bad.csv").write_text("\n".join(["tailnum,remark", *lines, ""]))
        assert chakra("bulk", "update", "aircraft", "bad.csv", "--key", "tailnum", *KEPT, "-q").exit_code == 1
        lines[150] = lines[150].replace("X", "Y")
        Path("bad.csv").write_text("\n".join(["tailnum,remark", *lines, ""]))
        result = chakra("bulk", "failures", "run.db", "-o", "f.csv")
        assert (result.exit_code, "line 152 is not the row" in result.stderr) == (2, True), result.output
        assert not Path("f.csv").exists()


class TestWhatIsRefused:
    @pytest.fixture
    def kept(self, chakra, emulator, fleet):
        """The journal of a run that is over; nothing is to be sent from now on."""
        assert chakra(*UPDATE, *KEPT, "-q").exit_code == 0
        before = emulator.request_count
        yield
        assert emulator.request_count == before

    def refuse(self, chakra, *arguments, said, **env):
        result = chakra(*arguments, **env)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        assert re.search(said, result.stderr), result.stderr
        assert result.stderr.count("Error:") == 1

    @pytest.mark.parametrize("command", [("resume", "run.db"), ("failures", "run.db", "-o", "f.csv")])
    def test_a_changed_file(self, chakra, kept, command):
        with Path("many.csv").open("a") as file:
            file.write("N9,9\n")
        self.refuse(chakra, "bulk", *command, said=r"it had \d[\d,]+ bytes, and has \d[\d,]+\. Restore what")
        Path("many.csv").unlink()
        self.refuse(chakra, "bulk", *command, said="cannot be read again: .*many.csv: No such file")
        assert not Path("f.csv").exists()

    def test_a_moved_file_is_given_to_the_original_command(self, chakra, kept):
        Path("many.csv").rename("moved.csv")
        result = chakra(*[part.replace("many", "moved") for part in UPDATE], *KEPT)
        assert (result.exit_code, "400 rows, 400 of them by earlier runs" in result.stdout) == (0, True)

    def test_other_options(self, chakra, kept):
        Path("f.csv").write_text("precious")
        failures = ("--failures", "f.csv", "--overwrite")
        self.refuse(
            chakra, *UPDATE[:-2], *KEPT, *failures, said="the columns' types was seats=int and is not given"
        )
        self.refuse(chakra, *CREATE, *KEPT, *failures, said="it was an update, and this one is a creation\\.")
        assert Path("f.csv").read_text() == "precious"

    def test_another_address(self, chakra, kept):
        said = r"journal of a run at http://\S+, and the address is http://elsewhere now: .* --base-url"
        self.refuse(chakra, "bulk", "resume", "run.db", said=said, CHAKRA_BASE_URL="http://elsewhere")

    def test_on_unknown(self, chakra, kept):
        retry = ("--on-unknown", "retry")
        self.refuse(chakra, "bulk", "resume", "run.db", *retry, said="about create, and run.db is")
        self.refuse(chakra, *CREATE, *retry, said="give --journal FILE")

    def test_a_journal_in_use(self, chakra, kept):
        journal = Journal("used.db", Plan(base_url="http://x", procedure="aircraft", operation="updated"))
        try:
            self.refuse(chakra, *UPDATE, "--journal", "used.db", said="in use by another run; wait for it")
        finally:
            journal.close()

    def test_what_is_no_journal(self, chakra, kept):
        Path("notes.db").write_text("somebody's notes, long enough to be read as a page " * 50)
        for command in (("resume", "notes.db"), ("status", "notes.db"), ("failures", "notes.db", "-o", "f")):
            self.refuse(chakra, "bulk", *command, said="damaged or no journal")
        self.refuse(chakra, *UPDATE, "--journal", "notes.db", said="damaged or no journal")
        self.refuse(chakra, *UPDATE, "--journal", "many.csv", said="is the file being read")
        self.refuse(chakra, *UPDATE, "--journal", "nowhere/run.db", said="Is its folder there")
        self.refuse(chakra, *UPDATE, *KEPT, "--failures", "run.db", "--overwrite", said="is the journal")
        self.refuse(chakra, *UPDATE, "--journal", "", said="--journal is given no name")
        self.refuse(chakra, "bulk", "status", "missing.db", said="does not exist")

    def test_a_programs_journal(self, chakra, kept):
        Journal("own.db", Plan(base_url="http://x", procedure="aircraft", operation="updated")).close()
        self.refuse(chakra, "bulk", "resume", "own.db", said="came from a program, and only what has begun")
        assert "rows from a program" in chakra("bulk", "status", "own.db").stdout


def test_help_knows_the_journal(chakra):
    for action in ("update", "create", "delete"):
        assert "--journal FILE" in chakra("bulk", action, "--help").stdout
    assert "--on-unknown" in chakra("bulk", "create", "--help").stdout
    assert "--on-unknown" not in chakra("bulk", "update", "--help").stdout
    listed = chakra("bulk", "--help").stdout
    assert all(re.search(rf"^  {name}  ", listed, re.MULTILINE) for name in ("resume", "status", "failures"))
