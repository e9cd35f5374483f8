"""`Webhooks` without a framework: what is let in, what runs how often, what is answered."""

import asyncio
import functools
import logging
import threading
import time

import pytest

from chakra_async.webhooks import MemoryStore, MessageEvent, SqliteStore, StatusEvent, Webhooks
from tests.webhooks import bodies
from tests.webhooks.bodies import SECRET, sign, unsigned


BODY = bodies.meta_messages(bodies.text("wamid.A"), bodies.text("wamid.B"))


class Seen(list):
    """A handler that writes down what it gets, and fails as often as it is told."""

    def __init__(self, fail=0):
        self.fail = fail

    async def __call__(self, event):
        if self.fail:
            self.fail -= 1
            raise LookupError("not yet")
        self.append(event.id.split(":", 1)[1])


async def deliver(webhooks, body=BODY, headers=None):
    return (await webhooks.receive(body, sign(body) if headers is None else headers)).status


@pytest.fixture
def seen():
    return Seen()


def receiver(handler, event="*", **options):
    webhooks = Webhooks(options.pop("secrets", SECRET), **options)
    webhooks.on(event, name="seen")(handler)
    return webhooks


async def test_each_event_goes_to_its_handlers(seen):
    webhooks, statuses, everything = receiver(seen, "message"), Seen(), Seen()
    webhooks.on("status", name="statuses")(statuses)
    webhooks.on("*", name="everything")(everything)
    body = bodies.meta(
        bodies.change(
            {"messages": [bodies.text("wamid.A")], "statuses": [bodies.meta_status("wamid.S", "sent")]}
        ),
        bodies.change({}, "account_update"),
    )
    assert await deliver(webhooks, body) == 200
    assert (seen, statuses) == (["wamid.A"], ["wamid.S:sent"])
    assert everything[:2] == ["wamid.A", "wamid.S:sent"]
    assert everything[2].startswith("account_update:")


async def test_a_function_for_several_events_runs_once_for_each(seen):
    webhooks = receiver(seen, "message")
    for event in ("*", "status", "message"):
        webhooks.on(event, name="seen")(seen)
    assert await deliver(webhooks) == 200
    assert seen == ["wamid.A", "wamid.B"]
    seen.fail = 1
    twice = bodies.meta_messages(*[bodies.text("wamid.C")] * 2)
    assert (await deliver(webhooks, twice), len(seen)) == (500, 2)


def test_handlers_are_known_by_their_names():
    webhooks = Webhooks(SECRET)

    @webhooks.on("message")
    def greet(event):
        pass

    webhooks.on("status")(greet)

    def other():
        @webhooks.on("message")
        def greet(event):
            pass

    other()
    with pytest.raises(ValueError, match="another with on"):
        other()
    webhooks.on("*", name="second")(functools.partial(greet))
    seen = Seen()
    for event in ("message", "status"):
        webhooks.on(event)(seen.append)  # another object each time, but the same method
    webhooks.on("*")(Seen())
    with pytest.raises(TypeError, match="which events"):
        webhooks.on(greet)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"secrets": None}, "unsigned='accept'"),
        ({"secrets": []}, "unsigned='accept'"),
        ({"secrets": None, "unsigned": "pass_through"}, "unsigned='accept'"),
        ({"unsigned": "maybe"}, "unsigned must be"),
        ({"acknowledge": "later"}, "acknowledge must be"),
        ({"lease": 0}, "lease"),
        ({"retention": -1}, "retention"),
        ({"max_pending": 0}, "max_pending"),
        ({"max_age": 0}, "max_age"),
        ({"max_age": -1}, "max_age"),
        ({"max_age": float("nan")}, "max_age"),
        ({"max_age": "300"}, "max_age"),
        ({"max_body_bytes": 0}, "max_body_bytes"),
    ],
)
def test_arguments_out_of_range(wrong, says):
    with pytest.raises(ValueError, match=says):
        Webhooks(**{"secrets": SECRET, **wrong})


# What is let in


async def test_W1_only_what_is_signed_gets_in(seen, caplog):
    webhooks = receiver(seen, secrets=["new", SECRET])
    assert await deliver(webhooks, headers=unsigned()) == 401
    assert await deliver(webhooks, headers=sign(BODY, "other")) == 401
    assert await deliver(webhooks, headers=sign(BODY + b" ")) == 401
    upper = {name: value.upper() for name, value in sign(BODY).items()}
    assert await deliver(webhooks, headers=upper) == 401
    assert seen == []
    assert "there is no X-Chakra-Signature-256" in caplog.text
    assert "it is in upper case" in caplog.text
    assert await deliver(webhooks, headers={name.lower(): value for name, value in sign(BODY).items()}) == 200
    assert await deliver(webhooks, headers=sign(BODY, "new")) == 200
    assert seen == ["wamid.A", "wamid.B"]


CHAKRA = bodies.chakra_message(bodies.text("wamid.C"))
STATUS = bodies.delivery_status("wamid.S", "READ")


@pytest.mark.parametrize(
    ("unsigned", "expected"),
    [("refuse", [401, 401, 401]), ("pass_through", [200, 401, 401]), ("accept", [200, 200, 200])],
)
async def test_W1_unsigned_deliveries_are_the_users_choice(seen, unsigned, expected):
    webhooks = receiver(seen, unsigned=unsigned)
    headers = {"Content-Type": "application/json"}
    assert [await deliver(webhooks, body, headers) for body in (BODY, CHAKRA, STATUS)] == expected
    # A signature that is there has to be right, whatever the choice.
    assert await deliver(webhooks, CHAKRA, sign(BODY)) == 401
    assert await deliver(webhooks, CHAKRA) == 200


async def test_without_secrets_everybody_is_believed(seen):
    webhooks = receiver(seen, secrets=None, unsigned="accept")
    assert await deliver(webhooks, headers=unsigned()) == 200
    assert await deliver(webhooks, CHAKRA, sign(BODY, "whatever")) == 200


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 400),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b"{}", {"Content-Encoding": "gzip"}, 400),
        (b"{}", {"Content-Type": "application/json; charset=utf-8", "Content-Encoding": "identity"}, 200),
        (b"{}", {"Content-Type": "Application/vnd.chakra+JSON"}, 200),
        (b"{}", {"Content-Type": ""}, 200),
        (b"{}", {"Content-Length": "1001"}, 413),
        (b"{}", {"Content-Length": "9" * 5000}, 413),
        (b"{}", {"Content-Length": "1000"}, 200),
        (b"{}", {"Content-Length": "many"}, 200),
        (b" " * 999 + b"{}", {}, 413),
        (b" " * 998 + b"{}", {}, 200),
    ],
)
async def test_what_is_answered_to_strange_requests(seen, body, headers, status):
    webhooks = receiver(seen, max_body_bytes=1000)
    receipt = await webhooks.receive(body, {**sign(body), **headers})
    assert receipt.status == status
    assert receipt.text
    assert len(seen) == (status == 200)
    assert webhooks.receive_sync(body, {**sign(body), **headers}) == receipt


async def test_a_body_that_comes_in_pieces(seen):
    webhooks, asked = receiver(seen, max_body_bytes=1000), 0

    async def pieces(of):
        nonlocal asked
        for piece in of:
            asked += 1
            yield piece

    halves = [BODY[:100], b"", BODY[100:]]
    assert (await webhooks.receive(pieces(halves), sign(BODY))).status == 200
    asked = 0
    assert (await webhooks.receive(pieces([b"x" * 400] * 1000), sign(BODY))).status == 413
    assert asked == 3
    assert webhooks.receive_sync(iter([b"x" * 400] * 1000), sign(BODY)).status == 413
    asked = 0
    for headers in (unsigned(), {**sign(BODY), "Content-Length": "1001"}):
        assert (await webhooks.receive(pieces(halves), headers)).status in {401, 413}
    assert asked == 0


# Once


async def test_W2_a_replay_is_recognised_in_every_format(seen):
    webhooks = receiver(seen)
    again = bodies.meta_messages(bodies.text("wamid.B"))
    for body in (BODY, BODY, again, bodies.chakra_message(bodies.text("wamid.A"))):
        assert await deliver(webhooks, body) == 200
    assert seen == ["wamid.A", "wamid.B"]
    assert await deliver(webhooks, bodies.meta_messages(*[bodies.text("wamid.C")] * 3)) == 200
    assert seen == ["wamid.A", "wamid.B", "wamid.C"]


async def test_W2_what_is_older_than_max_age_is_refused(seen):
    webhooks, now = receiver(seen, max_age=3600), int(time.time())
    old, young = bodies.text("wamid.old", at=now - 3700), bodies.text("wamid.young", at=now - 3500)
    assert await deliver(webhooks, bodies.meta_messages(old)) == 400
    assert await deliver(webhooks, bodies.meta_messages(old, young)) == 200
    assert await deliver(webhooks, bodies.chakra_status("wamid.S", "read", at=now - 3700)) == 400
    assert (
        await deliver(webhooks, bodies.envelope("billing", {"amount": 3})) == 200
    )  # says nothing of its time
    assert seen[:1] == ["wamid.young"]
    assert len(seen) == 2


@pytest.mark.parametrize("max_age", [None, float("inf"), 1e12])
async def test_W2_what_is_older_than_anything_is_let_in(seen, max_age):
    old = bodies.meta_messages(bodies.text("wamid.old", at=1))
    assert (await deliver(receiver(seen, max_age=max_age), old), seen) == (200, ["wamid.old"])


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_W3_same_event_twice_at_once_runs_one_handler(kind, tmp_path):
    store = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "events.db")
    running, go = [], asyncio.Event()

    async def slow(event):
        running.append(event.message_id)
        await go.wait()

    body = bodies.meta_messages(bodies.text("wamid.A"))
    # Two receivers on one store are two processes of one service.
    both = [receiver(slow, store=store), receiver(slow, store=store)]
    deliveries = [asyncio.create_task(deliver(one, body)) for one in both * 5]
    async with asyncio.timeout(10):
        while sum(delivery.done() for delivery in deliveries) < 9:
            await asyncio.sleep(0.001)
    go.set()
    statuses = await asyncio.gather(*deliveries)
    assert running == ["wamid.A"]
    # Whoever came while it ran cannot know how it will end: let it come again.
    assert sorted(statuses) == [200] + [503] * 9
    assert [await deliver(one, body) for one in both] == [200, 200]
    assert running == ["wamid.A"]
    if kind == "sqlite":
        store.close()


async def test_W4_a_failed_handler_lets_the_next_delivery_in(caplog):
    failing, steady = Seen(fail=1), Seen()
    webhooks = receiver(failing)
    webhooks.on("*", name="steady")(steady)
    assert await deliver(webhooks) == 500
    # The others' events are not lost, nor the same handler's next.
    assert (failing, steady) == (["wamid.B"], ["wamid.A", "wamid.B"])
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.name == "chakra_async"
    assert "message:wamid.A seen" in record.getMessage()
    assert "LookupError: not yet" in caplog.text
    assert "Hello" not in caplog.text
    assert await deliver(webhooks) == 200
    assert (failing, steady) == (["wamid.B", "wamid.A"], ["wamid.A", "wamid.B"])
    assert await deliver(webhooks) == 200
    assert len(failing) == len(steady) == 2


def raises_it(_event):
    raise asyncio.CancelledError


async def awaits_what_was_cancelled(_event):
    task = asyncio.ensure_future(asyncio.sleep(10))
    task.cancel()
    await task


@pytest.mark.parametrize("acknowledge", ["after", "at_once"])
@pytest.mark.parametrize("failing", [raises_it, awaits_what_was_cancelled])
async def test_W4_a_handler_that_ends_with_a_cancellation_has_failed(failing, acknowledge, caplog):
    store, steady = MemoryStore(), Seen()
    webhooks = receiver(failing, store=store, acknowledge=acknowledge)
    webhooks.on("*", name="steady")(steady)
    assert await deliver(webhooks) == (500 if acknowledge == "after" else 200)
    await webhooks.aclose()
    assert steady == ["wamid.A", "wamid.B"]
    assert caplog.text.count("webhook: a handler failed at 'message:wamid.") == 2
    assert "nobody cancelled the delivery" in caplog.text
    assert store.claim("message:wamid.A seen", "the next delivery", 60) == "claimed"


async def test_W4_a_killed_process_blocks_an_event_for_its_lease_only(seen):
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    clock = Clock()
    store = MemoryStore(clock=clock)
    webhooks = receiver(seen, store=store, lease=30)
    store.claim("message:wamid.A seen", "killed", 30)
    assert (await deliver(webhooks), seen) == (503, ["wamid.B"])
    clock.now = 30.0
    assert (await deliver(webhooks), seen) == (200, ["wamid.B", "wamid.A"])


class Broken(MemoryStore):
    broken = ()
    error = ConnectionError

    def _may(self, name):
        if name in self.broken:
            raise self.error("the store is gone")

    def claim(self, *args):
        self._may("claim")
        return super().claim(*args)

    def done(self, *args):
        self._may("done")
        return super().done(*args)

    def release(self, *args):
        self._may("release")
        return super().release(*args)


@pytest.mark.parametrize("error", [ConnectionError, asyncio.CancelledError])
@pytest.mark.parametrize("acknowledge", ["after", "at_once"])
async def test_W4_a_store_that_fails_is_no_success(seen, acknowledge, error, caplog):
    store = Broken()
    store.error = error
    webhooks = receiver(seen, store=store, acknowledge=acknowledge)
    store.broken = {"claim"}
    assert (await deliver(webhooks), seen) == (500, [])
    assert "the store is gone" in caplog.text
    store.broken = ()
    assert await deliver(webhooks) == 200
    await webhooks.aclose()
    assert seen == ["wamid.A", "wamid.B"]


async def test_W4_what_was_handled_is_a_success_even_if_that_cannot_be_noted(seen, caplog):
    store = Broken()
    store.broken = {"done", "release"}
    webhooks = receiver(seen, store=store)
    seen.fail = 1
    assert (await deliver(webhooks), seen) == (500, ["wamid.B"])
    assert caplog.text.count("the store failed after") == 2
    # Both claims are left to lapse.
    assert await deliver(webhooks) == 503


# Acknowledged after, or at once


async def test_W4_acknowledged_at_once_and_run_in_the_background(caplog):
    go, seen = asyncio.Event(), Seen()

    async def slow(event):
        await go.wait()
        await seen(event)

    webhooks = receiver(slow, acknowledge="at_once")
    assert [await deliver(webhooks), await deliver(webhooks)] == [200, 200]
    assert seen == []
    seen.fail = 1
    closing = asyncio.create_task(webhooks.aclose())
    await asyncio.sleep(0.01)
    assert await deliver(webhooks) == 503
    assert not closing.done()
    go.set()
    await closing
    assert seen == ["wamid.B"]
    assert "LookupError: not yet" in caplog.text
    assert "Hello" not in caplog.text


async def test_nothing_is_begun_once_it_closes(seen):
    webhooks, asked = receiver(seen), []

    async def closing():
        yield BODY
        await webhooks.aclose()

    async def pieces():
        asked.append(1)
        yield BODY

    for body in (closing(), pieces(), BODY):
        assert (await webhooks.receive(body, sign(BODY))).status == 503
    assert (seen, asked) == ([], [])


async def test_it_opens_again(seen):
    webhooks = receiver(seen)
    for body in (BODY, bodies.meta_messages(bodies.text("wamid.C"))):
        async with webhooks:
            assert await deliver(webhooks, body) == 200
        assert await deliver(webhooks, body) == 503
    assert seen == ["wamid.A", "wamid.B", "wamid.C"]


async def test_it_opens_again_only_when_what_was_under_way_has_ended(seen):
    go = asyncio.Event()

    async def slow(event):
        await go.wait()
        await seen(event)

    webhooks = receiver(slow, acknowledge="at_once")
    assert await deliver(webhooks) == 200
    closing = asyncio.create_task(webhooks.aclose())
    await asyncio.sleep(0)
    opening = asyncio.create_task(webhooks.__aenter__())
    await asyncio.sleep(0.01)
    # Were it open, the closing would have to wait for this one, and for whatever came after it.
    assert (await deliver(webhooks), opening.done()) == (503, False)
    go.set()
    await asyncio.gather(closing, opening)
    assert await deliver(webhooks) == 200
    await webhooks.aclose()
    assert seen == ["wamid.A", "wamid.B"]


async def test_W4_a_delivery_once_begun_is_carried_through(seen):
    go = asyncio.Event()

    async def slow(event):
        await go.wait()
        await seen(event)

    webhooks, body = receiver(slow), bodies.meta_messages(bodies.text("wamid.A"))
    waiting = asyncio.create_task(deliver(webhooks, body))
    await asyncio.sleep(0.01)
    waiting.cancel()  # as frameworks do when the sender hangs up
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await deliver(webhooks, body) == 503
    go.set()
    async with webhooks:
        pass
    assert seen == ["wamid.A"]


async def test_what_does_not_end_is_cancelled_and_may_run_again(seen):
    store = MemoryStore()

    async def stuck(event):
        await asyncio.Event().wait()

    webhooks = receiver(stuck, store=store, acknowledge="at_once")
    assert await deliver(webhooks) == 200
    await asyncio.sleep(0.01)
    await webhooks.aclose(drain=0.01)
    assert await deliver(receiver(seen, store=store)) == 200
    assert seen == ["wamid.A", "wamid.B"]


async def test_a_thread_that_does_not_end_keeps_its_claim(seen):
    store, begun, go = MemoryStore(), threading.Event(), threading.Event()

    def stuck(event):
        begun.set()
        go.wait()

    webhooks = receiver(stuck, store=store)
    waiting = asyncio.create_task(deliver(webhooks))
    await asyncio.to_thread(begun.wait)
    await webhooks.aclose(drain=0.01)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    status = await deliver(receiver(seen, store=store))
    go.set()
    assert (status, seen) == (503, ["wamid.B"])


async def test_only_so_many_deliveries_are_in_the_background():
    go = asyncio.Event()

    async def slow(event):
        await go.wait()

    webhooks = receiver(slow, acknowledge="at_once", max_pending=3)

    def body(number):
        return bodies.meta_messages(bodies.text(f"wamid.{number}"))

    assert [await deliver(webhooks, body(number)) for number in range(5)] == [200, 200, 200, 503, 503]
    go.set()
    await asyncio.sleep(0.01)
    assert await deliver(webhooks, body(4)) == 200
    await webhooks.aclose()


async def test_of_deliveries_at_the_same_instant_only_so_many_are_let_in():
    go = asyncio.Event()

    async def slow(event):
        await go.wait()

    webhooks = receiver(slow, acknowledge="at_once", max_pending=2)
    several = [bodies.meta_messages(bodies.text(f"wamid.{number}")) for number in range(5)]
    answers = await asyncio.gather(*[deliver(webhooks, body) for body in several])
    assert sorted(answers) == [200, 200, 503, 503, 503]
    go.set()
    await webhooks.aclose()


async def test_a_claim_that_lapsed_in_the_queue_is_made_again(seen):
    store = MemoryStore()

    async def slow(event):
        if event.message_id == "wamid.A":
            await asyncio.sleep(0.05)
            # Meanwhile another process took the second event, and is at it.
            assert store.claim("message:wamid.B seen", "other", 60) == "claimed"
        await seen(event)

    webhooks = receiver(slow, store=store, acknowledge="at_once", lease=0.02)
    assert await deliver(webhooks) == 200
    await webhooks.aclose()
    assert seen == ["wamid.A"]


async def test_a_claim_that_lapsed_by_our_clock_alone_is_still_ours(seen):
    async def slow(event):
        await asyncio.sleep(0.03)
        await seen(event)

    webhooks = receiver(slow, store=MemoryStore(clock=lambda: 0.0), acknowledge="at_once", lease=0.02)
    assert await deliver(webhooks) == 200
    await webhooks.aclose()
    assert seen == ["wamid.A", "wamid.B"]


# Handlers of both kinds


async def test_plain_handlers_do_not_hold_up_the_loop():
    webhooks, go, where = Webhooks(SECRET), threading.Event(), []

    @webhooks.on("message")
    def slow(event: MessageEvent):
        where.append(threading.current_thread())
        assert go.wait(10)

    @webhooks.on("message")
    async def quick(event: MessageEvent):
        where.append(threading.current_thread())

    delivery = asyncio.create_task(deliver(webhooks))
    while not where:
        await asyncio.sleep(0)
    go.set()
    assert await delivery == 200
    assert (where[0] is threading.main_thread(), where[1] is threading.main_thread()) == (False, True)


async def test_async_handlers_in_disguise(seen):
    def decorated(event):
        return seen(event)

    class Object:
        async def method(self, event):
            await seen(event)

    webhooks = Webhooks(SECRET)
    for number, handler in enumerate(
        [decorated, Object().method, functools.partial(Object.method, None), seen]
    ):
        webhooks.on("message", name=str(number))(handler)
    body = bodies.meta_messages(bodies.text("wamid.A"))
    assert await deliver(webhooks, body) == 200
    other = bodies.meta_messages(bodies.text("wamid.B"))
    assert (await asyncio.to_thread(webhooks.receive_sync, other, sign(other))).status == 200
    webhooks.close()
    assert seen == ["wamid.A"] * 4 + ["wamid.B"] * 4


async def test_typed_handlers_get_their_types_only():
    webhooks, got = Webhooks(SECRET), []

    @webhooks.on("message")
    def message(event):
        got.append(type(event))

    @webhooks.on("status")
    def status(event):
        got.append(type(event))

    entry = bodies.change({"messages": [bodies.text("wamid.A"), {}], "statuses": [{}]})
    strange = [bodies.change({}, name) for name in ("message", "status")]
    assert await deliver(webhooks, bodies.meta(entry, *strange)) == 200
    assert await deliver(webhooks, bodies.delivery_status("wamid.A", "read")) == 200
    assert got == [MessageEvent, StatusEvent]
