"""No connection: refused, unanswered, unknown, through a proxy that fails, or none left in the pool."""

import asyncio
import socket
import sys
import traceback

import aiohttp
import pytest

from chakra_async import ChakraError, Client, ConnectError, Limits, RequestTimeoutError, RetryPolicy, Timeouts
from chakra_async.emulator import Emulator
from tests.faults.callers import ONCE, Async, create, read
from tests.raw import FIN, QUICK, RST, STALL, TOKEN, RawServer, answer, closed_port, refused, wrapped


LEAD = wrapped({"id": "1"})
TWICE = RetryPolicy(attempts=2, wait_initial=0.001)


@pytest.mark.parametrize("call", [read, create])
async def test_T1_a_refused_connection_is_one_clear_sentence_with_one_cause(flavour, call):
    port = closed_port()
    async with flavour.client(f"http://127.0.0.1:{port}", retry=TWICE) as chakra:
        with pytest.raises(ConnectError) as caught:
            await chakra(call)
    error = caught.value
    assert (error.attempts, error.sent, error.retry_safe) == (2, False, True)
    assert error.message == (
        f"Cannot connect to 127.0.0.1:{port} (Connection refused). Check the address, and whether the "
        "service is up."
    )
    assert "2 attempts] Safe to try again." in str(error)
    assert isinstance(error.__cause__, ConnectionRefusedError)
    assert error.__cause__.__cause__ is error.__cause__.__context__ is None
    assert "aiohttp" not in "".join(traceback.format_exception(error.__cause__))


async def test_T1_a_port_that_opens_meanwhile_is_found(flavour):
    port = closed_port()
    server = RawServer(LEAD)
    patient = RetryPolicy(attempts=20, wait_initial=0.05, wait_max=0.05)
    async with flavour.client(f"http://127.0.0.1:{port}", retry=patient) as chakra:
        late = asyncio.create_task(chakra(create))
        await asyncio.sleep(0.1)
        server._server = await asyncio.start_server(server._serve, "127.0.0.1", port)
        assert (await late).id == "1"
    await server.__aexit__()
    # Nothing was sent before, so that even a create is repeated.
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("http://a..b", "cannot be called"),
        (f"http://{'a' * 64}.test", "cannot be called"),
        ("http://256.1.1.1", "cannot be called"),
        ("http://[::1]:9", r"\[::1\]:9"),
    ],
)
async def test_T1_an_address_that_cannot_be_called_is_an_error_of_ours(flavour, host, said):
    async with flavour.client(host, retry=ONCE) as chakra:
        with pytest.raises(ConnectError, match=said) as caught:
            await chakra(create)
    assert caught.value.sent is False


GREETINGS = {
    "503": (refused(503, Connection="close"), "spoke before it was asked: 'HTTP/1.1 503 Whatever'"),
    "200": (LEAD, "spoke before it was asked: 'HTTP/1.1 200 Whatever'"),
    "another protocol": (b"220 smtp\x1b[2J ready\r\n", r"spoke before it was asked: '220 smtp\x1b[2J ready'"),
    "a flood": (b"x" * 10**6, f"spoke before it was asked: '{'x' * 80}'"),
    "nothing": (b"", "hung up at once"),
}


def upload(chakra):
    return chakra.photos.upload(b"x", filename="x.jpg")


def large(chakra):
    return chakra.request("POST", "/v1/x", json="x" * 400_000)


@pytest.mark.parametrize("call", [read, create, upload, large])
@pytest.mark.parametrize(("greeting", "said"), GREETINGS.values(), ids=GREETINGS)
async def test_a_server_that_speaks_first_or_hangs_up_costs_one_attempt_each_time(
    greeting, said, call, monkeypatch
):
    accepted = 0

    async def serve(reader, writer):
        nonlocal accepted
        accepted += 1
        writer.write(greeting)
        if greeting:
            await reader.read()
        writer.transport.abort()

    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def connect_late(*arguments, **options):
        transport, protocol = await connect(*arguments, **options)
        while not protocol.should_close:
            await asyncio.sleep(0.001)
        return transport, protocol

    monkeypatch.setattr(loop, "create_connection", connect_late)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(5):
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Async.client(url, retry=TWICE) as chakra:
            with pytest.raises(ConnectError) as caught:
                await chakra(call)
    assert (caught.value.attempts, caught.value.sent, caught.value.retry_safe) == (2, False, True)
    assert f"({'the server ' + said})" in caught.value.message
    assert accepted == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems answer differently to a full backlog")
async def test_T2_a_connect_time_out_is_repeated(flavour):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with flavour.client(url, retry=TWICE, timeout=Timeouts(connect=0.1)) as chakra:
            with pytest.raises(RequestTimeoutError, match=r"Timeouts: connect 0\.1 s") as caught:
                await chakra(create)
        assert (caught.value.attempts, caught.value.sent) == (2, False)
        for filler in fillers:
            filler.close()


def test_T2_the_default_is_at_most_ten_seconds():
    assert Timeouts().connect <= 10


@pytest.fixture
def names(monkeypatch):
    """A name server that fails so many times first; ``names.asked`` counts."""

    class Names:
        failing = 0
        asked = 0

    async def getaddrinfo(_, host, port, **__):
        Names.asked += 1
        if Names.asked <= Names.failing:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port or 0))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return Names


async def test_T14_a_name_server_that_heals_is_asked_again(flavour, names):
    names.failing = 2
    async with RawServer(LEAD) as server:
        url = server.url.replace("127.0.0.1", "chakra.test")
        async with flavour.client(url) as chakra:
            assert (await chakra(create)).id == "1"
    assert (names.asked, len(server.requests)) == (3, 1)


async def test_T14_the_error_names_the_host_and_nothing_else(flavour, names):
    names.failing = 99
    async with flavour.client("https://chakra.test/base", retry=TWICE) as chakra:
        with pytest.raises(ConnectError) as caught:
            await chakra(lambda client: client.request("GET", "/v1/x", query={"q": "secret"}))
    assert caught.value.message == (
        "Cannot connect to chakra.test:443 (Temporary failure in name resolution). Check the address, and "
        "whether the service is up."
    )
    assert "secret" not in f"{caught.value}{vars(caught.value)}{caught.value.__cause__}"
    assert names.asked == 2


PROXIES = {
    "407": (answer(407), "refused to connect to https://chakra.test: 407"),
    "502": (answer(502, b"<html>"), "refused to connect to https://chakra.test: 502"),
    "fin": (FIN, "the server closed it"),
    "rst": (RST, "Connection reset by peer"),
    "no http": ([b"SSH-2.0\r\n\r\n", FIN], "no sound HTTP"),
    "no tls": ([answer(200), b"220 smtp.test\r\n", FIN], "no sound HTTP"),
    "stall": (STALL, r"Timeouts: connect 0\.2 s"),
}


@pytest.mark.parametrize(("script", "said"), PROXIES.values(), ids=PROXIES)
async def test_T15_a_proxy_that_fails_is_named_without_its_password(script, said):
    async with RawServer(script) as proxy:
        address = proxy.url.replace("http://", "http://user:passw0rd@")
        # Only one that never answers may run into the time limit, also on a busy machine.
        times = Timeouts(connect=0.2 if script == STALL else 30)
        options = {"base_url": "https://chakra.test", "retry": ONCE, "timeout": times}
        async with (
            aiohttp.ClientSession(proxy=address) as session,
            Client(TOKEN, session=session, **options) as chakra,
        ):
            with pytest.raises(ChakraError, match=said) as caught:
                await read(chakra)
    shown = "".join(traceback.format_exception(caught.value))
    assert "passw0rd" not in f"{shown}{vars(caught.value)}"
    assert not any("authorization" in request.headers for request in proxy.requests)


async def test_T15_a_proxy_that_is_not_there_is_named_as_such():
    address = f"http://user:passw0rd@127.0.0.1:{closed_port()}"
    async with (
        aiohttp.ClientSession(proxy=address) as session,
        Client(TOKEN, base_url="https://chakra.test", session=session, retry=ONCE) as chakra,
    ):
        with pytest.raises(
            ConnectError, match=r"the proxy 127\.0\.0\.1:\d+ \(Connection refused\)"
        ) as caught:
            await create(chakra)
    assert "passw0rd" not in "".join(traceback.format_exception(caught.value))


async def test_T16_a_pool_full_of_hung_calls_ends_a_thousand_others_in_time():
    with Emulator() as emulator:
        emulator.faults.next(times=None, delay=30)
        options = {"limits": Limits(connections=10), "timeout": Timeouts(queue=0.3), "retry": QUICK}
        async with Client(emulator.token, base_url=emulator.url, **options) as chakra:
            tasks = [asyncio.create_task(chakra.health()) for _ in range(1000)]
            async with asyncio.timeout(20):
                while len(hung := [task for task in tasks if not task.done()]) > 10:
                    await asyncio.sleep(0.01)
            for task in hung:
                task.cancel()
            await asyncio.gather(*hung, return_exceptions=True)
            emulator.faults.clear()
            assert await chakra.health()
        # Of those that had a place, one may have been cancelled before it was sent.
        assert emulator.request_count <= len(hung) + 1 <= 11
    errors = [task.exception() for task in tasks if task not in hung]
    assert {type(error) for error in errors} == {RequestTimeoutError}
    assert all("Timeouts.queue" in str(error) and not error.sent for error in errors)


async def test_T16_threads_of_the_sync_client_wait_no_longer_either(flavour):
    options = {"limits": Limits(connections=2), "timeout": Timeouts(queue=0.2, read=30)}
    async with RawServer(STALL) as server, flavour.client(server.url, **options) as chakra:
        hung = [asyncio.create_task(chakra(read)) for _ in range(2)]
        while len(server.requests) < 2:
            await asyncio.sleep(0.005)
        results = await asyncio.gather(*(chakra(create) for _ in range(4)), return_exceptions=True)
        server.script = [FIN]
        for task in server._tasks:
            task.cancel()
        await asyncio.gather(*hung, return_exceptions=True)
    assert [type(result) for result in results] == [RequestTimeoutError] * 4
    assert not any(result.sent for result in results)
