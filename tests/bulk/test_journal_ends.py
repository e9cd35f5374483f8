"""What a journal knows of the end of a source, of rows refused, and of sources that describe themselves."""

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from chakra_async import JournalError, ProcessUpdate
from chakra_async.bulk.journal import Journal, Plan, read_problems, read_report
from chakra_async.bulk.journal._file import connect
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


async def test_a_row_that_failed_is_known_by_its_key_though_its_source_fills_one_dict_again(chakra, tmp_path):
    def source():
        row = {}
        for n in range(5):
            row.update(key=("tailnum", f"X{n}"), state="RETIRED")
            yield row

    await chakra.processes.bulk_update("aircraft", source(), journal=tmp_path / "j.db").run()
    problems = read_problems(tmp_path / "j.db")
    assert [(problem.row, problem.key) for problem in problems] == [(n, f"X{n}") for n in range(5)]


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


def test_a_journal_whose_run_was_killed_as_it_closed_can_be_read(tmp_path):
    path, killed = tmp_path / "j.db", tmp_path / "killed" / "j.db"
    Journal(path, PLAN).close()
    killed.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA cache_size = 1")
        # Too much to be kept in memory, so that the file is written to, and what stood there kept beside it.
        db.executemany(
            "INSERT INTO problem VALUES (?, ?, NULL, NULL, '[]', NULL)", enumerate(["x" * 999] * 99)
        )
        for file in tmp_path.glob("j.db*"):
            shutil.copy(file, killed.parent)
    assert [file.name for file in sorted(killed.parent.iterdir())] == ["j.db", "j.db-journal"]
    assert list(read_problems(killed)) == []
    assert read_report(killed).plan == PLAN


@pytest.mark.parametrize("what", ["nothing", "no tables"])
def test_a_journal_whose_run_was_killed_as_it_was_made_says_so_and_is_taken_for_a_new_one(tmp_path, what):
    path = tmp_path / "j.db"
    path.touch()
    if what == "no tables":
        connect(path).close()
    with pytest.raises(JournalError, match="is empty: its run ended before anything was sent"):
        read_report(path)
    Journal(path, PLAN).close()
    assert read_report(path).plan == PLAN


def test_a_journal_with_two_names_has_one_lock(tmp_path):
    path, link = tmp_path / "here" / "2026-11.db", tmp_path / "latest.db"
    path.parent.mkdir()
    link.symlink_to(path)
    journal = Journal(path, PLAN)
    with pytest.raises(JournalError, match=r"latest\.db is in use by another run"):
        Journal(link, PLAN)
    assert read_report(link).running
    journal.close()
    Journal(link, PLAN).close()
    assert [file.name for file in path.parent.iterdir()] == ["2026-11.db"]


def test_a_journal_whose_name_leads_round_in_a_circle_is_refused(tmp_path):
    path = tmp_path / "j.db"
    path.symlink_to(path)
    with pytest.raises(JournalError):
        Journal(path, PLAN)
