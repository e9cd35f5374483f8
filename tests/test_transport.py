"""The transport: connections, time limits, broken answers, sizes, loops, forks."""

import asyncio
import logging
import math
import socket
import sys
import threading
import traceback
import tracemalloc
import zlib

import aiohttp
import attrs
import pytest

from chakra_async import (
    AmbiguousResultError,
    ApiError,
    ChakraError,
    Client,
    ClientClosedError,
    ConnectError,
    DecodeError,
    IncompleteReadError,
    Limits,
    RequestTimeoutError,
    ResponseTooLargeError,
    RetryPolicy,
    Timeouts,
    _connections,
    _exchange,
)
from tests.raw import (
    FIN,
    QUICK,
    RST,
    STALL,
    TOKEN,
    Drip,
    RawServer,
    answer,
    closed_port,
    quick_client,
    refused,
    wrapped,
)


LEAD = wrapped({"id": "1"})
ONCE = RetryPolicy(attempts=1)


def read(chakra):
    return chakra.processes.get("lead", "1")


def create(chakra):
    return chakra.processes.create("lead", data={"a": 1})


def free_places(chakra):
    """How many more requests could start in the running loop."""
    turnstile = chakra._transport._loops[asyncio.get_running_loop()].turnstile
    return chakra.settings.limits.connections - turnstile.inside


# Connections


async def test_calls_one_after_another_share_a_connection():
    async with RawServer(LEAD) as server, quick_client(server) as chakra:
        for _ in range(20):
            await read(chakra)
    assert (len(server.requests), server.connections) == (20, 1)


async def test_no_more_connections_are_opened_than_the_limit_says():
    async with (
        RawServer([Drip(LEAD[:3], 0.005), LEAD[3:]]) as server,
        quick_client(server, limits=Limits(connections=3)) as chakra,
    ):
        await asyncio.gather(*(read(chakra) for _ in range(30)))
    assert (len(server.requests), server.connections) == (30, 3)


async def test_a_connection_that_died_while_idle_is_replaced():
    async with RawServer([LEAD, FIN], [LEAD, RST], LEAD) as server, quick_client(server) as chakra:
        for _ in range(5):
            await read(chakra)
            await asyncio.sleep(0.01)
    assert len(server.requests) == 5


class Hangup:
    """A server in a thread: it answers once, hangs up when told to, and goes on with the next connection."""

    def __init__(self):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(5)
        self._told, self._closed = threading.Event(), threading.Event()
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.served = 0

    def __enter__(self):
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._told.set()
        self._thread.join(5)
        self._listening.close()

    def hang_up(self):
        """Hang up, while the caller waits and its event loop hears of nothing."""
        self._told.set()
        assert self._closed.wait(5)

    def _serve(self):
        for _ in range(2):
            connection, _ = self._listening.accept()
            with connection, connection.makefile("rb") as reading:
                length = 0
                while line := reading.readline().strip():
                    name, _, value = line.partition(b": ")
                    length = int(value) if name.lower() == b"content-length" else length
                assert len(reading.read(length)) == length
                connection.sendall(LEAD)
                self.served += 1
                assert self._told.wait(5)
            self._closed.set()


def upload(chakra):
    return chakra.photos.upload(b"1", filename="a.jpg")


@pytest.mark.parametrize("call", [create, upload])
async def test_a_connection_that_died_while_the_loop_was_held_is_not_used(call, monkeypatch):
    monkeypatch.setattr(_connections, "IDLE", 0)
    monkeypatch.setattr(_exchange, "IDLE", 0)
    with Hangup() as server:
        async with Client(TOKEN, base_url=server.url, retry=ONCE) as chakra:
            await read(chakra)
            server.hang_up()
            assert (await call(chakra)).id == "1"
    assert server.served == 2


async def test_waiting_for_a_place_ends_in_an_error_that_names_the_limits():
    options = {"limits": Limits(connections=2), "timeout": Timeouts(queue=0.05)}
    async with RawServer(STALL) as server, quick_client(server, **options) as chakra:
        hung = [asyncio.create_task(read(chakra)) for _ in range(2)]
        while len(server.requests) < 2:
            await asyncio.sleep(0.001)
        waiting = await asyncio.gather(*(create(chakra) for _ in range(50)), return_exceptions=True)
        for task in hung:
            task.cancel()
        await asyncio.gather(*hung, return_exceptions=True)
        assert free_places(chakra) == 2
    assert all(isinstance(error, RequestTimeoutError) for error in waiting)
    assert not any(error.sent for error in waiting)
    assert "Limits.connections" in str(waiting[0])
    assert "Timeouts.queue" in str(waiting[0])
    assert len(server.requests) == 2


async def test_every_request_says_who_it_is():
    async with RawServer(LEAD) as server, quick_client(server) as chakra:
        await read(chakra)
        await create(chakra)
    for request in server.requests:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["accept"] == "application/json"
        assert request.headers["user-agent"].startswith("chakra-async/")
    assert "content-type" not in server.requests[0].headers
    assert server.requests[1].headers["content-type"] == "application/json"


async def test_cookies_are_neither_kept_nor_sent():
    script = answer(body=b'{"_data":{"id":"1"}}', Set_Cookie="session=1; Path=/")
    async with RawServer(script) as server:
        # aiohttp keeps no cookies of a bare address anyway.
        named = server.url.replace("127.0.0.1", "localhost")
        async with Client(TOKEN, base_url=named, retry=QUICK) as chakra:
            await read(chakra)
            await read(chakra)
    assert "cookie" not in server.requests[1].headers


# No connection


async def test_a_refused_connection_is_tried_again_then_named():
    port = closed_port()
    chakra = Client(
        TOKEN, base_url=f"http://127.0.0.1:{port}", retry=RetryPolicy(attempts=3, wait_initial=0.001)
    )
    async with chakra:
        for call in read, create:
            with pytest.raises(ConnectError, match=f"127.0.0.1:{port}") as caught:
                await call(chakra)
            assert (caught.value.attempts, caught.value.sent, caught.value.retry_safe) == (3, False, True)


async def test_a_host_that_does_not_exist_is_a_connect_error(monkeypatch):
    async def nobody(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", nobody)
    async with Client(TOKEN, base_url="http://nowhere.invalid", retry=ONCE) as chakra:
        with pytest.raises(ConnectError, match=r"nowhere\.invalid"):
            await create(chakra)


async def test_a_server_without_tls_is_refused_at_once_and_not_called_in_clear():
    received = []

    async def plain(reader, writer):
        received.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with Client(TOKEN, base_url=url, retry=QUICK) as chakra:
        with pytest.raises(ConnectError) as caught:
            await create(chakra)
    server.close()
    assert (caught.value.sent, caught.value.attempts) == (False, 1)
    assert len(received) == 1
    assert TOKEN.encode() not in received[0]


async def test_a_proxy_that_refuses_is_a_connect_error_without_its_password():
    async with RawServer(answer(407)) as proxy:
        address = proxy.url.replace("http://", "http://user:passw0rd@")
        async with (
            aiohttp.ClientSession(proxy=address) as session,
            Client(TOKEN, base_url="https://chakra.test", session=session, retry=QUICK) as chakra,
        ):
            for call in read, create:
                with pytest.raises(ConnectError, match="proxy") as caught:
                    await call(chakra)
                assert (caught.value.sent, caught.value.attempts) == (False, 1)
                assert "passw0rd" not in f"{caught.value} {vars(caught.value)}"
    assert all(request.line.startswith("CONNECT") for request in proxy.requests)
    assert "passw0rd" not in shown_of(caught.value, with_locals=False)
    assert not any("authorization" in request.headers for request in proxy.requests)


def full_backlog():
    """A port where connecting never ends."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    return listener, fillers


@pytest.mark.skipif(sys.platform != "linux", reason="other systems answer differently to a full backlog")
@pytest.mark.parametrize("timeouts", [Timeouts(connect=0.1), Timeouts(total=0.6)], ids=["connect", "total"])
async def test_connecting_ends_in_time_and_is_known_to_have_sent_nothing(timeouts):
    said = rf"in time \(Timeouts: connect {timeouts.connect:g} s, total {timeouts.total:g} s\)"
    listener, fillers = full_backlog()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with Client(TOKEN, base_url=url, timeout=timeouts, retry=ONCE) as chakra:
            for call in read, create:
                with pytest.raises(RequestTimeoutError, match=said) as caught:
                    await call(chakra)
                assert (caught.value.sent, caught.value.retry_safe) == (False, True)
    finally:
        for one in (listener, *fillers):
            one.close()


# Time limits


@pytest.mark.parametrize(
    "silence", [STALL, [LEAD[:20], STALL], [LEAD[:-5], STALL]], ids=["nothing", "head", "body"]
)
async def test_silence_ends_with_the_read_timeout(silence):
    async with (
        RawServer(silence) as server,
        quick_client(server, timeout=Timeouts(read=0.1), retry=ONCE) as chakra,
    ):
        with pytest.raises(RequestTimeoutError, match="Timeouts") as caught:
            await read(chakra)
        assert free_places(chakra) == chakra.settings.limits.connections
    assert caught.value.sent is True


async def test_an_answer_that_drips_ends_with_the_total_timeout():
    options = {"timeout": Timeouts(read=5, total=0.3), "retry": ONCE}
    async with RawServer(Drip(LEAD * 50)) as server, quick_client(server, **options) as chakra:
        async with asyncio.timeout(3):
            with pytest.raises(RequestTimeoutError):
                await read(chakra)
            with pytest.raises(AmbiguousResultError):
                await create(chakra)


async def test_time_limits_may_be_switched_off():
    unlimited = Timeouts(**dict.fromkeys(["connect", "read", "total", "queue"], math.inf))
    async with (
        RawServer(LEAD) as server,
        quick_client(server, timeout=unlimited, limits=Limits(connections=1)) as chakra,
    ):
        await asyncio.gather(read(chakra), read(chakra))


async def test_an_idle_connection_may_be_kept_for_ever():
    async with RawServer(LEAD) as server, quick_client(server, limits=Limits(keepalive=math.inf)) as chakra:
        await read(chakra)
        await read(chakra)
    assert server.connections == 1


# Broken and hostile answers


BREAKS = {
    "rst": RST,
    "fin": FIN,
    "short body": [answer(body=b"{}", length=1000), FIN],
    "chunked body cut": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", FIN],
    "no chunk size": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", FIN],
    "not compressed": answer(body=b"{}", Content_Encoding="gzip"),
    "compressed and cut": [answer(body=zlib.compress(b"{}" * 999)[:9], Content_Encoding="deflate"), FIN],
    "two lengths": [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", FIN],
    "negative length": [b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}", FIN],
    "no http": [b"220 smtp.test ESMTP\r\n", FIN],
    "endless header": [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", FIN],
}


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
async def test_a_broken_answer_is_an_error_of_ours_and_frees_its_place(broken):
    async with (
        RawServer(broken) as server,
        quick_client(server, retry=ONCE, limits=Limits(connections=1)) as chakra,
    ):
        with pytest.raises(IncompleteReadError) as caught:
            await read(chakra)
        assert (caught.value.sent, caught.value.__cause__ is not None) == (True, True)
        with pytest.raises(AmbiguousResultError):
            await create(chakra)
        server.script = [LEAD]
        assert (await read(chakra)).id == "1"


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", "application/json"), (b"<html>", "text/html"), (b"{", "application/json"), (b"\xff", None)],
)
async def test_an_answer_that_is_no_object_is_a_decode_error(body, kind):
    async with (
        RawServer(answer(body=body, kind=kind, X_Request_Id="r-1")) as server,
        quick_client(server) as chakra,
    ):
        with pytest.raises(DecodeError) as caught:
            await read(chakra)
    assert (caught.value.attempts, caught.value.request_id, len(server.requests)) == (1, "r-1", 1)


@pytest.mark.parametrize("kind", ["gzip", "deflate"])
async def test_a_compressed_answer_is_read(kind):
    packer = zlib.compressobj(wbits=31 if kind == "gzip" else 15)
    body = packer.compress(b'{"_data":{"id":"1"}}') + packer.flush()
    async with RawServer(answer(body=body, Content_Encoding=kind)) as server, quick_client(server) as chakra:
        assert (await read(chakra)).id == "1"
    assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status):
    async with RawServer(LEAD) as other:
        for target in (f"{other.url}/v1/x", "/v1/elsewhere"):
            async with RawServer(answer(status, Location=target)) as server, quick_client(server) as chakra:
                for call in read, create:
                    with pytest.raises(ApiError, match="never followed") as caught:
                        await call(chakra)
                    assert caught.value.status == status
            assert len(server.requests) == 2
    assert (other.connections, other.requests) == (0, [])


# Sizes


def bomb(mebibytes):
    """A gzip stream of so many MiB of zeros, made by repeating one compressed block."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08" + bytes(7) + block * mebibytes


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_gzip_bomb_is_stopped_at_the_limit(chunked):
    packed = bomb(300)
    script = answer(body=packed, Content_Encoding="gzip")
    if chunked:
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        script = head + b"%x\r\n" % len(packed) + packed + b"\r\n0\r\n\r\n"
    limit = 8 * 2**20
    async with (
        RawServer(script) as server,
        quick_client(server, limits=Limits(max_response_bytes=limit, connections=1)) as chakra,
    ):
        tracemalloc.start()
        try:
            with pytest.raises(ResponseTooLargeError, match="max_response_bytes"):
                await read(chakra)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < limit + 16 * 2**20
        server.script = [LEAD]
        assert (await read(chakra)).id == "1"
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_announced_as_too_large_is_not_read_at_all(status):
    async with (
        RawServer([answer(status, b"{", length=1001), STALL]) as server,
        quick_client(server, limits=Limits(max_response_bytes=1000)) as chakra,
    ):
        async with asyncio.timeout(5):
            with pytest.raises(ResponseTooLargeError) as caught:
                await create(chakra)
    assert (caught.value.attempts, caught.value.retry_safe, len(server.requests)) == (1, False, 1)


async def test_an_answer_of_just_the_limit_is_read():
    body = b'{"_data":{"id":"1"}}'
    script = [answer(body=body), b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body + b" ", FIN]
    async with (
        RawServer(script[0], script[1:]) as server,
        quick_client(server, limits=Limits(max_response_bytes=len(body)), retry=ONCE) as chakra,
    ):
        await read(chakra)
        with pytest.raises(ResponseTooLargeError):
            await read(chakra)


async def test_an_answer_to_head_may_announce_any_length():
    async with RawServer(answer(length=10**12)) as server, quick_client(server) as chakra:
        reply = await chakra.request("HEAD", "/v1/x")
    assert reply.data is None


# Cancelling


@pytest.mark.fault("C1")
@pytest.mark.parametrize("call", [read, create])
async def test_cancelling_at_any_point_leaks_nothing(emulator, call):
    options = {"limits": Limits(connections=1), "timeout": Timeouts(queue=5), "retry": QUICK}
    async with Client(emulator.token, base_url=emulator.url, **options) as chakra:
        for steps in range(60):
            emulator.faults.next(status=503, times=1)
            tasks = [asyncio.create_task(call(chakra)) for _ in range(2)]
            for _ in range(steps):
                await asyncio.sleep(0 if steps % 3 else 0.0005)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if chakra._transport._loops:
                assert free_places(chakra) == 1
        emulator.faults.clear()
        await chakra.health()
        assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.fault("C1")
async def test_cancelling_while_waiting_for_the_gate_leaks_nothing():
    async with RawServer(LEAD) as server, quick_client(server, limits=Limits(connections=1)) as chakra:
        chakra._transport.gate.pause(60)
        task = asyncio.create_task(read(chakra))
        await asyncio.sleep(0.01)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert free_places(chakra) == 1
    assert server.requests == []


@pytest.mark.fault("C1")
async def test_cancelling_while_waiting_to_retry_leaks_nothing():
    slow = RetryPolicy(wait_initial=60, wait_max=60)
    async with (
        RawServer(RST) as server,
        quick_client(server, limits=Limits(connections=1), retry=slow) as chakra,
    ):
        task = asyncio.create_task(read(chakra))
        while not server.requests or not free_places(chakra):
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(server.requests) == 1


# Closing


async def test_closing_twice_is_fine_and_calls_after_it_are_refused():
    async with RawServer(LEAD) as server:
        chakra = quick_client(server)
        await read(chakra)
        await chakra.close()
        await chakra.close()
        for call in (
            read(chakra),
            create(chakra),
            chakra.health(),
            chakra.processes.list("lead").first_page(),
        ):
            with pytest.raises(ClientClosedError) as caught:
                await call
            assert caught.value.retry_safe is True
    assert len(server.requests) == 1


async def test_closing_before_the_first_call_is_fine():
    chakra = Client(TOKEN)
    await chakra.close()
    with pytest.raises(ClientClosedError):
        await chakra.health()


async def test_closing_ends_calls_in_flight_and_in_the_queue_with_errors_of_ours():
    async with RawServer(STALL) as server, quick_client(server, limits=Limits(connections=2)) as chakra:
        tasks = [asyncio.create_task(call(chakra)) for call in (read, create, read, create)]
        while len(server.requests) < 2:
            await asyncio.sleep(0.001)
        await chakra.close()
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert [type(result) for result in results] == [
        ClientClosedError,
        AmbiguousResultError,
        ClientClosedError,
        ClientClosedError,
    ]
    assert len(server.requests) == 2


async def test_a_call_that_closing_broke_off_says_so_and_waits_for_no_retry():
    patient = RetryPolicy(wait_initial=10_000, wait_max=10_000)
    async with RawServer(STALL) as server, quick_client(server, retry=patient) as chakra:
        tasks = [asyncio.create_task(call(chakra)) for call in (read, create)]
        while len(server.requests) < 2:
            await asyncio.sleep(0.001)
        await chakra.close()
        got, made = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert isinstance(got, ClientClosedError)
    assert (got.attempts, got.may_be_done) == (1, True)
    assert "An earlier attempt may have been done." in str(got)
    assert isinstance(made, AmbiguousResultError)
    assert "(the client was closed)" in str(made)


async def test_a_given_session_is_used_and_left_open():
    async with RawServer(LEAD) as server, aiohttp.ClientSession(headers={"X-Mine": "1"}) as session:
        async with quick_client(server, session=session) as chakra:
            await read(chakra)
        assert not session.closed
        async with session.get(server.url) as response:
            assert response.status == 200
    assert server.requests[0].headers["x-mine"] == "1"
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert server.connections == 1


@pytest.mark.filterwarnings("ignore:.*BasicAuth.*:DeprecationWarning", "ignore:.*'auth'.*:DeprecationWarning")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (lambda: {"auth": aiohttp.BasicAuth("me", "passw0rd")}, "auth="),
        (lambda: {"auto_decompress": False}, "auto_decompress"),
        (lambda: {"trust_env": True}, r"login for 127\.0\.0\.1 from a \.netrc"),
    ],
    ids=["auth", "compressed", "netrc"],
)
async def test_a_given_session_that_cannot_carry_our_calls_is_refused(options, said, tmp_path, monkeypatch):
    logins = tmp_path / "netrc"
    logins.write_text("machine 127.0.0.1 login me password passw0rd\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(logins))
    async with RawServer(LEAD) as server, aiohttp.ClientSession(**options()) as session:
        with pytest.raises(ValueError, match=said) as caught:
            quick_client(server, session=session)
        assert "session given" in str(caught.value)
        assert "passw0rd" not in str(caught.value)
        logins.write_text("machine elsewhere.test login me password passw0rd\n", encoding="utf-8")
        if "netrc" in said:
            async with quick_client(server, session=session) as chakra:
                assert (await read(chakra)).id == "1"


@pytest.mark.parametrize("path", ["/a/../b", "/%41%2f", "/api//x", "/;x=1", "/@team"])
async def test_the_path_of_a_base_url_is_sent_as_written_by_every_call(path):
    async with RawServer(LEAD) as server, Client(TOKEN, base_url=server.url + path, retry=ONCE) as chakra:
        await read(chakra)
        await chakra.photos.upload(b"x", filename="x.jpg")
    assert [request.target for request in server.requests] == [
        f"{path}/v1/ext/procedure/lead/process/1",
        f"{path}/v1/ext/photo",
    ]


async def test_a_given_session_that_is_closed_is_an_error_of_ours():
    session = aiohttp.ClientSession()
    await session.close()
    async with Client(TOKEN, base_url="http://127.0.0.1:9", session=session) as chakra:
        with pytest.raises(ClientClosedError, match="session given"):
            await create(chakra)


async def test_an_aiohttp_of_another_make_is_told_before_anything_is_sent(monkeypatch):
    monkeypatch.setattr(_connections, "_RELIED_UPON", ("_payload", "_of_no_version"))
    async with RawServer(LEAD) as server, quick_client(server) as chakra:
        with pytest.raises(
            RuntimeError, match=r"cannot work with aiohttp .*_of_no_version; nothing was sent"
        ):
            await create(chakra)
    assert server.connections == 0


# Loops, threads, processes


@pytest.mark.fault("C3")
def test_an_unclosed_client_serves_three_loops_one_after_another(emulator, collect_garbage):
    chakra = Client(emulator.token, base_url=emulator.url)

    async def some():
        await asyncio.gather(*(chakra.health() for _ in range(5)))

    for _ in range(3):
        asyncio.run(some())
    assert len(chakra._transport._loops) == 1
    assert emulator.request_count == 15


def test_a_client_nobody_closes_leaves_nothing_open(emulator, run_script):
    run_script(
        """
import asyncio
from chakra_async import Client

chakra = Client()
for _ in range(3):
    asyncio.run(chakra.health())
""",
        emulator=emulator,
    )
    assert emulator.request_count == 3


@pytest.mark.fault("C3")
def test_one_client_serves_several_threads(emulator):
    chakra = Client(emulator.token, base_url=emulator.url)

    async def threads():
        def work():
            async def some():
                for _ in range(5):
                    await chakra.health()

            asyncio.run(some())

        await asyncio.gather(*(asyncio.to_thread(work) for _ in range(6)), chakra.health())
        await chakra.close()

    asyncio.run(threads())
    assert emulator.request_count == 31


FORK = """
import asyncio, os, signal, sys
from chakra_async import Client

signal.alarm(20)
chakra = Client()

async def calls():
    for _ in range(3):
        await asyncio.wait_for(asyncio.gather(*(chakra.health() for _ in range(4))), 5)

def check_child(pid):
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
"""


@pytest.mark.fault("C5")
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")
class TestFork:
    def test_the_child_opens_its_own_and_the_parent_goes_on(self, emulator, run_script):
        run_script(
            FORK
            + """
async def main():
    await calls()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            asyncio.run(calls())
            asyncio.run(chakra.close())
            status = 0
        finally:
            os._exit(status)
    check_child(pid)
    await calls()
    await chakra.close()

asyncio.run(main())
""",
            emulator=emulator,
        )
        assert emulator.request_count == 36

    def test_both_may_call_at_the_same_time(self, emulator, run_script):
        run_script(
            FORK
            + """
async def main():
    await calls()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            asyncio.run(calls())
            status = 0
        finally:
            os._exit(status)
    await calls()
    check_child(pid)
    await calls()

asyncio.run(main())
""",
            emulator=emulator,
        )
        assert emulator.request_count == 48

    def test_a_child_that_ends_by_itself_does_no_harm(self, emulator, run_script):
        run_script(
            FORK
            + """
loop = asyncio.new_event_loop()
loop.run_until_complete(calls())
pid = os.fork()
if pid == 0:
    asyncio.run(calls())
else:
    check_child(pid)
    loop.run_until_complete(calls())
    loop.run_until_complete(chakra.close())
    loop.close()
""",
            emulator=emulator,
        )
        assert emulator.request_count == 36

    def test_a_child_that_never_calls_does_no_harm(self, emulator, run_script):
        run_script(
            FORK
            + """
import gc
loop = asyncio.new_event_loop()
loop.run_until_complete(calls())
pid = os.fork()
if pid == 0:
    del chakra
    gc.collect()
else:
    check_child(pid)
    loop.run_until_complete(calls())
    loop.run_until_complete(chakra.close())
    loop.close()
""",
            emulator=emulator,
        )
        assert emulator.request_count == 24

    def test_a_child_that_leaves_the_inherited_loop_does_no_harm(self, emulator, run_script):
        run_script(
            FORK
            + """
async def main():
    await calls()
    pid = os.fork()
    if pid == 0:
        return
    check_child(pid)
    await calls()

asyncio.run(main())
""",
            emulator=emulator,
        )
        assert emulator.request_count == 24


# The token


ECHO = f"Authorization: Bearer {TOKEN}"
ECHOES = {
    "401": refused(401, ECHO),
    "404": answer(404, ECHO.encode(), kind="text/plain"),
    "500": answer(500, ECHO.encode(), kind="text/html", X_Request_Id=TOKEN),
    "429": refused(429, ECHO, Retry_After="0"),
    "redirect": answer(307, Location=f"https://x.test/?{TOKEN}"),
    "errors in success": answer(body=b'{"_errors":["' + ECHO.encode() + b'"]}'),
    "no json": answer(body=ECHO.encode(), kind=TOKEN),
    "no object": answer(body=b'["' + ECHO.encode() + b'"]'),
    "no http": [ECHO.encode() + b"\r\n\r\n", FIN],
}
OTHERS = {
    **BREAKS,
    "success": LEAD,
    "401": refused(401, "no"),
    "503": refused(503, "no"),
    "redirect": answer(307, Location="https://x.test"),
    "no json": answer(body=b"<html>"),
    "stall": STALL,
}


def shown_of(error, *, with_locals):
    """All that a log, a crash report or a debugger would print of an error and of those behind it."""
    shown = []
    while error is not None and with_locals:
        described = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown += [*described.format(), repr(error), str(error), str(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(shown) if with_locals else f"{error} {error!r} {vars(error)}"


async def provoke(call, script, *, with_locals):
    """Everything that shows when a call meets this answer."""
    options = {"timeout": Timeouts(read=0.05), "retry": RetryPolicy(attempts=2, wait_initial=0.001)}
    shown = ""
    async with RawServer(script) as server:
        chakra = Client(TOKEN, base_url=server.url, **options)
        try:
            await call(chakra)
        except ChakraError as error:
            shown = shown_of(error, with_locals=with_locals)
        await chakra.close()
    assert server.requests[0].headers["authorization"].endswith(TOKEN)
    transport, settings = chakra._transport, chakra.settings
    return f"{shown}{chakra!r}{vars(chakra)}{vars(transport)}{settings!r}{attrs.asdict(settings)}"


@pytest.mark.fault("S5")
@pytest.mark.parametrize("call", [read, create])
@pytest.mark.parametrize("script", OTHERS.values(), ids=OTHERS)
async def test_the_token_shows_up_in_no_log_message_or_local_variable(script, call, caplog):
    caplog.set_level(logging.DEBUG)
    shown = await provoke(call, script, with_locals=True)
    assert TOKEN not in shown
    assert TOKEN not in f"{caplog.text}{[vars(record) for record in caplog.records]}"


@pytest.mark.fault("S5")
@pytest.mark.parametrize("call", [read, create])
@pytest.mark.parametrize("script", ECHOES.values(), ids=ECHOES)
async def test_a_token_that_the_answer_echoes_is_in_no_log_or_error(script, call, caplog):
    caplog.set_level(logging.DEBUG)
    shown = await provoke(call, script, with_locals=False)
    assert TOKEN not in shown
    assert TOKEN not in f"{caplog.text}{[vars(record) for record in caplog.records]}"


def logged(caplog, name="chakra_async"):
    return [record.getMessage() for record in caplog.records if record.name == name]


async def test_the_log_tells_method_path_status_attempt_and_wait(caplog, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    caplog.set_level(logging.DEBUG)
    slow = RetryPolicy(wait_initial=0.01)
    script = RST, refused(503, "down"), LEAD
    async with RawServer(*script) as server, quick_client(server, retry=slow) as chakra:
        await read(chakra)
        await read(chakra)
    path = "GET /v1/ext/procedure/lead/process/1"
    assert logged(caplog) == [
        f"{path}: IncompleteReadError at attempt 1",
        f"{path}: attempt 2 in 0.01 s, after IncompleteReadError",
        f"{path}: 503 ServerError at attempt 2",
        f"{path}: attempt 3 in 0.02 s, after 503 ServerError",
        f"{path}: 200 after 3 attempts",
        f"{path}: 200 after 1 attempt",
    ]


async def test_the_log_tells_of_a_wait_before_it_and_of_none_after_the_last_attempt(caplog):
    caplog.set_level(logging.INFO)
    slow = RetryPolicy(wait_initial=1000, wait_max=1000)
    async with RawServer(RST) as server, quick_client(server, retry=slow) as chakra:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read(chakra), 0.1)
    assert len(logged(caplog)) == 1
    caplog.clear()
    async with (
        RawServer(RST) as server,
        quick_client(server, retry=RetryPolicy(attempts=2, wait_initial=0.001)) as chakra,
    ):
        with pytest.raises(IncompleteReadError):
            await read(chakra)
    assert [line.partition(": ")[2].partition(" in")[0] for line in logged(caplog)] == ["attempt 2"]


async def test_stamina_logs_what_others_try_again_and_nothing_of_ours(caplog):
    import stamina

    async with RawServer(RST, RST, LEAD) as server, quick_client(server) as chakra:
        await read(chakra)
    assert logged(caplog, "stamina") == []
    async for attempt in stamina.retry_context(on=OSError, wait_initial=0, wait_jitter=0, attempts=2):
        with attempt:
            if attempt.num == 1:
                raise OSError
    assert logged(caplog, "stamina") == ["stamina.retry_scheduled"]
