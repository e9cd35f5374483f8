"""What a journal knows of the end of a source, of rows refused, and of sources that describe themselves."""

import asyncio
import os
import sqlite3

import pytest

from chakra_async import JournalError, ProcessUpdate
from chakra_async.bulk.journal import Journal, Plan, read_problems, read_report
from chakra_async.bulk.sources import Columns, read_updates


def updates(fleet):
    return [ProcessUpdate(key=("tailnum", name), state="RETIRED") for name in fleet]


async def test_it_knows_how_many_rows_the_source_has_once_it_was_read(chakra, fleet, tmp_path):
    path = tmp_path / "j.db"
    async with chakra.processes.bulk_update(
        "aircraft", updates(fleet), journal=path, chunk_size=10, concurrency=1
    ) as run:
        async for _ in run:
            break
    assert read_report(path).rows is None
    await chakra.processes.bulk_update("aircraft", updates(fleet[:150]), journal=path).run()
    assert read_report(path).rows == 150
    await chakra.processes.bulk_update("aircraft", updates(fleet), journal=path).run()
    report = read_report(path)
    assert (report.rows, report.counts, report.pending) == (200, {"updated": 200}, [])


async def test_a_row_that_was_refused_is_remembered_and_not_sent_again(chakra_hq, chakra, fleet, tmp_path):
    path = tmp_path / "j.db"
    chakra_hq.faults.next("PATCH", after=2, status=400)

    def begin():
        return chakra.processes.bulk_update(
            "aircraft", updates(fleet[:5]), journal=path, chunk_size=1, concurrency=1
        )

    first = await begin().run()
    assert (first.updated, first.failed) == (4, 1)
    assert [(problem.row, problem.outcome) for problem in read_problems(path)] == [(2, "failed")]
    before = chakra_hq.request_count
    again = await begin().run()
    assert (again.updated, again.failed, again.resumed) == (4, 1, 5)
    assert chakra_hq.request_count == before


async def test_a_source_that_ends_because_the_run_was_stopped_has_not_changed(chakra, fleet, tmp_path):
    path = tmp_path / "j.db"
    await chakra.processes.bulk_update("aircraft", updates(fleet), journal=path).run()
    over = asyncio.Event()

    async def source():
        for row in updates(fleet[:20]):
            yield row
        asyncio.get_running_loop().call_soon(stop)
        await over.wait()

    def stop():
        run.stop()
        over.set()

    async with chakra.processes.bulk_update("aircraft", source(), journal=path) as run:
        assert [result async for result in run] == []
    assert not run.exhausted
    assert read_report(path).rows == 200


async def test_a_named_pipe_is_not_opened_to_be_described(tmp_path):
    pipe = tmp_path / "rows.csv"
    os.mkfifo(pipe)
    found = read_updates(pipe, columns=Columns(key="tailnum")).describe()
    assert found == {
        "creates": False,
        "columns": {"key": "tailnum"},
        "format": "csv",
        "encoding": None,
        "delimiter": ",",
    }


async def test_a_column_of_a_table_describes_itself_otherwise(chakra, fleet, tmp_path):
    class Series(list):
        def describe(self):
            return Series([1, 2])

    ids = Series(("tailnum", name) for name in fleet)
    assert (
        await chakra.processes.bulk_delete("aircraft", ids, journal=tmp_path / "j.db").run()
    ).deleted == 200
    assert read_report(tmp_path / "j.db").plan.source is None


PLAN = Plan(base_url="http://x", procedure="lead", operation="updated")


def test_a_lock_whose_file_goes_while_it_is_taken_is_taken_anew(tmp_path, monkeypatch):
    path = tmp_path / "j.db"
    first = Journal(path, PLAN)
    connect = sqlite3.connect

    def slow(name, **options):
        opened = connect(name, **options)
        if str(name).endswith("-lock"):
            monkeypatch.undo()
            first.close()
        return opened

    monkeypatch.setattr(sqlite3, "connect", slow)
    second = Journal(path, PLAN)
    with pytest.raises(JournalError, match="in use"):
        Journal(path, PLAN)
    second.close()


def test_looking_whether_a_run_goes_on_leaves_its_lock_alone(tmp_path):
    path, lock = tmp_path / "j.db", tmp_path / "j.db-lock"
    Journal(path, PLAN).close()
    assert not read_report(path).running
    assert [file.name for file in tmp_path.iterdir()] == ["j.db"]
    lock.touch()  # as a killed run leaves it
    assert not read_report(path).running
    assert lock.exists()
    journal = Journal(path, PLAN)
    assert read_report(path).running
    with pytest.raises(JournalError, match="in use"):
        Journal(path, PLAN)
    journal.close()
    assert not lock.exists()
