"""Single updates of many tasks: each gets its own outcome, and together they make few jobs."""

import asyncio
import json
import math
from collections import Counter
from contextvars import ContextVar
from datetime import datetime

import aiohttp
import pytest

from chakra_async import AuthenticationError, Client, ProcessUpdate, RateLimitError, RetryPolicy, Timeouts
from chakra_async.emulator import Emulator
from tests.bulk.test_run import all_accepted
from tests.faults.stepping import WAYS, Stepper


pytestmark = pytest.mark.timeout(60)


def jobs_sent(emulator):
    """The rows of each bulk update that arrived."""
    return [json.loads(one.body)["processes"] for one in emulator.requests if one.method == "PATCH"]


def requests(emulator, since=0):
    return Counter((one.method, one.path.split("/")[3]) for one in emulator.requests[since:])


def score(writer, names, **data):
    """Begin to update aircraft, each in a task of its own."""
    return [
        asyncio.create_task(writer.update_by_key("tailnum", name, data=data or {"score": n}))
        for n, name in enumerate(names)
    ]


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


# -- together


async def test_five_thousand_concurrent_updates_make_five_jobs(chakra_hq, chakra):
    names = [f"N{n}" for n in range(5000)]
    rows = [{"data": {"tailnum": name}, "key": ("tailnum", name)} for name in names]
    assert (await chakra.processes.bulk_create("aircraft", rows).run()).ok
    before = chakra_hq.request_count
    async with chakra.processes.writer("aircraft") as writer:
        results = await asyncio.gather(*score(writer, names))
    assert [result.key for result in results] == names
    assert (writer.summary.updated, writer.summary.jobs) == (5000, 5)
    assert requests(chakra_hq, before)["PATCH", "procedure"] == 5
    scores = {plane["data"]["tailnum"]: plane["data"]["score"] for plane in chakra_hq.processes("aircraft")}
    assert scores == {name: n for n, name in enumerate(names)}


async def test_an_update_that_is_alone_waits_for_nobody_and_costs_two_requests(chakra_hq, chakra, fleet):
    # A job that takes next to no time has ended by the first look, however busy the machine is.
    chakra_hq.job_settings.latency, chakra_hq.job_settings.rows_per_second = 0, None
    before = chakra_hq.request_count
    async with chakra.processes.writer("aircraft", linger=math.inf) as writer:
        assert (await writer.update_by_key("tailnum", "N7", state="RETIRED")).outcome == "updated"
    assert requests(chakra_hq, before) == {("PATCH", "procedure"): 1, ("GET", "background-job"): 1}
    assert chakra_hq.process("aircraft", "N7")["state"] == "RETIRED"


async def test_what_comes_while_a_job_is_in_flight_leaves_together_when_it_has_ended(
    chakra_hq, chakra, fleet
):
    async def work(writer, name):
        for n in range(20):
            assert (await writer.update_by_key("tailnum", name, data={"score": n})).ok

    async with chakra.processes.writer("aircraft", linger=math.inf) as writer:
        await asyncio.gather(*(work(writer, name) for name in fleet[:50]))
    assert writer.summary.updated == 1000
    assert 20 <= writer.summary.jobs <= 60


async def test_behind_a_slow_job_rows_wait_no_longer_than_they_linger(chakra_hq, chakra, fleet):
    chakra_hq.faults.next_job("stuck")
    with pytest.raises(LookupError):
        async with chakra.processes.writer("aircraft", linger=0.75) as writer:
            [stuck] = score(writer, ["N0"])
            await until(lambda: jobs_sent(chakra_hq))
            for names in (fleet[1:6], fleet[6:11]):
                others = []
                for name in names:
                    others += score(writer, [name])
                    await asyncio.sleep(0)
                assert {result.outcome for result in await asyncio.gather(*others)} == {"updated"}
            assert [len(rows) for rows in jobs_sent(chakra_hq)] == [1, 5, 5]
            raise LookupError
    assert (await stuck).outcome == "unknown"


async def test_no_more_jobs_are_in_flight_than_asked_for(chakra_hq, chakra, fleet):
    chakra_hq.job_settings.latency = 30
    writer = chakra.processes.writer("aircraft", chunk_size=10, concurrency=3, linger=0)
    with pytest.raises(LookupError):
        async with writer:
            score(writer, fleet)
            await until(lambda: len(jobs_sent(chakra_hq)) == 3)
            await asyncio.sleep(0.05)
            assert len(jobs_sent(chakra_hq)) == 3
            raise LookupError
    assert (writer.summary.unknown, writer.summary.failed) == (30, 170)


async def test_how_many_jobs_are_worth_it_is_learned_from_full_ones_alone(chakra, fleet):
    async with chakra.processes.writer("aircraft") as writer:
        for n in range(20):
            await writer.update_by_key("tailnum", fleet[n], data={"n": n})
        assert writer.summary.pace == "8 jobs at once (at the beginning)"
    async with chakra.processes.writer("aircraft", chunk_size=2) as writer:
        await asyncio.gather(*score(writer, fleet))
    assert "at the beginning" not in writer.summary.pace


async def test_a_job_has_no_more_rows_and_bytes_than_it_may(chakra_hq, chakra, fleet):
    async with chakra.processes.writer("aircraft", chunk_size=7, max_chunk_bytes=400) as writer:
        await asyncio.gather(*score(writer, fleet[:49]), *score(writer, fleet[49:59], note="x" * 100))
    sent = jobs_sent(chakra_hq)
    assert sorted(map(len, sent)) == [2] * 5 + [7] * 7
    assert max(len(json.dumps(rows, separators=(",", ":"))) - 2 for rows in sent) <= 400


# -- each its own outcome


async def test_every_caller_gets_the_outcome_of_its_own_row(chakra, fleet):
    lead = await chakra.processes.create("lead", data={"lead_id": "LEAD-1"})
    async with chakra.processes.writer("lead") as leads, chakra.processes.writer("aircraft") as aircraft:
        results = await asyncio.gather(
            leads.update(lead.id, status="COMPLETED", assigned_to="asha"),
            leads.update_by_key("lead_id", "LEAD-9", data={"score": 1}),
            aircraft.update_by_key("tailnum", "N0", state="SCRAPPED"),
            aircraft.update_by_key(
                "tailnum", "N1", next_action_at=datetime.fromisoformat("2030-01-01T00:00Z")
            ),
        )
    assert [result.outcome for result in results] == ["updated", "invalid", "failed", "updated"]
    assert [result.key for result in results] == [lead.id, "LEAD-9", "N0", "N1"]
    assert [result.index for result in results] == [0, 1, 0, 1]
    assert all(result.errors and result.job_id for result in results[1:3])
    assert (leads.summary.total, aircraft.summary.total) == (2, 2)
    assert (await chakra.processes.get("lead", lead.id)).status == "COMPLETED"


async def test_whole_rows_delete_and_rely_on_what_they_find(chakra_hq, chakra, fleet):
    async with chakra.processes.writer("aircraft") as writer:
        deleted, refused, done = await asyncio.gather(
            writer.write({"key": ("tailnum", "N0"), "is_deleted": True}),
            writer.write(
                ProcessUpdate(key=("tailnum", "N1"), state="RETIRED", expect={"state": "IN_SERVICE"})
            ),
            writer.write(ProcessUpdate(key=("tailnum", "N2"), state="RETIRED", expect={"state": "NEW"})),
        )
    assert (deleted.ok, refused.outcome, done.ok) == (True, "invalid", True)
    assert "changed meanwhile: state" in refused.errors[0]
    assert chakra_hq.process("aircraft", "N0")["isDeleted"]
    assert chakra_hq.process("aircraft", "N1")["state"] == "NEW"


async def test_calls_for_one_process_are_applied_in_order_though_one_relies_on_current_values(
    chakra_hq, chakra, fleet
):
    async with chakra.processes.writer("aircraft") as writer:
        rows = [
            ProcessUpdate(key=("tailnum", "N0"), data={"seats": 1}),
            ProcessUpdate(key=("tailnum", "N0"), data={"seats": 2}, expect={"data": {"seats": 1}}),
            ProcessUpdate(key=("tailnum", "N0"), data={"seats": 3}),
        ]
        results = await asyncio.gather(*map(writer.write, rows))
    assert [result.outcome for result in results] == ["updated"] * 3
    assert chakra_hq.process("aircraft", "N0")["data"]["seats"] == 3


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (lambda writer: writer.update("N0"), "nothing to change"),
        (lambda writer: writer.update("", state="RETIRED"), "not empty"),
        (lambda writer: writer.update(("tailnum", "N0"), state="RETIRED"), "a key: .* update_by_key"),
        (lambda writer: writer.update("N0", data={"x": object()}), r"data\['x'\]"),
        (lambda writer: writer.update_by_key("tailnum", None, state="RETIRED"), "whole number"),
        (lambda writer: writer.write({"id": "x", "dta": {}}), "has no field dta"),
        (lambda writer: writer.write("x"), "not str"),
    ],
)
async def test_a_row_that_cannot_be_sent_is_refused_at_once(chakra_hq, chakra, write, why):
    async with chakra.processes.writer("aircraft") as writer:
        with pytest.raises(ValueError, match=why):
            await write(writer)
    assert writer.summary.total == 0
    assert chakra_hq.request_count == 0


async def test_updates_of_one_process_are_applied_in_the_order_of_the_calls(chakra_hq, chakra, fleet):
    ended = []

    async def update(n):
        name = fleet[n * n % 5]
        await writer.update_by_key("tailnum", name, data={"n": n})
        ended.append((name, n))

    async with chakra.processes.writer("aircraft", chunk_size=4, concurrency=3, linger=0) as writer:
        await asyncio.gather(*map(update, range(100)))
    for name in fleet[:5]:
        assert [n for one, n in ended if one == name] == [n for n in range(100) if fleet[n * n % 5] == name]
    assert {chakra_hq.process("aircraft", name)["data"].get("n") for name in fleet[:5]} == {95, 99, 98, None}


async def test_a_bad_row_costs_the_others_nothing(chakra_hq, chakra, fleet):
    chakra_hq.faults.next("PATCH", status=400, errors=["Your request has violated JSON schema"])
    async with chakra.processes.writer("aircraft") as writer:
        results = await asyncio.gather(*score(writer, fleet))
    assert {result.outcome for result in results} == {"updated"}
    assert writer.summary.jobs == 2


# -- faults


@pytest.mark.parametrize(
    "fault",
    [
        {"method": "PATCH", "status": 429, "retry_after": 0.01},
        {"method": "PATCH", "status": 503},
        {"method": "PATCH", "reset": "before"},
        {"method": "GET", "path": "background-job", "status": 502},
        {"method": "GET", "path": "background-job", "reset": "after"},
    ],
)
async def test_a_fault_that_passes_is_nobodys_concern(chakra_hq, chakra, fleet, fault):
    async with chakra.processes.writer("aircraft", chunk_size=50) as writer:
        assert (await writer.update_by_key("tailnum", "N0", data={"first": True})).ok
        before = len(chakra_hq.ledger)
        planned = chakra_hq.faults.next(times=2, **fault)
        results = await asyncio.gather(*score(writer, fleet))
    assert planned.fired == 2
    assert Counter(result.outcome for result in results) == {"updated": 200}
    assert len(chakra_hq.ledger) == before + 200
    assert writer.summary.retries >= 2


async def test_a_job_that_is_stuck_tells_its_rows_alone(chakra_hq, fleet):
    chakra_hq.faults.next_job("stuck", after=1)
    patience = Timeouts(job=1)
    async with (
        Client(chakra_hq.token, base_url=chakra_hq.url, timeout=patience) as chakra,
        chakra.processes.writer("aircraft", chunk_size=50) as writer,
    ):
        results = await asyncio.gather(*score(writer, fleet))
    assert Counter(result.outcome for result in results) == {"updated": 150, "unknown": 50}
    assert all("made no progress" in result.errors[0] for result in results if not result.ok)


async def test_a_token_that_is_refused_fails_the_rows_and_is_raised_in_the_end(chakra_hq):
    async with Client("not-the-token", base_url=chakra_hq.url) as chakra:
        writer = chakra.processes.writer("aircraft", chunk_size=10)
        with pytest.raises(AuthenticationError):
            async with writer:
                results = await asyncio.gather(*score(writer, [f"N{n}" for n in range(30)]))
    assert {result.outcome for result in results} == {"failed"}
    assert all("not done: " in result.errors[0] and "401" in result.errors[0] for result in results)
    assert writer.summary.failed == 30


async def test_a_writer_outlives_an_outage(chakra_hq, fleet):
    async with Client(chakra_hq.token, base_url=chakra_hq.url, retry=RetryPolicy(attempts=1)) as chakra:
        async with chakra.processes.writer("aircraft") as writer:
            chakra_hq.faults.next("PATCH", status=429)
            assert (await writer.update_by_key("tailnum", "N0", data={"n": 1})).outcome == "failed"
            assert (await writer.update_by_key("tailnum", "N0", data={"n": 2})).outcome == "updated"
        assert (writer.summary.failed, writer.summary.updated) == (1, 1)
        with pytest.raises(RateLimitError):
            async with chakra.processes.writer("aircraft") as writer:
                chakra_hq.faults.next("PATCH", status=429)
                await writer.update_by_key("tailnum", "N0", data={"n": 3})
    assert chakra_hq.process("aircraft", "N0")["data"]["n"] == 2


async def test_a_body_that_is_too_large_makes_the_next_ones_smaller(chakra_hq, chakra, fleet):
    chakra_hq.settings.max_body_bytes = 2_000
    async with chakra.processes.writer("aircraft") as writer:
        for refusals in (True, False):
            before = chakra_hq.request_count
            assert all(result.ok for result in await asyncio.gather(*score(writer, fleet)))
            assert any(one.status == 413 for one in chakra_hq.requests[before:]) == refusals


# -- who gives up, and who must wait


async def test_a_call_that_is_cancelled_neither_loses_nor_doubles_its_row(chakra_hq, chakra, fleet):
    chakra_hq.job_settings.latency = 0.05
    async with chakra.processes.writer("aircraft") as writer:
        tasks = score(writer, fleet[:20])
        await asyncio.sleep(0)
        tasks[3].cancel()
        await until(lambda: jobs_sent(chakra_hq))
        tasks[4].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [n for n, result in enumerate(results) if isinstance(result, asyncio.CancelledError)] == [3, 4]
    assert [result.key for result in results[5:]] == fleet[5:20]
    assert writer.summary.updated == 20
    assert chakra_hq.ledger.count(kind="update") == 20


async def test_a_time_out_of_a_call_leaves_the_writer_as_it_is(chakra_hq, chakra, fleet):
    chakra_hq.job_settings.latency = 0.1
    async with chakra.processes.writer("aircraft") as writer:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.update_by_key("tailnum", "N0", data={"n": 1}), 0.01)
        assert (await writer.update_by_key("tailnum", "N0", data={"n": 2})).ok
    assert writer.summary.updated == 2
    assert chakra_hq.process("aircraft", "N0")["data"]["n"] == 2


async def test_no_more_rows_are_unfinished_than_may_wait(chakra_hq, chakra, fleet):
    chakra_hq.job_settings.latency = 30
    writer = chakra.processes.writer("aircraft", max_waiting=30, chunk_size=10, linger=0)
    with pytest.raises(LookupError):
        async with writer:
            tasks = score(writer, fleet)
            await until(lambda: len(jobs_sent(chakra_hq)) == 3)
            await asyncio.sleep(0.05)
            for task in tasks[:100]:
                task.cancel()
            await asyncio.wait(tasks[:100])
            raise LookupError
    assert sum(map(len, jobs_sent(chakra_hq))) == 30
    # Those who gave up before there was room for them have written nothing.
    assert (writer.summary.unknown, writer.summary.failed) == (30, 100)


async def test_rows_do_not_wait_for_company_that_there_is_no_room_for(chakra_hq, chakra, fleet):
    chakra_hq.faults.next_job("stuck")
    with pytest.raises(LookupError):
        async with chakra.processes.writer("aircraft", max_waiting=3, linger=math.inf) as writer:
            score(writer, ["N0"])
            await until(lambda: jobs_sent(chakra_hq))
            # Two rows fill what room there is, and the third waits for it.
            first, second, _ = score(writer, fleet[1:4])
            assert all(result.ok for result in await asyncio.gather(first, second))
            raise LookupError


@pytest.mark.parametrize("most", [1, 7])
async def test_all_get_their_turn_however_few_may_wait(chakra, fleet, most):
    async with chakra.processes.writer("aircraft", max_waiting=most, linger=math.inf) as writer:
        results = await asyncio.gather(*score(writer, fleet[:30]))
    assert [result.key for result in results] == fleet[:30]
    assert writer.summary.updated == 30


# -- leaving


async def test_leaving_waits_for_all_that_was_begun_in_the_block(chakra_hq, chakra, fleet):
    writer = chakra.processes.writer("aircraft", chunk_size=20, concurrency=2, max_waiting=50)
    async with writer:
        tasks = score(writer, fleet)
    assert writer.summary.updated == 200
    assert {(await task).outcome for task in tasks} == {"updated"}
    assert chakra_hq.ledger.count(kind="update") == 200


async def test_leaving_sends_what_still_waits_for_company(chakra_hq, chakra, fleet):
    chakra_hq.faults.next_job(latency=1.5)
    ended = []

    async def update(name):
        await writer.update_by_key("tailnum", name, data={"n": 1})
        ended.append(name)

    async with chakra.processes.writer("aircraft", linger=math.inf) as writer:
        first = asyncio.create_task(update("N0"))
        await until(lambda: jobs_sent(chakra_hq))
        second = asyncio.create_task(update("N1"))
    await asyncio.gather(first, second)
    assert ended == ["N1", "N0"]


async def test_an_error_in_the_block_ends_it_at_once_and_accounts_for_all(chakra_hq, chakra, fleet):
    chakra_hq.job_settings.latency = 30
    writer = chakra.processes.writer("aircraft", chunk_size=20, concurrency=2)
    with pytest.raises(LookupError):
        async with writer:
            tasks = score(writer, fleet)
            await until(lambda: len(jobs_sent(chakra_hq)) == 2 and all_accepted(writer.group))
            raise LookupError
    assert asyncio.all_tasks() <= {asyncio.current_task(), *tasks}
    results = await asyncio.gather(*tasks)
    assert [result.outcome for result in results] == ["unknown"] * 40 + ["failed"] * 160
    assert all("was accepted, but not followed" in result.errors[0] for result in results[:40])
    assert {result.errors for result in results[40:]} == {
        ("not sent: the writer was left before (LookupError in its block)",)
    }
    assert (writer.summary.unknown, writer.summary.failed) == (40, 160)


async def test_a_job_that_ends_just_as_the_block_is_left_is_accounted_for(chakra, fleet):
    writer = chakra.processes.writer("aircraft")
    with pytest.raises(LookupError):
        async with writer:
            score(writer, ["N0"])
            while not any(task.done() for task in writer.group._tasks):
                await asyncio.sleep(0)
            raise LookupError
    assert writer.summary.updated == 1


async def test_it_is_used_inside_its_block_and_once(chakra, fleet):
    writer = chakra.processes.writer("aircraft")
    with pytest.raises(RuntimeError, match="inside the writer's block"):
        await writer.update_by_key("tailnum", "N0", state="RETIRED")
    async with writer:
        pass
    with pytest.raises(RuntimeError, match="it was left"):
        await writer.update_by_key("tailnum", "N0", state="RETIRED")
    with pytest.raises(RuntimeError, match="only once"):
        async with writer:
            pass
    assert writer.summary.total == 0


async def test_another_event_loop_is_refused(chakra, fleet):
    async with chakra.processes.writer("aircraft") as writer:
        with pytest.raises(RuntimeError, match="serves the event loop in which its block was entered"):
            await asyncio.to_thread(asyncio.run, writer.update_by_key("tailnum", "N0", state="RETIRED"))
        assert (await writer.update_by_key("tailnum", "N0", state="RETIRED")).ok


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[(name, 0) for name in ("chunk_size", "max_chunk_bytes", "concurrency", "max_waiting")],
        ("max_waiting", 1.5),
        ("max_waiting", True),
        ("linger", -1),
        ("linger", math.nan),
        ("linger", "5"),
    ],
)
async def test_an_option_out_of_range_is_refused_at_the_call(chakra, option, value):
    with pytest.raises(ValueError, match=option):
        chakra.processes.writer("aircraft", **{option: value})


async def test_a_procedure_that_is_no_segment_is_refused_at_the_call(chakra):
    with pytest.raises(ValueError, match="procedure"):
        chakra.processes.writer("..")


async def test_a_job_belongs_to_none_of_its_callers(chakra_hq, fleet):
    whose = ContextVar("whose", default="nobody's")
    seen = set()

    async def note(*_):
        seen.add(whose.get())

    async def update(name):
        whose.set(name)
        return await writer.update_by_key("tailnum", name, data={"n": 1})

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(note)
    async with (
        aiohttp.ClientSession(trace_configs=[tracing]) as session,
        Client(chakra_hq.token, base_url=chakra_hq.url, session=session) as chakra,
    ):
        whose.set("the block's")
        async with chakra.processes.writer("aircraft") as writer:
            await asyncio.gather(*map(update, fleet[:20]))
    assert seen == {"the block's"}


def test_a_loop_that_ends_before_the_block_leaves_nothing_behind(run_script, chakra_hq):
    chakra_hq.job_settings.latency = 30
    script = """
import asyncio, gc
from chakra_async import Client

async def service(writers):
    async with Client() as chakra, chakra.processes.writer("aircraft", chunk_size=5, concurrency=2) as writer:
        writers.append(writer)
        tasks = [writer.update("x", data={"n": n}) for n in range(3)]
        tasks += [writer.update(f"x{n}", data={"n": n}) for n in range(20)]
        await asyncio.gather(*tasks)

async def main():
    writers = []
    asyncio.get_running_loop().create_task(service(writers))
    while not writers or len(writers[0].group._tasks) < 2:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    return writers[0]

writer = asyncio.run(main())
gc.collect()
print(writer.summary.total, writer.summary.unknown, writer.summary.failed)
"""
    total, unknown, failed = map(int, run_script(script, emulator=chakra_hq).split())
    assert (total, unknown, failed) == (23, 10, 13)


# -- cancelled at any moment


@pytest.mark.parametrize("way", WAYS)
async def test_cancelled_at_any_suspension_it_leaks_nothing_and_knows_what_it_did(way):
    with Emulator(rows_per_second=None, job_latency=0.0) as emulator:
        emulator.add_procedure("aircraft", primary_key="tailnum")
        quick = RetryPolicy(wait_initial=0.0005, wait_max=0.001, budget=10)
        async with Client(emulator.token, base_url=emulator.url, retry=quick) as chakra:
            for name in "ABC":
                await chakra.processes.create("aircraft", data={"tailnum": name})
            [here] = chakra._transport._loops.values()
            accounts = []

            async def scenario():
                run = {"number": len(accounts), "results": {}}
                run["writer"] = chakra.processes.writer("aircraft", chunk_size=2, max_waiting=4, linger=0.001)
                accounts.append(run)

                async def update(n):
                    field = f"r{run['number']}_{n}"
                    run["results"][n] = None
                    result = await run["writer"].update_by_key("tailnum", "ABC"[n % 3], data={field: n})
                    run["results"][n] = result.outcome

                async with run["writer"], asyncio.TaskGroup() as group:
                    for n in range(6):
                        group.create_task(update(n))

            def check(task, number):
                assert asyncio.all_tasks() == {asyncio.current_task()}
                assert not here.session.connector._acquired
                summary, results = accounts[-1]["writer"].summary, accounts[-1]["results"]
                told = Counter(outcome for outcome in results.values() if outcome)
                for outcome, count in told.items():
                    assert getattr(summary, outcome) >= count
                assert told.total() <= summary.total <= len(results)
                assert not accounts[-1]["writer"]._group._callers

            assert await Stepper().every_step(scenario, check, way) >= 10
            asyncio.get_running_loop().set_task_factory(None)
            await chakra.health()
            done = Counter(
                name for process in emulator.processes("aircraft") for name in process["data"] if "_" in name
            )
    for run in accounts:
        summary = run["writer"].summary
        applied = sum(done[f"r{run['number']}_{n}"] for n in range(6))
        assert summary.updated <= applied <= summary.updated + summary.unknown
        assert all(done[f"r{run['number']}_{n}"] for n, told in run["results"].items() if told == "updated")
