"""Next to nothing: one asyncio protocol, requests written by hand. For scale, not to be used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson

from benchmarks.workload import PROCESSES, STATE, in_flight, process_id, values


class Connection(asyncio.Protocol):
    """One request at a time; the answer must have a length."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._received.index(b"Content-Length: ") + 16
        length = int(self._received[at : self._received.index(b"\r", at)])
        if len(self._received) < head + 4 + length:
            return
        body, self._received = self._received[head + 4 :], b""
        self._answer.set_result(body)

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the body of its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answer


@asynccontextmanager
async def updates(url: str, token: str, *, concurrency: int) -> AsyncIterator[Any]:
    """Single updates to and from dicts."""
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    idle: list[Connection] = []
    head = f"Host: {address.netloc}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"

    async def update(number: int) -> dict[str, Any]:
        body = orjson.dumps({"data": values(number), "state": STATE})
        line = f"PUT {PROCESSES}/{process_id(number)} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n"
        connection = idle.pop()
        answer = await connection.ask(line.encode() + body)
        idle.append(connection)
        return orjson.loads(answer)["_data"]

    async def run(calls: int) -> int:
        while len(idle) < concurrency:
            _, connection = await loop.create_connection(Connection, address.hostname, address.port)
            idle.append(connection)
        await in_flight(range(calls), update, concurrency)
        return calls

    yield run
    for connection in idle:
        connection.transport.close()
