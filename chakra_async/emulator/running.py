"""One stretch of serving: the open state and the thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

from aiohttp import web

from chakra_async.emulator.app import App
from chakra_async.emulator.faults import Faults
from chakra_async.emulator.jobs import JobRunner
from chakra_async.emulator.rate import Rate
from chakra_async.emulator.request_log import RequestLog
from chakra_async.emulator.service import Service
from chakra_async.emulator.settings import JobSettings, Settings
from chakra_async.emulator.store import Store
from chakra_async.emulator.timers import Timers
from chakra_async.emulator.webhook_options import WebhookOptions
from chakra_async.emulator.webhooks import Webhook


_log = logging.getLogger("chakra_async.emulator")

_TURNS_TO_ARRIVE = 3
"""Of the loop, from taking a connection until the server knows it."""


class Running:
    """An emulator between its start and its end."""

    def __init__(
        self, db: str, token: str | None, faults: Faults, settings: Settings, job_settings: JobSettings
    ) -> None:
        store = Store(db)
        self.timers: Timers = Timers()
        try:
            self.service: Service = Service.over(store, faults, settings, job_settings, self.timers)
            self.token: str = self._prepare(token)
        except BaseException:
            store.close()
            raise
        self.url: str = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._webhooks: list[Webhook] = []

    def _prepare(self, token: str | None) -> str:
        """Add what exists from the start, and return the token with all rights."""
        service = self.service
        token = (None if token else service.catalog.admin_token()) or service.catalog.add_token(
            "admin", token
        )
        service.ensure_holders()
        for name, keys in _PROCEDURES.items():
            if service.catalog.procedure(name) is None:
                service.catalog.add_procedure(name, keys, None)
        if service.plugins.first() is None:
            plugin = service.plugins.add("WhatsApp")
            service.plugins.connect(plugin, "Emulated business", "+91 80 4567 8900")
        return token

    def serve(self, host: str, port: int, log: RequestLog, rate: Rate) -> None:
        """Start the thread and wait until the port is open."""
        ready: Future[None] = Future()

        def run() -> None:
            try:
                asyncio.run(self._serve(host, port, log, rate, ready))
            except BaseException as error:
                if ready.done():
                    raise
                ready.set_exception(error)

        # A daemon, so that an emulator which nobody closed cannot keep the interpreter alive.
        self._thread = threading.Thread(target=run, name="chakra-emulator", daemon=True)
        self._thread.start()
        ready.result()

    async def _serve(self, host: str, port: int, log: RequestLog, rate: Rate, ready: Future[None]) -> None:
        jobs = JobRunner(self.service)
        app = App(self.service, jobs, log, rate)
        server = web.Server(app.handle, access_log=None, logger=_log, read_bufsize=2**20)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.timers.bind(self._loop)
        listening: asyncio.Server | None = None
        try:
            listening = await self._loop.create_server(server, host, port, backlog=128)
            address = listening.sockets[0].getsockname()
            self.url = f"http://{f'[{host}]' if ':' in host else host}:{address[1]}"
            jobs.resume()
            self.service.templates.resume()
            self.service.delivery.resume()
            ready.set_result(None)
            await self._stop.wait()
        finally:
            self.timers.close()
            for webhook in self._webhooks:
                await webhook.stop()
            await jobs.close()
            if listening is not None:
                await _stop_listening(listening)
            server.pre_shutdown()
            # Not 0, which aiohttp takes for no limit: a request that a fault delays would hold up the end.
            await server.shutdown(0.01)

    def deliver_webhooks(self, options: WebhookOptions) -> Webhook:
        """Begin to deliver webhooks to an address, until the end."""
        assert self._loop is not None  # noqa: S101 - it serves
        webhook = Webhook(options, self.service, self.url, self._loop)
        self._webhooks.append(webhook)
        return webhook

    def close(self) -> None:
        """Stop the thread, then close the state."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self.service.store.close()


async def _stop_listening(listening: asyncio.Server) -> None:
    """Take no further connection, once those that were taken have come to the server, which closes them.

    asyncio forgets a connection that was taken just before its server is closed:
    https://github.com/python/cpython/issues/109564.
    """
    loop = asyncio.get_running_loop()
    # Not every kind of loop waits for sockets in this way.
    with suppress(NotImplementedError):
        for one in listening.sockets:
            loop.remove_reader(one)
    for _ in range(_TURNS_TO_ARRIVE):
        await asyncio.sleep(0)
    listening.close()


_PROCEDURES: Final[dict[str, tuple[str, ...]]] = {
    "lead": ("lead_id", "phone_number"),
    "ticket": ("ticket_id",),
}
