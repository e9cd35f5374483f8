"""Plain handlers and stores in an async service: whose threads wait for whom, and what becomes of claims."""

import asyncio
import threading

import anyio.to_thread
import pytest

from chakra_async.webhooks import MemoryStore, Webhooks
from chakra_async.webhooks._callers import THREADS
from tests.webhooks import bodies
from tests.webhooks.bodies import SECRET, sign


pytestmark = pytest.mark.timeout(30)

ONE_MORE = bodies.meta_messages(bodies.text("wamid.more"))
KEY = "message:wamid.more seen"


async def deliver(webhooks, body=ONE_MORE):
    return (await webhooks.receive(body, sign(body))).status


class Crowd:
    """A service all of whose threads for handlers are taken until it may `go` on."""

    def __init__(self, **options):
        self.store, self.go, self.seen = MemoryStore(), threading.Event(), []
        self.begun = threading.Semaphore(0)
        self.webhooks = Webhooks(SECRET, store=self.store, acknowledge="at_once", **options)
        self.webhooks.on("message", name="seen")(self.handle)

    def handle(self, event):
        self.begun.release()
        assert self.go.wait(20)
        self.seen.append(event.message_id)

    async def __aenter__(self):
        for number in range(THREADS):
            assert await deliver(self.webhooks, bodies.meta_messages(bodies.text(f"wamid.{number}"))) == 200
        for _ in range(THREADS):
            assert await asyncio.to_thread(self.begun.acquire, timeout=10)
        return self

    async def __aexit__(self, *_):
        self.go.set()
        await self.webhooks.aclose()


async def test_busy_handlers_hold_up_neither_answers_nor_others_that_use_threads():
    async with Crowd() as crowd:
        async with asyncio.timeout(10):
            assert await deliver(crowd.webhooks) == 200
            assert await deliver(crowd.webhooks) == 200
            assert await anyio.to_thread.run_sync(lambda: "a plain endpoint") == "a plain endpoint"
        assert crowd.store.claim(KEY, "another", 60) == "busy"
    assert len(crowd.seen) == THREADS + 1


async def test_busy_threads_of_others_hold_up_no_answer():
    go, seen = threading.Event(), []
    webhooks = Webhooks(SECRET)
    webhooks.on("message")(seen.append)
    theirs = anyio.to_thread.current_default_thread_limiter().total_tokens
    taken = [asyncio.create_task(anyio.to_thread.run_sync(go.wait, 20)) for _ in range(int(theirs))]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(10):
        assert await deliver(webhooks) == 200
    assert len(seen) == 1
    go.set()
    await asyncio.gather(*taken)


async def test_a_claim_that_lapsed_before_there_was_a_thread_is_not_believed():
    async with Crowd(lease=0.01) as crowd:
        assert await deliver(crowd.webhooks) == 200
        await asyncio.sleep(0.02)
        assert crowd.store.claim(KEY, "another process", 60) == "claimed"
    assert "wamid.more" not in crowd.seen


async def test_what_waits_for_a_thread_when_it_closes_is_free_for_others():
    async with Crowd() as crowd:
        assert await deliver(crowd.webhooks) == 200
        await crowd.webhooks.aclose(drain=0)
        assert crowd.store.claim(KEY, "another process", 60) == "claimed"
        # Where a thread is at it, nobody else may be.
        assert crowd.store.claim("message:wamid.0 seen", "another process", 60) == "busy"


class Slow(MemoryStore):
    """Makes its third claim only when it may, in its thread that nobody can cancel."""

    def __init__(self):
        super().__init__()
        self.asked, self.go, self.made = threading.Event(), threading.Event(), threading.Event()

    def claim(self, key, owner, seconds):
        if "wamid.C" not in key:
            return super().claim(key, owner, seconds)
        self.asked.set()
        assert self.go.wait(10)
        claim = super().claim(key, owner, seconds)
        self.made.set()
        return claim


@pytest.mark.parametrize("acknowledge", ["after", "at_once"])
async def test_closed_while_it_claims_it_leaves_no_claims_behind(acknowledge):
    store, handled = Slow(), []
    webhooks = Webhooks(SECRET, store=store, acknowledge=acknowledge)

    @webhooks.on("message", name="seen")
    async def handle(event):
        handled.append(event.message_id)

    body = bodies.meta_messages(*[bodies.text(f"wamid.{name}") for name in "ABC"])
    delivery = asyncio.create_task(deliver(webhooks, body))
    assert await asyncio.to_thread(store.asked.wait, 10)
    closing = asyncio.create_task(webhooks.aclose(drain=0))
    await asyncio.sleep(0.01)
    store.go.set()
    await closing
    assert await asyncio.to_thread(store.made.wait, 10)
    if acknowledge == "at_once":
        assert await delivery == 503  # nobody has been told that it was taken
    else:
        with pytest.raises(asyncio.CancelledError):
            await delivery
    assert handled == ([] if acknowledge == "at_once" else ["wamid.A", "wamid.B"])
    assert len(store) == len(handled)  # what it remembers is what was handled
