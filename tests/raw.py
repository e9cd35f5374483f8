"""A server that speaks HTTP byte by byte, as scripted: for what no sound server would do."""

import asyncio
import socket
import struct
import time

import orjson
from attrs import define, field

from chakra_async import Client, RetryPolicy


TOKEN = "s3cr3t-t0ken-0123456789"
QUICK = RetryPolicy(wait_initial=0.001, wait_max=0.005)

RST = object()
"""Reset the connection."""
FIN = object()
"""Close the connection."""
STALL = object()
"""Say nothing more, and keep the connection."""


@define
class Drip:
    """Bytes sent one by one."""

    data: bytes
    seconds: float = 0.02


@define
class Arrived:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    at: float = field(factory=time.monotonic, repr=False)

    @property
    def target(self):
        return self.line.split(" ")[1]


def answer(status=200, body=b"", *, length=None, kind="application/json", **headers):
    """The bytes of an answer; ``length`` to announce another one than there is."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body) if length is None else length}"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def wrapped(data, meta=None):
    """An answer of the service to a call that went well."""
    return answer(body=orjson.dumps({"_data": data} if meta is None else {"_data": data, "_meta": meta}))


def refused(status, *errors, **headers):
    """An answer of the service to a call it does not like."""
    return answer(status, orjson.dumps({"_data": [], "_errors": errors}), **headers)


def quick_client(server, **options):
    """A client of a scripted server that loses no time between attempts."""
    return Client(TOKEN, base_url=server.url, **{"retry": QUICK, **options})


class RawServer:
    """Answers each request with the next step of the script; the last step is repeated.

    A step is bytes, ``RST``, ``FIN``, ``STALL``, a :class:`Drip`, or a list of such.
    """

    def __init__(self, *script):
        self.script = list(script)
        self.requests = []
        self.connections = 0
        self._tasks = set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self.connections += 1
        self._tasks.add(asyncio.current_task())
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(asyncio.current_task())
            writer.transport.abort()

    async def _exchange(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rows = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append(Arrived(line, headers, body))
        step = self.script[0] if len(self.script) == 1 else self.script.pop(0)
        for part in step if isinstance(step, list) else [step]:
            if part is RST:
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            if part is FIN:
                writer.close()
                await writer.wait_closed()
                return False
            if part is STALL:
                await asyncio.sleep(60)
            elif isinstance(part, Drip):
                for byte in part.data:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(part.seconds)
            else:
                writer.write(part)
                await writer.drain()
        return True


class Trap:
    """Accepts, reads a little of what it could, then does what it was told; counts connections."""

    def __init__(self, act, *, read=1000):
        self.act, self.read, self.connections, self._tasks = act, read, 0, set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        listening.bind(("127.0.0.1", 0))
        self._server = await asyncio.start_server(self._serve, sock=listening, limit=4096)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self.connections += 1
        self._tasks.add(asyncio.current_task())
        try:
            await reader.readexactly(self.read)
            await self.act(reader, writer)
        finally:
            writer.transport.abort()


def closed_port():
    """A port of this host on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
