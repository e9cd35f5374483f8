"""chakra bulk plan and apply: what is read beforehand is what is done."""

import json
import re
from pathlib import Path

import pytest


NEWS = "tailnum,state,seats\nN10156,RETIRED,55\nN102UW,NEW,182\nN103US,IN_SERVICE,1\n"
COLUMNS = ("--key", "tailnum", "--state-column", "state", "--type", "seats=int")
PLAN = ("bulk", "plan", "aircraft", "news.csv", *COLUMNS, "-o", "news.plan")
APPLY = ("bulk", "apply", "news.plan")


@pytest.fixture(autouse=True)
def fleet(chakra):
    result = chakra(
        "bulk", "create", "aircraft", "planes.csv", "--key", "tailnum", "--type", "seats=int", "-q"
    )
    assert result.exit_code == 0, result.output
    Path("news.csv").write_text(NEWS)


@pytest.fixture
def planned(chakra):
    assert chakra(*PLAN, "-q").exit_code == 0


def states(emulator):
    return {
        item["data"]["tailnum"]: (item["state"], item["data"]["seats"])
        for item in emulator.processes("aircraft")
    }


def test_a_plan_is_written_and_then_done(chakra, emulator):
    before = states(emulator)
    result = chakra(*PLAN)
    assert result.exit_code == 0
    assert "aircraft: 1 unchanged, 2 valid\n" in result.stdout
    assert "2 rows in news.plan. To send exactly that: chakra bulk apply news.plan\n" in result.stdout
    assert states(emulator) == before
    lines = [json.loads(line) for line in Path("news.plan").read_text().splitlines()]
    assert lines[0]["source"]["path"].endswith("news.csv")
    assert [line["line"] for line in lines[1:-1]] == [2, 4]
    assert lines[2]["before"] == {"data": {"seats": 182}, "state": "NEW"}
    assert emulator.token not in Path("news.plan").read_text()
    result = chakra(*APPLY, "--dry-run")
    assert (result.exit_code, "2 valid" in result.stdout) == (0, True)
    assert states(emulator) == before
    result = chakra(*APPLY)
    assert (result.exit_code, "aircraft: 2 updated" in result.stdout) == (0, True), result.output
    assert states(emulator) == {**before, "N10156": ("RETIRED", 55), "N103US": ("IN_SERVICE", 1)}
    again = chakra(*APPLY, "--json")
    assert (again.exit_code, json.loads(again.stdout)["unchanged"]) == (0, 2)


def test_rows_that_cannot_be_planned(chakra, emulator):
    Path("news.csv").write_text(NEWS + "X1,NEW,1\nN10156,NEW,55\n")
    result = chakra(*PLAN, "--failures", "failed.csv", "--json")
    account = json.loads(result.stdout)
    assert (result.exit_code, account["valid"], account["invalid"], account["plan"]) == (1, 2, 2, "news.plan")
    assert "line 6 and line 2 concern the same process" in result.stderr
    assert len(Path("failed.csv").read_text().splitlines()) == 3
    assert json.loads(Path("news.plan").read_text().splitlines()[-1])["rows"] == 2


def test_what_has_changed_since_is_left_alone(chakra, emulator, planned):
    Path("other.csv").write_text("tailnum,seats\nN103US,9\n")
    assert (
        chakra("bulk", "update", "aircraft", "other.csv", *COLUMNS[:2], "--type", "seats=int", "-q").exit_code
        == 0
    )
    shown = " ".join(chakra("bulk", "apply", "--help").stdout.split())
    assert "which is there once the run has ended. What has changed meanwhile needs a new plan." in shown
    result = chakra(*APPLY, "--dry-run")
    assert "Give --failures FILE to get every such row, with its reason, in a file." in result.stdout
    result = chakra(*APPLY, "--failures", "failed.jsonl")
    assert result.exit_code == 1
    assert "aircraft: 1 updated, 1 invalid" in result.stdout
    assert "  line 4, N103US: invalid: changed meanwhile: seats was 182 and is 9 now\n" in result.stdout
    assert "It is in failed.jsonl, with the reason. What has changed needs a new plan." in result.stdout
    assert json.loads(Path("failed.jsonl").read_text())["key"] == ["tailnum", "N103US"]
    assert states(emulator)["N103US"] == ("NEW", 9)
    assert chakra(*APPLY, "--even-if-changed", "-q").exit_code == 0
    assert states(emulator)["N103US"] == ("IN_SERVICE", 1)


@pytest.mark.parametrize("force", [(), ("--even-if-changed",)])
def test_it_can_be_taken_up_again(chakra, emulator, planned, force):
    emulator.faults.next("PATCH", status=401, after=1, times=10)
    result = chakra(*APPLY, *force, "--journal", "run.db", "--chunk-size", "1", "--concurrency", "1")
    assert (result.exit_code, "1 updated" in result.stdout) == (3, True), result.output
    assert result.stderr.splitlines()[-1] == "To go on: chakra bulk resume run.db"
    emulator.faults.clear()
    result = chakra("bulk", "resume", "run.db", "--json")
    account = json.loads(result.stdout)
    assert (result.exit_code, account["updated"], account["resumed"]) == (0, 2, 1), result.output
    assert states(emulator)["N103US"] == ("IN_SERVICE", 1)
    assert "rows from " in chakra("bulk", "status", "run.db").stdout
    result = chakra("bulk", "failures", "run.db", "-o", "failed.jsonl")
    assert "Every row was done" in result.stdout


def test_failures_of_a_plans_journal_are_its_lines(chakra, emulator, planned):
    Path("other.csv").write_text("tailnum,state\nN103US,RETIRED\n")
    assert chakra("bulk", "update", "aircraft", "other.csv", *COLUMNS[:4], "-q").exit_code == 0
    assert chakra(*APPLY, "--journal", "run.db", "-q").exit_code == 1
    assert chakra("bulk", "failures", "run.db", "-o", "failed.jsonl").exit_code == 0
    line = json.loads(Path("failed.jsonl").read_text())
    assert line["_chakra"]["errors"] == ['changed meanwhile: state was "NEW" and is "RETIRED" now']


class TestRefused:
    def refuse(self, chakra, emulator, *arguments, said, **env):
        before = emulator.request_count
        result = chakra(*arguments, **env)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        assert re.search(said, result.stderr), result.stderr
        assert emulator.request_count == before

    def test_a_plan_that_is_not_as_it_was_written(self, chakra, emulator, planned):
        text = Path("news.plan").read_text()
        Path("news.plan").write_text(text.replace("RETIRED", "NEW"))
        self.refuse(chakra, emulator, *APPLY, said="cut short or edited; make a new plan")
        Path("news.plan").write_text(text[:-80])
        self.refuse(chakra, emulator, *APPLY, said="cut short or edited; make a new plan")
        Path("news.plan").write_text(NEWS)
        self.refuse(chakra, emulator, *APPLY, "--even-if-changed", said="is no plan of a bulk update")

    def test_a_plan_of_another_place(self, chakra, emulator, planned):
        said = r"made for 127\.0\.0\.1:\d+, and the address is elsewhere now: .*--base-url"
        self.refuse(chakra, emulator, *APPLY, said=said, CHAKRA_BASE_URL="http://elsewhere")

    def test_where_it_may_not_be_written(self, chakra, emulator, planned):
        self.refuse(chakra, emulator, *PLAN, said="news.plan exists; move it away, or give --overwrite")
        to = PLAN[:-1]
        self.refuse(chakra, emulator, *to, "news.csv", "--overwrite", said="write the plan to another")
        self.refuse(chakra, emulator, *to, "no/x.plan", said="there is no directory no for the plan")
        both = ("f", "--failures", "./f")
        self.refuse(chakra, emulator, *to, *both, said="cannot be one file")
        assert chakra(*PLAN, "--overwrite", "-q").exit_code == 0

    def test_a_journal_of_another_way(self, chakra, emulator, planned):
        assert chakra(*APPLY, "--journal", "run.db", "-q").exit_code == 0
        options = ("--even-if-changed", "--journal", "run.db")
        self.refuse(chakra, emulator, *APPLY, *options, said="even-if-changed was false and is true")


def test_a_plan_that_was_broken_off_leaves_none(chakra, emulator):
    emulator.faults.next("POST", path="/list", status=401)
    result = chakra(*PLAN)
    assert result.exit_code == 3
    assert not Path("news.plan").exists()
    assert "To send exactly that" not in result.stdout


def test_a_full_disk_leaves_no_plan(chakra, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chakra_async.bulk.plans.PlanWriter.write", full)
    result = chakra(*PLAN)
    assert (result.exit_code, "No space left" in result.stderr) == (3, True), result.output
    assert not Path("news.plan").exists()


def test_examples_of_the_help(chakra):
    Path("planes.csv").write_text("tailnum,seats\nN10156,1\n")
    for command in ("plan", "apply"):
        assert chakra("bulk", command, "--help").exit_code == 0
    assert "-o planes.plan" in chakra("bulk", "plan", "--help").stdout
