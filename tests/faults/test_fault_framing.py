"""Answers that bend the rules of HTTP: read rightly or refused, and never mixed up with the next one."""

import asyncio

import pytest

from chakra_async import (
    AmbiguousResultError,
    ApiError,
    DecodeError,
    IncompleteReadError,
    Limits,
    RequestTimeoutError,
    ServerError,
    Timeouts,
)
from tests.faults.callers import ONCE, Async, create, read
from tests.raw import FIN, STALL, Drip, RawServer, Trap, wrapped


GOOD = b'{"_data":{"id":"1"}}'
LEAD = wrapped({"id": "1"})
OTHER = wrapped({"id": "other"})
SIZE = f"Content-Length: {len(GOOD)}"
CHUNKS = "Transfer-Encoding: chunked"


def message(*headers, body=GOOD, status="200 OK", version="HTTP/1.1"):
    head = "".join(f"{line}\r\n" for line in (f"{version} {status}", *headers))
    return head.encode("latin-1") + b"\r\n" + body


def chunked(*chunks, end=b"0\r\n\r\n"):
    return message(CHUNKS, body=b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in chunks) + end)


CONTINUE = message(status="100 Continue", body=b"")
HINTS = message("Link: </x>", status="103 Early Hints", body=b"")

READ = {
    "100": CONTINUE + LEAD,
    "102, 103 and an unknown one": HINTS + message(status="199 Soon", body=b"") + HINTS + LEAD,
    "a thousand provisional ones": CONTINUE * 1000 + LEAD,
    "a provisional one, then a pause": [CONTINUE, Drip(LEAD[:3], 0.01), LEAD[3:]],
    "no reason": message(SIZE, status="200"),
    "a reason that is no text": message(SIZE, status="200 \xff\xfe"),
    "a header that is no text": message(SIZE, "X-Request-Id: \xff\xfe"),
    "a folded header": message(SIZE, "X: a\r\n b"),
    "empty lines before it": b"\r\n\r\n" + LEAD,
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: %d\n\n%b" % (len(GOOD), GOOD),
    "no length, then the end": [message("Connection: close"), FIN],
    "HTTP/1.0": [message(SIZE, version="HTTP/1.0"), FIN],
    "HTTP/1.0 without a length": [message(version="HTTP/1.0"), FIN],
    "one byte a chunk": chunked(*(GOOD[at : at + 1] for at in range(len(GOOD)))),
    "a hundred thousand chunks": chunked(*[b" "] * 100_000, GOOD),
    "a chunk with an extension": message(CHUNKS, body=b'%x;a="b";c\r\n%b\r\n0\r\n\r\n' % (len(GOOD), GOOD)),
    "a trailer": chunked(GOOD, end=b"0\r\nX-Sum: 1\r\n\r\n"),
    "a line break after it": LEAD + b"\r\n",
    "a second answer right behind it": LEAD + OTHER,
    "cookies without end": message(SIZE, *(f"Set-Cookie: a{n}=b; Path=/" for n in range(100))),
    "cookies that are none": message(SIZE, "Set-Cookie: \x80=\xff;;=; max-age=z", "Set-Cookie:"),
    "an upgrade that is offered": message(SIZE, "Upgrade: h2c", 'Alt-Svc: h3=":443"'),
}

TORN = {
    "nothing but a body": [GOOD, FIN],
    "another protocol": [b"220 smtp.test ESMTP\r\n", FIN],
    "a line of another protocol without end": [b"220 " + b"x" * 8000 + b"\r\n", FIN],
    "a version of two digits": message(SIZE, version="HTTP/1.10"),
    "status 99": message(SIZE, status="99 Low"),
    "status 1000": message(SIZE, status="1000 High"),
    "status -1": message(SIZE, status="-1 Odd"),
    "two lengths": message(SIZE, "Content-Length: 3"),
    "the same length twice": message(SIZE, SIZE),
    "a list of lengths": message(f"Content-Length: {len(GOOD)}, {len(GOOD)}"),
    "a length with a sign": message(f"Content-Length: +{len(GOOD)}"),
    "a negative length": message("Content-Length: -1"),
    "an empty length": message("Content-Length:"),
    "a length beyond all numbers": message("Content-Length: " + "9" * 30),
    "a length and chunks": message(SIZE, CHUNKS, body=b"14\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    "a negative chunk": message(CHUNKS, body=b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk in another notation": message(CHUNKS, body=b"0x14\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    "a chunk beyond all numbers": message(CHUNKS, body=b"f" * 20 + b"\r\n" + GOOD),
    "chunks that end in bare line feeds": message(CHUNKS, body=b"14\n" + GOOD + b"\n0\n\n"),
    "a chunk longer than it says": message(CHUNKS, body=b"2\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    "trailers without end": chunked(GOOD, end=b"0\r\n" + b"X: 1\r\n" * 5000 + b"\r\n"),
    "headers without number": message(*["X: 1"] * 5000, SIZE),
    "headers without end": [b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 100_000, STALL],
    "a header without end": [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, STALL],
    "a header's name without end": message("X" * 9000 + ": y", SIZE),
    "a reason without end": message(SIZE, status="200 " + "O" * 9000),
    "a space before the colon": message(SIZE, "X : a"),
    "NUL in a header": message(SIZE, "X: a\x00b"),
    "something right behind it": LEAD + b"garbage",
    "a body where none may be": message("Content-Length: 20", status="204 No Content", body=GOOD),
    "a body of what has not changed": message(SIZE, status="304 Not Modified"),
}

ODD = {
    "101": (message("Upgrade: websocket", status="101 Switching"), ApiError, "answer to no call"),
    "101 and an answer": (message(status="101 Switching", body=LEAD), ApiError, "answer to no call"),
    "0": (message(SIZE, status="000 Nothing"), ApiError, "answer to no call"),
    "300": (message(SIZE, status="300 Choices"), ApiError, "never followed"),
    "304": (message(status="304 Not Modified", body=b""), ApiError, "never followed"),
    "600": (message(SIZE, status="600 High"), ServerError, "600"),
    "999": (message(SIZE, status="999 Higher"), ServerError, "999"),
    "another coding over chunks": (
        [message(f"{CHUNKS}, x", body=b"2"), FIN],
        DecodeError,
        "a Process was",
    ),
    "an unknown coding": ([message("Transfer-Encoding: x", body=b"x"), FIN], DecodeError, "not JSON"),
}


@pytest.mark.fault("T6", "P4")
@pytest.mark.parametrize("script", READ.values(), ids=READ)
async def test_what_bends_the_rules_and_can_be_read_is_read(script):
    async with RawServer(script, LEAD) as server, Async.client(server.url, retry=ONCE) as chakra:
        assert (await chakra(read)).id == "1"
        assert (await chakra(read)).id == "1"
    assert len(server.requests) == 2
    assert "cookie" not in server.requests[1].headers


@pytest.mark.fault("T6", "T7", "P4")
@pytest.mark.parametrize("script", TORN.values(), ids=TORN)
async def test_what_cannot_be_is_refused_in_a_few_words_and_the_next_call_is_well(script):
    async with RawServer(script, LEAD) as server, Async.client(server.url, retry=ONCE) as chakra:
        with pytest.raises(IncompleteReadError) as caught:
            await chakra(read)
        assert (await chakra(read)).id == "1"
        server.script = [script, LEAD]
        with pytest.raises(AmbiguousResultError) as lost:
            await chakra(create)
        assert (await chakra(read)).id == "1"
    for error in caught.value, lost.value:
        assert error.sent
        assert len(error.message) < 500
        assert "\n" not in error.message
    assert len(server.requests) == 4


@pytest.mark.fault("P4")
@pytest.mark.parametrize(("script", "error", "said"), ODD.values(), ids=ODD)
async def test_a_status_of_no_kind_is_an_error_of_ours(script, error, said):
    async with RawServer(script, LEAD) as server, Async.client(server.url, retry=ONCE) as chakra:
        with pytest.raises(error, match=said):
            await chakra(create)
        assert (await chakra(read)).id == "1"


async def test_T8_a_flood_of_provisional_answers_is_ended_by_the_total():
    async def flood(_, writer):
        while True:
            writer.write(CONTINUE * 100)
            await writer.drain()
            await asyncio.sleep(0.001)

    options = {"timeout": Timeouts(total=0.3), "retry": ONCE}
    async with Trap(flood, read=10) as server, Async.client(server.url, **options) as chakra:
        with pytest.raises(RequestTimeoutError, match="total"):
            await chakra(read)


UNASKED = {
    "an answer": OTHER,
    "half an answer": OTHER[:-4],
    "half a head": OTHER[:30],
    "nonsense": b"garbage\r\n\r\n",
    "a line break": b"\r\n",
    "408 as proxies send it": message("Content-Length: 0", status="408 Request Timeout", body=b""),
}


class Talkative(RawServer):
    """Says something unasked on its first connection, a while after its first answer there."""

    def __init__(self, unasked, *script):
        super().__init__(*script)
        self._unasked = unasked
        self.said = asyncio.Event()

    async def _exchange(self, reader, writer):
        more = await super()._exchange(reader, writer)
        if not self.said.is_set():
            await asyncio.sleep(0.02)
            writer.write(self._unasked)
            await writer.drain()
            self.said.set()
        return more


@pytest.mark.fault("P4", "T6")
@pytest.mark.parametrize("body", [LEAD, chunked(GOOD)], ids=["length", "chunks"])
@pytest.mark.parametrize("unasked", UNASKED.values(), ids=UNASKED)
async def test_what_nobody_asked_for_is_no_answer_to_the_next_call(unasked, body):
    one = {"limits": Limits(connections=1), "timeout": Timeouts(read=1)}
    async with Talkative(unasked, body) as server, Async.client(server.url, **one) as chakra:
        assert (await chakra(read)).id == "1"
        await server.said.wait()
        await asyncio.sleep(0.01)
        for call in (create, read, read):
            assert (await chakra(call)).id == "1"
    assert (len(server.requests), server.connections) == (4, 2)


@pytest.mark.fault("P4")
async def test_an_answer_to_head_has_no_body_and_what_comes_behind_it_is_no_answer():
    head = LEAD.removesuffix(GOOD)
    async with Talkative(GOOD, head, LEAD) as server, Async.client(server.url, retry=ONCE) as chakra:
        assert (await chakra(lambda client: client.request("HEAD", "/v1/x"))).data is None
        await server.said.wait()
        await asyncio.sleep(0.01)
        assert (await chakra(read)).id == "1"
    async with RawServer(LEAD) as server, Async.client(server.url, retry=ONCE) as chakra:
        with pytest.raises(IncompleteReadError):
            await chakra(lambda client: client.request("HEAD", "/v1/x"))
        assert (await chakra(read)).id == "1"
