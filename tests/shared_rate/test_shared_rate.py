"""One rate for several processes, seen from one of them."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from chakra_async import AccessToken, Client, ConnectError, Limits, RetryPolicy, _shared_rate
from chakra_async._shared_rate import SharedRate, name_of
from tests.waiting import until


PASSWORD = "hunter2"


def shared(url, rate=100, **options):
    return SharedRate(url, rate, "rate", **options)


def no_threads():
    return "chakra-rate" not in [thread.name for thread in threading.enumerate()]


def test_one_rate_serves_event_loops_in_turn_and_at_once(url, keys):
    rate = shared(url)

    async def take(count):
        for _ in range(count):
            await rate.wait()

    for _ in range(2):
        asyncio.run(take(1))
    threads = [threading.Thread(target=asyncio.run, args=(take(10),)) for _ in range(2)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 18 / 100
    asyncio.run(rate.close())
    assert keys.keys("*:workers") == []
    until(no_threads)


# Python 3.12 warns of every fork while threads run; that it goes well is what is tested here.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_is_a_worker_of_its_own(url, keys):
    rate = shared(url)

    async def main():
        await rate.wait()
        if not (child := os.fork()):
            try:
                with ThreadPoolExecutor(1) as pool:  # the parent's loop cannot be used here
                    pool.submit(asyncio.run, rate.wait()).result(5)
                (name,) = keys.keys("*:workers")
                os._exit(keys.zcard(name))
            finally:
                os._exit(99)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        await rate.wait()
        await rate.close()
        return os.waitstatus_to_exitcode(status)

    assert asyncio.run(main()) == 2


async def test_a_slot_that_was_overslept_is_void(url, keys, state):
    late = 0.0
    rate = shared(url, 10, clock=lambda: time.monotonic() + late)
    await rate.wait()
    before = float(keys.hget(state(), "slot"))
    second = asyncio.create_task(rate.wait())
    while float(keys.hget(state(), "slot")) == before:
        await asyncio.sleep(0.001)
    late = 0.3
    await second
    after = float(keys.hget(state(), "slot"))
    assert after - before >= 2 * 1.05 * 100_000 - 1
    await rate.close()


async def test_who_is_cancelled_keeps_nobody_waiting(url):
    rate = shared(url, 10)
    await rate.wait()
    waiting = [asyncio.create_task(rate.wait()) for _ in range(100)]
    await asyncio.sleep(0)
    for task in waiting[:99]:
        task.cancel()
    await asyncio.wait_for(waiting[99], 5)
    await rate.close()


async def test_busy_threads_of_the_program_do_not_pass_for_a_lost_redis(url, keys, caplog):
    done = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, done.wait)
    rate = shared(url)
    try:
        for _ in range(2):
            await rate.wait()
        await rate.close()
    finally:
        done.set()
        await busy
    assert not caplog.messages
    assert keys.keys("*:workers") == []


async def test_a_loop_that_was_late_finds_what_redis_said(url, monkeypatch):
    monkeypatch.setattr(_shared_rate, "PATIENCE", 0.5)
    rate = shared(url)
    waiting = asyncio.create_task(rate.wait())
    for _ in range(5):
        await asyncio.sleep(0)  # until Redis is asked
    time.sleep(0.6)
    await waiting
    await rate.close()


async def test_a_client_that_nobody_closed_leaves_nothing_behind(url, keys):
    rate = shared(url)
    await rate.wait()
    (left,) = rate._workers.values()
    left = weakref.ref(left)
    del rate
    gc.collect()
    assert left() is None
    until(no_threads)


def test_a_sync_client_that_nobody_closed_is_quiet_at_exit(url, emulator, run_script):
    run_script(
        f"""
from chakra_async import Limits
from chakra_async.sync import Client

limits = Limits(requests_per_second=50, shared_rate={url!r})
client = Client({emulator.token!r}, base_url={emulator.url!r}, limits=limits)
client.health()
"""
    )


async def test_a_redis_that_was_never_reached_stops_everything(unused_tcp_port):
    rate = shared(f"redis://:{PASSWORD}@127.0.0.1:{unused_tcp_port}/0")
    refusals = await asyncio.gather(*(rate.wait() for _ in range(3)), return_exceptions=True)
    for error in refusals:
        assert isinstance(error, ConnectError)
        assert (error.sent, error.retry_safe) == (False, True)
        assert f"127.0.0.1:{unused_tcp_port}" in str(error)
        assert PASSWORD not in str(error)
    await rate.close()


async def test_the_password_shows_nowhere(caplog):
    async def refuse(reader, writer):
        while await reader.readline():
            writer.write(f"-WRONGPASS no such password: {PASSWORD}\r\n".encode())
        writer.close()

    caplog.set_level(logging.DEBUG)
    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        rate = shared(f"redis://me:{PASSWORD}@127.0.0.1:{port}/0")
        with pytest.raises(ConnectError, match=f"127.0.0.1:{port}.*AuthenticationError") as caught:
            await rate.wait()
        shown = [str(caught.value), repr(caught.value), repr(rate), repr(vars(rate)), caplog.text]
        assert PASSWORD not in "".join(shown)
        await rate.close()


def test_a_name_tells_tokens_and_services_apart_but_not_the_token():
    names = {
        name_of(url, AccessToken(token)) for url in ("http://a", "http://b") for token in ("t0ken", "other")
    }
    assert len(names) == 4
    assert not [name for name in names if "t0ken" in name]


def test_without_the_extra_it_says_what_to_install(run_script):
    run_script(
        """
import sys
sys.modules["redis"] = None
try:
    import chakra_async._shared_rate
except ModuleNotFoundError as error:
    assert "pip install 'path/to/chakra_async[redis]'" in str(error), error
else:
    raise AssertionError
import chakra_async._transport
"""
    )


async def test_clients_of_one_token_share_a_rate(url, keys, emulator):
    limits = Limits(requests_per_second=50, shared_rate=url)
    began = time.monotonic()
    async with (
        Client(emulator.token, base_url=emulator.url, limits=limits) as one,
        Client(emulator.token, base_url=emulator.url, limits=limits) as other,
    ):
        await asyncio.gather(*(chakra.config.get() for chakra in (one, other) for _ in range(10)))
        (name,) = keys.keys("*:workers")
        assert keys.zcard(name) == 2
    assert time.monotonic() - began >= 19 / 50
    assert emulator.token.encode() not in name
    assert keys.keys("*:workers") == []


async def test_a_call_without_redis_fails_as_one_that_could_not_connect(emulator, unused_tcp_port):
    limits = Limits(requests_per_second=50, shared_rate=f"redis://:{PASSWORD}@127.0.0.1:{unused_tcp_port}")
    retry = RetryPolicy(attempts=2, wait_initial=0.001)
    async with Client(emulator.token, base_url=emulator.url, limits=limits, retry=retry) as chakra:
        with pytest.raises(
            ConnectError, match=r"Limits\.shared_rate .*GET /v1/ext/config, 2 attempts"
        ) as caught:
            await chakra.config.get()
    assert PASSWORD not in str(caught.value)
    assert emulator.request_count == 0
