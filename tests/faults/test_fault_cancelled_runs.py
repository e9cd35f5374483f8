"""C1: a bulk run cancelled at any of its suspensions gives back what it has taken, and knows what it did."""

import asyncio
import threading
from collections import Counter

import pytest

from chakra_async import Client, Limits, ProcessCreate, ProcessUpdate, RetryPolicy, Timeouts
from chakra_async.bulk import polling, search
from chakra_async.emulator import Emulator
from tests.faults.journals import do_not_wait_for_the_disk
from tests.faults.stepping import Stepper


pytestmark = pytest.mark.timeout(60)

ROWS = 4
PLACES = 3


@pytest.fixture
def service():
    with Emulator(rows_per_second=None, job_latency=0.0) as emulator:
        emulator.add_procedure("aircraft", primary_key="tailnum")
        emulator.add_procedure("note")
        yield emulator


@pytest.fixture
async def chakra(service, monkeypatch):
    monkeypatch.setattr(search, "PAUSES", (0.001, 0.001))
    monkeypatch.setattr(polling, "FIRST", 0.001)
    do_not_wait_for_the_disk(monkeypatch)
    async with Client(
        service.token,
        base_url=service.url,
        retry=RetryPolicy(wait_initial=0.0005, wait_max=0.001, budget=10),
        limits=Limits(connections=PLACES, chunk_size=2, jobs_in_flight=2),
        timeout=Timeouts(drain=0.0),
    ) as client:
        yield client


class Run:
    """One operation, again and again: each time on rows and a journal of its own."""

    def __init__(self, chakra, folder, operation):
        self.processes = chakra.processes
        self.folder = folder
        self.operation = operation
        self.number = 0

    def names(self):
        return [f"{self.operation}-{self.number}-{n}" for n in range(ROWS)]

    def begin(self):
        journal = self.folder / f"{self.operation}-{self.number}.db"
        match self.operation:
            case "update":
                rows = [
                    ProcessUpdate(key=("tailnum", f"N{n}"), data={name: True})
                    for n, name in enumerate(self.names())
                ]
                return self.processes.bulk_update("aircraft", rows, journal=journal)
            case "create":
                rows = [ProcessCreate(data={"tailnum": name}, key=("tailnum", name)) for name in self.names()]
                return self.processes.bulk_create("aircraft", rows, journal=journal)
            case "blind":
                rows = [ProcessCreate(data={"name": name}) for name in self.names()]
                return self.processes.bulk_create("note", rows, journal=journal)

    async def first(self):
        """Send them, in a run that will be cancelled."""
        self.number += 1
        self.results = []
        self.cancelled = self.begin()
        async with self.cancelled as run:
            async for result in run:
                self.results.append(result)


@pytest.mark.parametrize(
    ("operation", "way"),
    [("update", "once"), ("update", "again"), ("create", "woken"), ("create", "again"), ("blind", "woken")],
)
async def test_C1_a_run_cancelled_at_any_suspension_is_taken_up_again(
    operation, way, chakra, service, tmp_path
):
    rows = [{"data": {"tailnum": f"N{n}"}, "key": ("tailnum", f"N{n}")} for n in range(ROWS)]
    await chakra.processes.bulk_create("aircraft", rows).run()
    [here] = chakra._transport._loops.values()
    run = Run(chakra, tmp_path, operation)
    accounts = []

    stepper = Stepper()

    def check(task, number):
        assert "Courier.carry" not in stepper.going_on
        assert here.turnstile.inside == 0
        assert not here.session.connector._acquired
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert "chakra-journal" not in [thread.name for thread in threading.enumerate()]
        # Every row that was taken has a result, one that was not sent has no effect.
        summary = run.cancelled.summary
        results = [*run.results, *run.cancelled.leftover()]
        assert len(results) == summary.total
        outcomes = {run.names()[result.index]: result.outcome for result in results}
        accounts.append((run.number, outcomes))

    assert await stepper.every_step(run.first, check, way) >= 10
    asyncio.get_running_loop().set_task_factory(None)
    # What had left arrives in its own time.
    await chakra.health()

    done = effects(service, operation)
    for number, outcomes in accounts:
        run.number = number
        for name in run.names():
            if outcomes.get(name, "failed") == "failed":
                assert done[name] == 0
            elif outcomes[name] != "unknown":
                assert done[name] == 1
        again = await run.begin().run()
        assert again.total == ROWS
        # What was accepted is followed to its end; what got no answer stays unknown unless it has a key.
        lost = sum(outcome == "unknown" for outcome in outcomes.values()) if operation == "blind" else 0
        assert again.unknown <= lost
        assert again.updated + again.created + again.unknown == ROWS
    done = effects(service, operation)
    for number, outcomes in accounts:
        run.number = number
        for name in run.names():
            lost = operation == "blind" and outcomes.get(name) == "unknown"
            assert done[name] == 1 or (lost and not done[name])


def effects(service, operation):
    """How often each row was done, by the service's own account."""
    match operation:
        case "update":
            return Counter(name for process in service.processes("aircraft") for name in process["data"])
        case "create":
            return Counter(effect.key for effect in service.ledger if effect.kind == "create")
        case "blind":
            return Counter(process["data"]["name"] for process in service.processes("note"))
