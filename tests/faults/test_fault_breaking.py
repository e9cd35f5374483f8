"""A connection that breaks or stalls: before the answer, within it, and while the request leaves."""

import asyncio
import hashlib

import aiohttp
import pytest

from chakra_async import (
    AmbiguousResultError,
    Client,
    IncompleteReadError,
    Limits,
    PayloadTooLargeError,
    RequestTimeoutError,
    RetryPolicy,
    Timeouts,
)
from tests.faults.callers import ONCE, create, create_large, read, update
from tests.faults.proxy import Proxy, Trouble
from tests.raw import FIN, QUICK, RST, STALL, TOKEN, Drip, RawServer, Trap, answer, refused, wrapped


LEAD = wrapped({"id": "1"})
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TORN = {
    "T3 reset": RST,
    "T3 closed": FIN,
    "T3 half a head": [LEAD[:30], RST],
    "T6 short": [answer(body=b'{"_data":{}', length=1000), FIN],
    "T6 short and reset": [answer(body=b'{"_data":{}', length=1000), RST],
    "T6 no length and reset": [b'HTTP/1.1 200 OK\r\n\r\n{"_data":{"id":"0"}}', RST],
    "T7 chunked": [CHUNKED + b"5\r\n{}", FIN],
    "T7 no last chunk": [CHUNKED + b'14\r\n{"_data":{"id":"0"}}\r\n', FIN],
    "T7 chunked, then nonsense": [CHUNKED + b"2\r\n{}\r\n", Drip(b"zz\r\n", 0.01), STALL],
}


@pytest.mark.parametrize("fault", TORN.values(), ids=TORN)
async def test_T3_T6_T7_what_may_be_repeated_is_repeated_with_the_same_bytes(flavour, fault):
    async with RawServer(fault, LEAD) as server, flavour.client(server.url) as chakra:
        assert (await chakra(update)).id == "1"
    hashes = {hashlib.sha256(f"{one.line}{one.body}".encode()).digest() for one in server.requests}
    assert (len(server.requests), len(hashes)) == (2, 1)


@pytest.mark.parametrize("fault", TORN.values(), ids=TORN)
async def test_T4_T6_T7_what_must_not_be_repeated_is_sent_once_and_told_by_its_fingerprint(flavour, fault):
    fingerprints = set()
    for _ in range(2):
        async with RawServer(fault, LEAD) as server, flavour.client(server.url) as chakra:
            with pytest.raises(AmbiguousResultError) as caught:
                await chakra(create)
        assert len(server.requests) == caught.value.attempts == 1
        assert caught.value.fingerprint in str(caught.value)
        fingerprints.add(caught.value.fingerprint)
    assert len(fingerprints) == 1


async def test_T4_other_requests_have_other_fingerprints(flavour):
    found = []
    async with RawServer(RST) as server, flavour.client(server.url) as chakra:
        for method, path, body in [
            ("POST", "/v1/x", {"a": 1}),
            ("POST", "/v1/x", {"a": 2}),
            ("POST", "/v1/y", {"a": 1}),
            ("PATCH", "/v1/x", {"a": 1}),
        ]:
            with pytest.raises(AmbiguousResultError) as caught:
                await chakra(lambda client, call=(method, path), body=body: client.request(*call, json=body))
            found.append(caught.value.fingerprint)
    assert len(set(found)) == 4


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("after", [0, 1, 40, 96])
async def test_T3_T6_an_answer_cut_anywhere_on_the_way_is_never_taken_for_a_whole_one(flavour, how, after):
    async with (
        RawServer(LEAD) as server,
        Proxy(int(server.url.rsplit(":", 1)[1]), down=Trouble(after=after, how=how)) as proxy,
        flavour.client(f"http://127.0.0.1:{proxy.port}", retry=ONCE) as chakra,
    ):
        with pytest.raises(IncompleteReadError):
            await chakra(read)
        with pytest.raises(AmbiguousResultError):
            await chakra(create)
    assert len(server.requests) == 2


async def test_T8_one_byte_a_while_is_ended_by_the_total_and_the_connection_dropped(flavour):
    drip = Drip(LEAD * 50, 0.02)
    # The total holds for the call that goes well, too.
    options = {"timeout": Timeouts(read=5, total=1), "retry": ONCE, "limits": Limits(connections=1)}
    async with RawServer(drip, LEAD) as server, flavour.client(server.url, **options) as chakra:
        with pytest.raises(RequestTimeoutError, match="total"):
            await chakra(read)
        assert (await chakra(read)).id == "1"
    assert server.connections == 2


async def test_T8_silence_is_ended_by_the_limit_between_bytes(flavour):
    options = {"timeout": Timeouts(read=1, total=300), "retry": ONCE, "limits": Limits(connections=1)}

    async def silent_after(shown):
        async with (
            RawServer([LEAD[:shown], STALL], LEAD) as server,
            flavour.client(server.url, **options) as chakra,
        ):
            with pytest.raises(RequestTimeoutError, match="read"):
                await chakra(read)
            assert (await chakra(read)).id == "1"
        assert server.connections == 2

    await asyncio.gather(*map(silent_after, [0, 20, len(LEAD) - 5]))


async def test_T8_bytes_that_keep_coming_are_no_silence(flavour):
    options = {"timeout": Timeouts(read=1, total=30), "retry": ONCE}
    async with (
        RawServer([Drip(LEAD[:24], 0.05), LEAD[24:]]) as server,
        flavour.client(server.url, **options) as chakra,
    ):
        assert (await chakra(read)).id == "1"


async def stall(*_):
    await asyncio.sleep(60)


async def test_T9_a_server_that_reads_no_further_is_given_up_and_half_a_request_is_none(flavour):
    options = {"timeout": Timeouts(write=0.2), "retry": RetryPolicy(attempts=2, wait_initial=0.001)}
    async with Trap(stall) as server, flavour.client(server.url, **options) as chakra:
        with pytest.raises(RequestTimeoutError, match=r"Timeouts\.write") as caught:
            await chakra(create_large)
    error = caught.value
    assert (error.attempts, error.sent, error.retry_safe, server.connections) == (2, True, True, 2)
    assert "of 8,000,0" in str(error)


async def test_T9_a_connection_that_breaks_within_a_request_leaves_nothing_ambiguous(flavour):
    async def hang_up(*_):
        await asyncio.sleep(0.02)

    two = RetryPolicy(attempts=2, wait_initial=0.001)
    async with Trap(hang_up) as server, flavour.client(server.url, retry=two) as chakra:
        with pytest.raises(IncompleteReadError, match="had left") as caught:
            await chakra(create_large)
    assert (caught.value.attempts, caught.value.retry_safe) == (2, True)


async def test_T9_a_whole_request_that_is_not_answered_is_ambiguous(flavour):
    options = {"timeout": Timeouts(write=300, read=1, total=300)}
    async with RawServer(STALL) as server, flavour.client(server.url, **options) as chakra:
        with pytest.raises(AmbiguousResultError) as caught:
            await chakra(create_large)
    assert (caught.value.attempts, len(server.requests)) == (1, 1)


async def test_T9_a_slow_server_that_goes_on_reading_is_no_stall(flavour):
    async def sip(reader, writer):
        for _ in range(10):
            await asyncio.sleep(0.12)
            await reader.readexactly(100_000)
        while not (await reader.read(1_000_000)).endswith(b'"}}'):
            pass
        writer.write(LEAD)
        await writer.drain()

    options = {"timeout": Timeouts(write=1, total=1), "retry": ONCE}
    async with Trap(sip) as server, flavour.client(server.url, **options) as chakra:
        assert (await chakra(create_large)).id == "1"


async def test_T9_a_refusal_that_comes_before_the_end_of_the_request_is_understood(flavour):
    async def refuse(reader, writer):
        writer.write(refused(413, "too large", Connection="close"))
        await writer.drain()
        await reader.read(1_000_000)
        await asyncio.sleep(0.05)

    async with Trap(refuse) as server, flavour.client(server.url) as chakra:
        with pytest.raises(PayloadTooLargeError):
            await chakra(create_large)
    assert server.connections == 1


async def test_T9_a_success_that_comes_before_the_end_of_the_request_is_none(flavour):
    async def hurry(_, writer):
        writer.write(LEAD)
        await writer.drain()
        await asyncio.sleep(60)

    async with Trap(hurry) as server, flavour.client(server.url) as chakra:
        with pytest.raises(AmbiguousResultError, match="before it had the whole"):
            await chakra(create_large)
    assert server.connections == 1


async def test_T9_every_size_arrives_whole(flavour):
    async with RawServer(LEAD) as server, flavour.client(server.url) as chakra:
        for size in (0, 65_536, 262_000, 262_144, 262_145, 999_999):
            body = b'"' + b"x" * size + b'"'
            await chakra(lambda client, body=body: client.request("POST", "/v1/x", data=body))
            assert server.requests[-1].body == body
            assert server.requests[-1].headers["content-type"] == "application/json"
            assert server.requests[-1].headers["content-length"] == str(len(body))
    assert server.connections == 1


async def test_T3_no_attempt_is_hidden(flavour):
    # A kept connection that dies makes aiohttp send reads, PUT and DELETE again by itself.
    async with RawServer([LEAD, RST], RST, FIN, LEAD) as server, flavour.client(server.url) as chakra:
        await chakra(read)
        await asyncio.sleep(0.02)
        reply = await chakra(lambda client: client.request("GET", "/v1/x"))
    assert (reply.attempts, len(server.requests)) == (3, 4)


@pytest.mark.parametrize("end", [RST, FIN], ids=["reset", "closed"])
async def test_T3_nor_is_one_hidden_by_a_session_of_the_callers(end):
    seen = []

    async def middleware(request, handler):
        seen.append(request.method)
        return await handler(request)

    async with (
        RawServer([LEAD, end], end, end, LEAD) as server,
        aiohttp.ClientSession(middlewares=[middleware]) as session,
        Client(TOKEN, base_url=server.url, retry=QUICK, session=session) as chakra,
    ):
        await read(chakra)
        await asyncio.sleep(0.02)
        reply = await chakra.request("PUT", "/v1/x", json={})
    assert (reply.attempts, len(server.requests)) == (3, 4)
    # The middlewares of the session stay in force.
    assert seen == ["GET", "PUT", "PUT", "PUT"]
