"""One deadline for the whole client: nothing starts before it."""

import asyncio

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import RateLimitError, RetryPolicy
from chakra_async._gate import Gate


class Clock:
    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


async def test_an_open_gate_costs_no_wait():
    clock = Clock()
    await Gate(clock, clock.sleep).wait()
    assert clock.slept == []


async def test_a_pause_is_waited_for_and_spread_over_a_tenth():
    clock = Clock()
    gate = Gate(clock, clock.sleep)
    gate.pause(10)
    await gate.wait()
    assert 1010 <= clock.now <= 1011
    await gate.wait()
    assert len(clock.slept) == 1


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), min_size=1))
def test_a_pause_is_never_shortened(steps):
    clock = Clock()
    gate = Gate(clock, clock.sleep)
    deadlines = []
    for seconds, passed in steps:
        gate.pause(seconds)
        deadlines.append(clock.now + seconds)
        assert gate.not_before == max(deadlines)
        clock.now += passed


async def test_a_pause_that_grows_while_it_is_waited_for_is_kept_whole():
    clock = Clock()
    gate = Gate(clock, clock.sleep)
    gate.pause(5)

    async def longer(seconds):
        await clock.sleep(seconds)
        if len(clock.slept) == 1:
            gate.pause(30)

    gate._sleep = longer
    await gate.wait()
    assert clock.now >= 1035


async def test_nothing_waits_in_test_mode():
    clock = Clock()
    gate = Gate(clock, clock.sleep)
    gate.pause(1000)
    with stamina.set_testing(True, attempts=3):
        await gate.wait()
    assert clock.slept == []


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
