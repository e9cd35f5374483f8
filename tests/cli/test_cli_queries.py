"""``chakra processes`` and ``chakra jobs``."""

import csv
import io
import json
import re
from pathlib import Path

import pytest


@pytest.fixture
def job(emulator, chakra, created):
    """The id of a job all of whose entries succeeded."""
    return next(iter(_jobs(emulator)))


def _jobs(emulator):
    for request in emulator.requests:
        if found := re.search(r"/background-job/([^/?]+)", request.path):
            yield found[1]


KEY = ("--key", "tailnum")


class TestGet:
    def test_by_key(self, chakra, created):
        result = chakra("processes", "get", "aircraft", "N104UW", "--key", "tailnum")
        assert result.exit_code == 0
        assert re.search(r"^  model +A320-214$", result.stdout, re.MULTILINE)

    def test_by_id_as_json(self, chakra, emulator, created):
        one = emulator.process("aircraft", "N104UW")
        result = chakra("processes", "get", "aircraft", one["id"], "--output", "json")
        assert json.loads(result.stdout)["data"] == one["data"]

    @pytest.mark.parametrize(
        "arguments",
        [("nope",), ("nope", *KEY), ("77", *KEY), ("89910000000012345678", *KEY), ("9" * 5000, *KEY)],
    )
    def test_none(self, chakra, created, arguments):
        result = chakra("processes", "get", "aircraft", *arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: ")

    def test_by_a_number(self, chakra, created):
        Path("n.csv").write_text("tailnum,seats\nN104UW,4711\n")
        assert (
            chakra("bulk", "update", "aircraft", "n.csv", "--key", "tailnum", "--type", "seats=int").exit_code
            == 0
        )
        assert "N104UW" in chakra("processes", "get", "aircraft", "4711", "--key", "seats").stdout

    def test_an_id_that_is_none(self, chakra):
        assert chakra("processes", "get", "aircraft", "..").exit_code == 2


class TestList:
    def test_table(self, chakra, created):
        result = chakra("processes", "list", "aircraft")
        lines = result.stdout.splitlines()
        assert lines[0].split() == ["id", "status", "state", "tailnum", "year", "model", "seats"]
        assert len(lines) == 6
        assert "N104UW" in lines[-1]

    def test_where(self, chakra, created):
        result = chakra(
            "processes", "list", "aircraft", "--where", '{"tailnum": "N104UW"}', "--output", "jsonl"
        )
        assert [json.loads(line)["data"]["year"] for line in result.stdout.splitlines()] == ["NA"]

    @pytest.mark.parametrize("where", ["{", "[]", "3"])
    def test_where_that_is_none(self, chakra, emulator, where):
        result = chakra("processes", "list", "aircraft", "--where", where)
        assert (result.exit_code, "status" in result.stderr) == (2, True)
        assert emulator.request_count == 0

    def test_nothing_found(self, chakra):
        assert chakra("processes", "list", "aircraft", "--output", "json").stdout == "[]\n"
        assert "no processes" in chakra("processes", "list", "aircraft").stderr

    def test_pages_and_limits(self, chakra):
        Path("many.csv").write_text("tailnum\n" + "".join(f"N{number}\n" for number in range(250)))
        assert chakra("bulk", "create", "aircraft", "many.csv", "--key", "tailnum", "-q").exit_code == 0
        for limit, due in ((0, 250), (1, 1), (100, 100), (101, 101), (999, 250)):
            for output in ("jsonl", "json"):
                text = chakra(
                    "processes", "list", "aircraft", "--limit", str(limit), "--output", output
                ).stdout
                found = json.loads(text) if output == "json" else text.splitlines()
                assert len(found) == due
        result = chakra("processes", "list", "aircraft")
        assert len(result.stdout.splitlines()) == 22
        assert "there may be more" in result.stderr

    def test_csv_goes_back_in(self, chakra, emulator, created):
        late = {"tailnum": "N9", "late": {"a": [1]}, "status": "mine"}
        Path("late.jsonl").write_text(json.dumps(late) + "\n")
        assert chakra("bulk", "create", "aircraft", "late.jsonl", "--key", "tailnum").exit_code == 0
        text = chakra("processes", "list", "aircraft", "--output", "csv").stdout
        rows = list(csv.DictReader(io.StringIO(text)))
        assert rows[-1]["late"] == '{"a":[1]}'
        assert rows[-1]["data.status"] == "mine"
        assert rows[0]["late"] == ""
        Path("back.csv").write_text(text.replace("A320-214", "A320"))
        options = ("--id", "id", "--data", "model", "--status-column", "status")
        assert chakra("bulk", "update", "aircraft", "back.csv", *options).exit_code == 0
        assert emulator.process("aircraft", "N104UW")["data"]["model"] == "A320"

    def test_any_text_goes_through_csv(self, chakra, created):
        text, other = "a\rb", 'c, "d"\ne'
        odd = {"tailnum": "N10156", "model": text, "remark": other}
        Path("odd.jsonl").write_text(json.dumps(odd) + "\n")
        assert chakra("bulk", "update", "aircraft", "odd.jsonl", "--key", "tailnum").exit_code == 0
        listed = chakra("processes", "list", "aircraft", "--output", "csv").stdout_bytes
        rows = list(csv.DictReader(io.StringIO(listed.decode(), newline="")))
        assert (text, other) in [(row["model"], row["remark"]) for row in rows]
        assert len(rows) == 4
        assert listed.startswith(b"id,status,state,assigned_to,next_action_at,tailnum,")
        assert b"\r\n" not in listed

    def test_no_such_procedure(self, chakra):
        result = chakra("processes", "list", "nonesuch")
        assert (result.exit_code, "nonesuch" in result.stderr) == (1, True)

    def test_the_token_is_refused(self, chakra):
        assert chakra("processes", "list", "aircraft", CHAKRA_ACCESS_TOKEN="wr0ng").exit_code == 3


class TestJobs:
    def test_get(self, chakra, job):
        result = chakra("jobs", "get", job)
        assert result.exit_code == 0
        assert re.search(r"SUCCESS +4", result.stdout)
        assert json.loads(chakra("jobs", "get", job, "--output", "json").stdout)["counts"]["SUCCESS"] == 4

    def test_no_such_job(self, chakra):
        assert chakra("jobs", "get", "nope").exit_code == 1
        assert chakra("jobs", "wait", "nope").exit_code == 1

    def test_wait(self, chakra, job):
        result = chakra("jobs", "wait", job)
        assert (result.exit_code, result.stderr) == (0, "")

    def test_wait_for_a_job_with_failures(self, chakra, emulator, created):
        Path("bad.csv").write_text("tailnum,seats\nN10156,1\nX1,2\n")
        assert chakra("bulk", "update", "aircraft", "bad.csv", "--key", "tailnum").exit_code == 1
        *_, last = _jobs(emulator)
        result = chakra("jobs", "wait", last)
        assert result.exit_code == 1
        assert "X1" in result.stderr
        assert "1 entry did not succeed" in result.stderr

    def test_time_out(self, chakra, emulator, created, environment):
        emulator.faults.next_job("stuck")
        stuck = _submit(emulator)
        result = chakra("jobs", "wait", stuck, "--timeout", "0.1")
        assert result.exit_code == 75
        assert "has not ended within 0.1 s" in result.stderr
        assert "75" in chakra("jobs", "wait", "--help").stdout

    def test_a_time_that_is_none(self, chakra, emulator):
        before = emulator.request_count
        result = chakra("jobs", "wait", "j", "--timeout", "nan")
        assert (result.exit_code, emulator.request_count) == (2, before)
        assert "timeout is no number of seconds" in result.stderr


def _submit(emulator):
    from chakra_async import Client, ProcessUpdate

    async def submit():
        async with Client(emulator.token, base_url=emulator.url) as client:
            rows = [ProcessUpdate(key=("tailnum", "N10156"), data={"seats": 1})]
            return (await client.processes.start_bulk_update("aircraft", rows)).id

    import asyncio

    return asyncio.run(submit())
