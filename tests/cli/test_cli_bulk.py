"""The bulk commands: what they send, say and leave behind."""

import csv
import gzip
import json
import re
import shlex
from pathlib import Path

import pytest
import stamina
from click.testing import CliRunner

from chakra_async.cli.app import app
from tests.raw import closed_port


UPDATE = ("bulk", "update", "aircraft")


def seats(emulator):
    return {item["data"]["tailnum"]: item["data"].get("seats") for item in emulator.processes("aircraft")}


class TestWhatIsSent:
    def test_create_sends_every_column(self, chakra, emulator):
        result = chakra("bulk", "create", "aircraft", "planes.csv", "--key", "tailnum", "--type", "seats=int")
        assert result.exit_code == 0
        assert "aircraft: 4 created" in result.stdout
        assert emulator.process("aircraft", "N104UW")["data"] == {
            "tailnum": "N104UW",
            "year": "NA",
            "model": "A320-214",
            "seats": 182,
        }

    def test_update_sends_what_it_is_told(self, chakra, emulator, created):
        Path("states.csv").write_text("tail;to;places;note\nN10156;RETIRED;5;x\nN102UW;IN_SERVICE;none;y\n")
        result = chakra(
            *UPDATE, "states.csv", "--key", "tail=tailnum", "--state-column", "to", "--data", "places=seats",
            "--type", "places=int", "--missing", "none", "--missing-as", "null", "--delimiter", ";",
        )  # fmt: skip
        assert (result.exit_code, "2 updated" in result.stdout) == (0, True), result.output
        first, second = (emulator.process("aircraft", name) for name in ("N10156", "N102UW"))
        assert (first["state"], first["data"]["seats"]) == ("RETIRED", 5)
        assert (second["state"], second["data"].get("seats")) == ("IN_SERVICE", None)
        assert "note" not in first["data"]

    def test_update_by_id_from_jsonl(self, chakra, emulator, created):
        ids = [item["id"] for item in emulator.processes("aircraft")]
        Path("rows.jsonl").write_text("".join(json.dumps({"pid": one, "seats": 7}) + "\n" for one in ids))
        assert chakra(*UPDATE, "rows.jsonl", "--id", "pid").exit_code == 0
        assert set(seats(emulator).values()) == {7}

    def test_delete_reads_the_key_alone(self, chakra, emulator, created):
        result = chakra("bulk", "delete", "aircraft", "planes.csv", "--key", "tailnum")
        assert (result.exit_code, "4 deleted" in result.stdout) == (0, True)
        assert all(item["isDeleted"] for item in emulator.processes("aircraft"))
        bodies = [request.body for request in emulator.requests if request.method == "PATCH"]
        assert b"seats" not in bodies[-1]

    def test_stdin(self, chakra, emulator, created):
        tsv = "tailnum\tseats\nN10156\t1\nN102UW\t2\n"
        result = chakra(*UPDATE, "-", "--format", "csv", "--delimiter", r"\t", "--key", "tailnum", stdin=tsv)
        assert result.exit_code == 0, result.output
        assert seats(emulator)["N102UW"] == "2"

    def test_gzip_and_encoding(self, chakra, emulator, created):
        Path("p.csv.gz").write_bytes(gzip.compress("tailnum,model\nN10156,Dürr\n".encode("cp1252")))
        assert chakra(*UPDATE, "p.csv.gz", "--key", "tailnum", "--encoding", "cp1252").exit_code == 0
        assert emulator.process("aircraft", "N10156")["data"]["model"] == "Dürr"

    def test_chunks(self, chakra, emulator, created):
        result = chakra(*UPDATE, "planes.csv", "--key", "tailnum", "--chunk-size", "1", "--json", "-q")
        assert json.loads(result.stdout)["jobs"] == 4
        assert re.match(r"\d+ jobs at once \(", json.loads(result.stdout)["pace"])

    def test_the_pace_is_told_where_there_was_one(self, chakra, created):
        result = chakra(*UPDATE, "planes.csv", "--key", "tailnum")
        assert "Pace" not in result.stdout
        lines = "".join(f"N102UW,{seats}\n" for seats in range(30))
        Path("seats.csv").write_text("tailnum,seats\n" + lines)
        result = chakra(*UPDATE, "seats.csv", "--key", "tailnum", "--chunk-size", "2")
        assert re.search(r"^Pace at the end: (1 job|\d+ jobs) at .*\)\.$", result.stdout, re.MULTILINE)

    def test_a_file_without_rows(self, chakra):
        Path("none.csv").write_text("tailnum,seats\n")
        result = chakra(*UPDATE, "none.csv", "--key", "tailnum")
        assert (result.exit_code, "aircraft: no rows" in result.stdout) == (0, True)


class TestWhatIsSaid:
    def test_rows_that_did_not_succeed(self, chakra, created):
        Path("bad.csv").write_text('tailnum,state\nN10156,RETIRED\nN102UW,OLD\nN103US\nX1,NEW\nN1,"bad\n')
        result = chakra(*UPDATE, "bad.csv", "--key", "tailnum", "--state-column", "state")
        assert result.exit_code == 1
        assert re.search(r"^  line 3, N102UW: \w+: .*OLD", result.stdout, re.MULTILINE)
        assert re.search(r"^  line 4, N103US: invalid: 1 field,", result.stdout, re.MULTILINE)
        assert re.search(r"^  line 5, X1: \w+: ", result.stdout, re.MULTILINE)
        assert re.search(r"^  line 6: invalid: .*well-formed", result.stdout, re.MULTILINE)
        assert "Give --failures FILE" in result.stdout

    @pytest.mark.parametrize(
        ("procedure", "env"),
        [
            ("aircraft", {"CHAKRA_ACCESS_TOKEN": "wrong-token"}),
            ("aircraft", {"CHAKRA_BASE_URL": f"http://127.0.0.1:{closed_port()}"}),
            ("airship", {}),
        ],
    )
    def test_no_row_is_to_be_mended_where_the_cause_is_elsewhere(self, chakra, here, procedure, env):
        result = chakra("bulk", "update", procedure, "planes.csv", "--key", "tailnum", **env)
        assert (result.exit_code, "4 rows failed" in result.stdout) == (3, True), result.output
        assert "--failures" not in result.stdout
        Path("planes.csv").write_text("tailnum,seats\nN1,x\nN2,2\n")
        options = ("--key", "tailnum", "--type", "seats=int")
        mixed = chakra("bulk", "update", procedure, "planes.csv", *options, **env)
        assert "in a file made to be mended" in mixed.stdout, mixed.output

    def test_a_reason_of_many_rows_is_said_once(self, chakra, created):
        Path("bad.csv").write_text("tailnum,seats\n" + "".join(f"N102UW,x{i % 12}\n" for i in range(40)))
        result = chakra(*UPDATE, "bad.csv", "--key", "tailnum", "--type", "seats=int")
        assert result.exit_code == 1
        assert "4 rows invalid: column 'seats': 'x0' is not a whole number" in result.stdout
        assert "    line 2, N102UW; line 14, N102UW; line 26, N102UW; and 1 more" in result.stdout
        assert re.search(r"^  and \d+ more$", result.stdout, re.MULTILINE)
        assert len(result.stdout.splitlines()) < 20

    def test_json(self, chakra, created):
        Path("bad.csv").write_text("tailnum,seats\nN10156,1\nX1,2\n")
        result = chakra(*UPDATE, "bad.csv", "--key", "tailnum", "--json", "--failures", "f.csv")
        account = json.loads(result.stdout)
        assert (result.exit_code, account["ok"], account["total"], account["updated"]) == (1, False, 2, 1)
        assert account["reasons"][0]["first"] == [{"line": 3, "key": "X1"}]
        assert account["failures"] == "f.csv"
        assert "aircraft: 1 updated" in result.stderr

    def test_quiet(self, chakra, created):
        assert chakra(*UPDATE, "planes.csv", "--key", "tailnum", "-q").output == ""
        Path("bad.csv").write_text("tailnum,seats\nX1,2\n")
        result = chakra(*UPDATE, "bad.csv", "--key", "tailnum", "-q")
        assert "line 2, X1" in result.stdout
        assert result.stderr == ""

    def test_unknown_rows(self, chakra, emulator):
        emulator.faults.next("POST", "/bulk-create", reset="after")
        result = chakra("bulk", "create", "aircraft", "planes.csv")
        assert result.exit_code == 3
        assert "4 rows unknown" in result.stdout
        assert "may be created twice" in result.stdout

    def test_control_characters_do_not_reach_the_terminal(self, chakra, created):
        Path("bad.csv").write_text("tailnum,seats\nX\x1b[2J1,2\n")
        result = chakra(*UPDATE, "bad.csv", "--key", "tailnum")
        assert result.exit_code == 1
        assert "\x1b" not in result.output

    def test_the_last_line_of_progress_always_comes(self, chakra, created):
        result = chakra(*UPDATE, "planes.csv", "--key", "tailnum")
        assert re.search(r"^4 rows in [\d.]+ s \([\d,]+ rows/s\): 4 updated$", result.stderr, re.MULTILINE)

    def test_stop_on_error(self, chakra, emulator, created):
        Path("bad.csv").write_text("tailnum,seats\nX1,1\nN10156,2\nN102UW,3\nN103US,4\n")
        result = chakra(
            *UPDATE,
            "bad.csv",
            "--key",
            "tailnum",
            "--stop-on-error",
            "--chunk-size",
            "1",
            "--concurrency",
            "1",
        )
        assert result.exit_code == 1
        assert "ended early" in result.stdout
        assert seats(emulator)["N103US"] == "182"


class TestFailures:
    def test_mended_and_fed_back(self, chakra, emulator, created):
        Path("bad.csv").write_text('tailnum,seats\nN10156,1\nN102UW,two\nN103US\n"N104UW"x,4\n')
        options = ("--key", "tailnum", "--type", "seats=int")
        result = chakra(*UPDATE, "bad.csv", *options, "--failures", "failed.csv")
        assert (result.exit_code, "in failed.csv" in result.stdout) == (1, True)
        with Path("failed.csv").open(newline="") as file:
            rows = {row["chakra_line"]: row for row in csv.DictReader(file)}
        assert sorted(rows) == ["3", "4", "5"]
        text = Path("failed.csv").read_text()
        text = text.replace(",two", ",2").replace(",N103US\n", ",N103US,3\n").replace('"N104UW"x', "N104UW")
        Path("failed.csv").write_text(text)
        again = chakra(*UPDATE, "failed.csv", *options, "--failures", "failed2.csv")
        assert (again.exit_code, "3 updated" in again.stdout) == (0, True), again.output
        assert not Path("failed2.csv").exists()
        assert seats(emulator) == {"N10156": 1, "N102UW": 2, "N103US": 3, "N104UW": 4}

    def test_of_another_encoding(self, chakra, emulator, created):
        Path("bad.csv").write_bytes("tailnum,model,seats\nN102UW,Bücher,x\n".encode("latin-1"))
        options = ("--key", "tailnum", "--type", "seats=int", "--encoding", "latin-1")
        journal = ("--journal", "run.db")
        assert chakra(*UPDATE, "bad.csv", *options, *journal, "--failures", "failed.csv").exit_code == 1
        assert chakra("bulk", "failures", "run.db", "-o", "again.csv").exit_code == 0
        for name in ("failed.csv", "again.csv"):
            mended = Path(name).read_text(encoding="utf-8").replace(",x\n", ",5\n")
            Path(name).write_text(mended, encoding="utf-8")
            assert chakra(*UPDATE, name, *options).exit_code == 0
            assert emulator.process("aircraft", "N102UW")["data"]["model"] == "Bücher"

    @pytest.mark.parametrize(
        ("source", "text", "given", "failures", "added"),
        [
            ("bad.jsonl", '{"tailnum": "X1", "seats": 1}\n', (), "failed.csv", "--format jsonl"),
            ("bad.tsv", "tailnum\tseats\nX1\t1\n", (), "failed.csv", "--delimiter tab"),
            ("bad.tsv", "tailnum\tseats\nX1\t1\n", (), "failed", "--format csv --delimiter tab"),
            ("bad.csv", "tailnum;seats\nX1;1\n", ("--delimiter", ";"), "failed.tsv", ""),
            ("bad.csv", "tailnum,seats\nX1,1\n", (), "failed.tsv", "--delimiter ,"),
            ("-", '{"tailnum": "X1", "seats": 1}\n', ("--format", "jsonl"), "failed.csv", ""),
        ],
    )
    def test_a_name_that_tells_another_format(self, chakra, created, source, text, given, failures, added):
        if source != "-":
            Path(source).write_text(text)
        options = ("--key", "tailnum", *given)
        result = chakra(*UPDATE, source, *options, "--failures", failures, stdin=text)
        assert f"the same command{added and ' with '}{added} (and" in result.stdout
        again = chakra(*UPDATE, failures, *options, *added.split())
        assert (again.exit_code, "No process" in again.stdout) == (1, True), again.output

    def test_an_older_file_is_kept_unless_told_otherwise(self, chakra, emulator, created):
        Path("failed.csv").write_text("precious")
        before = emulator.request_count
        result = chakra(*UPDATE, "planes.csv", "--key", "tailnum", "--failures", "failed.csv")
        assert (result.exit_code, "--overwrite" in result.stderr) == (2, True)
        wrong = chakra(*UPDATE, "planes.csv", "--key", "tail", "--failures", "failed.csv", "--overwrite")
        assert wrong.exit_code == 2
        assert Path("failed.csv").read_text() == "precious"
        assert emulator.request_count == before
        good = chakra(*UPDATE, "planes.csv", "--key", "tailnum", "--failures", "failed.csv", "--overwrite")
        assert good.exit_code == 0
        assert not Path("failed.csv").exists()

    @pytest.mark.parametrize(
        ("path", "reason"), [("planes.csv", "being read"), ("no/f.csv", "no directory"), (".", "not a file")]
    )
    def test_a_file_that_cannot_be_made(self, chakra, path, reason):
        result = chakra(*UPDATE, "planes.csv", "--key", "tailnum", "--failures", path, "--overwrite")
        assert (result.exit_code, reason in result.stderr) == (2, True)

    @pytest.mark.parametrize("rows", [50, 1000])
    def test_a_full_disk_ends_the_run_and_no_part_passes_for_all(self, spawn, created, small_disk, rows):
        Path("bad.csv").write_text("tailnum,seats\n" + "".join(f"X{n},{n:09}\n" for n in range(rows)))
        options = ("--key", "tailnum", "--failures", "f.csv", "--chunk-size", "100", "--json")
        with spawn(*UPDATE, "bad.csv", *options, **small_disk) as process:
            out, err = process.communicate(timeout=20)
        account = json.loads(out)
        assert process.returncode == 3, err
        assert re.match(
            r"f.csv could not be written .*File too large.* a part is in f.csv.*.part", account["error"]
        )
        assert f"Error: the failures file is not complete: {account['error']}" in err
        assert (account["ok"], account["failures"], Path("f.csv").exists()) == (False, None, False)
        assert " in f.csv" not in err.replace(account["error"], "")


class TestRefusedBeforeAnythingIsSent:
    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (("planes.csv",), "--key COLUMN"),
            (("planes.csv", "--key", "a", "--id", "b"), "not both"),
            (("nope.csv", "--key", "tailnum"), "does not exist"),
            (("planes.csv", "--key", "tailnumm"), "did you mean 'tailnum'"),
            (("planes.csv", "--key", "tailnum", "--type", "year=integer"), "one of str, int, float"),
            (("planes.csv", "--key", "tailnum", "--type", "year"), "names no type"),
            (("planes.csv", "--key", "tailnum", "--timezone", "Mars"), "not a time zone"),
            (("planes.csv", "--key", "tailnum", "--data", "a", "--data", "a=b"), "twice"),
            (("planes.csv", "--key", "tailnum", "--delimiter", ";"), "--delimiter ','"),
            (("planes.csv", "--key", "tailnum", "--encoding", "klingon"), "not a text encoding"),
            (("planes.csv", "--key", "tailnum", "--chunk-size", "0"), "--chunk-size"),
            (("planes.csv", "--key", "tailnum", "--overwrite"), "--failures"),
            (("planes.dat", "--key", "tailnum"), "--format"),
            (("-", "--key", "tailnum"), "--format"),
            (("-", "--key", "tail", "--format", "csv"), "the file is empty"),
        ],
    )
    def test_options(self, chakra, emulator, arguments, reason):
        Path("planes.dat").write_text("tailnum\n")
        result = chakra(*UPDATE, *arguments)
        assert result.exit_code == 2
        assert reason in result.stderr
        assert emulator.request_count == 0

    def test_no_token(self, chakra):
        result = chakra(*UPDATE, "planes.csv", "--key", "tailnum", CHAKRA_ACCESS_TOKEN="")
        assert (result.exit_code, "--token-file" in result.stderr) == (2, True)

    def test_a_procedure_that_is_no_name(self, chakra):
        result = chakra("bulk", "update", "..", "planes.csv", "--key", "tailnum")
        assert (result.exit_code, "another path" in result.stderr) == (2, True)


class TestRunsThatCannotGoOn:
    def test_the_token_is_refused(self, chakra):
        result = chakra(*UPDATE, "planes.csv", "--key", "tailnum", CHAKRA_ACCESS_TOKEN="wr0ng")
        assert result.exit_code == 3
        assert re.search(r"^Error: .*401.*Is the token right\?", result.stderr, re.MULTILINE)
        assert "4 rows failed: not done: The service answered 401" in result.stdout
        assert "wr0ng" not in result.output

    def test_there_is_no_such_procedure(self, chakra):
        result = chakra("bulk", "update", "nonesuch", "planes.csv", "--key", "tailnum", "--json")
        assert result.exit_code == 3
        assert "nonesuch" in json.loads(result.stdout)["error"]

    def test_the_service_is_not_there(self, chakra):
        with stamina.set_testing(True, attempts=2):
            result = chakra(*UPDATE, "planes.csv", "--key", "tailnum", "--base-url", "http://127.0.0.1:9")
        assert result.exit_code == 3
        assert "CHAKRA_BASE_URL or --base-url" in result.stderr

    def test_the_file_is_damaged(self, chakra, created):
        lines = "tailnum,seats\n" + "".join(f"N102UW,{i * i * 7919}\n" for i in range(3000))
        Path("p.csv.gz").write_bytes(gzip.compress(lines.encode())[:5000])
        result = chakra(*UPDATE, "p.csv.gz", "--key", "tailnum")
        assert result.exit_code == 3
        assert "damaged or ends early" in result.stderr
        assert "updated" in result.stdout

    def test_rows_read_before_a_pipe_breaks_are_sent(self, chakra, emulator):
        rows = [f"Z{number},{number * number * 7919}\n" for number in range(1500)]
        cut = gzip.compress("".join(["tailnum,seats\n", *rows]).encode())[:-9]
        options = ("--format", "csv", "--key", "tailnum")
        result = chakra("bulk", "create", "aircraft", "-", *options, stdin=cut)
        assert (result.exit_code, "1,500 created" in result.stdout) == (3, True), result.output
        assert "damaged or ends early, after line 1501" in result.stderr
        assert len(list(emulator.processes("aircraft"))) == 1500


class TestExamplesOfTheHelp:
    @pytest.fixture
    def files(self, here):
        Path("retired.csv").write_text("tailnum\nN10156\n")
        Path("planes.csv.gz").write_bytes(gzip.compress(Path("planes.csv").read_bytes()))
        lead = {"phone_number": "7701214822", "status": "OPEN", "city": "Goa"}
        Path("leads.jsonl").write_text(json.dumps(lead) + "\n")

    @pytest.mark.parametrize("command", ["create", "update", "delete"])
    def test_they_run(self, chakra, emulator, files, command, request):
        if command != "create":
            request.getfixturevalue("created")
            first = emulator.processes("aircraft")[0]["id"]
            Path("states.csv").write_text(f"process_id,state,note\n{first},RETIRED,x\n")
        shown = CliRunner().invoke(app, ["bulk", command, "--help"], terminal_width=120).stdout
        examples = re.findall(
            r"^    ((?:\S.* \| )?chakra .*)$", re.sub(r"(?:\\|(\|))\n +", r"\1 ", shown), re.MULTILINE
        )
        assert len(examples) >= 2
        assert f"bulk {command}" in examples[0]
        for example in examples:
            producer, _, consumer = example.rpartition(" | ")
            stdin = None
            if producer.startswith("zcat"):
                stdin = gzip.decompress(Path(producer.split()[1]).read_bytes()).decode()
            elif producer.startswith("cut"):
                stdin = Path(producer.split()[-1]).read_text()
            result = chakra(*shlex.split(consumer)[1:], stdin=stdin)
            refused = command == "create" and "--type" not in example and "lead" not in example
            assert result.exit_code == 0 or refused, (example, result.output)

    def test_exit_statuses_are_documented(self, chakra):
        shown = chakra("bulk", "--help").stdout
        assert all(
            f"\n    {status:>3}  " in shown or f" {status}  " in shown for status in (0, 1, 2, 3, 130, 143)
        )
