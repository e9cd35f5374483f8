"""Far more than fits, each way, in a process of its own whose memory is measured."""

import asyncio
import threading
import time
from pathlib import Path

import pytest


SIZE = 300 * 1024**2
BLOCK = bytes(1024 * 1024)

HEAD = """
import asyncio, resource, sys, time
from chakra_async import Client
from chakra_async.sync import Client as SyncClient

def peak():
    # The high-water mark of this process alone: ru_maxrss would begin at that of its parent.
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) // 1024

async def settle(chakra):
    await chakra.photos.upload(b"1", filename="a.jpg")
    await chakra.whatsapp.media.show("small", to="small")
    return peak()
"""


class Gigantic:
    """Takes any upload and counts it; gives as much as is asked for."""

    def __init__(self):
        self.taken = []

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_):
        async def stop():
            self._server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                if head.startswith("get"):
                    await self._give(writer, 1 if "/small/" in head else SIZE)
                else:
                    await self._take(reader, head)
                    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id":"1"}')
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def _take(self, reader, head):
        size = 0
        if "content-length: " in head:
            left = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            while left:
                piece = await reader.read(min(left, 2**20))
                left -= len(piece)
                size += len(piece)
        else:
            while length := int(await reader.readline(), 16):
                size += length
                await reader.readexactly(length)
                await reader.readline()
            await reader.readline()
        self.taken.append(size)

    @staticmethod
    async def _give(writer, size):
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {size}\r\n\r\n".encode())
        for at in range(0, size, len(BLOCK)):
            writer.write(BLOCK[: size - at])
            await writer.drain()


@pytest.fixture
def run(run_script, monkeypatch, tmp_path):
    def run(script):
        monkeypatch.chdir(tmp_path)
        with Gigantic() as server:
            monkeypatch.setenv("PYTHONPATH", __file__.rsplit("/tests/", 1)[0])
            head = f"import os\nos.environ.update(CHAKRA_BASE_URL={server.url!r}, CHAKRA_ACCESS_TOKEN='t')\n"
            start = time.monotonic()
            said = run_script(head + HEAD + script, seconds=60)
            print(f"{said.strip()} MiB more, {time.monotonic() - start:.1f} s")
            # What one piece takes, and some for the allocator.
            assert int(said) < 24
            return server.taken

    return run


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
class TestFlatMemory:
    def test_up_from_a_path(self, run, tmp_path):
        with (tmp_path / "film.mp4").open("wb") as film:
            film.truncate(SIZE)
        [_, taken] = run(
            """
async def main():
    async with Client() as chakra:
        before, steps = await settle(chakra), 0

        def count(step):
            nonlocal steps
            steps += 1
            assert step.done_bytes == 262144 * steps

        await chakra.photos.upload("film.mp4", on_progress=count)
        print(peak() - before)

asyncio.run(main())
"""
        )
        assert taken > SIZE

    def test_up_from_an_iterable_without_a_size_by_the_sync_client(self, run):
        [_, taken] = run(
            f"""
with SyncClient() as chakra:
    chakra.photos.upload(b"1", filename="a.jpg")
    before, block = peak(), bytes(1024 * 1024)
    chakra.photos.upload((block for _ in range({SIZE} >> 20)), filename="film.mp4")
    print(peak() - before)
"""
        )
        assert taken > SIZE

    def test_down_to_a_path(self, run, tmp_path):
        run(
            f"""
async def main():
    async with Client() as chakra:
        before = await settle(chakra)
        got = await chakra.whatsapp.media.show("film", to="film.mp4")
        print(peak() - before)
        assert got.size_bytes == {SIZE}

asyncio.run(main())
"""
        )
        assert (tmp_path / "film.mp4").stat().st_size == SIZE
        (tmp_path / "film.mp4").unlink()
