"""C1: a call cancelled at any of its suspensions gives back what it has taken."""

import asyncio
import gc
import os

import pytest

from chakra_async import Client, Limits, ProcessUpdate, RetryPolicy
from chakra_async._endings import ended
from tests.faults.loops import KINDS, run_in
from tests.faults.stepping import WAYS, Stepper
from tests.raw import STALL, RawServer, quick_client


pytestmark = pytest.mark.timeout(60)

QUICK = RetryPolicy(wait_initial=0.0005, wait_max=0.001, budget=10)
PLACES = 2
PHOTO_BYTES = 300_000

EVERYWHERE = [("asyncio", way) for way in WAYS] + [(loop, "woken") for loop in KINDS[1:]]


def client(emulator, **options):
    return Client(
        emulator.token, base_url=emulator.url, retry=QUICK, limits=Limits(connections=PLACES), **options
    )


def check_nothing_is_held(chakra):
    """Every place is free, no connection is in use, and no task of ours goes on."""
    for here in chakra._transport._loops.values():
        assert here.turnstile.inside == 0
        assert not here.session.connector._acquired
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Calls:
    """What can be asked of a client in one go, each with a fault on its way."""

    def __init__(self, emulator, chakra, folder):
        emulator.settings.photo_answer = "bytes"
        self.faults = emulator.faults
        self.chakra = chakra
        self.file = folder / "shop.jpg"
        self.file.write_bytes(os.urandom(PHOTO_BYTES))
        self.target = folder / "down" / "shop.jpg"
        self.target.parent.mkdir()

    async def prepare(self):
        made = [await self.chakra.processes.create("lead", data={"score": n}) for n in range(5)]
        self.lead = made[0].id
        self.photo = (await self.chakra.photos.upload(self.file)).id

    async def read(self):
        self.faults.next("GET", status=503)
        self.faults.next("GET", huge=400_000)
        await self.chakra.processes.get("lead", self.lead)

    async def write(self):
        self.faults.next("POST", status=429, retry_after=0)
        await self.chakra.processes.create("lead", data={"score": 9})

    async def queue(self):
        async def one():
            await self.chakra.health()

        await asyncio.gather(*(one() for _ in range(3 * PLACES)))

    async def upload(self):
        await self.chakra.photos.upload(self.file)

    async def upload_again(self):
        self.faults.next("POST", reset="after")
        own = "3396ea03-cc82-4a52-967b-dc2a94b50f12"
        await self.chakra.photos.upload(self.file.read_bytes(), filename="a.jpg", photo_id=own)

    async def download(self):
        self.faults.next("GET", cut=PHOTO_BYTES // 2)
        await self.chakra.photos.get(self.photo, to=self.target)
        self.target.unlink()

    async def pages(self):
        self.faults.next("POST", "list", status=500, after=1)
        assert len([found async for found in self.chakra.processes.list("lead", limit=2)]) >= 5

    async def wait_for_a_job(self):
        job = await self.chakra.processes.start_bulk_update(
            "lead", [ProcessUpdate(self.lead, data={"score": 1})]
        )
        await self.chakra.jobs.wait(job.id, timeout=5)


@pytest.mark.fault("C7")
@pytest.mark.parametrize(("loop", "way"), EVERYWHERE)
def test_C1_a_call_cancelled_at_any_suspension_leaks_nothing(loop, way, emulator, tmp_path):
    async def main():
        async with client(emulator) as chakra:
            calls = Calls(emulator, chakra, tmp_path)
            await calls.prepare()

            def check(task, number):
                emulator.faults.clear()
                check_nothing_is_held(chakra)

            stepper = Stepper()
            counts = {}
            for name in ("read", "write", "queue", "upload", "upload_again", "download", "pages"):
                counts[name] = await stepper.every_step(getattr(calls, name), check, way)
            counts["wait"] = await stepper.every_step(calls.wait_for_a_job, check, way)
            assert await chakra.health()
        assert min(counts.values()) >= 2, counts

    run_in(loop, main)
    assert [path.name for path in (tmp_path / "down").iterdir()] == []
    # A file or socket left open would warn now.
    gc.collect()


@pytest.mark.fault("C7")
@pytest.mark.parametrize(("loop", "way"), EVERYWHERE)
def test_C1_closing_cancelled_at_any_suspension_closes_all_the_same(loop, way, emulator):
    async def main():
        async with client(emulator) as chakra:
            photo = (await chakra.photos.upload(b"x" * 1000, filename="a.jpg")).id
        emulator.faults.next(
            "GET", photo, redirect=emulator.url.replace("127.0.0.1", "localhost") + "/v1/x", times=None
        )
        sessions = []

        async def whole():
            async with client(emulator) as chakra:
                # The second opens the session for other hosts, which has nothing for us.
                await asyncio.gather(chakra.health(), chakra.photos.get(photo), return_exceptions=True)
                for here in chakra._transport._loops.values():
                    sessions.extend([here.session, here._outside.session])

        def check(task, number):
            assert all(session.closed for session in sessions)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        assert await Stepper().every_step(whole, check, way) >= 5
        assert len(sessions) >= 2

    run_in(loop, main)
    gc.collect()


async def test_C1_what_must_end_first_is_waited_for_however_often_we_are_cancelled():
    over = []

    async def slow_to_end():
        for _ in range(5):
            await asyncio.sleep(0)
        over.append(True)

    async def clean_up():
        try:
            await ended([asyncio.create_task(slow_to_end()) for _ in range(2)])
        finally:
            assert over == [True, True]

    assert await Stepper().every_step(clean_up, lambda *_: over.clear(), "again") >= 10


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
async def test_C1_an_upload_from_a_pipe_that_nobody_writes_to_can_be_cancelled(tmp_path):
    pipe = tmp_path / "shop.jpg"
    os.mkfifo(pipe)
    async with Client("t0ken", base_url="http://127.0.0.1:9") as chakra:
        upload = asyncio.create_task(chakra.photos.upload(pipe))
        await asyncio.sleep(0.05)
        upload.cancel()
        done, _ = await asyncio.wait([upload], timeout=5)
        # Lets the thread go that would wait for a writer for ever.
        os.close(os.open(pipe, os.O_WRONLY))
        assert done


def notes_of(error):
    return " ".join(getattr(error, "__notes__", []))


async def test_C1_a_create_that_is_cancelled_under_way_says_that_it_may_have_been_done():
    async with RawServer(STALL) as server, quick_client(server, limits=Limits(connections=1)) as chakra:

        async def arrived(count):
            while len(server.requests) < count:
                await asyncio.sleep(0.001)

        async def run_out(limit):
            await arrived(1)
            limit.reschedule(asyncio.get_running_loop().time())

        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(60) as limit, asyncio.TaskGroup() as beside:
                beside.create_task(run_out(limit))
                await chakra.processes.create("lead", data={"score": 1})
        assert "POST /v1/ext/procedure/lead/process may have been done" in notes_of(caught.value.__cause__)
        # What was not sent, and what does no harm when it is done twice, says nothing of the kind.
        hung = asyncio.create_task(chakra.health())
        await arrived(2)
        waiting = asyncio.create_task(chakra.processes.create("lead", data={"score": 1}))
        await asyncio.sleep(0.01)
        for task in (waiting, hung):
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            assert notes_of(cancelled.value) == ""
    assert len(server.requests) == 2


def test_C1_so_does_a_create_that_is_interrupted_by_ctrl_c(run_script):
    script = """
import os, signal, threading, time
from chakra_async.emulator import Emulator
from chakra_async.sync import Client

signal.signal(signal.SIGINT, signal.default_int_handler)

def interrupt():
    while not emulator.request_count:
        time.sleep(0.002)
    os.kill(os.getpid(), signal.SIGINT)

with Emulator() as emulator, Client(emulator.token, base_url=emulator.url) as chakra:
    emulator.faults.next("POST", delay=20)
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        chakra.processes.create("lead", data={"score": 1})
    except KeyboardInterrupt as interrupted:
        print(*interrupted.__notes__)
"""
    assert "may have been done" in run_script(script)
