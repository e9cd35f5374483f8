"""One deadline for the whole client: nothing starts before it."""

import asyncio
from itertools import pairwise

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import RateLimitError, RetryPolicy
from chakra_async._gate import Gate, Turnstile
from chakra_async._pace import Rate
from chakra_async._retry import lane


def gated(virtual_time, main, **options):
    """Run ``main(gate, turnstile)`` in virtual time."""

    async def run():
        loop = asyncio.get_running_loop()
        gate = Gate(options.pop("connections", 10), options.pop("rate", None), clock=loop.time)
        return await main(gate, Turnstile(gate, 10, options.pop("patience", 60.0)))

    return virtual_time.run(run())


async def times(turnstile, calls, *, seconds=0.0, whose=None):
    """Make calls of so many seconds; tell when each entered, counted from now."""
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def call():
        if whose is not None:
            lane.set(whose)
        entered = await turnstile.enter()
        await asyncio.sleep(seconds)
        turnstile.leave()
        return entered - start

    return await asyncio.gather(*(asyncio.create_task(call()) for _ in range(calls)))


def test_an_open_gate_costs_no_wait(virtual_time):
    async def main(_, turnstile):
        return await times(turnstile, 3)

    assert max(gated(virtual_time, main)) < 0.5


def test_a_pause_is_waited_for_and_spread_over_a_tenth(virtual_time):
    async def main(gate, turnstile):
        gate.pause(10)
        return await times(turnstile, 15)

    entered = gated(virtual_time, main)
    assert min(entered) >= 10
    assert 10.3 < max(entered) <= 11


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), min_size=1))
def test_a_pause_is_never_shortened(steps):
    now = 1000.0
    rate = Rate()
    deadlines = []
    for seconds, passed in steps:
        rate.pause(seconds, now)
        deadlines.append(now + seconds)
        assert rate.not_before == max(deadlines)
        now += passed


def test_a_pause_that_grows_while_it_is_waited_for_is_kept_whole(virtual_time):
    async def main(gate, turnstile):
        gate.pause(5)
        waiting = asyncio.create_task(times(turnstile, 1))
        await asyncio.sleep(4)
        gate.pause(30)
        return await waiting

    assert gated(virtual_time, main)[0] > 33.99


def test_nothing_waits_in_test_mode(virtual_time):
    async def main(gate, turnstile):
        gate.pause(1000)
        with stamina.set_testing(True, attempts=3):
            return await times(turnstile, 3)

    assert max(gated(virtual_time, main)) < 0.5


def test_a_fixed_rate_is_kept(virtual_time):
    async def main(_, turnstile):
        return sorted(await times(turnstile, 100))

    entered = gated(virtual_time, main, rate=50.0)
    assert 1.9 < entered[-1] < 2.1
    assert all(later - earlier > 0.014 for earlier, later in pairwise(entered))


def test_no_more_than_the_places_are_inside(virtual_time):
    most = 0

    async def main(_, turnstile):
        nonlocal most

        async def watch():
            nonlocal most
            while True:
                most = max(most, turnstile.inside)
                await asyncio.sleep(0.05)

        watcher = asyncio.create_task(watch())
        await times(turnstile, 100, seconds=0.1)
        watcher.cancel()
        assert turnstile.inside == 0

    gated(virtual_time, main)
    assert most == 10


def test_calls_that_hang_hold_up_no_others_for_long(virtual_time):
    async def main(_, turnstile):
        return await times(turnstile, 10, seconds=50)

    assert max(gated(virtual_time, main)) < 1


def test_lanes_take_turns(virtual_time):
    async def main(_, turnstile):
        run = asyncio.create_task(times(turnstile, 500, whose="run"))
        await asyncio.sleep(1)
        return await times(turnstile, 3), await run

    single, run = gated(virtual_time, main, rate=10.0)
    assert max(run) > 45
    # A turn of the run's may come before each.
    assert max(single) < 0.7


def test_patience_is_lost_with_places_but_not_with_the_pace(virtual_time):
    async def hung(_, turnstile):
        held = [asyncio.create_task(times(turnstile, 1, seconds=1000)) for _ in range(10)]
        await asyncio.sleep(2)
        with pytest.raises(TimeoutError):
            await turnstile.enter()
        for task in held:
            task.cancel()

    gated(virtual_time, hung, patience=5.0)

    async def paced(_, turnstile):
        return await times(turnstile, 100)

    assert max(gated(virtual_time, paced, patience=1.0, rate=2.0)) > 48


def test_whoever_is_cancelled_takes_no_place(virtual_time):
    async def main(gate, turnstile):
        gate.pause(5)
        tasks = [asyncio.create_task(times(turnstile, 1)) for _ in range(30)]
        await asyncio.sleep(1)
        for task in tasks[::2]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(one, asyncio.CancelledError) for one in done) == 15
        assert turnstile.inside == 0

    gated(virtual_time, main)


def test_one_cancelled_in_the_moment_of_its_turn_gives_it_to_the_next(virtual_time):
    async def main(gate, turnstile):
        await asyncio.gather(*(turnstile.enter() for _ in range(10)))
        first, second = asyncio.create_task(turnstile.enter()), asyncio.create_task(turnstile.enter())
        await asyncio.sleep(1)
        turnstile.leave()
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        await second
        assert turnstile.inside == 10

    gated(virtual_time, main)


def many(virtual_time, mocked, first, *, calls=50):
    """Let one call meet ``first`` while others start every half second; tell when each went out."""
    sent = []

    def note(url, **_):
        sent.append(asyncio.get_running_loop().time())

    async def main():
        url = "http://chakra.test/v1/health"
        mocked.get(url, callback=note, **first)
        mocked.get(url, callback=note, payload={"_data": {}}, repeat=True)
        async with virtual_time.client() as chakra:

            async def later(seconds):
                await asyncio.sleep(seconds)
                await chakra.health()

            start = asyncio.get_running_loop().time()
            await asyncio.gather(*(later(n * 0.5) for n in range(calls)))
        return [at - start for at in sent]

    return virtual_time.run(main())


def test_one_429_pauses_every_call_of_the_client(virtual_time, mocked):
    times = many(virtual_time, mocked, {"status": 429, "headers": {"Retry-After": "10"}})
    assert len(times) == 51
    assert times[0] < 0.1
    assert min(times[1:]) >= 10
    # Those who waited go on over a second, not all in one instant.
    resumed = sorted(times[1:])[:15]
    assert resumed[-1] - resumed[0] > 0.05


def test_a_503_with_a_wait_pauses_every_call_too(virtual_time, mocked):
    times = many(virtual_time, mocked, {"status": 503, "headers": {"Retry-After": "10"}})
    assert min(times[1:]) >= 10


def test_a_plain_500_pauses_nobody_else(virtual_time, mocked):
    times = many(virtual_time, mocked, {"status": 500})
    assert times[2] < 2


def test_a_wait_beyond_the_cap_pauses_nobody(virtual_time, mocked):
    async def main():
        url = "http://chakra.test/v1/health"
        mocked.get(url, status=429, headers={"Retry-After": "1000000000"})
        mocked.get(url, payload={})
        async with virtual_time.client(retry=RetryPolicy(retry_after_max=60)) as chakra:
            start = asyncio.get_running_loop().time()
            with pytest.raises(RateLimitError):
                await chakra.health()
            await chakra.health()
            return asyncio.get_running_loop().time() - start

    assert virtual_time.run(main()) < 1
