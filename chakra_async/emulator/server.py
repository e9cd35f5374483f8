"""The emulator as a user holds it: its own thread and loop, safe to use from any other thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web

from chakra_async.emulator.app import App
from chakra_async.emulator.catalog import Catalog, Procedure, Role
from chakra_async.emulator.faults import Faults
from chakra_async.emulator.job_records import JobRecords
from chakra_async.emulator.jobs import JobRunner
from chakra_async.emulator.ledger import Ledger
from chakra_async.emulator.processes import Processes, wire
from chakra_async.emulator.records import Request
from chakra_async.emulator.request_log import RequestLog
from chakra_async.emulator.service import Service
from chakra_async.emulator.settings import JobSettings, Settings
from chakra_async.emulator.store import MEMORY, Store


_log = logging.getLogger("chakra_async.emulator")


class Emulator:
    """Chakra on localhost: stateful, with background jobs that take time and faults on demand.

    Use it as a context manager, sync or async. It serves from a thread and an event loop of its own; every
    method and attribute may be used from any thread while it runs. The procedures ``lead`` (primary keys
    ``lead_id`` and ``phone_number``) and ``ticket`` (``ticket_id``) exist from the start.

    Args:
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        db: file that keeps the state, or ``":memory:"``. Jobs left unfinished in a file go on.
        token: access token with all rights; by default the one in ``db``, else a random one.
        rows_per_second: speed of each background job; ``None`` is as fast as possible.
        job_latency: seconds before a background job starts.
        on_existing_key: what creating with a taken primary key does, see ``Settings``.
        max_body_bytes: limit of a request body, see ``Settings``.

    Attributes:
        faults: plan faults here.
        settings: how the service behaves where the documentation is silent; may be changed at any time.
        job_settings: how background jobs behave; may be changed at any time.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        db: str = MEMORY,
        token: str | None = None,
        rows_per_second: float | None = 50_000.0,
        job_latency: float = 0.02,
        on_existing_key: Literal["error", "upsert"] = "error",
        max_body_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self.faults: Faults = Faults()
        self.settings: Settings = Settings(on_existing_key=on_existing_key, max_body_bytes=max_body_bytes)
        self.job_settings: JobSettings = JobSettings(rows_per_second=rows_per_second, latency=job_latency)
        self._host, self._port, self._db = host, port, db
        self._given_token = token
        self._log = RequestLog()
        self._running: _Running | None = None

    def start(self) -> None:
        """Open the state and serve; the context manager does this.

        Raises:
            OSError: the port is taken.
            ValueError: the file is not an emulator's.
            RuntimeError: it is running already.
        """
        if self._running is not None:
            raise RuntimeError("the emulator is running already")
        running = _Running(self._db, self._given_token, self.faults, self.settings, self.job_settings)
        try:
            running.serve(self._host, self._port, self._log)
        except BaseException:
            running.service.store.close()
            raise
        self._running = running

    def close(self) -> None:
        """Stop serving and close everything; the context manager does this. Closing twice is fine."""
        running, self._running = self._running, None
        if running is not None:
            running.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:49152``."""
        return self._now.url

    @property
    def token(self) -> str:
        """An access token with all rights."""
        return self._now.token

    @property
    def requests(self) -> list[Request]:
        """What arrived, in order; the last 10,000. Stays after closing."""
        return self._log.records()

    @property
    def request_count(self) -> int:
        """How many requests arrived in all."""
        return self._log.count

    @property
    def ledger(self) -> Ledger:
        """Every effect that was applied, in order."""
        return Ledger(self._service.store)

    def add_procedure(
        self,
        short_id: str,
        *,
        primary_key: str | tuple[str, ...] | None = None,
        states: Sequence[str] | None = None,
    ) -> str:
        """Add a procedure, or change one, and return its uuid.

        Args:
            short_id: its name in paths.
            primary_key: the attributes whose values are unique.
            states: the states a process may have, the first for new ones; ``None`` accepts any.

        Raises:
            ValueError: a name that cannot work, or other keys for a procedure that has processes.
        """
        return self._service.catalog.add_procedure(short_id, _keys(primary_key), states).id

    def add_token(self, role: Role = "read-only", token: str | None = None) -> str:
        """Add an access token with the role ``"admin"`` or ``"read-only"`` and return it."""
        return self._service.catalog.add_token(role, token)

    def processes(self, procedure: str) -> list[dict[str, Any]]:
        """Return all processes of a procedure as the API shows them, in order, deleted ones included."""
        found = self._procedure(procedure)
        return [wire(row, found, self._service.store) for row in self._service.processes.all(found)]

    def process(self, procedure: str, id_or_key: str | int) -> dict[str, Any] | None:
        """Return the process with this id, or this value of a primary key, as the API shows it."""
        found = self._procedure(procedure)
        processes = self._service.processes
        text = str(id_or_key)
        row = processes.by_id(found, text)
        for name in found.keys:
            row = row or processes.by_key(found, name, text)
        return None if row is None else wire(row, found, self._service.store)

    def _procedure(self, name: str) -> Procedure:
        procedure = self._service.catalog.procedure(name)
        if procedure is None:
            raise LookupError(f"no procedure {name!r}: add it with add_procedure")
        return procedure

    @property
    def _now(self) -> _Running:
        if self._running is None:
            raise RuntimeError("the emulator is not running: use it inside `with Emulator() as emulator:`")
        return self._running

    @property
    def _service(self) -> Service:
        return self._now.service


class _Running:
    """One stretch of serving: the open state and the thread."""

    def __init__(
        self, db: str, token: str | None, faults: Faults, settings: Settings, job_settings: JobSettings
    ) -> None:
        store = Store(db)
        try:
            catalog = Catalog(store)
            self.token = (None if token else catalog.admin_token()) or catalog.add_token("admin", token)
            for name, keys in _ALWAYS.items():
                if catalog.procedure(name) is None:
                    catalog.add_procedure(name, keys, None)
        except BaseException:
            store.close()
            raise
        self.service = Service(
            store, catalog, Processes(store), JobRecords(store), faults, settings, job_settings
        )
        self.url = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def serve(self, host: str, port: int, log: RequestLog) -> None:
        """Start the thread and wait until the port is open."""
        ready: Future[None] = Future()

        def run() -> None:
            try:
                asyncio.run(self._serve(host, port, log, ready))
            except BaseException as error:
                if ready.done():
                    raise
                ready.set_exception(error)

        # A daemon, so that an emulator which nobody closed cannot keep the interpreter alive.
        self._thread = threading.Thread(target=run, name="chakra-emulator", daemon=True)
        self._thread.start()
        ready.result()

    async def _serve(self, host: str, port: int, log: RequestLog, ready: Future[None]) -> None:
        jobs = JobRunner(self.service)
        app = App(self.service, jobs, log)
        server = web.Server(app.handle, access_log=None, logger=_log, read_bufsize=2**20)
        # Not 0, which aiohttp takes for no limit: a request that a fault delays would hold up the end.
        runner = web.ServerRunner(server, shutdown_timeout=0.01)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            address = runner.addresses[0]
            self.url = f"http://{f'[{host}]' if ':' in host else host}:{address[1]}"
            jobs.resume()
            ready.set_result(None)
            await self._stop.wait()
        finally:
            await jobs.close()
            await runner.cleanup()

    def close(self) -> None:
        """Stop the thread, then close the state."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self.service.store.close()


_ALWAYS: dict[str, tuple[str, ...]] = {"lead": ("lead_id", "phone_number"), "ticket": ("ticket_id",)}


def _keys(primary_key: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if primary_key is None:
        return ()
    return (primary_key,) if isinstance(primary_key, str) else tuple(primary_key)
