"""Bulk runs on journals that cannot be written, with a poison row, and while clocks jump."""

import asyncio
import os
import sys
import time
from collections import Counter

import pytest

from chakra_async import AmbiguousResultError, Client, JobTimeoutError, JournalError
from tests.faults.callers import Async, create, read
from tests.raw import QUICK, TOKEN, RawServer, wrapped


LEAD = wrapped({"id": "1"})


@pytest.fixture
def fleet(emulator):
    emulator.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "RETIRED"))
    return emulator


def rows(count, **changes):
    return [{"key": ("tailnum", f"N{n}"), "data": {"n": n}, **changes} for n in range(count)]


def damaged(path):
    """A journal whose pages have been written over, its first one excepted."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))


UNUSABLE = {
    "damaged": (damaged, "damaged"),
    "no journal": (lambda path: path.write_bytes(b"notes of somebody's" * 999), "damaged or no journal"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "journal"),
    "the folder gone": (lambda path: (path.unlink(), path.parent.rmdir()), "folder"),
}


@pytest.mark.parametrize(("spoil", "said"), UNUSABLE.values(), ids=UNUSABLE)
async def test_B2_a_journal_that_cannot_be_used_stops_the_run_before_anything_is_sent(
    fleet, tmp_path, spoil, said
):
    path = tmp_path / "kept" / "run.db"
    path.parent.mkdir()

    def run(client):
        return client.processes.bulk_create("aircraft", rows(300), journal=path, chunk_size=100).run()

    async with Async.client(fleet.url, access_token=fleet.token) as chakra:
        assert (await chakra(run)).created == 300
        before = fleet.request_count
        spoil(path)
        with pytest.raises(JournalError, match=said):
            await chakra(run)
        assert fleet.request_count == before


@pytest.mark.skipif(sys.platform != "linux", reason="a file system on which nobody can write")
async def test_B2_nor_is_anything_sent_where_nobody_can_write(flavour, fleet):
    async with flavour.client(fleet.url, access_token=fleet.token) as chakra:
        with pytest.raises(JournalError):
            await chakra(
                lambda client: client.processes.bulk_create("aircraft", rows(9), journal="/proc/x.db").run()
            )
    assert fleet.request_count == 0


async def test_B4_one_poison_row_of_ten_thousand_costs_only_itself(fleet):
    created = rows(10_000)
    created[7123]["state"] = "SCRAPPED"

    async def results(client):
        async with client.processes.bulk_create("aircraft", created) as run:
            return [result async for result in run]

    async with Async.client(fleet.url, access_token=fleet.token) as chakra:
        found = await chakra(results)
    assert Counter(result.outcome for result in found) == {"created": 9_999, "failed": 1}
    (poison,) = (result for result in found if not result.ok)
    assert poison.index == 7123
    assert "N7123" in str(poison.key)
    assert "SCRAPPED" in poison.errors[0]
    assert len(fleet.processes("aircraft")) == 9_999


class Sleepy(asyncio.SelectorEventLoop):
    """A loop whose clock jumps, as after an hour in which the machine slept."""

    asleep = 0.0

    def time(self):
        return super().time() + self.asleep


class Dozing(RawServer):
    """Has the machine sleep for an hour while the first request is under way."""

    async def _exchange(self, reader, writer):
        if not self.requests:
            self.script.insert(0, [])
            asyncio.get_running_loop().call_later(0.02, self._doze)
        return await super()._exchange(reader, writer)

    @staticmethod
    def _doze():
        asyncio.get_running_loop().asleep += 3600


@pytest.mark.parametrize("call", [read, create])
def test_B11_a_call_under_way_when_the_machine_sleeps_ends_as_any_that_times_out(call):
    async def main():
        async with (
            Dozing(LEAD) as server,
            Client(TOKEN, base_url=server.url, retry=QUICK) as chakra,
        ):
            if call is read:
                assert (await read(chakra)).id == "1"
            else:
                with pytest.raises(AmbiguousResultError):
                    await create(chakra)
            assert (await read(chakra)).id == "1"

    with asyncio.Runner(loop_factory=Sleepy) as runner:
        runner.run(asyncio.wait_for(main(), 7200))


@pytest.mark.parametrize("jump", [-86_400 * 365, 86_400 * 365])
async def test_B11_no_time_limit_goes_by_the_clock_on_the_wall(flavour, fleet, monkeypatch, jump):
    real, steps = time.time, iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: real() + jump * (next(steps) % 2))
    fleet.job_settings.latency = 0.05

    def jobs(client):
        return client.processes.start_bulk_create("aircraft", rows(3))

    async with flavour.client(fleet.url, access_token=fleet.token) as chakra:
        job = await chakra(jobs)
        assert (await chakra(lambda client: client.jobs.wait(job.id, timeout=5))).processed == 3
        fleet.job_settings.latency = 60
        stuck = await chakra(jobs)
        with pytest.raises(JobTimeoutError):
            await chakra(lambda client: client.jobs.wait(stuck.id, timeout=0.1))
