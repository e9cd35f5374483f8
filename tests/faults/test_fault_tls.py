"""TLS: certificates that are not to be trusted, versions too old, and connections cut underneath it."""

import asyncio
import re
import socket
import ssl
import traceback
import warnings
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import aiohttp.connector
import pytest
import trustme

from chakra_async import AmbiguousResultError, ConnectError, IncompleteReadError
from tests.faults.callers import ONCE, create, read, show
from tests.faults.proxy import Proxy, Trouble
from tests.raw import TOKEN, answer, wrapped


LEAD = wrapped({"id": "1"})
NOW = datetime.now(UTC)
CONTENT = bytes(200_000)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(autouse=True)
def _trust(authority, monkeypatch):
    """Trust our own authority, as if the system did."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", context)


def serving(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@asynccontextmanager
async def encrypted(context, script=LEAD):
    """A server; gives its port and what it was sent."""
    received = []

    async def serve(reader, writer):
        with suppress(OSError, asyncio.IncompleteReadError):
            received.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(script)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], received
    finally:
        server.close()


REFUSED = {
    "self-signed": (
        lambda _: serving(trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("127.0.0.1")),
        "unable to get local issuer certificate|self-signed certificate",
    ),
    "wrong host": (lambda ca: serving(ca.issue_cert("other.test")), "IP address mismatch.*127.0.0.1"),
    "expired": (
        lambda ca: serving(
            ca.issue_cert(
                "127.0.0.1",
                not_before=NOW - timedelta(days=9),
                not_after=NOW - timedelta(days=1),
            )
        ),
        "certificate has expired",
    ),
}


async def test_T12_a_certificate_that_can_be_trusted_is_trusted(flavour, authority):
    context = serving(authority.issue_cert("127.0.0.1"))
    async with encrypted(context) as (port, _), flavour.client(f"https://127.0.0.1:{port}") as chakra:
        assert (await chakra(read)).id == "1"


@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=REFUSED)
async def test_T12_another_is_refused_at_once_and_nothing_is_sent(flavour, authority, make, said):
    async with (
        encrypted(make(authority)) as (port, received),
        flavour.client(f"https://127.0.0.1:{port}") as chakra,
    ):
        for call in (read, create):
            with pytest.raises(ConnectError, match=f"TLS to .*:{port} was refused") as caught:
                await chakra(call)
            assert re.search(said, caught.value.message)
            assert (caught.value.attempts, caught.value.sent) == (1, False)
    assert received == []
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


async def test_T12_tls_that_is_too_old_is_refused(flavour, authority):
    context = serving(authority.issue_cert("127.0.0.1"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")

    def serve():
        # Unlike asyncio, a plain socket still sends the alert that says why.
        with listener.accept()[0] as connection, suppress(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving_once = asyncio.create_task(asyncio.to_thread(serve))
        async with flavour.client(f"https://127.0.0.1:{listener.getsockname()[1]}") as chakra:
            with pytest.raises(ConnectError, match=r"TLS to .* was refused: .*PROTOCOL_VERSION") as caught:
                await chakra(create)
        await serving_once
    assert caught.value.attempts == 1


async def test_T12_a_server_that_hangs_up_on_the_handshake_is_no_service(flavour):
    async def hang_up(_, writer):
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with flavour.client(url, retry=ONCE) as chakra:
        with pytest.raises(ConnectError, match=r"TLS handshake|Connection reset") as caught:
            await chakra(create)
    server.close()
    assert caught.value.sent is False


BODIES = {
    "of a known length": answer(body=CONTENT, kind="image/jpeg"),
    "of no known length": b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + CONTENT,
    "in chunks": b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"%x\r\n%b\r\n0\r\n\r\n" % (len(CONTENT), CONTENT),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_T13_a_body_that_ends_in_due_form_is_taken(flavour, authority, body):
    context = serving(authority.issue_cert("127.0.0.1"))
    async with encrypted(context, body) as (port, _), flavour.client(f"https://127.0.0.1:{port}") as chakra:
        assert (await chakra(show)).content == CONTENT


@pytest.mark.parametrize("how", ["fin", "rst", "half"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_T13_a_body_that_is_cut_underneath_tls_is_never_taken_for_a_whole_one(
    flavour, authority, body, how
):
    context = serving(authority.issue_cert("127.0.0.1"))
    async with (
        encrypted(context, body) as (port, _),
        Proxy(port, down=Trouble(after=100_000, how=how)) as proxy,
        flavour.client(f"https://127.0.0.1:{proxy.port}", retry=ONCE) as chakra,
    ):
        with pytest.raises(IncompleteReadError):
            await chakra(show)


@pytest.mark.parametrize("how", ["fin", "rst", "corrupt"])
async def test_T13_an_answer_that_is_lost_underneath_tls_is_ambiguous_for_a_create(flavour, authority, how):
    context = serving(authority.issue_cert("127.0.0.1"))
    async with (
        encrypted(context, answer(body=b'{"_data":{"x":"' + b"y" * 50_000 + b'"}}')) as (port, received),
        Proxy(port, down=Trouble(after=20_000, how=how)) as proxy,
        flavour.client(f"https://127.0.0.1:{proxy.port}") as chakra,
    ):
        with pytest.raises(AmbiguousResultError):
            await chakra(create)
    assert len(received) == 1


async def test_T13_bytes_changed_on_the_way_are_noticed(flavour, authority):
    context = serving(authority.issue_cert("127.0.0.1"))
    async with (
        encrypted(context, BODIES["of a known length"]) as (port, _),
        Proxy(port, down=Trouble(after=100_000, how="corrupt")) as proxy,
        flavour.client(f"https://127.0.0.1:{proxy.port}", retry=ONCE) as chakra,
    ):
        with pytest.raises(IncompleteReadError):
            await chakra(show)
