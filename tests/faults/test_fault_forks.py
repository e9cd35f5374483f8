"""C5: servers that fork after the client was made, and used: gunicorn with preload, Celery's prefork pool."""

import os

import pytest


pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
]

# Python 3.12 warns of every fork while threads run; that it goes well is what is tested here.
OPTIONS = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")

BEGIN = """
import asyncio, gc, multiprocessing, os, signal, sys, threading
from pathlib import Path
from chakra_async import Client as AsyncClient, JournalError, NotFoundError, ProcessUpdate
from chakra_async.sync import Client

def fork(work, seconds=5):
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(seconds)
    work()
    # As gunicorn's workers do: with exit handlers, and whatever the collector then finds.
    sys.exit()

def joined(pid):
    _, status = os.waitpid(pid, 0)
    assert status == 0, status

def serve_sync():
    def handle():
        assert chakra.health()
        assert chakra.processes.get("lead", lead.id).id == lead.id
        try:
            chakra.processes.get("lead", "nobody")
        except NotFoundError:
            pass
    threads = [threading.Thread(target=handle) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    rows = [ProcessUpdate(lead.id, data={"pid": os.getpid()})] * 3
    assert chakra.processes.bulk_update("lead", rows, chunk_size=1).run().ok

def serve_async():
    async def handle():
        await asyncio.gather(*(fast.health() for _ in range(4)))
        async for _ in fast.processes.list("lead"):
            pass
        rows = [ProcessUpdate(lead.id, data={"pid": os.getpid()})] * 3
        assert (await fast.processes.bulk_update("lead", rows, chunk_size=1).run()).ok
    for _ in range(2):
        asyncio.run(handle())

# The application is loaded, and calls, before the workers exist.
chakra = Client()
fast = AsyncClient()
lead = chakra.processes.create("lead", data={"score": 1})
asyncio.run(fast.health())
"""


@pytest.fixture
def run(run_script, emulator):
    def run(script):
        return run_script(BEGIN + script, emulator=emulator, options=OPTIONS)

    return run


@pytest.mark.parametrize("serve", ["serve_sync", "serve_async"])
def test_C5_workers_of_a_preloaded_application_work_and_are_replaced(run, serve):
    run(f"""
workers = [fork({serve}) for _ in range(3)]
for pid in workers:
    joined(pid)

# One that is killed is replaced by the arbiter, which goes on calling meanwhile.
hung = fork(lambda: {serve}() or signal.pause(), seconds=30)
{serve}()
os.kill(hung, signal.SIGKILL)
os.waitpid(hung, 0)
replaced = fork({serve})
{serve}()
joined(replaced)
""")


def test_C5_a_prefork_pool_calls_in_its_children_and_pickles_their_errors(run):
    run("""
def task(number):
    signal.alarm(5)
    serve_sync()
    serve_async()
    chakra.processes.get("lead", f"nobody-{number}")

# Children that are replaced after two tasks are forked while others, and the parent, are calling.
with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=2) as pool:
    results = [pool.apply_async(task, [number]) for number in range(6)]
    serve_sync()
    for number, result in enumerate(results):
        try:
            result.get(10)
        except NotFoundError as error:
            assert error.path.endswith(f"nobody-{number}") and error.request_id, vars(error)
        else:
            raise AssertionError(number)
    pool.close()
    pool.join()
serve_sync()
""")


def test_C5_a_child_forked_during_a_run_leaves_its_journal_alone(run, tmp_path):
    run(f"""
journal = Path({str(tmp_path)!r}) / "run.db"

def rows():
    for n in range(6):
        if n == 3:
            joined(fork(child))
        yield ProcessUpdate(lead.id, data={{"n": n}})

def child():
    global chakra, run
    run = chakra = None
    gc.collect()

with chakra.processes.bulk_update("lead", rows(), chunk_size=1, concurrency=1, journal=journal) as run:
    for result in run:
        assert result.ok
        try:
            chakra.processes.bulk_update("lead", [], journal=journal).run()
        except JournalError as error:
            assert "in use" in str(error)
        else:
            raise AssertionError("the child has released the lock of its parent")
assert run.summary.updated == 6
assert chakra.processes.bulk_update("lead", (ProcessUpdate(lead.id, data={{"n": n}}) for n in range(6)),
                                    journal=journal).run().resumed == 6
""")
