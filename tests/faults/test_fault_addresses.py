"""Values and answers that would lead elsewhere: into another path, to another host, into this machine."""

import asyncio
import socket
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chakra_async import ChakraError, DecodeError
from tests.faults.callers import show
from tests.raw import TOKEN, RawServer, answer, quick_client, wrapped


LEAD = wrapped({"id": "1"})
FILE = answer(body=b"x" * 1000, kind="image/jpeg")

# Each puts one value into a path: what stands before and behind it.
CALLS = {
    "process": (
        lambda chakra, value: chakra.processes.get("lead", value),
        "/v1/ext/procedure/lead/process/",
        "",
    ),
    "procedure": (lambda chakra, value: chakra.processes.get(value, "1"), "/v1/ext/procedure/", "/process/1"),
    "key": (
        lambda chakra, value: chakra.processes.delete_by_key("lead", "lead_id", value),
        "/v1/ext/procedure/lead/process/lead_id/",
        "",
    ),
    "media": (lambda chakra, value: chakra.whatsapp.media.show(value), "/v2/whatsapp/v19.0/media/", "/show"),
}
PATHS = [
    "..",
    ".",
    "",
    " ",
    "a/b",
    "../admin",
    "%2e%2e",
    "%2F",
    "\r\nX: y",
    "\0",
    "//h/x",
    "http://h/x",
    "😀",
]


@pytest.fixture(scope="module")
def line():
    """Make a call, and return the request line that arrived, or the error; one loop for all examples."""
    with asyncio.Runner() as runner:
        server = RawServer(LEAD)

        async def start():
            await server.__aenter__()
            return quick_client(server)

        def sent(call, value):
            server.requests.clear()
            try:
                runner.run(_awaited(call(chakra, value)))
            except ValueError as error:
                assert server.requests == []
                return error
            except DecodeError:
                pass
            return server.requests[0].line

        chakra = runner.run(start())
        yield sent
        runner.run(chakra.close())
        runner.run(server.__aexit__())


async def _awaited(call):
    return await call


@settings(max_examples=60)
@given(value=st.text(max_size=20) | st.sampled_from(PATHS))
@example("..")
@example("a\r\nHost: evil.test")
@pytest.mark.parametrize(("call", "before", "behind"), CALLS.values(), ids=CALLS)
def test_S1_any_value_is_one_segment_of_the_request_line_or_is_refused(line, call, before, behind, value):
    found = line(call, value)
    if isinstance(found, ValueError):
        return
    _, target, version = found.split(" ")
    assert version == "HTTP/1.1"
    assert target.startswith(before)
    assert target.endswith(behind)
    segment = target.removeprefix(before).removesuffix(behind)
    assert "/" not in segment
    assert segment not in {"", ".", ".."}
    assert unquote(segment) == value


@pytest.mark.parametrize("value", PATHS)
async def test_S1_the_sync_client_refuses_and_encodes_alike(flavour, value):
    async with RawServer(LEAD) as server, flavour.client(server.url) as chakra:
        call = chakra(lambda client: client.processes.get("lead", value))
        if value.strip() in {"", ".", ".."} or not value.isprintable():
            with pytest.raises(ValueError, match="process_id"):
                await call
            assert server.requests == []
        else:
            await call
            assert unquote(server.requests[0].target.rsplit("/", 1)[1]) == value


HERE = [
    "localhost.",
    "LOCALHOST",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::]",
    "127.0.0.1.",
    "localhost%00.test",
    "user:pass@127.0.0.1",
    "①②⑦.0.0.1",
]


@pytest.fixture
def _no_network(monkeypatch):
    """Names are known by what the C library makes of numbers, and ``localhost``."""

    async def getaddrinfo(_, host, port, **__):
        known = "127.0.0.1" if host.lower().startswith("localhost") else host
        return socket.getaddrinfo(known, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("host", HERE)
async def test_S4_no_spelling_of_this_machine_is_open_to_a_redirect(host):
    async with RawServer(FILE) as private, RawServer(FILE) as server:
        port = private.url.rsplit(":", 1)[1]
        location = f"http://{host}:{port}/x".encode()
        server.script = [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n" % location]
        async with quick_client(server) as chakra:
            here = await chakra._transport._open()
            # As if the service were public: what counts is its address when other hosts are first visited.
            await here.outside("93.184.216.34", chakra.settings.limits)
            with pytest.raises(ChakraError) as caught:
                await chakra.whatsapp.media.show("1")
    assert private.connections == 0
    assert TOKEN not in f"{caught.value}{vars(caught.value)}"


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "//127.0.0.1:1/x", "http://10.0.0.1/x", "http:///x"]
)
async def test_S4_neither_client_follows_out_of_the_open(flavour, location):
    async with RawServer(answer(302, Location=location)) as server, flavour.client(server.url) as chakra:
        with pytest.raises(ChakraError) as caught:
            await asyncio.wait_for(chakra(show), 5)
    assert TOKEN not in f"{caught.value}{vars(caught.value)}"
