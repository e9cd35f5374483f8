"""A procedure with aircraft in it, and a client, for every bulk test."""

import pytest

from chakra_async import Client, RetryPolicy
from chakra_async.emulator import Emulator


STATES = ("NEW", "IN_SERVICE", "RETIRED")


@pytest.fixture
def chakra_hq():
    with Emulator(rows_per_second=None, job_latency=0.01) as emulator:
        emulator.add_procedure("aircraft", primary_key="tailnum", states=STATES)
        yield emulator


@pytest.fixture
async def chakra(chakra_hq):
    quick = RetryPolicy(wait_initial=0.01, wait_max=0.05)
    async with Client(chakra_hq.token, base_url=chakra_hq.url, retry=quick) as client:
        yield client


@pytest.fixture
async def fleet(chakra):
    """Two hundred aircraft, ``N0`` to ``N199``."""
    rows = [{"data": {"tailnum": f"N{n}"}, "key": ("tailnum", f"N{n}")} for n in range(200)]
    summary = await chakra.processes.bulk_create("aircraft", rows).run()
    assert summary.created == 200
    return [f"N{n}" for n in range(200)]
