"""Deliveries in any order, format and number, with handlers that fail: the end is always the same."""

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from chakra_async.webhooks import MemoryStore, StatusTracker, Webhooks
from tests.webhooks import bodies
from tests.webhooks.bodies import AT, SECRET, sign


STATUSES = ["sent", "delivered", "read", "failed"]
FACTS = st.lists(
    st.tuples(st.just("message"), st.sampled_from("AB"))
    | st.tuples(st.sampled_from(STATUSES), st.sampled_from("ABC")),
    min_size=1,
    max_size=6,
    unique=True,
)


def at(fact):
    return AT + (0 if fact[0] == "message" else 60 * STATUSES.index(fact[0]))


def delivered_alone(fact, form):
    """One fact in Chakra's format, or its older one."""
    kind, message = fact
    if kind == "message":
        return bodies.chakra_message(bodies.text(f"wamid.{message}", at=at(fact)))
    shape = bodies.chakra_status if form == "chakra" else bodies.delivery_status
    return shape(f"wamid.{message}", kind.upper(), at=at(fact))


def delivered_together(facts):
    """Many facts in Meta's format."""
    items = {"messages": [], "statuses": []}
    for fact in facts:
        wamid = f"wamid.{fact[1]}"
        if fact[0] == "message":
            items["messages"].append(bodies.text(wamid, at=at(fact)))
        else:
            items["statuses"].append(bodies.meta_status(wamid, fact[0], at=at(fact)))
    return bodies.meta(bodies.change({"contacts": bodies.contacts(), **items}))


@st.composite
def histories(draw):
    """Facts, and bodies of which each tells of some, every fact in at least one of them."""
    facts = draw(FACTS)
    repeated = draw(st.permutations(facts + draw(st.lists(st.sampled_from(facts), max_size=6))))
    deliveries = []
    while repeated:
        form = draw(st.sampled_from(["meta", "chakra", "delivery_status"]))
        size = draw(st.integers(1, len(repeated))) if form == "meta" else 1
        taken, repeated = repeated[:size], repeated[size:]
        deliveries.append(delivered_together(taken) if form == "meta" else delivered_alone(taken[0], form))
    return facts, deliveries


class Service:
    """A service in so many processes as there are receivers, that handles and fails as it is told."""

    def __init__(self, processes, failures):
        self.store, self.tracker, self.failures = MemoryStore(), StatusTracker(), Counter(failures)
        self.handled = Counter()
        self.receivers = [self._receiver() for _ in range(processes)]

    def _receiver(self):
        webhooks = Webhooks(SECRET, store=self.store)

        async def handle(name, event):
            await asyncio.sleep(0)
            if self.failures[name, event.id] > 0:
                self.failures[name, event.id] -= 1
                raise LookupError("not yet")
            self.handled[name, event.id] += 1

        @webhooks.on("*", name="first")
        async def first(event):
            await handle("first", event)

        @webhooks.on("*", name="second")
        async def second(event):
            await handle("second", event)

        @webhooks.on("status", name="track")
        async def track(event):
            self.tracker.update(event)

        return webhooks

    async def take(self, deliveries, together):
        """Deliver, a few at the same instant, and again what was not taken, as a sender does."""
        waiting = list(enumerate(deliveries))
        for _ in range(100):
            batch, waiting = waiting[:together], waiting[together:]
            if not batch:
                return
            answers = await asyncio.gather(*[self._deliver(number, body) for number, body in batch])
            waiting += [one for one, receipt in zip(batch, answers, strict=True) if receipt.status != 200]
        raise AssertionError("it never ends")

    async def _deliver(self, number, body):
        return await self.receivers[number % len(self.receivers)].receive(body, sign(body))

    def standing(self):
        now = {message: self.tracker.get(f"wamid.{message}") for message in "ABC"}
        return {message: one and (one.status, one.times) for message, one in now.items()}


def identity(fact):
    return f"message:wamid.{fact[1]}" if fact[0] == "message" else f"status:wamid.{fact[1]}:{fact[0]}"


@settings(max_examples=60)
@given(history=histories(), together=st.integers(1, 4), processes=st.integers(1, 2), data=st.data())
def test_W3_W4_W5_whatever_the_order_each_fact_is_handled_once(history, together, processes, data):
    facts, deliveries = history
    failing = st.dictionaries(
        st.tuples(st.sampled_from(["first", "second"]), st.sampled_from([identity(fact) for fact in facts])),
        st.integers(1, 2),
        max_size=3,
    )
    service = Service(processes, data.draw(failing))
    asyncio.run(service.take(deliveries, together))
    assert service.handled == Counter(
        {(name, identity(fact)): 1 for name in ("first", "second") for fact in facts}
    )
    in_order = Service(1, {})
    asyncio.run(in_order.take([delivered_together([fact]) for fact in sorted(facts, key=at)], 1))
    assert service.standing() == in_order.standing()
