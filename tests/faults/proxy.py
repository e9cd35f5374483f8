"""A TCP proxy that does to bytes what networks do: late, cut, corrupted, reset, half-closed."""

import asyncio
import socket
import struct

from attrs import define


@define(kw_only=True)
class Trouble:
    """What happens to the bytes of one direction.

    Attributes:
        after: bytes that pass unharmed.
        how: ``None`` lets the rest pass as well; ``fin`` ends the connection, ``rst`` resets it, ``stall``
            holds the rest back, ``corrupt`` turns every bit of it over, ``half`` closes this direction alone.
        delay: seconds before each piece is passed on.
    """

    after: int = 0
    how: str | None = None
    delay: float = 0.0


class Proxy:
    """Stands before a server on this host; ``up`` is what happens to requests, ``down`` to answers."""

    def __init__(self, target, *, up=None, down=None):
        self.target = target
        self.up = up or Trouble()
        self.down = down or Trouble()
        self.connections = 0
        self._tasks = set()

    @property
    def port(self):
        return self._server.sockets[0].getsockname()[1]

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self.connections += 1
        self._tasks.add(asyncio.current_task())
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, far_writer, self.up, writer))
                group.create_task(self._pass(far_reader, writer, self.down, writer))
        except* OSError:
            pass
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pass(self, reader, writer, trouble, client):
        left = trouble.after
        while piece := await reader.read(65536):
            await asyncio.sleep(trouble.delay)
            if trouble.how is not None:
                good, piece, left = piece[:left], piece[left:], max(0, left - len(piece))
                writer.write(good)
                if piece:
                    piece = await self._trouble(trouble.how, piece, writer, client)
            writer.write(piece)
            await writer.drain()
        writer.write_eof()

    async def _trouble(self, how, piece, writer, client):
        await writer.drain()
        if how == "corrupt":
            return bytes(255 - byte for byte in piece)
        if how == "half":
            writer.write_eof()
        if how in ("half", "stall"):
            await asyncio.sleep(60)
        if how == "rst":
            raw = client.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError
