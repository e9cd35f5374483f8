"""Random histories of faults, crashes and resumptions: in the end every row is done, once, and told so."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chakra_async import ChakraError, Client, Limits, ProcessCreate, ProcessUpdate, RetryPolicy
from chakra_async.bulk import search
from chakra_async.bulk.journal._commits import Commits
from chakra_async.emulator import Emulator


ROWS = 60
OPERATIONS = ("update", "expect", "create", "delete")
SETTINGS = {
    "retry": RetryPolicy(wait_initial=0.001, wait_max=0.01, attempts=4, budget=10),
    "limits": Limits(jobs_in_flight=3),
}


class Crash(BaseException):
    """Stands for the end of the process: nothing that comes after it is written or sent."""


class Mortal(Commits):
    """Commits of a process that dies at a given write, before or after it is durable."""

    steps = 0
    before = True

    async def do(self, steps, problems=()):
        cls = type(self)
        if cls.steps <= 0:
            await asyncio.sleep(3600)
        cls.steps -= 1
        if cls.steps <= 0 and cls.before:
            raise Crash
        await super().do(steps, problems)
        if cls.steps <= 0:
            raise Crash

    def add(self, steps, problems=()):
        if type(self).steps > 0:
            super().add(steps, problems)

    def die(self):
        """Write nothing more; what was handed over reaches the disk only if the process died after that."""
        type(self).steps = 0
        if type(self).before:
            self._waiting.clear()


class Histories(RuleBasedStateMachine):
    """One operation on one journal, however often it is broken off."""

    @initialize(operation=st.sampled_from(OPERATIONS), chunk_size=st.integers(1, 20))
    def begin(self, operation, chunk_size):
        self.operation, self.chunk_size = operation, chunk_size
        self.method = "bulk_update" if operation == "expect" else f"bulk_{operation}"
        self.folder = tempfile.TemporaryDirectory()
        self.journal = Path(self.folder.name) / "run.db"
        self.emulator = Emulator(rows_per_second=None, job_latency=0.001)
        self.emulator.start()
        self.emulator.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "RETIRED"))
        self.pauses, search.PAUSES = search.PAUSES, (0.01, 0.02, 0.05)
        self.over = self.ending = False
        if operation != "create":
            rows = [ProcessCreate({"tailnum": f"N{n}"}, key=("tailnum", f"N{n}")) for n in range(ROWS)]
            assert asyncio.run(self.send("bulk_create", rows)).ok

    @precondition(lambda self: not self.over)
    @rule(
        after=st.integers(0, 6),
        fault=st.sampled_from(
            [
                {"method": "POST", "path": "bulk-create", "reset": "before"},
                {"method": "POST", "path": "bulk-create", "reset": "after"},
                {"method": "POST", "path": "bulk-create", "broken_json": True},
                {"method": "POST", "path": "bulk-create", "status": 429, "retry_after": 0.01},
                {"method": "PATCH", "reset": "before"},
                {"method": "PATCH", "reset": "after"},
                {"method": "PATCH", "status": 503},
                {"method": "GET", "path": "background-job", "reset": "after"},
                {"method": "GET", "path": "background-job", "status": 502},
                {"method": "GET", "path": "entries", "cut": 20},
            ]
        ),
    )
    def plan_a_fault(self, after, fault):
        fault = dict(fault)
        self.emulator.faults.next(fault.pop("method"), after=after, **fault)

    @precondition(lambda self: not self.over)
    @rule(steps=st.integers(1, 12), before=st.booleans())
    def crash(self, steps, before):
        """Run until the process dies, or to the end if it is done sooner."""
        self.dies(steps, before)

    @rule()
    def finish(self):
        """Run to the end, and check all that can be known."""
        try:
            summary = asyncio.run(self.run())
        except ChakraError:
            # A run whose first answer is a fault does not begin; the next one takes it up.
            if not self.ending:
                return
            raise
        self.check(summary)
        self.over = True

    @invariant()
    def nothing_is_doubled(self):
        if getattr(self, "operation", None) == "create":
            made = Counter(effect.key for effect in self.emulator.ledger)
            assert set(made.values()) <= {1}

    def rows(self):
        last = {}
        for n in range(ROWS):
            key = ("tailnum", f"N{n}")
            match self.operation:
                case "update" | "expect":
                    name = self.named(n)
                    expect = {"data": {"n": last.get(name)}} if self.operation == "expect" and n % 3 else None
                    last[name] = n
                    yield ProcessUpdate(key=("tailnum", name), data={"n": n}, expect=expect)
                case "create":
                    yield ProcessCreate({"tailnum": f"N{n}", "n": n}, key=key)
                case _:
                    yield ProcessUpdate(key=key)

    def named(self, n):
        """Name the process of an update: rows of one follow each other at all distances."""
        return f"N{n * n % (13 if self.operation == 'expect' else 23)}"

    async def send(self, method, rows, **options):
        async with Client(self.emulator.token, base_url=self.emulator.url, **SETTINGS) as client:
            return await getattr(client.processes, method)("aircraft", rows, **options).run()

    def dies(self, steps, before):
        """Run, and tell whether the process died before it was done."""
        Mortal.steps, Mortal.before = steps, before
        try:
            asyncio.run(self.run(mortal=True))
        except Crash:
            return True
        return False

    async def run(self, *, mortal=False):
        async with Client(self.emulator.token, base_url=self.emulator.url, **SETTINGS) as client:
            run = getattr(client.processes, self.method)(
                "aircraft", self.rows(), journal=self.journal, chunk_size=self.chunk_size
            )
            return await (self.until_death(run) if mortal else run.run())

    async def until_death(self, run):
        """Drive a run whose journal is mortal, and leave of it what a killed process leaves."""
        engine = run.engine
        engine.enter()
        journal = engine._courier.journal
        journal._commits.__class__ = Mortal
        tasks = set()
        try:
            while True:
                while engine.room:
                    engine.intake.take(self.source, engine.room)
                await engine.launch()
                tasks |= engine._tasks.keys()
                while engine.results:
                    engine.results.take()
                if not engine.busy:
                    return engine.summary
                await asyncio.wait(engine._tasks, return_when=asyncio.FIRST_COMPLETED)
                if Mortal.steps > 0:
                    await engine.collect()
                if Mortal.steps <= 0:
                    raise Crash
        finally:
            journal._commits.die()
            tasks |= engine._tasks.keys()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            journal.close()

    @property
    def source(self):
        if getattr(self, "_source_of", None) is not asyncio.current_task():
            self._source_of, self._source = asyncio.current_task(), self.rows()
        return self._source

    def check(self, summary):
        held = {process["data"]["tailnum"]: process for process in self.emulator.processes("aircraft")}
        assert summary.total == ROWS
        assert (summary.failed, summary.invalid) == (0, 0)
        match self.operation:
            case "update" | "expect":
                # Of a row that may have been sent, and finds what a later one has left, nobody can tell.
                unknown = summary.unknown if self.operation == "expect" else 0
                assert summary.updated + unknown == ROWS
                last = {self.named(n): n for n in range(ROWS)}
                assert {name: process["data"].get("n") for name, process in held.items()} == {
                    name: last.get(name) for name in held
                }
            case "create":
                assert summary.created == ROWS
                assert {name: process["data"]["n"] for name, process in held.items()} == {
                    f"N{n}": n for n in range(ROWS)
                }
            case _:
                assert summary.deleted == ROWS
                assert all(process["isDeleted"] for process in held.values())

    def teardown(self):
        if not hasattr(self, "emulator"):
            return
        try:
            self.emulator.faults.clear()
            self.ending = True
            self.finish()
        finally:
            search.PAUSES = self.pauses
            self.emulator.close()
            self.folder.cleanup()


Histories.TestCase.settings = settings(
    max_examples=15, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHistories = Histories.TestCase


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_process_of_a_history_dies(operation, before):
    history = Histories()
    history.begin(operation, 20)
    try:
        # Three jobs of twenty rows have two writes each.
        assert all(history.dies(steps, before) for steps in range(1, 4))
    finally:
        history.teardown()
