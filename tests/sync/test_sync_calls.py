"""Single calls and lists: what crosses the portal, how a client ends, where it may be used."""

import asyncio
import concurrent.futures
import contextvars
import gc
import inspect
import multiprocessing
import select
import socket
import threading
import time
import weakref

import pytest

from chakra_async import (
    AmbiguousResultError,
    BadRequestError,
    ClientClosedError,
    ConnectError,
    NotFoundError,
    ProcessUpdate,
    RateLimitError,
    RetryPolicy,
    ServerError,
)
from chakra_async.sync import Client


pytestmark = pytest.mark.timeout(30)


# -- lists


def test_pages_are_fetched_by_one_call_each(chakra, fleet, crossings):
    crossings.clear()
    names = [plane.data["tailnum"] for plane in chakra.processes.list("aircraft", limit=50)]
    assert sorted(names) == sorted(fleet)
    assert crossings == {"first_page": 1, "page_after": 4}  # the last is answered without a request


def test_nothing_is_sent_before_the_list_is_read(chakra, emulator, running_loops):
    chakra.processes.list("aircraft")
    assert not running_loops()
    assert emulator.request_count == 0


def test_pages_one_by_one(chakra, fleet):
    pager = chakra.processes.list("aircraft", limit=80)
    first = pager.first_page()
    assert (len(first.items), first.has_more) == (80, True)
    second = pager.page_after(first)
    assert second is not None
    assert len(second.items) == 80
    assert [len(page.items) for page in pager.pages()] == [80, 80, 40]
    assert sum(1 for _ in pager) == sum(1 for _ in pager) == 200


def test_a_list_may_be_left_early(chakra, fleet, emulator):
    before = emulator.request_count
    for _ in chakra.processes.list("aircraft", limit=10):
        break
    assert emulator.request_count == before + 1


# -- how a client ends


def test_calls_after_close_are_refused(chakra):
    assert chakra.health()
    chakra.close()
    chakra.close()
    assert "closed" in repr(chakra)
    for call in (
        chakra.health,
        lambda: chakra.processes.get("lead", "x"),
        lambda: list(chakra.processes.list("lead")),
        lambda: chakra.processes.bulk_update("lead", [ProcessUpdate("x", data={"a": 1})]).run(),
    ):
        with pytest.raises(ClientClosedError) as caught:
            call()
        assert caught.value.retry_safe


def test_a_client_that_never_called_opens_nothing(emulator, running_loops):
    with Client(emulator.token, base_url=emulator.url) as client:
        assert not running_loops()
    with pytest.raises(ClientClosedError):
        client.health()
    assert not running_loops()


def test_with_closes(emulator, running_loops):
    with Client(emulator.token, base_url=emulator.url) as client:
        assert client.health()
        assert len(running_loops()) == 1
    assert not running_loops()


def test_with_closes_after_an_error(emulator, running_loops):
    with pytest.raises(NotFoundError), Client(emulator.token, base_url=emulator.url) as client:
        client.processes.get("lead", "nobody")
    assert not running_loops()


def test_dropping_the_last_reference_ends_the_thread(emulator, running_loops):
    gc.disable()  # by counting references alone, at once
    try:
        client = Client(emulator.token, base_url=emulator.url)
        assert client.health()
        with pytest.raises(NotFoundError):
            client.jobs.get("nobody")
        assert len(running_loops()) == 1
        gone = weakref.ref(client)
        del client
        assert gone() is None
        assert not running_loops()
    finally:
        gc.enable()


def test_dropping_it_in_a_cycle_ends_the_thread(emulator, running_loops):
    client = Client(emulator.token, base_url=emulator.url)
    assert client.health()
    client.me = client
    del client
    gc.collect()
    assert not running_loops()


def test_a_client_dropped_in_its_own_loop_ends_as_well(emulator, running_loops):
    client = Client(emulator.token, base_url=emulator.url)
    box = [client]

    async def drop():
        box.clear()
        gc.collect()

    portal = client._portal
    client.health()
    box.append(portal)
    thread = portal._thread
    thread.schedule(lambda: asyncio.ensure_future(drop()))
    del client, portal
    deadline = time.monotonic() + 5
    while running_loops() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not running_loops()


def test_one_liners(emulator, running_loops):
    with Client(emulator.token, base_url=emulator.url) as client:
        lead = client.processes.create("lead", data={"lead_id": "L1"})

    def temporary():
        return Client(emulator.token, base_url=emulator.url)

    assert temporary().health()
    assert temporary().processes.get("lead", lead.id).data["lead_id"] == "L1"
    assert [found.id for found in temporary().processes.list("lead")] == [lead.id]
    assert temporary().processes.bulk_update("lead", [{"id": lead.id, "data": {"a": 1}}]).run().updated == 1
    with temporary().processes.bulk_update("lead", [{"id": lead.id, "data": {"a": 2}}]) as run:
        assert [result.outcome for result in run] == ["updated"]
    del run
    assert not running_loops()


def closed_during(chakra, call, begun):
    """Close the client while another thread is in a call, and return what that raised."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(call)
        while not begun():
            time.sleep(0.005)
        start = time.monotonic()
        chakra.close()
        error = future.exception(5)
    assert time.monotonic() - start < 2
    return error


def test_a_close_by_another_thread_ends_a_call_that_may_be_repeated(chakra, emulator):
    emulator.faults.next("GET", delay=20)
    error = closed_during(chakra, lambda: chakra.jobs.get("x"), lambda: emulator.request_count)
    assert type(error) is ClientClosedError
    assert (error.method, error.path, error.attempts) == ("GET", "/v1/ext/background-job/x", 1)
    assert (error.retry_safe, error.may_be_done) == (True, True)


def test_a_close_by_another_thread_tells_that_a_create_may_have_been_done(chakra, emulator):
    emulator.faults.next("POST", delay=20)
    error = closed_during(
        chakra,
        lambda: chakra.processes.create("lead", data={"lead_id": "L1"}),
        lambda: emulator.request_count,
    )
    assert type(error) is AmbiguousResultError
    assert (error.method, error.path, error.attempts) == ("POST", "/v1/ext/procedure/lead/process", 1)
    assert (error.retry_safe, error.may_be_done) == (False, True)
    assert error.fingerprint is not None
    assert "(the client was closed)" in str(error)


def test_a_close_by_another_thread_does_not_wait_for_a_peer_that_takes_nothing(emulator):
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = Client("a-token", base_url=f"http://127.0.0.1:{server.getsockname()[1]}")
        thread = client._portal._thread
        error = closed_during(
            client,
            lambda: client.request("POST", "/v1/x", data=b'"%s"' % (b"x" * 30_000_000)),
            lambda: thread._loop is not None and server in select.select([server], [], [], 0)[0],
        )
    assert type(error) is AmbiguousResultError
    assert "POST /v1/x may have been done. Look before you send it again." in str(error)
    assert (error.retry_safe, error.may_be_done) == (False, True)


def test_closing_in_many_threads_at_once_waits_in_each(chakra, emulator, running_loops):
    chakra.health()
    barrier = threading.Barrier(8)

    def close():
        barrier.wait()
        chakra.close()
        return len(running_loops())

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert [future.result() for future in [pool.submit(close) for _ in range(8)]] == [0] * 8


# -- where it may be used


@pytest.mark.fault("C4")
async def test_inside_a_running_loop(chakra, fleet):
    assert chakra.health()
    assert len(list(chakra.processes.list("aircraft"))) == 200
    summary = chakra.processes.bulk_update("aircraft", [{"key": ("tailnum", "N1"), "data": {"a": 1}}]).run()
    assert summary.updated == 1
    assert asyncio.get_running_loop().is_running()
    assert await asyncio.to_thread(chakra.health)


def test_several_clients_at_once(emulator, running_loops):
    clients = [Client(emulator.token, base_url=emulator.url) for _ in range(3)]
    assert all(client.health() for client in clients)
    assert len(running_loops()) == 3
    for client in clients:
        client.close()


def test_a_call_inside_the_clients_own_loop_is_refused_at_once(chakra):
    async def calls_the_sync_client():
        chakra.health()

    start = time.monotonic()
    with pytest.raises(RuntimeError, match="inside its own loop"):
        chakra._portal.call(calls_the_sync_client)
    assert time.monotonic() - start < 5
    assert chakra.health()


def test_another_client_may_be_called_inside_a_clients_loop(chakra, emulator):
    with Client(emulator.token, base_url=emulator.url) as other:

        async def calls_another():
            return other.health()

        assert chakra._portal.call(calls_another)


def test_context_variables_reach_the_coroutine(chakra):
    variable = contextvars.ContextVar("variable", default="unset")

    async def look():
        seen = variable.get()
        variable.set("changed inside")
        return seen

    assert chakra._portal.call(look) == "unset"
    variable.set("mine")
    assert chakra._portal.call(look) == "mine"
    assert variable.get() == "mine"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(chakra._portal.call, look).result() == "unset"


@pytest.mark.fault("C4")
def test_fifty_threads_on_one_client(chakra, emulator, fleet, running_loops):
    barrier = threading.Barrier(50)
    emulator.faults.next("GET", "/process/", status=503, times=5)

    def work(number):
        barrier.wait()
        name = f"N{number}"
        plane = chakra.processes.update_by_key("aircraft", "tailnum", name, data={"number": number})
        assert plane.data["number"] == number
        with pytest.raises(NotFoundError) as caught:
            chakra.jobs.get(f"nobody-{number}")
        assert caught.value.path.endswith(f"nobody-{number}")
        assert chakra.processes.get("aircraft", plane.id).data["number"] == number
        found = list(chakra.processes.list("aircraft", where={"tailnum": name}))
        assert [one.id for one in found] == [plane.id]
        if number % 10 == 0:
            rows = [ProcessUpdate(plane.id, data={"round": n}) for n in range(5)]
            assert chakra.processes.bulk_update("aircraft", rows, chunk_size=2).run().updated == 5
        with pytest.raises(BadRequestError):
            chakra.processes.update("aircraft", plane.id, state="SCRAPPED")
        return number

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        done = [future.result(25) for future in [pool.submit(work, number) for number in range(50)]]
    assert done == list(range(50))
    assert len(running_loops()) == 1


def test_a_loop_that_cannot_begin_is_told_of_and_tried_again(chakra, monkeypatch):
    def fail(_):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("anyio.run", fail)
        for _ in range(2):
            with pytest.raises(OSError, match="Too many open files"):
                chakra.health()
    assert chakra.health()


@pytest.mark.fault("C4")
def test_fifty_threads_begin_one_loop(emulator, running_loops):
    with Client(emulator.token, base_url=emulator.url) as client:
        barrier = threading.Barrier(50)

        def first_call():
            barrier.wait()
            return client.health()

        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            assert all(future.result(25) for future in [pool.submit(first_call) for _ in range(50)])
        assert len(running_loops()) == 1


# -- errors


def test_tracebacks_of_plain_errors_show_us_and_nobody_else(chakra, own_frames):
    with pytest.raises(NotFoundError) as caught:
        chakra.jobs.get("nobody")
    frames = own_frames(caught.value, __file__)
    assert [frame.name for frame in frames][1:3] == ["get", "call"]
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_tracebacks_of_values_refused_before_sending(chakra, own_frames):
    with pytest.raises(ValueError, match="process_id") as caught:
        chakra.processes.get("lead", "")
    own_frames(caught.value, __file__)
    with pytest.raises(ValueError, match="limit") as caught:
        chakra.processes.list("lead", limit=0)
    own_frames(caught.value, __file__)


def test_tracebacks_of_pages(chakra, own_frames):
    with pytest.raises(NotFoundError) as caught:
        list(chakra.processes.list("nothing"))
    own_frames(caught.value, __file__)


def test_tracebacks_of_retried_errors(chakra, emulator, own_frames):
    planned = emulator.faults.next("GET", status=500, times=None)
    with pytest.raises(ServerError) as caught:
        chakra.jobs.get("x")
    own_frames(caught.value, __file__)
    assert caught.value.attempts == planned.fired > 1
    assert caught.value.__context__ is None


def test_tracebacks_of_broken_connections(chakra, emulator, own_frames):
    emulator.faults.next("POST", reset="after")
    with pytest.raises(AmbiguousResultError) as caught:
        chakra.processes.create("lead", data={"lead_id": "L1"})
    own_frames(caught.value, __file__)
    assert type(caught.value.__cause__).__module__.startswith("aiohttp")


def test_tracebacks_of_connections_refused(own_frames):
    with Client(
        "a-token", base_url="http://127.0.0.1:1", retry=RetryPolicy(attempts=2, wait_initial=0.001)
    ) as client:
        with pytest.raises(ConnectError) as caught:
            client.health()
        own_frames(caught.value, __file__)
        assert isinstance(caught.value.__cause__, ConnectionRefusedError)
        with pytest.raises(ConnectError) as caught:
            client.processes.bulk_update(
                "lead", [{"id": "x", "data": {}}, {"id": "y", "data": {"a": 1}}]
            ).run()
        own_frames(caught.value, __file__)


def test_tracebacks_of_a_closed_client(chakra, own_frames):
    chakra.close()
    with pytest.raises(ClientClosedError) as caught:
        chakra.health()
    own_frames(caught.value, __file__)
    assert caught.value.__context__ is None


def test_an_error_is_freed_without_the_collector(chakra):
    gc.collect()
    gc.disable()
    try:
        try:
            chakra.jobs.get("nobody")
        except NotFoundError as error:
            gone = weakref.ref(error)
        assert gone() is None
    finally:
        gc.enable()


def raise_in_another_process(url, token, kind):
    """Run in a process of its own, whose error comes back pickled."""
    if kind is ConnectError:
        url = "http://127.0.0.1:1"
    with Client(token, base_url=url, retry=RetryPolicy(attempts=1)) as client:
        if kind is ClientClosedError:
            client.close()
        client.jobs.get("nobody")


@pytest.mark.fault("C8")
def test_errors_pickle_across_processes(emulator):
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        for kind in (NotFoundError, ConnectError, ClientClosedError):
            future = pool.submit(raise_in_another_process, emulator.url, emulator.token, kind)
            with pytest.raises(kind) as caught:
                future.result(20)
            if kind is not ClientClosedError:
                assert caught.value.path == "/v1/ext/background-job/nobody"
                assert caught.value.attempts == 1
        emulator.faults.next("GET", status=429, retry_after=7, errors=("slow down",))
        future = pool.submit(raise_in_another_process, emulator.url, emulator.token, RateLimitError)
        with pytest.raises(RateLimitError) as caught:
            future.result(20)
        assert (caught.value.retry_after, caught.value.errors) == (7, ("slow down",))


def test_no_method_is_a_coroutine(chakra):
    for resource in (chakra, chakra.jobs, chakra.processes):
        for name, member in inspect.getmembers(resource, callable):
            assert not inspect.iscoroutinefunction(member), name
