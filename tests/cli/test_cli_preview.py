"""--dry-run, --diff and --only-changed: what would be done is shown, and no more is done than needed."""

import json
import re
from pathlib import Path

import pytest


UPDATE = ("bulk", "update", "aircraft")
NEWS = """\
tailnum,state,seats
N10156,RETIRED,55
N102UW,NEW,182
N103US,SCRAP,182
N104UW,NEW,many
X1,NEW,1
N10156,NEW,55
"""
COLUMNS = ("--key", "tailnum", "--state-column", "state", "--type", "seats=int")


@pytest.fixture
def asked(emulator, request):
    """What arrives from here on."""
    start = emulator.request_count
    return lambda: [(one.method, one.path.rpartition("/")[2]) for one in emulator.requests[start:]]


@pytest.fixture
def fleet(chakra):
    """The four aircraft, with whole numbers of seats."""
    result = chakra(
        "bulk", "create", "aircraft", "planes.csv", "--key", "tailnum", "--type", "seats=int", "-q"
    )
    assert result.exit_code == 0, result.output
    Path("news.csv").write_text(NEWS)


class TestDryRun:
    def test_every_row_is_checked_and_nothing_sent(self, chakra, emulator, fleet, asked):
        before = emulator.request_count
        result = chakra(*UPDATE, "news.csv", *COLUMNS, "--dry-run", "--failures", "failed.csv")
        assert result.exit_code == 1
        assert [request.path for request in emulator.requests[before:]] == ["/v1/ext/config"]
        lines = result.stdout.splitlines()
        assert lines[0] == "aircraft: 4 valid, 2 invalid"
        assert re.fullmatch(r"Nothing was sent: 6 rows looked at in [\d.]+ s\.", lines[1])
        assert (
            "  line 7, N10156: note: line 7 and line 2 concern the same process; both would be sent, in order"
            in lines
        )
        assert "  line 4, N103US: invalid: the team's config knows no state 'SCRAP' of 'aircraft'" in lines
        assert "  line 5, N104UW: invalid: column 'seats': 'many' is not a whole number" in result.stdout
        assert "mend that file" in result.stdout
        assert len(Path("failed.csv").read_text().splitlines()) == 3

    def test_the_emulator_knows_the_attributes_it_was_told(self, chakra, emulator, here):
        def check():
            return chakra("bulk", "create", "aircraft", "planes.csv", "--key", "tailnum", *seats, "--dry-run")

        seats = ("--type", "seats=int")
        emulator.add_procedure("aircraft", primary_key="tailnum", attributes=("seats", "year"))
        result = check()
        assert (result.exit_code, "knows no attribute 'model'" in result.stdout) == (1, True), result.output
        emulator.add_procedure("aircraft", primary_key="tailnum", attributes=("seats", "year", "model"))
        result = check()
        assert (result.exit_code, "4 valid" in result.stdout) == (0, True), result.output

    @pytest.mark.parametrize("command", ["create", "delete"])
    def test_of_the_other_commands(self, chakra, emulator, here, command):
        result = chakra("bulk", command, "aircraft", "planes.csv", "--key", "tailnum", "--dry-run", "--json")
        account = json.loads(result.stdout)
        assert (result.exit_code, account["valid"], account["dry_run"], account["ok"]) == (0, 4, True, True)
        assert [request.method for request in emulator.requests] == ["GET"]

    def test_a_text_in_the_place_of_a_number_is_told(self, chakra, fleet):
        result = chakra(*UPDATE, "planes.csv", "--key", "tailnum", "--dry-run")
        assert result.exit_code == 1
        said = "attribute 'seats' takes a whole number (integer), not \"55\"; in a file, give the column its"
        assert said in result.stdout

    def test_quiet(self, chakra, fleet):
        options = ("--type", "seats=int", "--dry-run", "-q")
        assert chakra(*UPDATE, "planes.csv", "--key", "tailnum", *options).output == ""

    def test_no_journal(self, chakra, emulator):
        for option in ("--dry-run", "--diff"):
            result = chakra(*UPDATE, "planes.csv", "--key", "tailnum", option, "--journal", "run.db")
            assert (result.exit_code, "nothing that a journal could remember" in result.stderr) == (2, True)
        assert emulator.request_count == 0


class TestDiff:
    def test_each_field_that_would_change(self, chakra, emulator, fleet):
        before = emulator.request_count
        result = chakra(*UPDATE, "news.csv", *COLUMNS, "--diff")
        assert result.exit_code == 1
        assert {request.method for request in emulator.requests[before:]} == {"GET", "POST"}
        assert result.stdout.startswith(
            'line 2, N10156\n    state: "NEW" -> "RETIRED"\n'
            "line 7, N10156\n    line 7 and line 2 concern the same process; both would be sent, in order\n"
            "aircraft: 1 unchanged, 2 valid, 3 invalid\n"
        )
        assert "  line 6, X1: invalid: no process with tailnum 'X1' was found\n" in result.stdout

    def test_in_the_order_of_the_file_however_it_is_fetched(self, chakra, fleet):
        Path("many.csv").write_text("tailnum,seats\n" + "".join(f"M{n},{n}\n" for n in range(60)))
        options = ("--key", "tailnum", "--type", "seats=int")
        assert chakra("bulk", "create", "aircraft", "many.csv", *options, "-q").exit_code == 0
        Path("many.csv").write_text("tailnum,seats\n" + "".join(f"M{n},-1\n" for n in range(60)))
        result = chakra(*UPDATE, "many.csv", *options, "--diff", "--chunk-size", "3")
        shown = re.findall(r"^line (\d+), M\d+\n    seats: \d+ -> -1$", result.stdout, re.MULTILINE)
        assert shown == [str(line) for line in range(2, 62)]

    def test_nothing_differs(self, chakra, fleet):
        result = chakra(*UPDATE, "planes.csv", "--key", "tailnum", "--type", "seats=int", "--diff")
        assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "aircraft: 4 unchanged")

    def test_json_leaves_stdout_to_the_account(self, chakra, fleet):
        result = chakra(*UPDATE, "news.csv", *COLUMNS, "--diff", "--json")
        account = json.loads(result.stdout)
        assert (account["unchanged"], account["valid"], account["invalid"], account["warnings"]) == (
            1,
            2,
            3,
            1,
        )
        assert 'state: "NEW" -> "RETIRED"' in result.stderr

    def test_what_a_service_says_cannot_rule_the_terminal(self, chakra, emulator, fleet):
        Path("bad.csv").write_text("tailnum,model\nN10156,\x1b[2Jmodel\n")
        assert chakra(*UPDATE, "bad.csv", "--key", "tailnum").exit_code == 0
        result = chakra(*UPDATE, "planes.csv", "--key", "tailnum", "--type", "seats=int", "--diff")
        assert r'model: "\u001b[2Jmodel" -> "EMB-145XR"' in result.stdout
        assert "\x1b" not in result.output


def test_only_changed_sends_only_that(chakra, emulator, fleet):
    Path("some.csv").write_text("tailnum,model,seats\nN10156,EMB-145XR,7\nN102UW,A320-214,182\n")
    options = ("--key", "tailnum", "--type", "seats=int", "--only-changed")
    result = chakra(*UPDATE, "some.csv", *options)
    assert (result.exit_code, "aircraft: 1 updated, 1 unchanged" in result.stdout) == (0, True), result.output
    [body] = [request.body for request in emulator.requests if request.method == "PATCH"]
    assert json.loads(body)["processes"] == [{"tailnum": "N10156", "update": {"data": {"seats": 7}}}]


def test_a_resumed_run_goes_on_as_it_was_begun(chakra, emulator, fleet):
    Path("news.csv").write_text("tailnum,seats\n" + "".join(f"{name},9\n" for name in ("N10156", "N102UW")))
    options = ("--only-changed", "--chunk-size", "1", "--concurrency", "1", "--journal", "run.db")
    emulator.faults.next("PATCH", status=401, after=1)
    result = chakra(*UPDATE, "news.csv", "--key", "tailnum", "--type", "seats=int", *options)
    assert (result.exit_code, "1 updated" in result.stdout) == (3, True), result.output
    emulator.faults.clear()
    Path("same.csv").write_text("tailnum,seats\nN102UW,9\n")
    assert chakra(*UPDATE, "same.csv", "--key", "tailnum", "--type", "seats=int", "-q").exit_code == 0
    result = chakra("bulk", "resume", "run.db")
    assert (result.exit_code, "1 updated, 1 unchanged" in result.stdout) == (0, True), result.output
    status = json.loads(chakra("bulk", "status", "run.db", "--json").stdout)
    assert (status["unchanged"], status["updated"], status["next"]) == (1, 1, "nothing")
