"""What was used for a call is gone with it: memory stays flat, and nothing waits for the collector."""

import asyncio
import contextvars
import gc
import logging
import sys
import tracemalloc
import weakref
from collections import Counter
from types import FrameType, TracebackType

import pytest

from chakra_async import ChakraError, Client, Limits, ProcessUpdate, Reply, RetryPolicy, Timeouts
from chakra_async.sync import Client as SyncClient
from tests.raw import FIN, RST, RawServer, answer, quick_client, refused, wrapped


pytestmark = pytest.mark.timeout(60)

BIG = b"x" * 20_000
FOUND = wrapped({"id": "1"})
ANSWERS = [
    *[FOUND] * 8,
    refused(404, "nobody"),
    answer(500, BIG, kind="text/html"),
    refused(400, "no"),
    answer(body=b"no json"),
    answer(body=BIG * 2),
    [answer(body=b"{}", length=1000), FIN],
    RST,
]
OPTIONS = {
    "retry": RetryPolicy(attempts=2, wait_initial=1e-6, wait_max=1e-6, budget=10),
    "limits": Limits(connections=4, max_response_bytes=len(BIG)),
    "timeout": Timeouts(total=1),
}


@pytest.fixture(autouse=True)
def _no_log():
    """What is logged is kept until the test has ended."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


async def calls(chakra, server, count):
    """So many calls, some of which go well."""
    while count > 0:
        server.script = [*ANSWERS]
        for _ in ANSWERS:
            count -= 1
            try:
                if count % 2:
                    await chakra.processes.create("lead", data={"score": 1})
                else:
                    await chakra.processes.get("lead", "1")
            except ChakraError:
                pass
        server.requests.clear()


async def test_ten_thousand_calls_of_every_ending_take_no_more_memory_than_two_thousand():
    async with RawServer() as server, quick_client(server, **OPTIONS) as chakra:
        await calls(chakra, server, 2_000)
        before = await blocks()
        await calls(chakra, server, 7_500)
        after = await blocks()
        # Blocks are small ones; in the end, every byte is counted.
        tracemalloc.start()
        try:
            await calls(chakra, server, 500)
            await blocks()
            left, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert after - before < 1_000, (before, after)
    assert left < 100_000


async def blocks():
    """Blocks of memory in use, once the loop is at rest."""
    await asyncio.sleep(0.01)
    gc.collect()
    return sys.getallocatedblocks()


async def test_a_call_that_fails_leaves_no_error_and_no_frame_to_the_collector():
    async with RawServer() as server, quick_client(server, **OPTIONS) as chakra:
        await calls(chakra, server, 80)
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await calls(chakra, server, 1_000)
            gc.collect()
            kinds = Counter(type(thing) for thing in gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    left = [kind for kind in kinds if issubclass(kind, BaseException | FrameType | TracebackType | Reply)]
    assert left == []


def test_a_connection_does_not_keep_what_the_first_call_had_in_its_context(emulator):
    request = contextvars.ContextVar("request")

    class Request:
        pass

    def serve():
        request.set(given := Request())
        chakra.health()
        return weakref.ref(given)

    with SyncClient(emulator.token, base_url=emulator.url) as chakra:
        first = contextvars.copy_context().run(serve)
        # Timers that were cancelled keep it until the loop sweeps them.
        for _ in range(300):
            chakra.health()
        gc.collect()
        assert first() is None


async def test_a_run_that_ended_is_forgotten_by_the_connections_it_used(emulator):
    async with Client(emulator.token, base_url=emulator.url) as chakra:
        lead = await chakra.processes.create("lead", data={"score": 0})
        run = chakra.processes.bulk_update("lead", [ProcessUpdate(lead.id, data={"score": 1})])
        assert (await run.run()).ok
        gone = weakref.ref(run.engine._courier)
        del run
        gc.collect()
        assert gone() is None
