"""A plan says what would be sent, is sent exactly so, and is taken whole or not at all."""

import json
import os
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chakra_async import Change, JournalError, ProcessUpdate, RowResult, SourceLine
from chakra_async.bulk.plans import PlanWriter, host_of, read_plan
from chakra_async.sync import Client as SyncClient


WHEN = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
ADDRESS = "http://chakra.test:8080"
SOURCE = {"path": "/rows.csv", "size": 5, "head": "aa", "tail": "bb", "columns": {"key": "tailnum"}}


def rows():
    return [
        ProcessUpdate(
            key=("tailnum", "N0"), data={"seats": 5, "x": None}, state="RETIRED", ref=SourceLine(2, "…")
        ),
        ProcessUpdate(key=("tailnum", "N1"), data={"tailnum": "N1"}, next_action_at=WHEN),
        ProcessUpdate(key=("tailnum", "N2"), state="NEW"),
        ProcessUpdate(key=("tailnum", "N3"), state="OLD"),
    ]


async def write(chakra, path, updates):
    run = chakra.processes.bulk_update("aircraft", updates, only_changed=True, dry_run=True)
    with PlanWriter(path, procedure="aircraft", base_url=chakra.settings.base_url, source=SOURCE) as plan:
        async with run:
            async for result in run:
                plan.write(result)
    return plan


async def outcomes(run):
    async with run:
        found = {result.index: result async for result in run}
    return [found[index].outcome for index in sorted(found)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "march.plan"


async def test_a_plan_can_be_read_by_people(chakra_hq, chakra, fleet, path):
    before = chakra_hq.request_count
    assert (await write(chakra, path, rows())).count == 2
    assert {request.method for request in chakra_hq.requests[before:]} == {"GET", "POST"}
    head, *lines, last = [json.loads(line) for line in path.read_text().splitlines()]
    assert datetime.fromisoformat(head.pop("created_at")).tzinfo is not None
    assert head == {
        "chakra_plan": 1,
        "operation": "update",
        "procedure": "aircraft",
        "host": host_of(chakra_hq.url),
        "source": {"path": "/rows.csv", "size": 5, "head": "aa", "tail": "bb"},
    }
    assert lines == [
        {
            "line": 2,
            "key": ["tailnum", "N0"],
            "set": {"data": {"seats": 5}, "state": "RETIRED"},
            "before": {"data": {"seats": None}, "state": "NEW"},
        },
        {
            "key": ["tailnum", "N1"],
            "set": {"next_action_at": "2026-01-02T03:04:05.678000Z"},
            "before": {"next_action_at": None},
        },
    ]
    assert last.keys() == {"rows", "sha256"}
    assert chakra_hq.token not in path.read_text()


async def test_exactly_that_is_sent_and_only_once(chakra_hq, chakra, fleet, path, tmp_path):
    await write(chakra, path, rows())
    plan = read_plan(path)
    assert (plan.header.procedure, plan.header.host, plan.rows) == ("aircraft", host_of(chakra_hq.url), 2)
    run = chakra.processes.bulk_update(plan.header.procedure, plan, journal=tmp_path / "run.db")
    assert await outcomes(run) == ["updated", "updated"]
    [body] = [request.body for request in chakra_hq.requests if request.method == "PATCH"]
    assert json.loads(body)["processes"] == [
        {"tailnum": "N0", "update": {"data": {"seats": 5}, "state": "RETIRED"}},
        {"tailnum": "N1", "update": {"nextActionAt": 1767323045678}},
    ]
    with SyncClient(chakra_hq.token, base_url=chakra_hq.url) as again:
        assert again.processes.bulk_update("aircraft", read_plan(path)).run().unchanged == 2


async def test_what_has_changed_since_is_refused_unless_told_otherwise(chakra_hq, chakra, fleet, path):
    await write(chakra, path, rows())
    await chakra.processes.update_by_key("aircraft", "tailnum", "N0", data={"seats": 7})
    run = chakra.processes.bulk_update("aircraft", read_plan(path))
    async with run:
        found = {result.line: result async for result in run}
    assert found[2].outcome == "invalid"
    assert found[2].errors == ("changed meanwhile: seats was null and is 7 now",)
    assert found[3].outcome == "updated"
    assert chakra_hq.process("aircraft", "N0")["state"] == "NEW"
    again = chakra.processes.bulk_update("aircraft", read_plan(path, even_if_changed=True))
    assert await outcomes(again) == ["updated", "updated"]
    assert chakra_hq.process("aircraft", "N0")["data"]["seats"] == 5


async def test_a_second_row_for_a_process_has_no_place_in_a_plan(chakra, fleet, path):
    updates = [ProcessUpdate(key=("tailnum", "N1"), state=state) for state in ("RETIRED", "NEW")]
    with pytest.raises(ValueError, match="row 1 and row 0 concern the same process"):
        await write(chakra, path, updates)
    assert not path.exists()


async def test_a_run_that_does_not_compare_makes_no_plan(chakra, fleet, path):
    run = chakra.processes.bulk_update("aircraft", rows()[:1], dry_run=True)
    with pytest.raises(ValueError, match="only_changed"), plan_at(path) as plan:
        async with run:
            async for result in run:
                plan.write(result)


async def test_a_journal_of_a_plan_is_for_that_plan(chakra, fleet, path, tmp_path):
    await write(chakra, path, rows())
    await chakra.processes.bulk_update("aircraft", read_plan(path), journal=tmp_path / "run.db").run()
    path.unlink()
    await write(chakra, path, rows()[:2])
    run = chakra.processes.bulk_update("aircraft", read_plan(path), journal=tmp_path / "run.db")
    with pytest.raises(JournalError, match="the file has changed"):
        await run.run()


def test_a_source_whose_name_is_no_text(path):
    with plan_at(path, source={"path": "/d\udcf6n.csv", "size": 5}):
        pass
    assert read_plan(path).header.source == {"path": "/d\\udcf6n.csv", "size": 5}


def plan_at(path, **options):
    return PlanWriter(path, procedure="aircraft", base_url=ADDRESS, **options)


def result(index, *changes, **row):
    return RowResult(index, row or {"id": f"p{index}"}, "valid", changes=changes)


@pytest.fixture
def whole(path):
    with plan_at(path) as plan:
        for n in range(3):
            plan.write(result(n, Change("data", "n", n, n + 1)))
    return path.read_bytes()


def refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"no plan|not as it was written|version \d") as caught:
        read_plan(path)
    return str(caught.value)


def test_whatever_is_cut_off_or_edited_is_noticed(path, whole):
    assert [row.id for row in read_plan(path)] == ["p0", "p1", "p2"]
    for length in range(len(whole)):
        refused(path, whole[:length])
    for place in range(0, len(whole), 3):
        refused(path, whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    lines = whole.splitlines(keepends=True)
    refused(path, b"".join([lines[0], *lines[2:]]))
    refused(path, b"".join([*lines[:2], lines[1], *lines[2:]]))
    refused(path, b"".join([lines[0], lines[2], lines[1], *lines[3:]]))
    assert refused(path, whole + b"\n").endswith("it was cut short or edited; make a new plan")
    assert "is no plan of a bulk update" in refused(path, b"tailnum,seats\nN1,5\n")
    assert "version 2, and this release reads 1" in refused(path, whole.replace(b'_plan":1', b'_plan":2'))


def test_a_pipe_cannot_be_read_twice(path):
    os.mkfifo(path)
    with pytest.raises(ValueError, match="no regular file"):
        read_plan(path)


def test_what_is_not_finished_is_no_plan(path):
    with pytest.raises(KeyError), plan_at(path):
        raise KeyError
    assert not path.exists()
    plan = plan_at(path)
    plan.write(result(0, Change("state", None, "A", "B")))
    plan._file.close()
    refused(path, path.read_bytes())


def test_a_file_that_is_there_is_kept_unless_told_otherwise(path):
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        plan_at(path)
    with plan_at(path, overwrite=True) as plan:
        plan.write(RowResult(0, {"id": "x"}, "invalid", ("no",)))
    assert list(read_plan(path)) == []


def test_the_lines_that_were_not_done_can_be_written(path, whole, tmp_path):
    with read_plan(path) as plan, plan.failures(tmp_path / "failed.jsonl") as failures:
        row = next(plan)
        failures.write(RowResult(0, row, "invalid", ("changed meanwhile",)))
    [line] = (tmp_path / "failed.jsonl").read_text().splitlines()
    assert json.loads(line)["_chakra"] == {"line": 2, "outcome": "invalid", "errors": ["changed meanwhile"]}
    assert json.loads(line)["set"] == {"data": {"n": 1}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.dictionaries(NAMES, st.tuples(JSON, JSON), min_size=1, max_size=3),
    key=st.tuples(NAMES, NAMES | st.integers(0, 2**40)),
)
def test_what_was_planned_is_what_is_read(path, data, key):
    changes = [Change("data", name, before, after) for name, (before, after) in data.items()]
    changes += [Change("next_action_at", None, None, WHEN), Change("is_deleted", None, False, True)]
    with plan_at(path, overwrite=True) as plan:
        plan.write(result(0, *changes, key=key))
    [row] = read_plan(path)
    assert (row.key, row.id, row.next_action_at, row.is_deleted) == (key, None, WHEN, True)
    assert row.data == {name: after for name, (_, after) in data.items()}
    before = {name: before for name, (before, _) in data.items()}
    assert row.expect == {"data": before, "next_action_at": None, "is_deleted": False}
