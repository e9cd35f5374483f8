"""Random histories of a writer: whatever is cancelled or fails, each row has one outcome, and a true one."""

import asyncio
import itertools
import math
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chakra_async import Client, RetryPolicy
from chakra_async.emulator import Emulator


PLANES = "ABCD"
# Faults pass within one call, so that they explain no outcome.
TIRELESS = RetryPolicy(wait_initial=0.0005, wait_max=0.001, attempts=60, budget=1000)

FAULTS = [
    {"method": "PATCH", "status": 429, "retry_after": 0.002},
    {"method": "PATCH", "status": 503},
    {"method": "PATCH", "reset": "before"},
    {"method": "PATCH", "reset": "after"},
    {"method": "GET", "status": 502},
    {"method": "GET", "reset": "after"},
]
STEPS = st.one_of(
    st.tuples(st.just("update"), st.sampled_from(PLANES)),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("pause"), st.sampled_from([0, 0, 0.001, 0.004])),
    st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
)
OPTIONS = st.fixed_dictionaries(
    {
        "chunk_size": st.integers(1, 5),
        "concurrency": st.one_of(st.none(), st.integers(1, 3)),
        "linger": st.sampled_from([0, 0.002, math.inf]),
        "max_waiting": st.integers(1, 12),
    }
)
LEAVING = st.sampled_from(["in peace", "in peace", "by an error", "cancelled"])

numbers = itertools.count()


class History:
    """One writer's life, and what can be said of it afterwards."""

    def __init__(self, emulator, options, steps, leaving):
        self.emulator, self.options, self.steps, self.leaving = emulator, options, steps, leaving
        self.number = next(numbers)
        self.planes, self.tasks = [], []
        self.results = []

    async def live(self):
        async with Client(self.emulator.token, base_url=self.emulator.url, retry=TIRELESS) as chakra:
            self.writer = chakra.processes.writer("aircraft", **self.options)
            block = asyncio.create_task(self.block())
            if self.leaving == "cancelled":
                await asyncio.sleep(0.005)
                block.cancel()
            await asyncio.wait([block])
            assert block.cancelled() or not block.exception() or self.leaving == "by an error"
            async with asyncio.timeout(10):
                self.results = await asyncio.gather(*self.tasks, return_exceptions=True)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            self.emulator.faults.clear()
            # What had left when the block was broken off is done before this, which does nothing.
            await chakra.health()
            job = await chakra.processes.start_bulk_update("aircraft", [{"id": "nobody", "state": "NEW"}])
            await chakra.jobs.wait(job.id, timeout=10)

    async def block(self):
        async with self.writer as writer:
            for step, value in self.steps:
                match step:
                    case "update":
                        data = {self.field(len(self.tasks)): True, "last": len(self.tasks)}
                        self.planes.append(value)
                        update = writer.update_by_key("tailnum", value, data=data)
                        self.tasks.append(asyncio.create_task(update))
                    case "cancel" if value < len(self.tasks):
                        self.tasks[value].cancel()
                    case "pause":
                        await asyncio.sleep(value)
                    case "fault":
                        self.emulator.faults.next(**value)
            if self.leaving == "by an error":
                raise LookupError

    def field(self, n):
        return f"r{self.number}_{n}"

    def check(self, held, effects):
        summary = self.writer.summary
        told = {n: result for n, result in enumerate(self.results) if not isinstance(result, BaseException)}
        silent = [result for result in self.results if isinstance(result, BaseException)]
        assert all(isinstance(one, asyncio.CancelledError | RuntimeError) for one in silent)
        assert len({result.index for result in told.values()}) == len(told)

        # One outcome for each caller, and one for each row of a caller who gave up once it was let in.
        counts = Counter(result.outcome for result in told.values())
        totals = {name: getattr(summary, name) for name in ("updated", "invalid", "failed", "unknown")}
        assert all(totals[name] >= count for name, count in counts.items())
        assert len(told) <= summary.total == sum(totals.values()) <= len(self.tasks)

        # And a true one.
        applied = {n for n, plane in enumerate(self.planes) if held[plane].get(self.field(n))}
        for n, result in told.items():
            assert result.outcome in {
                "updated" if n in applied else "failed",
                "unknown",
            }
        assert totals["updated"] <= len(applied) <= totals["updated"] + totals["unknown"]
        if self.leaving == "in peace":
            assert summary.updated == summary.total == len(applied)

        if not any(value == FAULTS[3] for _, value in self.steps):
            # No answer was lost after the fact, so nothing was sent twice.
            assert effects == len(applied)
            for plane in PLANES:
                last = max((n for n in applied if self.planes[n] == plane), default=None)
                assert last is None or held[plane]["last"] == last


@pytest.fixture(scope="module")
def emulator():
    with Emulator(rows_per_second=None, job_latency=0.001) as running:
        running.add_procedure("aircraft", primary_key="tailnum")
        rows = [{"data": {"tailnum": plane}} for plane in PLANES]

        async def create():
            async with Client(running.token, base_url=running.url) as chakra:
                for row in rows:
                    await chakra.processes.create("aircraft", **row)

        asyncio.run(create())
        yield running


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(options=OPTIONS, steps=st.lists(STEPS, max_size=40), leaving=LEAVING)
def test_every_row_has_one_outcome_and_it_is_true(emulator, options, steps, leaving):
    before = len(emulator.ledger)
    history = History(emulator, options, steps, leaving)
    asyncio.run(history.live())
    held = {plane["data"]["tailnum"]: plane["data"] for plane in emulator.processes("aircraft")}
    history.check(held, len(emulator.ledger) - before)
