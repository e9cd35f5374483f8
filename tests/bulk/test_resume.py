"""A run that was killed, wherever that was, is taken up again: nothing lost, nothing doubled."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from enum import Enum
from pathlib import Path

import pytest

from chakra_async import Client, JournalError, ProcessCreate, ProcessUpdate, RetryPolicy, Timeouts
from chakra_async.bulk import search
from chakra_async.bulk.intake import AGAIN
from chakra_async.bulk.journal import Journal, read_report
from chakra_async.emulator import Emulator


TARGET = Path(__file__).with_name("kill_target.py")
ROWS = 100
# The whole matrix, and hundreds of random kills, take many minutes: CHAKRA_KILLS=all runs them.
EVERYTHING = os.environ.get("CHAKRA_KILLS") == "all"
STEPS = [
    f"{when} {name}"
    for name in ("sending", "_submit", "accepted", "_follow", "done")
    for when in ("before", "after")
]


def start(emulator, flavour, operation, journal, step="-", nth=1):
    if "_submit" in step:
        step = f"{step}_{'creates' if operation in ('create', 'blind') else 'updates'}"
    command = [sys.executable, TARGET, flavour, operation, journal, str(ROWS), step, str(nth)]
    environment = {
        **os.environ,
        "CHAKRA_BASE_URL": emulator.url,
        "CHAKRA_ACCESS_TOKEN": emulator.token,
        "PYTHONPATH": str(TARGET.parent.parent.parent),
    }
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return json.loads(out)


@pytest.fixture
def service():
    with Emulator(rows_per_second=2000, job_latency=0.005) as emulator:
        emulator.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "RETIRED"))
        emulator.add_procedure("note")
        yield emulator


def prepare(emulator, operation):
    """Create the aircraft that an operation is about, through a request of its own."""
    if operation in ("create", "blind"):
        return
    rows = [{"data": {"tailnum": f"N{n}"}, "key": ("tailnum", f"N{n}")} for n in range(ROWS)]

    async def create():
        async with Client(emulator.token, base_url=emulator.url) as client:
            assert (await client.processes.bulk_create("aircraft", rows).run()).ok

    asyncio.run(create())


def check(emulator, operation, summary):
    """The report, the state and the ledger agree, and are what an undisturbed run would have left."""
    held = {process["data"].get("tailnum"): process for process in emulator.processes("aircraft")}
    effects = Counter(
        effect.key
        for effect in emulator.ledger
        if effect.kind == {"blind": "create"}.get(operation, operation)
    )
    assert sum(summary[name] for name in ("updated", "created", "deleted", "failed", "unknown")) == ROWS
    match operation:
        case "update":
            assert (summary["updated"], summary["failed"]) == (ROWS - 2, 2)
            last = {}
            for n in range(ROWS):
                if n % 50 != 49:
                    last[f"N{n - 5}" if n % 7 == 6 else f"N{n}"] = n
            assert {name: process["data"].get("n") for name, process in held.items()} == {
                name: last.get(name) for name in held
            }
        case "create":
            assert summary["created"] == ROWS
            assert effects == Counter({f"X{n}": 1 for n in range(ROWS)})
            assert all(held[f"X{n}"]["data"]["n"] == n for n in range(ROWS))
        case "blind":
            notes = Counter(process["data"]["note"] for process in emulator.processes("note"))
            assert set(notes.values()) <= {1}
            assert summary["created"] + summary["unknown"] == ROWS
            assert summary["created"] <= len(notes)
        case "delete":
            assert summary["deleted"] == ROWS
            assert all(process["isDeleted"] for process in held.values())


def matrix():
    """Every step for the two operations that differ in every step; the outer ones for the others."""
    for number, step in enumerate(STEPS):
        flavours = ("async", "sync") if EVERYTHING else (("async", "sync")[number % 2],)
        for flavour in flavours:
            yield flavour, "update", step
            yield flavour, "create", step
            if EVERYTHING or step in ("before _submit", "after _submit", "before done"):
                yield flavour, "blind", step
                yield flavour, "delete", step


@pytest.mark.fault("B1")
@pytest.mark.parametrize(("flavour", "operation", "step"), list(matrix()))
def test_a_run_killed_at_any_step_is_taken_up_again(service, tmp_path, flavour, operation, step):
    prepare(service, operation)
    journal = str(tmp_path / "run.db")
    for nth in (1, 4) if EVERYTHING else (3,):
        killed = start(service, flavour, operation, journal, step, nth)
        killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL
    check(service, operation, finish(start(service, flavour, operation, journal)))


@pytest.mark.fault("B1")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(40 if EVERYTHING else 4))
def test_a_run_killed_at_random_moments_is_taken_up_again(service, tmp_path, seed):
    dice = random.Random(seed)
    operation = ["update", "create", "blind", "delete"][seed % 4]
    prepare(service, operation)
    journal = str(tmp_path / "run.db")
    for _ in range(10 if EVERYTHING else 4):
        process = start(service, dice.choice(["async", "sync"]), operation, journal)
        time.sleep(0.35 + dice.random() * 0.4)
        process.kill()
        process.communicate(timeout=60)
    check(service, operation, finish(start(service, "async", operation, journal)))


# -- the same, within one process


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(search, "PAUSES", (0.01, 0.02, 0.05))


async def bulk(client, journal, rows, **options):
    return await client.processes.bulk_update(
        "aircraft", rows, journal=journal, chunk_size=10, **options
    ).run()


class Tail(str, Enum):  # noqa: UP042 - not all such classes are a StrEnum, whose members are plain as text
    A = "XA"
    B = "XB"


def updates(fleet, **changes):
    return [ProcessUpdate(key=("tailnum", name), **(changes or {"state": "RETIRED"})) for name in fleet]


async def test_a_finished_run_does_nothing_again_and_tells_the_same(chakra_hq, chakra, fleet, tmp_path):
    rows = [*updates(fleet), ProcessUpdate(state="NEW"), *updates(["N0"], state="SCRAPPED")]
    first = await bulk(chakra, tmp_path / "j.db", rows)
    sent = len(chakra_hq.ledger)
    again = await bulk(chakra, tmp_path / "j.db", rows)
    assert len(chakra_hq.ledger) == sent
    assert (again.updated, again.invalid, again.failed, again.jobs) == (200, 1, 1, first.jobs)
    assert again.resumed == again.total == first.total == 202
    assert ", 202 of them before" in str(again)


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_rows_of_an_earlier_run_are_passed_a_chunk_at_a_time_and_leave_the_loop_turns(
    chakra, fleet, tmp_path, kind
):
    journal, turns = tmp_path / "run.db", 0

    async def turn():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def rows():
        return (ProcessUpdate(key=("tailnum", fleet[n % 200]), data={"n": n}) for n in range(1000))

    async def slowly():
        for row in rows():
            yield row

    await bulk(chakra, journal, rows())
    others = asyncio.create_task(turn())
    again = await bulk(chakra, journal, rows() if kind == "plain" else slowly())
    others.cancel()
    assert (again.updated, again.resumed) == (1000, 1000)
    assert 100 <= turns < 200


async def test_only_rows_of_this_run_get_a_result(chakra, fleet, tmp_path):
    async with chakra.processes.bulk_update(
        "aircraft", updates(fleet), journal=tmp_path / "j.db", chunk_size=10, concurrency=1
    ) as run:
        async for result in run:
            if result.index == 35:
                break
    before = run.summary.updated
    assert before < 200
    async with chakra.processes.bulk_update("aircraft", updates(fleet), journal=tmp_path / "j.db") as run:
        seen = [result.index async for result in run]
    assert len(seen) == 200 - before
    assert (run.summary.updated, run.summary.resumed) == (200, before)


@pytest.mark.fault("B3")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[:150], "it ends after 150 rows, and the journal knows 200"),
        (lambda rows: [rows[1], rows[0], *rows[2:]], "row 0 .counted from 0. is not the row"),
        (lambda rows: [*rows[:199], ProcessUpdate(state="X")], "row 199 .counted from 0. cannot be sent"),
    ],
)
async def test_a_changed_source_is_noticed(chakra_hq, chakra, fleet, tmp_path, change, said):
    await bulk(chakra, tmp_path / "j.db", updates(fleet))
    sent = len(chakra_hq.ledger)
    with pytest.raises(JournalError, match=said):
        await bulk(chakra, tmp_path / "j.db", change(updates(fleet)))
    assert len(chakra_hq.ledger) == sent


async def test_a_row_that_was_refused_and_could_be_sent_now_is_noticed(chakra_hq, chakra, fleet, tmp_path):
    await bulk(chakra, tmp_path / "j.db", [*updates(fleet[:3]), ProcessUpdate(state="X")])
    sent = len(chakra_hq.ledger)
    with pytest.raises(JournalError, match=r"row 3 \(counted from 0\) is not the row"):
        await bulk(chakra, tmp_path / "j.db", updates(fleet[:4]))
    assert len(chakra_hq.ledger) == sent


async def test_rows_added_at_the_end_are_sent(chakra, fleet, tmp_path):
    await bulk(chakra, tmp_path / "j.db", updates(fleet[:150]))
    summary = await bulk(chakra, tmp_path / "j.db", updates(fleet))
    assert (summary.updated, summary.resumed) == (200, 150)


@pytest.mark.fault("B2")
async def test_a_second_run_is_refused_before_anything_is_sent(chakra_hq, chakra, fleet, tmp_path):
    async with chakra.processes.bulk_update("aircraft", updates(fleet), journal=tmp_path / "j.db") as run:
        await anext(run)
        before = chakra_hq.request_count
        with pytest.raises(JournalError, match="in use"):
            await bulk(chakra, tmp_path / "j.db", updates(fleet))
        assert chakra_hq.request_count == before


async def test_a_stalled_job_is_attached_to_again(chakra_hq, chakra, fleet, tmp_path):
    stuck = chakra_hq.faults.next_job("stuck", after_rows=3)
    hurried = RetryPolicy(wait_initial=0.01)
    async with Client(
        chakra_hq.token, base_url=chakra_hq.url, retry=hurried, timeout=Timeouts(job=0.2)
    ) as client:
        first = await bulk(client, tmp_path / "j.db", updates(fleet[:10]))
    assert stuck.fired == 1
    assert first.unknown == 10
    assert read_report(tmp_path / "j.db").pending_rows == 10
    patches = [request for request in chakra_hq.requests if request.method == "PATCH"]
    async with Client(
        chakra_hq.token, base_url=chakra_hq.url, retry=hurried, timeout=Timeouts(job=0.2)
    ) as client:
        again = await bulk(client, tmp_path / "j.db", updates(fleet[:10]))
    assert again.unknown == 10
    assert len([request for request in chakra_hq.requests if request.method == "PATCH"]) == len(patches)


async def test_a_source_that_stops_the_run_while_a_journal_is_taken_up(chakra_hq, fleet, tmp_path):
    chakra_hq.faults.next_job("stuck", after_rows=3)
    journal = tmp_path / "j.db"

    def source():
        for number, row in enumerate(updates(fleet[:20])):
            if number == 5:
                run.stop("enough")
            yield row

    async with Client(chakra_hq.token, base_url=chakra_hq.url, timeout=Timeouts(job=0.2)) as client:
        first = await bulk(client, journal, updates(fleet[:10]))
        assert first.unknown == 10
        async with client.processes.bulk_update("aircraft", source(), journal=journal) as run:
            results = [result async for result in run]
    assert [(result.index, result.outcome) for result in results] == [(n, "unknown") for n in range(6)]
    assert {result.errors for result in results} == {(AGAIN,)}
    assert read_report(journal).pending_rows == 10


@pytest.mark.fault("B8")
async def test_a_source_that_raises_while_a_journal_is_taken_up_leaves_no_row_without_a_result(
    chakra_hq, fleet, tmp_path
):
    chakra_hq.faults.next_job("stuck", after_rows=3)
    journal = tmp_path / "j.db"
    results = []

    def source():
        yield from updates(fleet[:5])
        raise OSError("the cursor is lost")

    async with Client(chakra_hq.token, base_url=chakra_hq.url, timeout=Timeouts(job=0.2)) as client:
        assert (await bulk(client, journal, updates(fleet[:10]))).unknown == 10
        async with client.processes.bulk_update("aircraft", source(), journal=journal) as run:
            with pytest.raises(OSError, match="the cursor is lost"):
                async for result in run:
                    results.append(result)
    assert [(result.index, result.outcome) for result in results] == [(n, "unknown") for n in range(5)]
    assert {result.errors for result in results} == {(AGAIN,)}
    assert list(run.leftover()) == []
    assert read_report(journal).pending_rows == 10


async def test_lost_creates_are_found_though_their_source_fills_one_dict_again(quick, chakra_hq, chakra):
    chakra_hq.faults.next("POST", path="bulk-create", after=1, reset="after")

    def source():
        row = {"data": {}}
        for n in range(40):
            row["data"]["tailnum"] = f"X{n}"
            row["key"] = ("tailnum", f"X{n}")
            yield row

    summary = await chakra.processes.bulk_create("aircraft", source(), chunk_size=10).run()
    assert (summary.created, summary.unknown, summary.failed) == (40, 0, 0)
    assert set(Counter(effect.key for effect in chakra_hq.ledger).values()) == {1}


async def test_lost_creates_whose_keys_are_members_of_an_enumeration_are_found(quick, chakra_hq, chakra):
    chakra_hq.faults.next("POST", path="bulk-create", after=1, reset="after")
    rows = [{"key": ("tailnum", tail), "data": {"tailnum": tail}} for tail in Tail]
    async with chakra.processes.bulk_create("aircraft", rows, chunk_size=1, concurrency=1) as run:
        results = [result async for result in run]
    assert [(result.key, result.outcome) for result in results] == [("XA", "created"), ("XB", "created")]
    assert [effect.key for effect in chakra_hq.ledger] == ["XA", "XB"]


async def test_a_lost_create_is_settled_by_its_keys(quick, chakra_hq, chakra):
    chakra_hq.faults.next("POST", path="bulk-create", after=1, reset="after")
    rows = [ProcessCreate(data={"tailnum": f"X{n}"}, key=("tailnum", f"X{n}")) for n in range(40)]
    summary = await chakra.processes.bulk_create("aircraft", rows, chunk_size=10).run()
    assert (summary.created, summary.unknown, summary.failed) == (40, 0, 0)
    made = Counter(effect.key for effect in chakra_hq.ledger)
    assert set(made.values()) == {1}
    assert len(made) == 40


async def test_a_create_lost_before_it_arrived_is_sent_once_more(quick, chakra_hq, chakra):
    chakra_hq.faults.next("POST", path="bulk-create", after=1, reset="before")
    rows = [ProcessCreate(data={"tailnum": f"X{n}"}, key=("tailnum", f"X{n}")) for n in range(40)]
    summary = await chakra.processes.bulk_create("aircraft", rows, chunk_size=10).run()
    assert (summary.created, summary.unknown) == (40, 0)
    assert set(Counter(effect.key for effect in chakra_hq.ledger).values()) == {1}


async def test_a_process_that_was_there_before_is_not_taken_for_ours(quick, chakra_hq, chakra):
    await chakra.processes.create("aircraft", data={"tailnum": "X3", "seats": 7})
    chakra_hq.faults.next("POST", path="bulk-create", after=1, reset="before")
    rows = [
        ProcessCreate(data={"tailnum": f"X{n}", "seats": 9}, key=("tailnum", f"X{n}")) for n in range(3, 23)
    ]
    run = chakra.processes.bulk_create("aircraft", rows, chunk_size=10, concurrency=1)
    async with run:
        bad = [result async for result in run if not result.ok]
    assert [(result.key, result.outcome) for result in bad] == [("X3", "failed")]
    chakra_hq.faults.next("POST", path="bulk-create", after=1, reset="before")
    rows = [ProcessCreate(data={"tailnum": f"Y{n}"}, key=("tailnum", f"Y{n}")) for n in range(10)]
    rows += [ProcessCreate(data={"tailnum": "X3", "seats": 1}, key=("tailnum", "X3"))]
    async with chakra.processes.bulk_create("aircraft", rows, chunk_size=10, concurrency=1) as run:
        bad = [result async for result in run if not result.ok]
    assert [(result.key, result.outcome) for result in bad] == [("X3", "unknown")]
    assert "other values of seats" in bad[0].errors[0]


@pytest.mark.parametrize(("on_unknown", "outcome"), [("skip", "unknown"), ("retry", "created")])
async def test_rows_without_a_key_stay_unknown_unless_told_to_retry(
    chakra_hq, chakra, tmp_path, on_unknown, outcome
):
    chakra_hq.add_procedure("note")
    chakra_hq.faults.next("POST", path="bulk-create", after=1, reset="before")

    def run(**options):
        rows = [ProcessCreate(data={"text": f"T{n}"}) for n in range(20)]
        return chakra.processes.bulk_create(
            "note", rows, journal=tmp_path / "j.db", chunk_size=10, concurrency=1, **options
        )

    first = await run().run()
    assert (first.created, first.unknown) == (10, 10)
    async with run(on_unknown=on_unknown) as again:
        seen = [result.outcome async for result in again]
    assert seen == [outcome] * 10


async def test_on_unknown_takes_two_words(chakra):
    with pytest.raises(ValueError, match="'skip' or 'retry'"):
        chakra.processes.bulk_create("aircraft", [], on_unknown="again")
    with pytest.raises(ValueError, match="journal"):
        chakra.processes.bulk_create("aircraft", [], on_unknown="retry")


async def test_rows_with_and_without_a_key_in_one_lost_request(quick, chakra_hq, chakra):
    chakra_hq.faults.next("POST", path="bulk-create", after=1, reset="before")
    rows = [{"data": {"tailnum": f"X{n}"}, "key": ("tailnum", f"X{n}") if n % 2 else None} for n in range(20)]
    async with chakra.processes.bulk_create("aircraft", rows, chunk_size=10, concurrency=1) as run:
        lost = [result.outcome async for result in run if result.index >= 10]
    assert lost == ["unknown", "created"] * 5


async def test_a_stalled_half_of_a_refused_chunk_is_unknown_and_not_unsent(chakra_hq, fleet):
    chakra_hq.settings.max_body_bytes = 900
    chakra_hq.faults.next_job("stuck", after_rows=1)
    rows = [ProcessUpdate(key=("tailnum", name), data={"note": "x" * 50}) for name in fleet[:10]]
    async with (
        Client(chakra_hq.token, base_url=chakra_hq.url, timeout=Timeouts(job=1)) as client,
        client.processes.bulk_update("aircraft", rows) as run,
    ):
        outcomes = Counter([result.outcome async for result in run])
    assert outcomes["failed"] == 0
    assert outcomes["unknown"] > 0
    assert outcomes["updated"] > 0


@pytest.mark.fault("B2")
async def test_a_journal_that_fails_stops_the_run_before_the_bytes_leave(
    monkeypatch, chakra_hq, chakra, fleet, tmp_path
):
    sending, calls = Journal.sending, 0

    async def full(self, places, sums):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise JournalError("no room left")
        return await sending(self, places, sums)

    monkeypatch.setattr(Journal, "sending", full)
    run = chakra.processes.bulk_update(
        "aircraft", updates(fleet), journal=tmp_path / "j.db", chunk_size=10, concurrency=1
    )
    seen = []
    with pytest.raises(JournalError, match="no room left"):
        async with run:
            async for result in run:
                seen.append(result)
    assert run.summary.total == len(seen)
    assert (run.summary.updated, run.summary.unknown) == (20, 0)
    assert {result.outcome for result in seen[20:]} == {"failed"}
    assert Counter(process["state"] for process in chakra_hq.processes("aircraft"))["RETIRED"] == 20
