"""The journal: durable before the bytes leave, one writer, and clear about what is wrong with it."""

import asyncio
import random
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import JournalError
from chakra_async.bulk.journal import (
    PENDING,
    Journal,
    Plan,
    Problem,
    read_problems,
    read_report,
)
from chakra_async.bulk.journal._records import pack_places, unpack_places


PLAN = Plan(base_url="http://x", procedure="lead", operation="updated")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "march.db"


async def test_what_was_written_is_found_again(path):
    journal = Journal(path, PLAN)
    first = await journal.sending([0, 1, 2], [11, 12, 13])
    second = await journal.sending([5, 3], [15, 14])
    third = await journal.sending([6], [16])
    journal.accepted(first, "job-1")
    journal.accepted(second, "job-2")
    bad = Problem(1, "failed", "LEAD-1", 3, ("no such state",), "job-1")
    await journal.done(first, ["updated", "failed", "updated"], [bad])
    journal.note(Problem(4, "invalid", None, 6, ("no key",), None))
    journal.close()

    again = Journal(path, PLAN)
    past = again.past
    assert list(past.sums) == [11, 12, 13, 14, 0, 15, 16]
    assert past.counts == {"updated": 2, "failed": 1, "invalid": 1}
    assert [past.known[row] == PENDING for row in range(7)] == [False, False, False, True, False, True, True]
    assert [(d.id, d.job_id, list(d.places)) for d in past.pending] == [
        (second, "job-2", [5, 3]),
        (third, None, [6]),
    ]
    assert await again.sending([7], [1]) not in {first, second, third}
    again.close()
    assert list(read_problems(path)) == [bad, Problem(4, "invalid", None, 6, ("no key",), None)]
    report = read_report(path)
    assert (report.plan, report.pending_rows, report.jobs, report.running) == (PLAN, 4, 2, False)


async def test_a_withdrawn_delivery_was_never_sent(path):
    journal = Journal(path, PLAN)
    await journal.withdraw(await journal.sending([0], [1]))
    journal.close()
    again = Journal(path, PLAN)
    assert not any(again.past.known)
    again.close()


async def test_a_second_run_is_refused_while_the_first_lives_and_may_be_looked_at(path):
    journal = Journal(path, PLAN)
    with pytest.raises(JournalError, match="in use by another run"):
        Journal(path, PLAN)
    await journal.sending([0, 1], [1, 1])
    assert read_report(path).running
    assert read_report(path).pending_rows == 2
    journal.close()
    Journal(path, PLAN).close()
    assert [file.name for file in path.parent.iterdir()] == ["march.db"]


def test_the_journal_of_a_killed_run_opens_again(path):
    script = f"""
import asyncio, os, signal
from chakra_async.bulk.journal import Journal, Plan
async def main():
    journal = Journal({str(path)!r}, Plan(base_url="http://x", procedure="lead", operation="updated"))
    await journal.sending([0, 1, 2], [1, 2, 3])
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script], check=False, timeout=30)
    journal = Journal(path, PLAN)
    assert len(journal.past.pending) == 1
    journal.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"procedure": "ticket"}, "about the procedure 'lead', and this one is about 'ticket'"),
        ({"operation": "created"}, "it was an update, and this one is a creation"),
        ({"base_url": "http://y"}, "it went to http://x, and this one would go to http://y"),
        ({"source": {"size": 5, "head": "b"}}, "the file has changed at its beginning"),
        ({"source": {"size": 1200}}, "it had 5 bytes, and has 1,200"),
        ({"source": None}, "its rows came from a file, and now they come from no file"),
    ],
)
def test_another_plan_is_refused_with_what_differs(path, change, said):
    plan = {"base_url": "http://x", "procedure": "lead", "operation": "updated"}
    plan["source"] = {"size": 5, "head": "a"}
    Journal(path, Plan(**plan)).close()
    with pytest.raises(JournalError, match=said):
        Journal(path, Plan(**{**plan, **change}))
    Journal(path, Plan(**plan)).close()


def test_the_order_of_columns_that_are_skipped_makes_no_other_plan(path):
    plans = [
        Plan(base_url="http://x", procedure="lead", operation="updated", source={"columns": columns})
        for columns in (
            {"skip": ["a", "b"], "missing": ["NA", None]},
            {"skip": ["b", "a"], "missing": [None, "NA"]},
            {"skip": ["b"], "missing": ["NA", None]},
        )
    ]
    Journal(path, plans[0]).close()
    Journal(path, plans[1]).close()
    with pytest.raises(JournalError, match="the columns' skip was a, b and is b"):
        Journal(path, plans[2])


async def one_of_each(path):
    """Write a journal with a delivery that was done, one that was not, and problems."""
    journal = Journal(path, PLAN)
    done = await journal.sending([0, 1, 4], [11, 12, 15])
    await journal.sending([2], [13])
    await journal.done(done, ["updated", "failed", "updated"], [Problem(1, "failed", "é", 3, ("no",), "j")])
    journal.note(Problem(3, "invalid", None, 6, ("no key",), None))
    journal.ended(5)
    journal.close()


def look(path):
    """Read all of a journal, as people and as a run do."""
    report = read_report(path)
    list(read_problems(path))
    Journal(path, report.plan).close()


@pytest.mark.fault("B2")
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE plan SET value = '{' WHERE name = 'procedure'",
        "UPDATE plan SET value = '\"updbted\"' WHERE name = 'operation'",
        "UPDATE plan SET value = 7 WHERE name = 'operation'",
        "UPDATE plan SET name = 'soorce' WHERE name = 'source'",
        "DELETE FROM plan WHERE name = 'procedure'",
        "UPDATE plan SET value = 'x' WHERE name = 'rows'",
        "UPDATE delivery SET sums = x'0102'",
        "UPDATE delivery SET sums = 5",
        "UPDATE delivery SET places = x''",
        "UPDATE delivery SET places = x'0000000000000001'",
        "UPDATE delivery SET places = x'0000001000000000'",
        "UPDATE delivery SET places = 'x'",
        "UPDATE delivery SET outcomes = x'01' WHERE outcomes IS NOT NULL",
        "UPDATE delivery SET outcomes = x'014d01' WHERE outcomes IS NOT NULL",
        "UPDATE delivery SET outcomes = 'abc' WHERE outcomes IS NOT NULL",
        "UPDATE problem SET row = -1 WHERE row = 1",
        "UPDATE problem SET row = 1 << 40 WHERE row = 1",
        "UPDATE problem SET outcome = 'fbiled'",
        "UPDATE problem SET key = x'ff'",
        "UPDATE problem SET key = CAST(x'ff' AS TEXT)",
        "UPDATE problem SET line = 'x'",
        "UPDATE problem SET errors = '[\"no'",
        "UPDATE problem SET errors = 1.5",
    ],
)
async def test_damaged_contents_are_told(path, damage):
    await one_of_each(path)
    look(path)
    with sqlite3.connect(path) as db:
        db.execute(damage)
    db.close()
    with pytest.raises(JournalError):
        look(path)


@pytest.mark.fault("B2")
async def test_whatever_bytes_are_damaged_the_journal_can_be_read_or_says_so(path):
    await one_of_each(path)
    whole, chance, refused = path.read_bytes(), random.Random(7), 0
    used = [place for place, byte in enumerate(whole) if byte]
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[chance.choice(used)] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            look(path)
        except JournalError:
            refused += 1
        for file in path.parent.glob("march.db-*"):
            file.unlink()
    assert 0 < refused < 400


@pytest.mark.fault("B2")
def test_what_is_no_journal_is_refused_and_left_alone(path):
    path.write_text("these are somebody's notes, long enough to be read as a page " * 50)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="damaged or no journal"):
        Journal(path, PLAN)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(JournalError, match="something else"):
        Journal(path, PLAN)
    with pytest.raises(JournalError, match="no journal"):
        read_report(path)


def test_another_version_is_refused(path):
    Journal(path, PLAN).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(JournalError, match="version 99"):
        Journal(path, PLAN)
    with pytest.raises(JournalError, match="version 99"):
        read_report(path)


def test_a_missing_folder_and_a_missing_journal_are_told(tmp_path):
    with pytest.raises(JournalError, match="Is its folder there"):
        Journal(tmp_path / "nowhere" / "x.db", PLAN)
    with pytest.raises(JournalError, match="There is no journal"):
        read_report(tmp_path / "x.db")
    assert not list(tmp_path.iterdir())


@pytest.mark.fault("B2")
async def test_a_full_disk_is_told_to_whoever_waits_and_nothing_is_half_written(path):
    journal = Journal(path, PLAN)
    kept = await journal.sending([0], [1])
    [pages] = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match="no room left"):
        await journal.sending(list(range(1, 200_000, 2)), [1] * 100_000)
    journal.close()
    again = Journal(path, PLAN)
    assert [delivery.id for delivery in again.past.pending] == [kept]
    again.close()


async def test_whatever_a_commit_raises_is_told_to_all_who_wait_for_it(path):
    journal = Journal(path, PLAN)
    first = await journal.sending([0], [1])
    journal.note(Problem(7, "invalid", "\udce9", None, ("not text",), None))
    waiting = [journal.done(first, ["updated"], []), journal.sending([1], [1])]
    async with asyncio.timeout(10):
        told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in told] == [JournalError, JournalError]
    assert "UnicodeEncodeError" in str(told[0])
    assert isinstance(told[0].__cause__, UnicodeEncodeError)
    # What is left cannot be written either, and yet it ends.
    journal.note(Problem(8, "invalid", "\udce9", None, ("not text",), None))
    journal.close()
    Journal(path, PLAN).close()


async def test_the_job_of_a_delivery_is_durable_soon_though_nobody_waits_for_it(path):
    journal = Journal(path, PLAN)
    journal.accepted(await journal.sending([0], [1]), "job-1")
    async with asyncio.timeout(5):
        while read_report(path).pending[0].job_id is None:
            await asyncio.sleep(0.001)
    journal.close()


async def test_many_deliveries_at_once_share_commits_and_stay_small(path):
    journal = Journal(path, PLAN)
    statements = []
    journal._db.set_trace_callback(statements.append)

    async def one(number):
        delivery = await journal.sending(range(number * 1000, number * 1000 + 1000), [7] * 1000)
        journal.accepted(delivery, f"3396ea03-cc82-4a52-967b-{number:012}")
        await journal.done(delivery, ["updated"] * 1000, [])

    await asyncio.gather(*(one(number) for number in range(200)))
    journal.close()
    assert statements.count("COMMIT") < 10
    assert read_report(path).counts == {"updated": 200_000}
    # A million rows are to stay under 100 MB.
    assert path.stat().st_size * 5 < 100_000_000


@given(
    places=st.lists(st.integers(0, 2**40), min_size=1, max_size=50, unique=True) | st.permutations(range(4))
)
def test_positions_are_kept_in_their_order(places):
    assert list(unpack_places(pack_places(places), len(places))) == places


@given(first=st.integers(0, 2**40), rows=st.integers(1, 5000))
def test_a_stretch_takes_eight_bytes(first, rows):
    packed = pack_places(range(first, first + rows))
    assert len(packed) == 8
    assert list(unpack_places(packed, rows)) == list(range(first, first + rows))
