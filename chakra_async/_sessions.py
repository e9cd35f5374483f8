"""What the transport holds open: sessions, closed with the loop they belong to."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp

from chakra_async._connections import open_session
from chakra_async._endings import ended
from chakra_async._exchange import Exchange
from chakra_async._gate import Turnstile
from chakra_async._transfer.addresses import Kind, PrivateAddressError, kind_of, kinds_of
from chakra_async.settings import Limits


class LoopState:
    """What one event loop needs of its own: a session, and places for requests in flight."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        turnstile: Turnstile,
        exchange: Exchange,
        middlewares: tuple[aiohttp.ClientMiddlewareType, ...] | None = None,
    ) -> None:
        self.session = session
        self.middlewares = middlewares
        self.turnstile = turnstile
        self.exchange = exchange
        self._outside: Outside | None = None
        self._guards: list[AsyncGenerator[None]] = []

    async def own(self, session: aiohttp.ClientSession) -> None:
        """Close ``session`` together with the loop, or by :meth:`close`."""
        guard = _close_with_loop(session)
        self._guards.append(guard)
        await anext(guard)

    async def outside(self, home: str, limits: Limits) -> aiohttp.ClientSession:
        """Return the session for other hosts; addresses of the kinds that ``home`` has are open to it."""
        if self._outside is None:
            allowed = await kinds_of(home)
            if self._outside is None:
                self._outside = Outside(allowed, limits.keepalive)
                await self.own(self._outside.session)
        return self._outside.session

    async def close(self) -> None:
        """Close the sessions that are ours."""
        guards, self._guards = self._guards, []
        await ended([asyncio.create_task(guard.aclose()) for guard in guards])


class Outside:
    """The way to other hosts than the service's own: no token, no cookies, no addresses that are private.

    The address is looked at when the connection to it is made, so that no later answer of the name server
    can lead elsewhere.
    """

    def __init__(self, allowed: frozenset[Kind], keepalive: float) -> None:
        self._allowed = allowed | {"public"}
        self.session = open_session(limit=0, keepalive=keepalive, socket_factory=self._socket)

    def _socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _, (host, *_) = address
        if kind_of(host) not in self._allowed:
            raise PrivateAddressError
        return socket.socket(family, kind, protocol)


async def _close_with_loop(session: aiohttp.ClientSession) -> AsyncGenerator[None]:
    """Close ``session`` when this generator is closed: by us, or by the loop when it shuts down.

    ``asyncio.run`` closes every generator that was begun in its loop, which makes this the one hook by
    which a client that nobody closed still leaves nothing open.
    """
    process = os.getpid()
    try:
        yield
    finally:
        if process == os.getpid():
            await session.close()
