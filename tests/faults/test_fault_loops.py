"""C3, C7: one client in one loop after another, of every kind."""

import asyncio
import gc
import logging

import pytest

from chakra_async import Client, NotFoundError, ProcessUpdate, RetryPolicy
from tests.faults.loops import KINDS, run_in


pytestmark = pytest.mark.timeout(60)

QUICK = RetryPolicy(wait_initial=0.0005, wait_max=0.001)


async def tour(chakra, emulator, folder):
    """Something of everything: calls, failures, pages, files, a job, a run with a journal."""
    emulator.faults.next("GET", status=503)
    assert await chakra.health()
    leads = await asyncio.gather(*(chakra.processes.create("lead", data={"n": n}) for n in range(5)))
    with pytest.raises(NotFoundError):
        await chakra.processes.get("lead", "nobody")
    ids = {lead.id for lead in leads}
    assert ids <= {lead.id async for lead in chakra.processes.list("lead", limit=2)}
    photo = await chakra.photos.upload(b"x" * 100_000, filename="a.jpg")
    emulator.faults.next("GET", cut=50_000)
    assert (await chakra.photos.get(photo.id, to=folder / "a.jpg")).id
    job = await chakra.processes.start_bulk_update("lead", [ProcessUpdate(leads[0].id, data={"n": 7})])
    assert (await chakra.jobs.wait(job.id, timeout=5)).id == job.id
    updates = [ProcessUpdate(lead.id, data={"n": 8}) for lead in leads]
    journal = folder / f"{job.id}.db"
    assert (await chakra.processes.bulk_update("lead", updates, chunk_size=2, journal=journal).run()).ok
    async with chakra.processes.bulk_update("lead", updates, chunk_size=1) as run:
        async for _ in run:
            break
    slow = asyncio.create_task(chakra.health())
    await asyncio.sleep(0)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.fault("C3")
@pytest.mark.parametrize("loop", KINDS)
def test_C7_one_client_works_in_three_loops_of_any_kind(loop, emulator, tmp_path, caplog):
    chakra = Client(emulator.token, base_url=emulator.url, retry=QUICK)
    caplog.set_level(logging.ERROR)
    for _ in range(3):
        run_in(loop, lambda: tour(chakra, emulator, tmp_path))
        # What the loop left open would warn, and what nobody awaited would be logged.
        gc.collect()
    asyncio.run(tour(chakra, emulator, tmp_path))
    asyncio.run(chakra.close())
    assert [record for record in caplog.records if not record.name.startswith("chakra_async.emulator")] == []


@pytest.fixture(scope="module")
def shared():
    """A client that outlives the loops of the tests that use it."""
    from chakra_async.emulator import Emulator

    with Emulator(rows_per_second=None, job_latency=0.0) as running:
        yield Client(running.token, base_url=running.url)
    gc.collect()


@pytest.mark.parametrize("number", range(3))
async def test_C3_a_client_is_shared_by_tests_that_have_a_loop_each(shared, number):
    made = await shared.processes.create("lead", data={"lead_id": f"L{number}"})
    assert (await shared.processes.get("lead", made.id)).data == {"lead_id": f"L{number}"}
