"""Bodies that are not what they should be: broken JSON, other encodings, other shapes, nothing at all."""

import asyncio
import gzip
import io
import zlib

import brotli
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chakra_async import (
    BadRequestError,
    ChakraError,
    Client,
    DecodeError,
    IncompleteReadError,
    RateLimitError,
    ServerError,
)
from chakra_async._transfer.unpack import DamagedError, Unpacked
from tests.faults.callers import ONCE, Async, create, read
from tests.raw import TOKEN, RawServer, answer, wrapped


GOOD = b'{"_data":{"id":"1"}}'
LEAD = wrapped({"id": "1"})


def lead(value):
    """A process with this text as a value in it."""
    return b'{"_data":{"id":"1","data":{"x":' + value + b"}}}"


UNREADABLE = {
    "cut": GOOD[:-1],
    "cut in a character": '{"_data":{"id":"ü"}}'.encode()[:17],
    "latin-1": '{"_data":{"id":"ü"}}'.encode("latin-1"),
    "utf-16": GOOD.decode().encode("utf-16"),
    "half a surrogate, and cut": lead(b'"\\ud800"')[:-1],
    "a comma too many": b'{"_data":{"id":"1",}}',
    "two documents": GOOD + GOOD,
    "html": b"<!doctype html><title>Sign in</title>",
    "NaN": lead(b"NaN"),
    "Infinity": lead(b"-Infinity"),
    "a number beyond floats": lead(b"1e400"),
    "a number of 5,000 digits": lead(b"9" * 5000),
    "arrays without end": b"[" * 100_000,
    "arrays nested 100,000 times": lead(b"[" * 100_000 + b"]" * 100_000),
    "objects nested 100,000 times": b'{"_data":' * 100_000 + b"1" + b"}" * 100_000,
    "a text without end": lead(b'"' + b"x" * 100_000),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
async def test_P1_what_is_no_json_is_a_decode_error_with_the_request_id(flavour, body):
    async with (
        RawServer(answer(body=body, X_Request_Id="r-1"), LEAD) as server,
        flavour.client(server.url) as chakra,
    ):
        with pytest.raises(DecodeError, match="is not JSON") as caught:
            await chakra(create)
        assert (await chakra(read)).id == "1"
    error = caught.value
    assert (error.request_id, error.attempts, error.retry_safe) == ("r-1", 1, False)
    assert len(error.body) <= 1000
    assert len(str(error)) < 500


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize(
    ("status", "error"), [(400, BadRequestError), (429, RateLimitError), (500, ServerError)]
)
async def test_P1_a_refusal_needs_no_sound_body(status, error, body):
    async with RawServer(answer(status, body)) as server, Async.client(server.url, retry=ONCE) as chakra:
        with pytest.raises(error) as caught:
            await chakra(create)
    assert len(caught.value.body) <= 1000
    assert len(str(caught.value)) < 500


READABLE = {
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "white space": b"\r\n\t " + GOOD + b"\n",
    "the same key twice": b'{"_data":{"id":"0","id":"2"},"_data":{"id":"0","id":"1"}}',
    "a number of 30 digits": lead(b"9" * 30),
    "200 arrays": lead(b"[" * 200 + b"]" * 200),
    "a character outside the first plane": lead(b'"\\ud83d\\ude00"'),
    "half a surrogate": lead(b'"\\ud800"'),
    "NUL": lead(b'"\\u0000"'),
}


@pytest.mark.parametrize(
    "kind", ["application/json", "text/html", "application/json; charset=x-none", "\xff", ""]
)
@pytest.mark.parametrize("body", READABLE.values(), ids=READABLE)
async def test_P1_what_can_be_read_is_whatever_its_type_says(body, kind):
    async with RawServer(_typed(kind, body)) as server, Async.client(server.url) as chakra:
        assert (await chakra(read)).id == "1"


def _typed(kind, body):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nContent-Type: {kind}\r\n\r\n"
    return head.encode("latin-1") + body


@pytest.fixture(scope="module")
def runner():
    """One loop for all the examples of hypothesis."""
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def exchange(runner):
    """Make a call, and answer it with these bytes, on a connection that is kept."""
    server = RawServer(LEAD)

    async def start():
        await server.__aenter__()
        return Client(TOKEN, base_url=server.url, retry=ONCE)

    def one(call, script):
        server.script = [script]
        return runner.run(call(chakra))

    chakra = runner.run(start())
    yield one
    runner.run(chakra.close())
    runner.run(server.__aexit__())


@settings(max_examples=60)
@given(st.binary(max_size=200) | st.binary(max_size=40).map(lambda found: GOOD[:15] + found + GOOD[15:]))
@example(b"")
@example(b"null")
@example(b"7")
@example(b'{"_data":[]}')
@example(b'{"_errors":[[]]}')
def test_P1_any_bytes_are_an_answer_or_an_error_of_ours(exchange, body):
    for call in (read, create):
        try:
            assert exchange(call, answer(body=body)).id
        except ChakraError as error:
            orjson.dumps(str(error))


HEADER = st.binary(max_size=30).map(lambda found: found.translate(None, b"\r\n\0"))


@settings(max_examples=60)
@given(
    name=st.sampled_from(["X-Request-Id", "Location", "Content-Type", "Retry-After", "ETag"]), value=HEADER
)
@example("X-Request-Id", b"\xff\xfe")
@example("Location", b"http://\xff")
@pytest.mark.parametrize("status", [200, 307, 404, 500])
def test_P1_any_header_leaves_a_message_that_can_be_printed(exchange, status, name, value):
    script = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n%b: %b\r\n\r\n" % (status, name.encode(), value)
    with pytest.raises(ChakraError) as caught:
        exchange(read, script)
    # Lone surrogates can be neither printed nor written as JSON.
    orjson.dumps([str(caught.value), getattr(caught.value, "request_id", None), caught.value.args])


@pytest.mark.parametrize(
    "body", [b"", b"null", b'{"_data":null}', b'{"_data":[]}', b"7", b'"x"', b"true", b"[]"]
)
@pytest.mark.parametrize("status", [200, 204])
async def test_H10_nothing_where_an_object_is_due_is_an_error(status, body):
    script = answer(status, b"" if status == 204 else body, X_Request_Id="r-1")
    async with RawServer(script) as server, Async.client(server.url) as chakra:
        with pytest.raises(DecodeError, match="a Process was due") as caught:
            await chakra(read)
    assert (caught.value.status, caught.value.request_id) == (status, "r-1")


ENCODED = {
    "gzip": (gzip.compress(GOOD), "gzip"),
    "gzip in capitals": (gzip.compress(GOOD), "GZIP"),
    "gzip in two members": (gzip.compress(GOOD[:9]) + gzip.compress(GOOD[9:]), "gzip"),
    "deflate": (zlib.compress(GOOD), "deflate"),
    "deflate without a header": (zlib.compress(GOOD)[2:-4], "deflate"),
    "identity": (GOOD, "identity"),
    "none": (GOOD, ""),
}
DAMAGED = {
    "not gzip": (GOOD, "gzip"),
    "gzip and garbage": (gzip.compress(GOOD) + b"garbage", "gzip"),
    "gzip with a wrong sum": (gzip.compress(GOOD)[:-8] + bytes(8), "gzip"),
    "not deflate": (b"\x08\x1d" + GOOD, "deflate"),
    "deflate cut": (zlib.compress(GOOD)[:10], "deflate"),
    "not brotli": (GOOD, "br"),
    "not zstd": (GOOD, "zstd"),
    "gzip cut": (gzip.compress(GOOD)[:15], "gzip"),
    "gzip twice": (gzip.compress(gzip.compress(GOOD)), "gzip, gzip"),
    "unknown": (gzip.compress(GOOD), "x-none"),
    "brotli cut": (brotli.compress(GOOD)[:8], "br"),
}


@pytest.mark.parametrize(("body", "encoding"), ENCODED.values(), ids=ENCODED)
async def test_P4_what_is_packed_is_unpacked(flavour, body, encoding):
    script = answer(body=body, Content_Encoding=encoding)
    async with RawServer(script) as server, flavour.client(server.url) as chakra:
        assert (await chakra(read)).id == "1"
        assert (await chakra(read)).id == "1"
    assert (server.connections, server.requests[0].headers["accept-encoding"]) == (1, "gzip, deflate")


@pytest.mark.parametrize(("body", "encoding"), DAMAGED.values(), ids=DAMAGED)
async def test_P4_what_cannot_be_unpacked_is_an_error_at_once(body, encoding):
    script = answer(body=body, Content_Encoding=encoding)
    async with RawServer(script, LEAD) as server, Async.client(server.url, retry=ONCE) as chakra:
        with pytest.raises((IncompleteReadError, DecodeError)):
            await asyncio.wait_for(chakra(read), 5)
        assert (await chakra(read)).id == "1"


FILE = bytes(range(256)) * 3000
PACKED = gzip.compress(FILE)
FILES = {
    "gzip": (PACKED, "gzip", FILE),
    "gzip twice": (gzip.compress(PACKED), "gzip, x-gzip", FILE),
    "gzip in long members": (gzip.compress(FILE[:600_000]) + gzip.compress(FILE[600_000:]), "gzip", FILE),
    "gzip, then nothing": (PACKED, "gzip, identity", FILE),
    "deflate": (zlib.compress(FILE), "deflate", FILE),
    "deflate without a header": (zlib.compress(FILE)[2:-4], "deflate", FILE),
    "cut": (PACKED[: len(PACKED) // 2], "gzip", IncompleteReadError),
    "cut in its sum": (PACKED[:-4], "gzip", IncompleteReadError),
    "with something behind it": (PACKED + b"x", "gzip", IncompleteReadError),
    "deflate cut": (zlib.compress(FILE)[:-9], "deflate", IncompleteReadError),
    "deflate with something behind it": (zlib.compress(FILE) + b"x", "deflate", IncompleteReadError),
    "damaged": (PACKED[:99] + bytes(9) + PACKED[108:], "gzip", IncompleteReadError),
    "not asked for": (brotli.compress(FILE), "br", DecodeError),
    "unknown": (FILE, "x-none", DecodeError),
    "four layers": (FILE, "gzip, gzip, gzip, gzip", DecodeError),
}


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunks"])
@pytest.mark.parametrize(("body", "encoding", "due"), FILES.values(), ids=FILES)
async def test_P4_a_packed_file_comes_whole_or_not_at_all(flavour, body, encoding, due, length, tmp_path):
    script = answer(body=body, kind="image/jpeg", Content_Encoding=encoding)
    if not length:
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        script = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    path = tmp_path / "a.jpg"
    async with RawServer(script) as server, flavour.client(server.url, retry=ONCE) as chakra:
        call = asyncio.wait_for(chakra(lambda client: client.whatsapp.media.show("1", to=path)), 5)
        if due is FILE:
            assert (await call).size_bytes == len(FILE)
            assert path.read_bytes() == FILE
        else:
            with pytest.raises(due):
                await call
            assert not list(tmp_path.iterdir())


@settings(max_examples=60)
@given(
    content=st.binary(max_size=2000),
    layers=st.lists(st.sampled_from(["gzip", "deflate"]), max_size=3),
    cut=st.integers(0, 40),
    pieces=st.integers(1, 500),
)
def test_P4_whatever_was_packed_comes_back_or_is_told_to_be_cut(runner, content, layers, cut, pieces):
    packed = content
    for name in layers:
        packed = gzip.compress(packed) if name == "gzip" else zlib.compress(packed)
    sent = packed[: max(1, len(packed) - cut)] if layers else packed

    async def unpack():
        async def parts():
            reading = io.BytesIO(sent)
            while part := reading.read(pieces):
                yield part

        return b"".join([piece async for piece in Unpacked(parts(), ", ".join(layers))])

    try:
        assert runner.run(unpack()) == content
    except DamagedError:
        assert cut


DRIFTED = [
    {"id": 7, "state": 5, "createdAt": "1700000000000", "data": []},
    {"id": "7", "state": "5", "createdAt": 1700000000000, "data": None},
    {"id": "7", "state": "5", "createdAt": "2023-11-14T22:13:20Z", "data": {}},
]


@pytest.mark.parametrize("data", DRIFTED)
async def test_P6_a_field_of_another_type_is_read_where_nothing_is_guessed(flavour, data):
    async with RawServer(wrapped(data)) as server, flavour.client(server.url) as chakra:
        found = await chakra(read)
    assert (found.id, found.state, found.data) == ("7", "5", {})
    assert found.created_at.timestamp() == 1_700_000_000
