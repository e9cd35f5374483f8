"""A server that answers from constants, as fast as asyncio can, in a process of its own."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


PROCESS = (
    b'{"_data":{"id":"3396ea03-cc82-4a52-967b-dc2a94b50f12","status":"OPEN","state":"NEW",'
    b'"data":{"name":"Asha","score":5},"createdAt":1767225600000,"updatedAt":1767225600000}}'
)
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def answer(body: bytes) -> bytes:
    """Put a body into an HTTP answer."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Sink(asyncio.Protocol):
    """Speaks just enough HTTP/1.1 for well-behaved clients."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.received = bytearray()

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.received[:end])
            length = int(match[1]) if (match := LENGTH.search(head)) else 0
            if len(self.received) < end + 4 + length:
                return
            rows = self.received.count(b'"update":', end, end + 4 + length) if length else 0
            del self.received[: end + 4 + length]
            self.transport.write(self.reply(head, rows))

    def reply(self, head: bytes, rows: int) -> bytes:
        if head.startswith(b"PATCH"):
            # The number of rows travels in the job's id, so that nothing has to be remembered.
            return answer(b'{"_data":{"id":"job-%d","completionStatus":"IN_PROGRESS"}}' % rows)
        if head.startswith(b"GET /v1/ext/background-job/job-"):
            rows = int(head.split(b"job-", 2)[1].split(b" ")[0].split(b"job-")[-1])
            counts = b'{"SUCCESS":%d,"ERROR":0,"INVALID":0,"NOT_STARTED":0}' % rows
            job = b'{"_data":{"id":"job-%d","completedAt":1767225600000},' % rows
            return answer(job + b'"_meta":{"bjEntryCompletionStatusVsCount":' + counts + b"}}")
        return answer(PROCESS)


@contextmanager
def sink() -> Iterator[str]:
    """Start a sink and give its URL."""
    command = [sys.executable, "-m", "benchmarks.sink"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
