"""Sync bulk runs: whole chunks cross the portal, and all else happens in the caller's thread."""

import asyncio
import gc
import sqlite3
import threading
import time
import tracemalloc
from collections import Counter

import pytest

from chakra_async import (
    AuthenticationError,
    ClientClosedError,
    NotFoundError,
    ProcessUpdate,
    Progress,
    RejectedRow,
    Timeouts,
)
from chakra_async.sync import Client


pytestmark = pytest.mark.timeout(60)


def updates(names, **data):
    return [ProcessUpdate(key=("tailnum", name), data=data or {"seen": True}) for name in names]


def test_every_row_has_its_result(chakra, emulator, fleet):
    rows = [
        *updates(fleet[:100]),
        ProcessUpdate(key=("tailnum", "N0"), state="SCRAPPED"),
        {"key": ("tailnum", "NOBODY"), "state": "RETIRED"},
        ProcessUpdate(state="RETIRED"),
        RejectedRow(("line 7 is not readable",), key="N7"),
    ]
    with chakra.processes.bulk_update("aircraft", rows, chunk_size=30) as run:
        results = {result.index: result for result in run}
    assert sorted(results) == list(range(104))
    outcomes = Counter(result.outcome for result in results.values())
    assert outcomes == {"updated": 100, "invalid": 3, "failed": 1}
    assert (run.summary.total, run.summary.updated, run.summary.jobs) == (104, 100, 5)
    assert emulator.ledger.count(kind="update") == 100


def test_creates_and_deletes(chakra, emulator):
    rows = ({"data": {"tailnum": f"X{n}"}, "key": ("tailnum", f"X{n}")} for n in range(50))
    assert chakra.processes.bulk_create("aircraft", rows, chunk_size=20).run().created == 50
    gone = chakra.processes.bulk_delete("aircraft", [("tailnum", "X0"), {"key": ("tailnum", "X1")}]).run()
    assert (gone.deleted, gone.ok) == (2, True)
    assert emulator.process("aircraft", "X0")["isDeleted"]


def test_whole_chunks_cross_the_portal(chakra, fleet, crossings):
    crossings.clear()
    rows = ({"data": {"tailnum": f"X{n}"}, "key": ("tailnum", f"X{n}")} for n in range(10_000))
    summary = chakra.processes.bulk_create("aircraft", rows, chunk_size=200).run()
    assert (summary.created, summary.jobs) == (10_000, 50)
    assert set(crossings) == {"launch", "collect", "leave"}
    assert crossings["leave"] == 1
    # Each brings the end of a job, or opens a place for another one to be sent.
    assert crossings["collect"] <= 2 * 50
    assert crossings["launch"] <= 3 * 50 + 2


def test_a_cursor_of_the_callers_thread_may_be_the_source(chakra, emulator, fleet):
    with sqlite3.connect(":memory:", check_same_thread=True) as database:
        database.execute("CREATE TABLE plane (tailnum TEXT, seats INTEGER)")
        database.executemany("INSERT INTO plane VALUES (?, ?)", [(name, 100) for name in fleet])
        cursor = database.execute("SELECT tailnum, seats FROM plane")
        rows = (ProcessUpdate(key=("tailnum", name), data={"seats": seats}) for name, seats in cursor)
        summary = chakra.processes.bulk_update("aircraft", rows, chunk_size=30).run()
    database.close()
    assert summary.updated == 200
    assert all(plane["data"]["seats"] == 100 for plane in emulator.processes("aircraft"))


def test_the_source_may_use_the_client(chakra, fleet):
    def source():
        for plane in chakra.processes.list("aircraft", limit=30):
            found = chakra.processes.get("aircraft", plane.id)
            yield ProcessUpdate(found.id, data={"seen": True})

    assert chakra.processes.bulk_update("aircraft", source(), chunk_size=20).run().updated == 200


def test_a_run_may_feed_another(chakra, fleet):
    with chakra.processes.bulk_update("aircraft", updates(fleet), chunk_size=20) as first:
        again = (ProcessUpdate(key=("tailnum", result.key), data={"b": 2}) for result in first)
        assert chakra.processes.bulk_update("aircraft", again, chunk_size=30).run().updated == 200
    assert first.summary.updated == 200


def test_progress_is_told_in_the_callers_thread(chakra, fleet):
    seen = []

    def tell(progress):
        assert chakra.health()
        seen.append((threading.current_thread(), progress.total, progress.expected))

    summary = chakra.processes.bulk_update("aircraft", updates(fleet), chunk_size=20, on_progress=tell).run()
    assert {thread for thread, _, _ in seen} == {threading.current_thread()}
    totals = [total for _, total, _ in seen]
    assert totals == sorted(totals)
    assert totals[-1] == summary.total == 200
    assert {expected for _, _, expected in seen} == {200}


def test_an_error_of_on_progress_reaches_the_caller(chakra, fleet, own_frames):
    def tell(progress: Progress):
        raise LookupError("mine")

    run = chakra.processes.bulk_update("aircraft", updates(fleet), chunk_size=20, on_progress=tell)
    with pytest.raises(LookupError, match="mine") as caught:
        run.run()
    own_frames(caught.value, __file__)


def test_a_million_invalid_rows_take_no_memory_beside_their_journal(chakra, tmp_path):
    rows = (ProcessUpdate(state="X") for _ in range(30_000))
    options = {"chunk_size": 100, "concurrency": 2, "journal": tmp_path / "j.db"}
    with chakra.processes.bulk_update("aircraft", rows, **options) as run:
        gc.collect()
        tracemalloc.start()
        for _ in run:
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert run.summary.invalid == 30_000
    assert peak < 2_000_000


def test_memory_is_bounded_by_asking_for_no_more_rows(chakra, fleet):
    taken = []

    def source():
        for n in range(10_000):
            taken.append(n)
            yield ProcessUpdate(key=("tailnum", fleet[n % 200]), data={"n": n})

    with chakra.processes.bulk_update("aircraft", source(), chunk_size=20, concurrency=2) as run:
        for given, _ in enumerate(run, start=1):
            assert len(taken) - given <= 4 * 40
            if given == 400:
                break


# -- sources that cannot serve


async def stream():
    yield ProcessUpdate("x")


@pytest.mark.parametrize("method", ["bulk_create", "bulk_update", "bulk_delete"])
def test_an_async_source_is_refused_at_once(chakra, emulator, method):
    with pytest.raises(TypeError, match="async client"):
        getattr(chakra.processes, method)("aircraft", stream())
    assert emulator.request_count == 0


@pytest.mark.parametrize("source", [None, 7, "text", {"id": "x"}])
def test_what_is_no_source_is_refused_at_once(chakra, source):
    with pytest.raises(TypeError, match="rows must be an iterable"):
        chakra.processes.bulk_update("aircraft", source)


class Query:
    """Lazy, as query sets of an ORM are: to be iterated either way, and its length costs all its rows."""

    def __init__(self, rows):
        self._rows = rows

    def __iter__(self):
        return iter(self._rows)

    def __aiter__(self):
        raise AssertionError("this is not the way of a sync client")

    def __len__(self):
        raise AssertionError("this would fetch every row")


def test_a_source_of_both_kinds_is_iterated(chakra, fleet):
    assert chakra.processes.bulk_update("aircraft", Query(updates(fleet))).run().updated == 200


@pytest.mark.fault("B8")
def test_an_error_of_the_source_comes_after_what_it_gave(chakra, emulator, fleet, own_frames):
    def source():
        yield from updates(fleet[:30])
        raise LookupError("the source broke")

    results = []
    run = chakra.processes.bulk_update("aircraft", source(), chunk_size=20)
    with pytest.raises(LookupError, match="the source broke") as caught, run:
        for result in run:
            results.append(result)
    assert [result.outcome for result in results] == ["updated"] * 30
    assert (run.summary.updated, run.summary.total) == (30, 30)
    assert emulator.ledger.count(kind="update") == 30
    own_frames(caught.value, __file__)


def test_an_error_at_the_very_beginning_of_the_source(chakra, tmp_path):
    class Broken:
        def __iter__(self):
            raise LookupError("no cursor")

    run = chakra.processes.bulk_update("aircraft", Broken(), journal=tmp_path / "j.db")
    with pytest.raises(LookupError, match="no cursor"):
        run.run()
    assert run.summary.total == 0
    # While the first run is still known.
    assert chakra.processes.bulk_update("aircraft", [], journal=tmp_path / "j.db").run().ok


def test_a_source_that_raises_while_a_journal_is_taken_up_leaves_no_row_without_a_result(
    emulator, fleet, tmp_path
):
    emulator.faults.next_job("stuck", after_rows=1)
    results = []

    def source():
        yield from updates(fleet[:2])
        raise OSError("the cursor is lost")

    with Client(emulator.token, base_url=emulator.url, timeout=Timeouts(job=0.2)) as client:

        def begin(rows):
            return client.processes.bulk_update("aircraft", rows, journal=tmp_path / "j.db")

        assert begin(updates(fleet[:4])).run().unknown == 4
        with begin(source()) as run, pytest.raises(OSError, match="the cursor is lost"):
            for result in run:
                results.append(result)
    assert [(result.index, result.outcome) for result in results] == [(0, "unknown"), (1, "unknown")]


# -- leaving


@pytest.mark.fault("B8")
def test_leaving_early_accounts_for_all_that_was_taken(chakra, emulator, fleet):
    taken = []

    def source():
        for n in range(10_000):
            taken.append(n)
            yield ProcessUpdate(key=("tailnum", fleet[n % 200]), data={"n": n})

    with chakra.processes.bulk_update("aircraft", source(), chunk_size=20, concurrency=2) as run:
        for _ in run:
            break
    assert run.summary.total == len(taken)
    assert run.summary.updated == emulator.ledger.count(kind="update")
    assert run.summary.unknown == 0
    with pytest.raises(RuntimeError, match="inside its block"):
        next(run)


def test_an_error_in_the_block_is_the_one_that_is_raised(chakra, emulator, fleet, own_frames):
    emulator.faults.next_job("stuck", after_rows=3)
    run = chakra.processes.bulk_update("aircraft", updates(fleet), chunk_size=20)
    start = time.monotonic()
    with pytest.raises(LookupError, match="mine") as caught, run:
        for _ in run:
            raise LookupError("mine")
    assert time.monotonic() - start < 4  # nothing in flight was waited for
    assert run.summary.unknown >= 20
    assert run.summary.total == run.summary.updated + run.summary.unknown
    own_frames(caught.value, __file__)


def test_a_run_can_be_entered_once_and_only_inside_iterated(chakra, fleet):
    run = chakra.processes.bulk_update("aircraft", updates(fleet))
    with pytest.raises(RuntimeError, match="inside its block"):
        next(iter(run))
    assert run.run().updated == 200
    with pytest.raises(RuntimeError, match="entered only once"):
        run.run()


def test_after_the_end_it_stays_ended(chakra, fleet):
    with chakra.processes.bulk_update("aircraft", updates(fleet)) as run:
        assert len(list(run)) == 200
        assert list(run) == []


def test_tracebacks_of_runs_that_cannot_go_on(chakra, emulator, fleet, own_frames):
    with pytest.raises(NotFoundError) as caught:
        chakra.processes.bulk_update("nothing", updates(fleet)).run()
    own_frames(caught.value, __file__)
    emulator.faults.next("PATCH", status=401, times=None, after=3)
    run = chakra.processes.bulk_update("aircraft", updates(fleet), chunk_size=20, concurrency=1)
    results = []
    with pytest.raises(AuthenticationError) as caught, run:
        for result in run:
            results.append(result)
    own_frames(caught.value, __file__)
    assert Counter(result.outcome for result in results)["updated"] == 60 == run.summary.updated
    assert run.summary.total == len(results)


def test_a_client_closed_by_another_thread_ends_the_run_with_its_account(emulator, fleet, own_frames):
    emulator.job_settings.rows_per_second = 500
    taken = []

    def source():
        for n in range(10_000):
            taken.append(n)
            yield ProcessUpdate(key=("tailnum", fleet[n % 200]), data={"n": n})

    client = Client(emulator.token, base_url=emulator.url, timeout=Timeouts(drain=30))
    run = client.processes.bulk_update("aircraft", source(), chunk_size=20, concurrency=4)
    results = []
    closer = threading.Thread(target=lambda: (close_at.wait(), client.close()))
    close_at = threading.Event()
    closer.start()
    start = time.monotonic()
    with pytest.raises(ClientClosedError) as caught, run:
        for result in run:
            results.append(result)
            close_at.set()
    closer.join()
    assert time.monotonic() - start < 5
    own_frames(caught.value, __file__)
    assert (caught.value.retry_safe, caught.value.may_be_done) == (False, True)
    assert run.summary.total == len(taken)
    done = emulator.ledger.count(kind="update")
    assert run.summary.updated <= done <= run.summary.updated + run.summary.unknown


def test_a_client_closed_inside_the_run_is_told_of_in_words_that_are_true_of_a_run(chakra, fleet, own_frames):
    run = chakra.processes.bulk_update("aircraft", updates(fleet), chunk_size=20, concurrency=2)
    with pytest.raises(ClientClosedError) as caught, run:
        for _ in run:
            chakra.close()
    assert str(caught.value) == (
        "The client was closed before the run had ended; its summary tells what became of the rows. "
        "Not safe to try again blindly."
    )
    own_frames(caught.value, __file__)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert run.summary.updated >= 20


def test_a_client_closed_after_the_last_row_is_no_error(chakra, fleet):
    with chakra.processes.bulk_update("aircraft", updates(fleet), chunk_size=20) as run:
        assert len(list(run)) == 200
        chakra.close()
    assert run.summary.updated == 200


@pytest.mark.fault("C4")
async def test_inside_a_running_loop_its_own_tasks_wait(chakra, fleet):
    ticks = []

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.001)

    task = asyncio.create_task(tick())
    assert chakra.processes.bulk_update("aircraft", updates(fleet)).run().updated == 200
    task.cancel()


@pytest.mark.fault("C4")
def test_runs_in_many_threads_on_one_client(chakra, emulator, fleet):
    summaries = []

    def work(part):
        rows = [ProcessUpdate(key=("tailnum", name), data={"part": part}) for name in fleet[part::10]]
        summaries.append(chakra.processes.bulk_update("aircraft", rows, chunk_size=5).run())

    threads = [threading.Thread(target=work, args=(part,)) for part in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [summary.updated for summary in summaries] == [20] * 10
    parts = Counter(plane["data"]["part"] for plane in emulator.processes("aircraft"))
    assert set(parts.values()) == {20}
