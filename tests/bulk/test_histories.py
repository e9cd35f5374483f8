"""Random histories of faults, crashes and resumptions: in the end every row is done, once, and told so."""

import asyncio
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chakra_async import ChakraError, Client, Limits, ProcessCreate, ProcessUpdate, RetryPolicy
from chakra_async.bulk import search
from chakra_async.bulk.journal import Journal
from chakra_async.emulator import Emulator


ROWS = 60
SETTINGS = {
    "retry": RetryPolicy(wait_initial=0.001, wait_max=0.01, attempts=4, budget=10),
    "limits": Limits(jobs_in_flight=3),
}


class Crash(BaseException):
    """Stands for the end of the process: nothing that comes after it is written or sent."""


class Mortal(Journal):
    """A journal whose process dies at a given write, before or after it is durable."""

    steps = 10**9
    before = True

    async def _do(self, sql, rows, problems=()):
        cls = type(self)
        if cls.steps <= 0:
            await asyncio.sleep(3600)
        cls.steps -= 1
        if cls.steps <= 0 and cls.before:
            raise Crash
        await super()._do(sql, rows, problems)
        if cls.steps <= 0:
            raise Crash

    def note(self, problem):
        if type(self).steps > 0:
            super().note(problem)


class Histories(RuleBasedStateMachine):
    """One operation on one journal, however often it is broken off."""

    @initialize(operation=st.sampled_from(["update", "create", "delete"]), chunk_size=st.integers(1, 20))
    def begin(self, operation, chunk_size):
        self.operation, self.chunk_size = operation, chunk_size
        self.folder = tempfile.TemporaryDirectory()
        self.journal = Path(self.folder.name) / "run.db"
        self.emulator = Emulator(rows_per_second=None, job_latency=0.001)
        self.emulator.start()
        self.emulator.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "RETIRED"))
        self.pauses, search.PAUSES = search.PAUSES, (0.01, 0.02, 0.05)
        self.ending = False
        if operation != "create":
            rows = [ProcessCreate({"tailnum": f"N{n}"}, key=("tailnum", f"N{n}")) for n in range(ROWS)]
            assert asyncio.run(self.send("bulk_create", rows)).ok

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

    @rule(steps=st.integers(1, 30), before=st.booleans())
    def crash(self, steps, before):
        """Run until the process dies, or to the end if it is done sooner."""
        Mortal.steps, Mortal.before = steps, before
        with suppress(Crash):
            asyncio.run(self.run(Mortal))

    @rule()
    def finish(self):
        """Run to the end, and check all that can be known."""
        try:
            summary = asyncio.run(self.run(Journal))
        except ChakraError:
            # A run whose first answer is a fault does not begin; the next one takes it up.
            if not self.ending:
                return
            raise
        self.check(summary)

    @invariant()
    def nothing_is_doubled(self):
        if getattr(self, "operation", None) == "create":
            made = Counter(effect.key for effect in self.emulator.ledger)
            assert set(made.values()) <= {1}

    def rows(self):
        for n in range(ROWS):
            key = ("tailnum", f"N{n}")
            match self.operation:
                case "update":
                    # Rows of one process follow each other at all distances.
                    yield ProcessUpdate(key=("tailnum", f"N{n * n % 23}"), data={"n": n})
                case "create":
                    yield ProcessCreate({"tailnum": f"N{n}", "n": n}, key=key)
                case _:
                    yield ProcessUpdate(key=key)

    async def send(self, method, rows, **options):
        async with Client(self.emulator.token, base_url=self.emulator.url, **SETTINGS) as client:
            return await getattr(client.processes, method)("aircraft", rows, **options).run()

    async def run(self, journal_type):
        async with Client(self.emulator.token, base_url=self.emulator.url, **SETTINGS) as client:
            run = getattr(client.processes, f"bulk_{self.operation}")(
                "aircraft", self.rows(), journal=self.journal, chunk_size=self.chunk_size
            )
            if journal_type is Journal:
                return await run.run()
            return await self.die(run)

    async def die(self, run):
        """Drive a run whose journal is mortal, and leave of it what a killed process leaves."""
        engine = run.engine
        engine.enter()
        journal = engine._courier.journal
        journal.__class__ = Mortal
        try:
            while True:
                while engine.room:
                    engine.intake.take(self.source, engine.room)
                await engine.launch()
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
            # The dead do not write; what they had handed over may still reach the disk.
            Mortal.steps = 0
            for task in engine._tasks:
                task.cancel()
            await asyncio.gather(*engine._tasks, return_exceptions=True)
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
            case "update":
                assert summary.updated == ROWS
                last = {f"N{n * n % 23}": n for n in range(ROWS)}
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
