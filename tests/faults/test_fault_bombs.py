"""A little that unfolds into a lot: stopped at the limit, in bounded memory, whatever the packing."""

import asyncio
import gzip
import sys
import zlib

import brotli
import pytest

from chakra_async import RequestTimeoutError, Timeouts
from tests.faults.callers import ONCE, Async, read, show
from tests.raw import RawServer, Trap, answer


if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB = 2**20
SIZE = 300
LIMIT = 8
ZEROS = bytes(MIB)


def deflated(wbits):
    """A compressed mebibyte of zeros that may stand any number of times in one stream."""
    packer = zlib.compressobj(9, wbits=wbits)
    return packer.compress(ZEROS) + packer.flush(zlib.Z_FULL_FLUSH)


def streamed(pack, finish):
    return b"".join(pack(ZEROS) for _ in range(SIZE)) + finish()


def bombs():
    """Answers of some hundred kilobytes that unfold into 300 MiB."""
    brotli_packer, zstd_packer = brotli.Compressor(quality=1), zstd.ZstdCompressor()
    members = gzip.compress(ZEROS) * SIZE
    packed = [
        ("gzip", b"\x1f\x8b\x08" + bytes(7) + deflated(-15) * SIZE),
        ("gzip", members),
        ("gzip, gzip", gzip.compress(members)),
        ("deflate", deflated(15) + deflated(-15) * (SIZE - 1)),
        ("deflate", deflated(-15) * SIZE),
        ("br", streamed(brotli_packer.process, brotli_packer.finish)),
        ("zstd", streamed(zstd_packer.compress, zstd_packer.flush)),
    ]
    for encoding, body in packed:
        assert len(body) < 2 * MIB
        for kind in ("application/json", "image/jpeg"):
            yield answer(body=body, kind=kind, Content_Encoding=encoding)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(members), members)


MEASURED = """
import asyncio, gc
import chakra_async, chakra_async.sync
from chakra_async import ChakraError, Limits, RetryPolicy

def mebibytes(name):
    # Not of the resource module, whose peak counts that of the parent as well.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) / 1024

def settled():
    gc.collect()
    with open("/proc/self/clear_refs", "w") as peaks:
        peaks.write("5")
    return mebibytes("VmRSS")

OPTIONS = {{
    "base_url": {url!r},
    "limits": Limits(max_response_bytes={limit} * 2**20),
    "retry": RetryPolicy(attempts=1),
}}
PATH = {path!r}
CALLS = {{
    "read": lambda chakra: chakra.processes.get("lead", "1"),
    "into memory": lambda chakra: chakra.whatsapp.media.show("1"),
    "to a path": lambda chakra: chakra.whatsapp.media.show("1", to=PATH),
}}

KEPT = []

def check(name, number, error, before):
    KEPT.append(error)
    assert isinstance(error, ChakraError), (name, number, error)
    growth = mebibytes("VmHWM") - before
    assert growth <= {limit} + 16, (name, number, growth)

def assert_errors_are_light(before):
    # What had come of the answers must not live on in the frames of their errors.
    grown = settled() - before
    assert grown < 2 * {limit}, (len(KEPT), grown)
"""

FLAVOURED = {
    "async": """
async def main():
    async with chakra_async.Client("s3cr3t-t0ken", **OPTIONS) as chakra:
        await chakra.health()
        idle = settled()
        for number in range({bombs}):
            for name, call in CALLS.items():
                before = settled()
                try:
                    error = await call(chakra)
                except Exception as caught:
                    error = caught
                check(name, number, error, before)

        assert_errors_are_light(idle)

asyncio.run(main())
""",
    "sync": """
with chakra_async.sync.Client("s3cr3t-t0ken", **OPTIONS) as chakra:
    chakra.health()
    idle = settled()
    for number in range({bombs}):
        for name, call in CALLS.items():
            before = settled()
            try:
                error = call(chakra)
            except Exception as caught:
                error = caught
            check(name, number, error, before)
    assert_errors_are_light(idle)
""",
}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
@pytest.mark.parametrize("caller", FLAVOURED)
async def test_P3_a_bomb_of_300_mib_takes_no_more_memory_than_the_limit(caller, run_script, tmp_path):
    scripted = list(bombs())[:: 1 if caller == "async" else 5]
    calls = [answer(body=b"{}"), *(one for one in scripted for _ in range(3)), answer(500)]
    async with RawServer(*calls) as server:
        filled = {"url": server.url, "limit": LIMIT, "path": str(tmp_path / "a"), "bombs": len(scripted)}
        await asyncio.to_thread(run_script, (MEASURED + FLAVOURED[caller]).format(**filled))
    assert len(server.requests) == 1 + 3 * len(scripted)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("call", [read, show])
async def test_P3_bytes_that_unfold_into_nothing_without_end_are_ended_by_the_clock(call):
    async def nothing(_, writer):
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Type: image/jpeg\r\n\r\n"
        writer.write(head.replace(b"image/jpeg", b"application/json") if call is read else head)
        while True:
            # An empty block that is not the last one.
            writer.write(b"\x00\x00\x00\xff\xff" * 1000)
            await writer.drain()
            await asyncio.sleep(0.005)

    options = {"timeout": Timeouts(total=0.3), "retry": ONCE}
    async with Trap(nothing, read=10) as server, Async.client(server.url, **options) as chakra:
        with pytest.raises(RequestTimeoutError):
            await asyncio.wait_for(chakra(call), 5)
