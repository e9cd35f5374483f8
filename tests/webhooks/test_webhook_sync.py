"""`receive_sync`: the same, where there is no event loop."""

import asyncio
import contextvars
import threading

import pytest

from chakra_async.webhooks import MemoryStore, SqliteStore, Webhooks
from tests.webhooks import bodies
from tests.webhooks.bodies import SECRET, sign


pytestmark = pytest.mark.timeout(30)

REQUEST = contextvars.ContextVar("request", default=None)


def body(number=0):
    return bodies.meta_messages(bodies.text(f"wamid.{number}"))


def deliver(webhooks, number=0):
    return webhooks.receive_sync(body(number), sign(body(number))).status


def test_plain_handlers_run_in_the_thread_of_the_request():
    before, got = threading.active_count(), []
    with Webhooks(SECRET) as webhooks:

        @webhooks.on("message")
        def handle(event):
            got.append((threading.current_thread(), REQUEST.get()))

        REQUEST.set("this one")
        assert [deliver(webhooks), deliver(webhooks)] == [200, 200]
        assert got == [(threading.current_thread(), "this one")]
        assert threading.active_count() == before  # nothing was begun for what needs nothing
    assert deliver(webhooks, 1) == 503


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_async_handlers_share_one_loop(kind, tmp_path):
    loops, store = [], MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "events.db")
    with Webhooks(SECRET, store=store) as webhooks:

        @webhooks.on("message")
        async def handle(event):
            loops.append((asyncio.get_running_loop(), REQUEST.get()))

        def request(number):
            REQUEST.set(number)
            deliver(webhooks, number)

        threads = [threading.Thread(target=request, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({loop for loop, _ in loops}) == 1
    assert sorted(request for _, request in loops) == list(range(8))
    if kind == "sqlite":
        store.close()


def test_W3_same_event_twice_at_once_runs_one_handler():
    begun, go, ran, statuses = threading.Event(), threading.Event(), [], []
    with Webhooks(SECRET) as webhooks:

        @webhooks.on("message")
        def handle(event):
            ran.append(event.id)
            begun.set()
            assert go.wait(10)

        first = threading.Thread(target=lambda: statuses.append(deliver(webhooks)))
        first.start()
        assert begun.wait(10)
        assert deliver(webhooks) == 503
        go.set()
        first.join()
        assert deliver(webhooks) == 200
    assert (ran, statuses) == (["message:wamid.0"], [200])


def test_W4_a_failed_handler_lets_the_next_delivery_in(caplog):
    fails, ran = [LookupError("plain"), LookupError("async")], []
    with Webhooks(SECRET) as webhooks:

        @webhooks.on("message")
        def plain(event):
            if len(fails) == 2:
                raise fails.pop(0)
            ran.append("plain")

        @webhooks.on("message")
        async def other(event):
            if fails:
                raise fails.pop(0)
            ran.append("async")

        assert [deliver(webhooks), deliver(webhooks), deliver(webhooks)] == [500, 200, 200]
    assert ran == ["plain", "async"]
    assert "LookupError: plain" in caplog.text
    assert "LookupError: async" in caplog.text


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_W4_a_handler_that_ends_with_a_cancellation_has_failed(kind, caplog):
    def plain(_event):
        raise asyncio.CancelledError

    async def waiting(_event):
        plain(_event)

    ran = []
    with Webhooks(SECRET) as webhooks:
        webhooks.on("message")(plain if kind == "plain" else waiting)
        webhooks.on("message", name="steady")(ran.append)
        assert deliver(webhooks) == 500
    assert len(ran) == 1
    assert "webhook: a handler failed at 'message:wamid.0" in caplog.text
    assert ("The call was cancelled in its event loop." in caplog.text) == (kind == "async")
    assert "was closed" not in caplog.text


def test_only_so_many_deliveries_are_in_the_background():
    go = threading.Event()
    webhooks = Webhooks(SECRET, acknowledge="at_once", max_pending=2)

    @webhooks.on("message")
    def slow(_event):
        assert go.wait(10)

    assert [deliver(webhooks, number) for number in range(4)] == [200, 200, 503, 503]
    go.set()
    webhooks.close()


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_W4_acknowledged_at_once(kind):
    go, ran = threading.Event(), []
    webhooks = Webhooks(SECRET, acknowledge="at_once")

    def plain(event):
        assert go.wait(10)
        ran.append(event.id)

    async def waiting(event):
        while not go.is_set():
            await asyncio.sleep(0.001)
        ran.append(event.id)

    webhooks.on("message")(plain if kind == "plain" else waiting)
    assert [deliver(webhooks), deliver(webhooks)] == [200, 200]
    assert ran == []
    threading.Timer(0.05, go.set).start()
    webhooks.close()
    webhooks.close()
    assert ran == ["message:wamid.0"]


async def test_each_side_waits_for_its_own():
    go, ran = threading.Event(), []
    webhooks = Webhooks(SECRET, acknowledge="at_once")

    @webhooks.on("message")
    def handle(event):
        assert go.wait(10)
        ran.append(event.id)

    assert deliver(webhooks) == 200
    await webhooks.aclose()  # in this loop nothing is under way
    assert ran == []
    go.set()
    webhooks.close()
    assert ran == ["message:wamid.0"]


@pytest.mark.parametrize("acknowledge", ["after", "at_once"])
def test_it_opens_again(acknowledge):
    webhooks, ran = Webhooks(SECRET, acknowledge=acknowledge), []

    @webhooks.on("message")
    async def handle(event):
        ran.append(event.message_id)

    for number in range(2):
        with webhooks:
            assert deliver(webhooks, number) == 200
        assert deliver(webhooks, 2) == 503
    assert ran == ["wamid.0", "wamid.1"]


def test_it_opens_again_while_its_last_deliveries_end():
    go, ran = threading.Event(), []
    webhooks = Webhooks(SECRET, acknowledge="at_once")

    @webhooks.on("message")
    async def handle(event):
        while event.message_id == "wamid.0" and not go.is_set():
            await asyncio.sleep(0.001)
        ran.append(event.message_id)

    assert deliver(webhooks, 0) == 200
    closing = threading.Thread(target=webhooks.close)
    closing.start()
    while deliver(webhooks, 1) == 200:
        pass
    with webhooks:
        assert deliver(webhooks, 2) == 200
    assert closing.is_alive()
    go.set()
    closing.join(10)
    assert ran[-2:] == ["wamid.2", "wamid.0"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_handler_gives_its_claim_up(interrupt):
    interrupts, ran = [interrupt()], []
    with Webhooks(SECRET) as webhooks:

        @webhooks.on("message")
        def handle(event):
            if interrupts:
                raise interrupts.pop()
            ran.append(event.id)

        with pytest.raises(interrupt):
            deliver(webhooks)
        assert (deliver(webhooks), ran) == (200, ["message:wamid.0"])


EXIT = """
from chakra_async.webhooks import MemoryStore, SqliteStore, Webhooks
from chakra_async.webhooks.flask import endpoint
from tests.webhooks import bodies

store = MAKE
webhooks = Webhooks(bodies.SECRET, acknowledge="at_once", store=store)
endpoint(webhooks)

@webhooks.on("message")
async def handle(event):
    import asyncio
    await asyncio.sleep(0.2)
    print("handled", event.message_id, flush=True)

body = bodies.meta_messages(bodies.text("wamid.A"))
print(webhooks.receive_sync(body, bodies.sign(body)).status)
"""


@pytest.mark.parametrize("make", ["MemoryStore()", "SqliteStore('{}/handled.db')"])
def test_what_is_under_way_ends_before_the_process(run_script, make, tmp_path):
    script = EXIT.replace("MAKE", make.format(tmp_path))
    assert run_script(script) == "200\nhandled wamid.A\n"
    if "Sqlite" in make:
        # What was handled last is noted as well.
        store = SqliteStore(tmp_path / "handled.db")
        assert store.claim("message:wamid.A __main__.handle", "another", 60) == "done"
