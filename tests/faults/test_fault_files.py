"""Files: sources that are not what they were said to be, and downloads that are cut."""

import hashlib
import io
import os
import threading

import pytest

from chakra_async import IncompleteReadError, PayloadTooLargeError
from tests.faults.callers import ONCE
from tests.faults.proxy import Proxy, Trouble
from tests.raw import RST, RawServer, answer


CONTENT = bytes(range(256)) * 3000
HASH = hashlib.sha256(CONTENT).hexdigest()
JPEG = {"kind": "image/jpeg"}


def closed():
    file = io.BytesIO(CONTENT)
    file.close()
    return file


def piped():
    """A file that cannot go back to its beginning."""
    reading, writing = os.pipe()

    def write():
        with os.fdopen(writing, "wb") as file:
            file.write(CONTENT)

    threading.Thread(target=write, daemon=True).start()
    return os.fdopen(reading, "rb")


WRONG = {
    "shorter": (
        lambda: iter([CONTENT]),
        len(CONTENT) + 1,
        "ended after 768,000 bytes; 768,001 bytes were due",
    ),
    "longer": (lambda: iter([CONTENT]), len(CONTENT) - 1, "holds more than the 767,999 bytes"),
    "of another size": (lambda: CONTENT, 5, "holds 768,000 bytes, and not 5"),
    "empty": (lambda: b"", None, "nothing to upload"),
    "closed": (closed, None, "is closed"),
}


@pytest.mark.parametrize(("make", "size", "said"), WRONG.values(), ids=WRONG)
async def test_F1_a_source_that_is_not_what_was_said_stores_nothing(flavour, emulator, make, size, said):
    def upload(client):
        return client.photos.upload(make(), filename="a.jpg", size_bytes=size)

    async with flavour.client(emulator.url, access_token=emulator.token) as chakra:
        with pytest.raises(ValueError, match=said):
            await chakra(upload)
    assert not [effect for effect in emulator.ledger if effect.kind == "photo"]


async def test_F1_a_source_that_cannot_be_rewound_is_sent_once_and_whole(flavour, emulator):
    async with flavour.client(emulator.url, access_token=emulator.token) as chakra:
        with piped() as source:
            photo = await chakra(lambda client: client.photos.upload(source, filename="a.jpg"))
        emulator.faults.next("POST", status=413)
        with piped() as source, pytest.raises(PayloadTooLargeError) as caught:
            await chakra(lambda client: client.photos.upload(source, filename="a.jpg"))
        got = await chakra(lambda client: client.photos.get(photo.id))
    assert got.file is None or got.file.content == CONTENT
    assert caught.value.attempts == 1


def show(**options):
    return lambda client: client.whatsapp.media.show("1", sha256=HASH, **options)


class Ranged(RawServer):
    """Gives what is asked for."""

    async def _exchange(self, reader, writer):
        self.script = [b""]
        head = await reader.readuntil(b"\r\n\r\n")
        start = int(head.partition(b"bytes=")[2].partition(b"-")[0] or 0)
        span = {"Content_Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if start else {}
        self.requests.append(start)
        writer.write(answer(206 if start else 200, CONTENT[start:], ETag='"1"', **JPEG, **span))
        await writer.drain()
        return True


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_F3_a_download_that_is_cut_again_and_again_goes_on_where_it_was(flavour, how, tmp_path):
    path = tmp_path / "a.jpg"
    async with (
        Ranged(b"") as server,
        Proxy(int(server.url.rsplit(":", 1)[1]), down=Trouble(after=300_000, how=how)) as proxy,
        flavour.client(f"http://127.0.0.1:{proxy.port}") as chakra,
    ):
        got = await chakra(show(to=path))
    assert (got.sha256, path.read_bytes()) == (HASH, CONTENT)
    assert len(server.requests) >= 3
    assert server.requests == sorted(set(server.requests))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("at", [0, 1, 400_000, len(CONTENT) - 1])
async def test_F3_a_download_that_is_cut_for_good_leaves_nothing(flavour, at, tmp_path):
    whole = answer(body=CONTENT, **JPEG)
    half = whole[: len(whole) - len(CONTENT) + at]
    async with RawServer([half, RST]) as server, flavour.client(server.url, retry=ONCE) as chakra:
        for target in (tmp_path / "a.jpg", None):
            with pytest.raises(IncompleteReadError):
                await chakra(show(to=target))
    assert not list(tmp_path.iterdir())


async def test_F3_bytes_changed_on_the_way_are_noticed_by_the_hash(flavour, tmp_path):
    async with (
        RawServer(answer(body=CONTENT, **JPEG)) as server,
        Proxy(int(server.url.rsplit(":", 1)[1]), down=Trouble(after=500_000, how="corrupt")) as proxy,
        flavour.client(f"http://127.0.0.1:{proxy.port}", retry=ONCE) as chakra,
    ):
        with pytest.raises(Exception, match="SHA-256"):
            await chakra(show(to=tmp_path / "a.jpg"))
    assert not list(tmp_path.iterdir())
