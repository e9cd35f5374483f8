"""A bulk run against a service that runs: every row has its fate, and the state agrees."""

import asyncio
import gc
import tracemalloc
import weakref
from collections import Counter
from itertools import pairwise

import pytest

from chakra_async import (
    AuthenticationError,
    Client,
    ClientClosedError,
    ConnectError,
    JournalError,
    Limits,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    ProcessCreate,
    ProcessUpdate,
    Progress,
    RejectedRow,
    RetryPolicy,
    Timeouts,
)
from chakra_async.bulk.journal import read_problems, read_report
from chakra_async.bulk.pace import AHEAD, START
from chakra_async.bulk.results import SHARE
from chakra_async.emulator import Emulator
from chakra_async.sync import Client as SyncClient


LOOKS = 12
"""Looks at jobs in the time of which many more could be sent."""


def retire(names):
    return [ProcessUpdate(key=("tailnum", name), state="RETIRED") for name in names]


def all_accepted(work):
    """Whether there are jobs under way, and the client knows of each."""
    reports = work._tasks.values()
    return reports and all(any(fate and fate.job_id for _, fate in r.pending) for r in reports)


async def results_of(run):
    async with run:
        return [result async for result in run]


def states(emulator):
    return Counter(process["state"] for process in emulator.processes("aircraft"))


async def test_a_client_closed_meanwhile_is_told_of_in_words_that_are_true_of_a_run(chakra_hq, fleet):
    client = Client(chakra_hq.token, base_url=chakra_hq.url)
    run = client.processes.bulk_update("aircraft", retire(fleet), chunk_size=20, concurrency=2)
    with pytest.raises(ClientClosedError, match="closed before the run had ended") as caught:
        async with run:
            async for _ in run:
                await client.close()
    assert (caught.value.retry_safe, caught.value.may_be_done) == (False, True)
    assert run.summary.updated >= 20


async def test_a_client_closed_before_the_run_has_sent_nothing(chakra_hq, fleet):
    client = Client(chakra_hq.token, base_url=chakra_hq.url)
    await client.close()
    with pytest.raises(ClientClosedError, match="Nothing was sent") as caught:
        await client.processes.bulk_update("aircraft", retire(fleet)).run()
    assert (caught.value.retry_safe, caught.value.may_be_done) == (True, False)


async def test_every_row_has_one_result_and_the_state_agrees(chakra_hq, chakra, fleet):
    rows = [
        *retire(fleet[:100]),
        ProcessUpdate(key=("tailnum", "N0"), state="SCRAPPED"),
        ProcessUpdate(key=("tailnum", "NOBODY"), state="RETIRED"),
        ProcessUpdate(state="RETIRED"),
        RejectedRow(("line 7 is not readable",), key="N7"),
    ]
    run = chakra.processes.bulk_update("aircraft", rows, chunk_size=30)
    results = await results_of(run)
    assert sorted(result.index for result in results) == list(range(104))
    by_index = {result.index: result for result in results}
    assert all(by_index[n].ok and by_index[n].outcome == "updated" for n in range(100))
    assert [by_index[n].outcome for n in (100, 101, 102, 103)] == ["failed", "invalid", "invalid", "invalid"]
    assert "SCRAPPED" in by_index[100].errors[0]
    assert by_index[100].key == "N0"
    assert by_index[100].job_id is not None
    assert by_index[101].job_id is not None
    assert by_index[102].job_id is None
    assert by_index[103].errors == ("line 7 is not readable",)
    assert by_index[103].key == "N7"
    assert states(chakra_hq) == {"RETIRED": 100, "NEW": 100}
    summary = run.summary
    assert (summary.total, summary.updated, summary.failed, summary.invalid) == (104, 100, 1, 3)
    assert summary.jobs == 5  # the second row of N0 waited for the first to be done
    assert summary.retries == 0
    assert not summary.ok
    assert "104 rows: 100 updated, 3 invalid, 1 failed (5 jobs" in str(summary)


async def test_creates_and_deletes(chakra_hq, chakra):
    rows = (ProcessCreate(data={"tailnum": f"X{n}"}, key=("tailnum", f"X{n}")) for n in range(50))
    created = await chakra.processes.bulk_create("aircraft", rows, chunk_size=20).run()
    assert (created.created, created.jobs, created.ok) == (50, 3, True)
    again = await chakra.processes.bulk_create("aircraft", [{"data": {"tailnum": "X1"}}]).run()
    assert again.failed == 1
    victims = [("tailnum", "X0"), {"key": ("tailnum", "X1")}, chakra_hq.process("aircraft", "X2")["id"]]
    deleted = await chakra.processes.bulk_delete("aircraft", victims).run()
    assert (deleted.deleted, deleted.ok) == (3, True)
    gone = [p["data"]["tailnum"] for p in chakra_hq.processes("aircraft") if p["isDeleted"]]
    assert sorted(gone) == ["X0", "X1", "X2"]


async def test_an_async_source_and_a_list_of_mappings(chakra_hq, chakra, fleet):
    async def source():
        for name in fleet:
            await asyncio.sleep(0)
            yield {"key": ("tailnum", name), "data": {"seats": 9}}

    summary = await chakra.processes.bulk_update("aircraft", source(), chunk_size=64).run()
    assert summary.updated == 200
    assert all(process["data"]["seats"] == 9 for process in chakra_hq.processes("aircraft"))


@pytest.mark.parametrize("options", [{"chunk_size": 50}, {"max_chunk_bytes": 2300}])
async def test_a_slow_source_does_not_hold_back_results(chakra, fleet, options):
    given = 0
    pause = 0.005

    async def source():
        nonlocal given
        for row in retire(fleet):
            await asyncio.sleep(pause)
            given += 1
            yield row

    async with chakra.processes.bulk_update("aircraft", source(), **options) as run:
        assert (await anext(run)).ok
        assert given < 80
        pause = 0
        assert len([result async for result in run]) == 199


async def test_a_run_can_be_stopped_and_its_results_still_come(chakra_hq, chakra, fleet):
    async with chakra.processes.bulk_update("aircraft", retire(fleet), chunk_size=10, concurrency=2) as run:
        first = await anext(run)
        run.stop("enough")
        rest = [result async for result in run]
    assert not run.exhausted
    outcomes = Counter(result.outcome for result in [first, *rest])
    assert outcomes["updated"] == states(chakra_hq)["RETIRED"] == run.progress.updated
    assert all("enough" in result.errors[0] for result in rest if not result.ok)
    assert run.progress.in_flight == 0


@pytest.mark.parametrize("waits", [False, True])
async def test_a_source_may_stop_its_own_run_and_no_row_it_gave_is_lost(chakra_hq, chakra, fleet, waits):
    given = 0

    def source():
        nonlocal given
        for number, row in enumerate(retire(fleet)):
            if number == 33:
                run.stop("enough")
            given += 1
            yield row

    async def waiting_source():
        for row in source():
            await asyncio.sleep(0)
            yield row

    rows = waiting_source() if waits else source()
    async with chakra.processes.bulk_update("aircraft", rows, chunk_size=10, concurrency=2) as run:
        results = [result async for result in run]
    assert sorted(result.index for result in results) == list(range(given))
    assert run.summary.total == given
    assert run.summary.updated == states(chakra_hq)["RETIRED"]
    assert {result.errors for result in results if not result.ok} == {("not sent: enough",)}


async def test_a_source_that_was_cancelled_is_not_believed_to_be_at_its_end(
    chakra_hq, chakra, fleet, tmp_path
):
    journal = tmp_path / "run.db"

    async def source():
        for number, row in enumerate(retire(fleet)):
            await asyncio.sleep(0)
            while number == 10 and not run.engine.has_news():
                await asyncio.sleep(0.001)
            if number == 15:
                limit.reschedule(asyncio.get_running_loop().time())
                await asyncio.sleep(60)
            yield row

    async with chakra.processes.bulk_update("aircraft", source(), chunk_size=10, journal=journal) as run:
        results = [await anext(run) for _ in range(10)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60) as limit:
                await anext(run)
        with pytest.raises(RuntimeError, match="there may be more rows"):
            async for result in run:
                results.append(result)
    assert sorted(result.index for result in results) == list(range(15))
    assert run.summary.updated == states(chakra_hq)["RETIRED"] == 15
    assert not run.exhausted
    assert read_report(journal).rows is None


async def test_a_source_that_bears_being_cancelled_goes_on(chakra_hq, chakra, fleet):
    class Source:
        def __init__(self):
            self.rows = iter(retire(fleet))
            self.given = 0

        def __aiter__(self):
            return self

        async def __anext__(self):
            if self.given == 15:
                self.given += 1
                limit.reschedule(asyncio.get_running_loop().time())
                await asyncio.sleep(60)
            self.given += 1
            try:
                return next(self.rows)
            except StopIteration:
                raise StopAsyncIteration from None

    async with chakra.processes.bulk_update("aircraft", Source()) as run:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60) as limit:
                await anext(run)
        results = [result async for result in run]
    assert sorted(result.index for result in results) == list(range(200))
    assert run.summary.updated == states(chakra_hq)["RETIRED"] == 200
    assert run.exhausted


async def test_one_task_at_a_time_iterates_over_a_run(chakra_hq, chakra, fleet):
    got = []

    async def work():
        got.extend([result.index async for result in run])

    async with chakra.processes.bulk_update("aircraft", retire(fleet), chunk_size=20) as run:
        refused = await asyncio.gather(*(work() for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in refused] == [type(None), RuntimeError, RuntimeError]
    assert "one at a time may" in str(refused[1])
    assert sorted(got) == list(range(200))


async def test_a_source_cannot_wait_for_results_of_its_own_run(chakra_hq, chakra, fleet):
    def source():
        yield from retire(fleet[:5])
        with pytest.raises(RuntimeError, match="or its own source"):
            next(run)
        yield from retire(fleet[5:])

    def go():
        nonlocal run
        with (
            SyncClient(chakra_hq.token, base_url=chakra_hq.url) as client,
            client.processes.bulk_update("aircraft", source()) as run,
        ):
            return [result.outcome for result in run]

    run = None
    assert await asyncio.to_thread(go) == ["updated"] * 200


async def test_a_row_is_encoded_before_the_next_is_asked_for(chakra_hq, chakra, fleet):
    def source():
        row = {"key": None, "data": {}}
        for number, name in enumerate(fleet):
            row["key"], row["data"]["seats"] = ("tailnum", name), number
            yield row

    assert (await chakra.processes.bulk_update("aircraft", source()).run()).updated == 200
    seats = {
        process["data"]["tailnum"]: process["data"]["seats"] for process in chakra_hq.processes("aircraft")
    }
    assert seats == {name: number for number, name in enumerate(fleet)}


@pytest.mark.parametrize("late", [True, False])
async def test_while_nothing_is_known_of_jobs_more_are_sent_ahead(late):
    rows = [ProcessUpdate(key=("tailnum", f"N{number}"), state="RETIRED") for number in range(200)]
    with Emulator(rows_per_second=None, job_latency=60) as slow:
        slow.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "RETIRED"))
        if late:
            slow.faults.next("GET", "background-job", times=None, delay=60)

        def count(method):
            return len([request for request in slow.requests if request.method == method])

        async with Client(slow.token, base_url=slow.url) as chakra:
            run = asyncio.create_task(chakra.processes.bulk_update("aircraft", rows, chunk_size=5).run())
            while count("PATCH") < AHEAD if late else count("GET") < LOOKS:
                await asyncio.sleep(0.01)
            run.cancel()
            await asyncio.wait([run])
        assert count("PATCH") == AHEAD if late else START <= count("PATCH") < AHEAD


async def test_a_single_call_does_not_wait_behind_the_requests_of_a_run(chakra_hq, fleet):
    limits = Limits(requests_per_second=200)
    places = []
    async with Client(chakra_hq.token, base_url=chakra_hq.url, limits=limits) as chakra:
        run = chakra.processes.bulk_update("aircraft", retire(fleet), chunk_size=1, concurrency=32)
        task = asyncio.create_task(run.run())
        while chakra_hq.request_count < 40:
            await asyncio.sleep(0.01)
        for name in fleet[:10]:
            process = chakra_hq.process("aircraft", name)["id"]
            before = chakra_hq.request_count
            await chakra.processes.get("aircraft", process)
            paths = [request.path for request in chakra_hq.requests[before:]]
            places.append(paths.index(f"/v1/ext/procedure/aircraft/process/{process}"))
            assert not task.done()
        assert (await task).updated == 200
    assert max(places) <= 4


async def test_results_not_iterated_over_can_be_had_after_leaving(chakra, fleet):
    async with chakra.processes.bulk_update("aircraft", retire(fleet), chunk_size=10, concurrency=2) as run:
        first = await anext(run)
    left = list(run.leftover())
    assert sorted(result.index for result in [first, *left]) == list(range(run.summary.total))


async def test_the_source_may_use_the_client(chakra, fleet):
    async def source():
        async for aircraft in chakra.processes.list("aircraft", limit=50):
            yield ProcessUpdate(aircraft.id, data={"seen": True})

    summary = await chakra.processes.bulk_update("aircraft", source(), chunk_size=20).run()
    assert summary.updated == len(fleet)


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
async def test_rows_of_a_source_that_waits_are_accounted_for_when_their_run_ends(
    chakra_hq, chakra, fleet, how
):
    waits, more = asyncio.Event(), asyncio.Event()

    async def source():
        for row in retire(fleet[:5]):
            yield row
        waits.set()
        await more.wait()
        yield retire(fleet)[5]

    run = chakra.processes.bulk_update("aircraft", source(), chunk_size=10)
    task = asyncio.create_task(results_of(run))
    await waits.wait()
    if how == "stopped":
        run.stop("enough")
        more.set()
        results = await task
    else:
        task.cancel()
        await asyncio.wait([task])
        results = list(run.leftover())
    assert [result.index for result in results] == list(range(6 if how == "stopped" else 5))
    assert {result.outcome for result in results} == {"failed"}
    assert run.summary.failed == len(results)
    assert states(chakra_hq)["RETIRED"] == 0


async def test_no_rows_make_no_request(chakra_hq, chakra):
    before = chakra_hq.request_count
    summary = await chakra.processes.bulk_update("aircraft", []).run()
    assert (summary.total, summary.jobs, summary.ok) == (0, 0, True)
    assert chakra_hq.request_count == before


async def test_entries_are_fetched_only_where_not_all_succeeded(chakra_hq, chakra, fleet):
    rows = [*retire(fleet[:20]), *[ProcessUpdate(key=("tailnum", "NOBODY"), state="NEW")]]
    await chakra.processes.bulk_update("aircraft", rows, chunk_size=10).run()
    asked = {request.path for request in chakra_hq.requests if "entries" in request.path}
    assert len(asked) == 1


@pytest.mark.parametrize("fields", [(), ("index",), ("request",), ("process",)])
async def test_entries_of_any_shape_are_matched_to_their_rows(chakra_hq, chakra, fleet, fields):
    chakra_hq.job_settings.entry_fields = frozenset(fields)
    chakra_hq.job_settings.total_name = "count"
    chakra_hq.job_settings.next_page_name = "nextPagePath"
    chakra_hq.job_settings.entries_page_size = 7
    rows = retire(fleet[:40])
    rows[11].state = rows[37].state = "SCRAPPED"
    results = await results_of(chakra.processes.bulk_update("aircraft", rows))
    assert sorted(result.index for result in results if not result.ok) == [11, 37]


@pytest.mark.parametrize("show_status", [True, False])
async def test_the_end_of_a_job_is_seen_with_and_without_a_status(chakra_hq, chakra, fleet, show_status):
    chakra_hq.job_settings.show_status = show_status
    chakra_hq.job_settings.rows_per_second = 1000
    summary = await chakra.processes.bulk_update("aircraft", retire(fleet)).run()
    assert summary.updated == 200


async def test_nothing_is_taken_from_the_source_that_could_not_be_in_flight(chakra, fleet):
    taken = 0

    def endless():
        nonlocal taken
        for n in range(1_000_000):
            taken += 1
            yield ProcessUpdate(key=("tailnum", fleet[n % 200]), data={"n": n})

    window = 4 * 25
    async with chakra.processes.bulk_update("aircraft", endless(), chunk_size=25, concurrency=4) as run:
        assert taken == 0
        consumed = 0
        async for _ in run:
            consumed += 1
            # What was taken is in flight, or done and waiting to be consumed.
            assert taken - consumed <= 2 * window
            if consumed == 500:
                break
        before = taken
        await asyncio.sleep(0.05)
        assert taken == before
    assert taken == before
    assert run.summary.total == taken


async def test_while_results_go_out_rows_come_in_and_each_is_let_go_with_its_result(chakra, fleet):
    given = []

    def source():
        for n in range(700):
            row = ProcessUpdate(key=("tailnum", fleet[n % 200]), data={"n": n})
            given.append(weakref.ref(row))
            yield row

    async with chakra.processes.bulk_update("aircraft", source(), chunk_size=200, concurrency=1) as run:
        kept, held = [], []
        async for _ in run:
            kept.append(len(given))
            held.append(sum(row() is not None for row in given))
            if len(kept) == 400:
                break
    # The next job is under way before the first result is seen, and the one after it is made ready meanwhile.
    assert (kept[0], kept[199]) == (400, 400 + 3 * SHARE)
    assert all(later - sooner <= SHARE for sooner, later in pairwise(kept[:200]))
    # However many have been handed out, two jobs and what was handed out last are all there is.
    assert max(held) <= 400 + SHARE + 1


@pytest.mark.fault("B9")
async def test_rows_of_one_process_are_never_in_two_jobs_at_once_and_keep_their_order(
    chakra_hq, chakra, fleet
):
    chakra_hq.job_settings.rows_per_second = 2000
    names = fleet[:7]
    rows = [ProcessUpdate(key=("tailnum", names[n % 7]), data={"n": n}) for n in range(300)]
    summary = await chakra.processes.bulk_update("aircraft", rows, chunk_size=20, concurrency=4).run()
    assert summary.updated == 300
    last = {name: max(n for n in range(300) if names[n % 7] == name) for name in names}
    assert {name: chakra_hq.process("aircraft", name)["data"]["n"] for name in names} == last
    for name in names:
        steps = [
            effect.job_id for effect in chakra_hq.ledger if effect.key == name and effect.kind == "update"
        ]
        # A job that was left is never come back to: all its rows for a process come in one stretch.
        stretches = [job for n, job in enumerate(steps) if n == 0 or steps[n - 1] != job]
        assert len(stretches) == len(set(stretches))


@pytest.mark.fault("B8")
async def test_leaving_early_accounts_for_every_row_taken(chakra_hq, chakra, fleet):
    taken = []

    def source():
        for row in retire(fleet):
            taken.append(row)
            yield row

    async with chakra.processes.bulk_update("aircraft", source(), chunk_size=10, concurrency=2) as run:
        async for _ in run:
            break
    assert run.summary.total == len(taken) < 200
    assert run.summary.unknown == 0
    assert states(chakra_hq)["RETIRED"] == run.summary.updated
    with pytest.raises(RuntimeError, match="inside"):
        await anext(run)


async def test_an_error_in_the_callers_block_stops_at_once_and_is_raised(chakra_hq, chakra, fleet):
    chakra_hq.job_settings.latency = 30
    run = chakra.processes.bulk_update("aircraft", retire(fleet), chunk_size=10, concurrency=2)
    with pytest.raises(ZeroDivisionError):
        async with run:
            task = asyncio.ensure_future(anext(run))
            while not all_accepted(run.engine):
                await asyncio.sleep(0.01)
            task.cancel()
            raise ZeroDivisionError
    assert run.summary.unknown == 20
    assert run.summary.total == 20


@pytest.mark.fault("B8")
async def test_a_source_that_raises_loses_nothing_that_came_before(chakra_hq, chakra, fleet):
    def source():
        yield from retire(fleet[:33])
        raise OSError("the disk is gone")

    run = chakra.processes.bulk_update("aircraft", source(), chunk_size=10)
    seen = []
    with pytest.raises(OSError, match="the disk is gone"):
        async with run:
            async for result in run:
                seen.append(result)
    assert len(seen) == run.summary.updated == 33
    assert states(chakra_hq)["RETIRED"] == 33


@pytest.mark.parametrize("method", ["__iter__", "__aiter__"])
async def test_a_source_that_cannot_be_begun_leaves_the_journal_free(chakra, fleet, tmp_path, method):
    def fail(_):
        raise OSError("the database is down")

    def begin(rows):
        return chakra.processes.bulk_update("aircraft", rows, journal=tmp_path / "j.db")

    run = begin(type("Broken", (), {method: fail})())
    with pytest.raises(OSError, match="the database is down"):
        await run.run()
    # While the first run is still known.
    assert (await begin(retire(fleet[:1])).run()).updated == 1
    assert run.summary.total == 0


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "bad",
    [
        ProcessUpdate(key=("tailnum", "caf\udce9"), state="RETIRED"),
        ProcessUpdate(key=("tailnum", 10**5000), state="RETIRED"),
        ProcessUpdate(key=("tailnum", -(2**63) - 1), state="RETIRED"),
        ProcessUpdate(key=("tailnum", [10**5000]), state="RETIRED"),
        ProcessUpdate(key=10**5000, state="RETIRED"),
        ProcessUpdate(id=10**5000, state="RETIRED"),
        ProcessUpdate("N1", state=10**5000),
        ProcessUpdate("N1", data={10**5000: 1}),
        ProcessUpdate("N1", state="RETIRED", expect={10**5000: 1}),
        {"key": ("tailnum", "N1"), "caf\udce9": 1},
        {"key": ("tailnum", "N1"), 10**5000: 1},
        RejectedRow(("line 3 holds \udce9",), key="\udce9"),
    ],
    # By default a name is made of the values, some of which Python does not write.
    ids=range(12),
)
async def test_a_row_that_cannot_be_told_of_in_plain_text_costs_only_itself(
    chakra_hq, chakra, fleet, tmp_path, bad
):
    rows = [*retire(fleet[:2]), bad, *retire(fleet[2:4])]

    def begin():
        return chakra.processes.bulk_update("aircraft", rows, journal=tmp_path / "j.db", chunk_size=2)

    results = sorted(await results_of(begin()), key=lambda result: result.index)
    assert [result.outcome for result in results] == ["updated", "updated", "invalid", "updated", "updated"]
    assert results[2].errors
    for text in (results[2].key or "", *[one for p in read_problems(tmp_path / "j.db") for one in p.errors]):
        text.encode()
    assert (await begin().run()).resumed == 5


async def test_stop_on_error_sends_nothing_more(chakra_hq, chakra, fleet):
    rows = retire(fleet)
    rows[12].state = "SCRAPPED"
    run = chakra.processes.bulk_update("aircraft", rows, chunk_size=10, concurrency=1, stop_on_error=True)
    results = await results_of(run)
    assert [result.outcome for result in results[:20]].count("failed") == 1
    assert states(chakra_hq)["RETIRED"] == 19
    assert run.summary.total == len(results) < 200


async def test_stop_on_error_also_stops_at_a_row_that_cannot_be_sent(chakra_hq, chakra, fleet):
    rows = [*retire(fleet[:5]), ProcessUpdate(state="X"), *retire(fleet[5:])]
    run = chakra.processes.bulk_update("aircraft", rows, chunk_size=10, stop_on_error=True)
    results = await results_of(run)
    assert {result.outcome for result in results} == {"failed", "invalid"}
    assert sum("not sent" in result.errors[0] for result in results) == 5
    assert states(chakra_hq)["RETIRED"] == 0


async def test_progress_is_told_after_every_job(chakra, fleet):
    snapshots = []
    rows = retire(fleet)
    await chakra.processes.bulk_update("aircraft", rows, chunk_size=50, on_progress=snapshots.append).run()
    assert all(isinstance(snapshot, Progress) for snapshot in snapshots)
    assert snapshots[-1].total == 200
    assert snapshots[-1].expected == 200
    assert snapshots[-1].seconds_left == 0
    assert [s.total for s in snapshots] == sorted(s.total for s in snapshots)


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AuthenticationError), (402, PaymentRequiredError), (403, PermissionDeniedError)],
)
async def test_a_refusal_for_good_gives_every_row_its_result_and_is_raised(
    chakra_hq, chakra, fleet, status, error
):
    chakra_hq.faults.next("PATCH", times=None, status=status)
    run = chakra.processes.bulk_update("aircraft", retire(fleet), chunk_size=10, concurrency=2)
    seen = []
    with pytest.raises(error):
        async with run:
            async for result in run:
                seen.append(result)
    assert {result.outcome for result in seen} == {"failed"}
    assert run.summary.total == len(seen) <= 30
    assert states(chakra_hq)["RETIRED"] == 0


async def test_an_unknown_procedure_ends_the_run(chakra):
    with pytest.raises(NotFoundError):
        await chakra.processes.bulk_update("spacecraft", [ProcessUpdate("x", state="A")]).run()


async def test_a_service_that_is_not_there_ends_the_run_soon(unused_tcp_port):
    quick = RetryPolicy(wait_initial=0.01)
    async with Client("token", base_url=f"http://127.0.0.1:{unused_tcp_port}", retry=quick) as client:
        run = client.processes.bulk_update("aircraft", retire(["N1"]))
        with pytest.raises(ConnectError):
            await results_of(run)
        assert run.summary.failed == 1


async def test_passing_failures_cost_no_row_and_are_counted(chakra_hq, chakra, fleet):
    chakra_hq.faults.next("PATCH", times=2, status=503)
    chakra_hq.faults.next("PATCH", times=1, reset="after")
    chakra_hq.faults.next("GET", path="background-job", times=1, status=502, body="<html>bad gateway</html>")
    chakra_hq.faults.next("GET", path="background-job", times=1, cut=3)
    summary = await chakra.processes.bulk_update("aircraft", retire(fleet), chunk_size=40).run()
    assert summary.updated == 200
    assert summary.retries >= 5
    assert states(chakra_hq)["RETIRED"] == 200


async def test_a_lost_answer_of_a_create_is_unknown_and_never_repeated(chakra_hq, chakra):
    chakra_hq.faults.next("POST", path="bulk-create", after=1, reset="after")
    rows = [ProcessCreate(data={"tailnum": f"X{n}"}) for n in range(30)]
    results = await results_of(chakra.processes.bulk_create("aircraft", rows, chunk_size=10, concurrency=1))
    assert Counter(result.outcome for result in results) == {"created": 20, "unknown": 10}
    assert "without a key" in next(r for r in results if r.outcome == "unknown").errors[0]
    sent = [request for request in chakra_hq.requests if "bulk-create" in request.path]
    assert len(sent) == 3


@pytest.mark.fault("B10")
async def test_a_body_too_large_is_halved_and_the_size_remembered(chakra_hq, chakra, fleet):
    chakra_hq.settings.max_body_bytes = 2500
    rows = [ProcessUpdate(key=("tailnum", name), data={"note": "x" * 100}) for name in fleet]
    summary = await chakra.processes.bulk_update("aircraft", rows, chunk_size=40, concurrency=1).run()
    assert summary.updated == 200
    refused = [request for request in chakra_hq.requests if request.status == 413]
    assert 1 <= len(refused) <= 4


@pytest.mark.fault("B4")
async def test_one_poison_row_costs_only_itself(chakra_hq, chakra, fleet):
    chakra_hq.settings.max_body_bytes = 4000
    rows = [ProcessUpdate(key=("tailnum", name), data={"n": 1}) for name in fleet]
    rows[77].data = {"n": "x" * 5000}
    results = await results_of(chakra.processes.bulk_update("aircraft", rows, chunk_size=50))
    assert [result.index for result in results if not result.ok] == [77]


@pytest.mark.fault("B5")
@pytest.mark.parametrize(
    ("ending", "outcome", "reason"),
    [("stuck", "unknown", "no progress"), ("vanish", "unknown", "404"), ("stop", "failed", "before it came")],
)
async def test_a_job_that_misbehaves_leaves_a_true_outcome(chakra_hq, chakra, fleet, ending, outcome, reason):
    chakra_hq.faults.next_job(ending=ending, after_rows=5)
    # What has an end is waited for, however long it takes.
    patient = Timeouts(job=0.3 if ending == "stuck" else 30)
    async with Client(chakra_hq.token, base_url=chakra_hq.url, timeout=patient) as client:
        results = await results_of(client.processes.bulk_update("aircraft", retire(fleet[:20])))
    bad = [result for result in results if not result.ok]
    assert bad
    assert {result.outcome for result in bad} == {outcome}
    assert all(reason in result.errors[0] and result.job_id for result in bad)


async def test_a_run_can_be_entered_once_only(chakra):
    run = chakra.processes.bulk_update("aircraft", [])
    with pytest.raises(RuntimeError, match="inside"):
        await anext(run)
    await run.run()
    with pytest.raises(RuntimeError, match="only once"):
        await run.run()


async def test_a_run_that_nobody_iterates_over_does_not_pass_for_done(chakra_hq, chakra, fleet):
    with pytest.raises(RuntimeError, match="nothing was sent"):
        async with chakra.processes.bulk_update("aircraft", retire(fleet)):
            pass
    assert states(chakra_hq)["RETIRED"] == 0
    async with chakra.processes.bulk_update("aircraft", retire(fleet)) as run:
        run.stop("never mind")


@pytest.mark.parametrize("source", ["N1", b"N1", {"id": "N1"}, 5, None])
async def test_what_is_no_source_of_rows_is_refused_at_the_call(chakra, source):
    with pytest.raises(TypeError, match="rows must be"):
        chakra.processes.bulk_update("aircraft", source)


@pytest.mark.parametrize("option", ["chunk_size", "max_chunk_bytes", "concurrency"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True])
async def test_an_option_out_of_range_is_refused_at_the_call(chakra, option, value):
    with pytest.raises(ValueError, match=option):
        chakra.processes.bulk_update("aircraft", [], **{option: value})


@pytest.mark.parametrize("journal", [False, True])
async def test_a_million_invalid_rows_take_no_memory(chakra, tmp_path, journal):
    rows = (ProcessUpdate(state="X") for _ in range(30_000))
    file = tmp_path / "j.db" if journal else None
    async with chakra.processes.bulk_update(
        "aircraft", rows, chunk_size=100, concurrency=2, journal=file
    ) as run:
        gc.collect()
        tracemalloc.start()
        async for _ in run:
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert run.summary.invalid == 30_000
    assert peak < 2_000_000


async def test_rows_that_cannot_be_noted_end_the_run_with_an_account(chakra, tmp_path):
    rows = [ProcessUpdate(state="X") for _ in range(5_000)]
    run = chakra.processes.bulk_update("aircraft", rows, chunk_size=100, journal=tmp_path / "run.db")
    async with run:
        [pages] = run.engine._courier.journal._db.execute("PRAGMA page_count").fetchone()
        run.engine._courier.journal._db.execute(f"PRAGMA max_page_count = {pages}")
        results = []
        with pytest.raises(JournalError, match="no room left"):
            async for result in run:
                results.append(result)
    assert len(results) == run.summary.total == run.summary.invalid < 5_000


async def test_cancelling_the_caller_leaves_no_task_and_no_connection(chakra_hq, chakra, fleet):
    chakra_hq.job_settings.latency = 30
    run = chakra.processes.bulk_update("aircraft", retire(fleet), chunk_size=10, concurrency=3)
    task = asyncio.ensure_future(run.run())
    while chakra_hq.request_count < 5:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(asyncio.all_tasks()) == 1
    assert run.summary.total == run.summary.unknown + run.summary.failed
    assert await chakra.health()


@pytest.mark.fault("B4")
async def test_a_chunk_refused_whole_is_halved_and_only_bad_rows_fail(chakra_hq, chakra, fleet):
    chakra_hq.faults.next("PATCH", times=1, status=400, errors=["Your request has violated JSON schema"])
    summary = await chakra.processes.bulk_update("aircraft", retire(fleet), chunk_size=100).run()
    assert (summary.updated, summary.failed) == (200, 0)
    assert summary.jobs == 3


@pytest.mark.parametrize("pages", ["repeat", "skip"])
async def test_entry_pages_that_repeat_or_skip_leave_true_outcomes(chakra_hq, chakra, fleet, pages):
    chakra_hq.faults.next_job(pages=pages)
    chakra_hq.job_settings.entries_page_size = 5
    rows = retire(fleet[:40])
    rows[11].state = rows[37].state = "SCRAPPED"
    results = await results_of(chakra.processes.bulk_update("aircraft", rows))
    for result in results:
        truth = "failed" if result.index in (11, 37) else "updated"
        assert result.outcome in (truth, "unknown")
    assert any(result.ok for result in results)
