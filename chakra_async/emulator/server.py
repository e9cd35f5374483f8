"""The emulator as a user holds it: its own thread and loop, safe to use from any other thread."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Literal, Self

from chakra_async.emulator.catalog import Procedure, Role
from chakra_async.emulator.controls import Controls
from chakra_async.emulator.events import EventKind
from chakra_async.emulator.faults import Faults
from chakra_async.emulator.ledger import Ledger
from chakra_async.emulator.processes import wire
from chakra_async.emulator.rate import Rate
from chakra_async.emulator.records import Request
from chakra_async.emulator.request_log import RequestLog
from chakra_async.emulator.running import Running
from chakra_async.emulator.service import Service
from chakra_async.emulator.settings import JobSettings, Settings
from chakra_async.emulator.store import MEMORY
from chakra_async.emulator.webhook_bodies import WebhookFormat
from chakra_async.emulator.webhook_options import WebhookOptions
from chakra_async.emulator.webhooks import Webhook


class Emulator(Controls):
    """Chakra on localhost: stateful, with background jobs that take time and faults on demand.

    Use it as a context manager, sync or async. It serves from a thread and an event loop of its own; every
    method and attribute may be used from any thread while it runs. The procedures ``lead`` (primary keys
    ``lead_id`` and ``phone_number``) and ``ticket`` (``ticket_id``) exist from the start, as does a WhatsApp
    plugin with one business account and one phone number.

    Args:
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        db: file that keeps the state, or ``":memory:"``. Jobs left unfinished in a file go on.
        token: access token with all rights; by default the one in ``db``, else a random one.
        rows_per_second: speed of each background job; ``None`` is as fast as possible.
        job_latency: seconds before a background job starts.
        on_existing_key: what creating with a taken primary key does, see ``Settings``.
        max_body_bytes: limit of a request body, see ``Settings``.
        requests_per_second: the rate allowed to each token; ``None`` allows any.
        burst_seconds: how many seconds' worth of requests may come at once, see ``Settings``.
        rate_algorithm: how the rate is measured, see ``Settings``.

    Attributes:
        faults: plan faults here.
        rate: how many requests the allowed rate let through and refused.
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
        requests_per_second: float | None = None,
        burst_seconds: float = 1.0,
        rate_algorithm: Literal["token_bucket", "fixed_window", "sliding_window"] = "token_bucket",
    ) -> None:
        self.faults: Faults = Faults()
        self.settings: Settings = Settings(
            on_existing_key=on_existing_key,
            max_body_bytes=max_body_bytes,
            requests_per_second=requests_per_second,
            burst_seconds=burst_seconds,
            rate_algorithm=rate_algorithm,
        )
        self.rate: Rate = Rate(self.settings)
        self.job_settings: JobSettings = JobSettings(rows_per_second=rows_per_second, latency=job_latency)
        self._host, self._port, self._db = host, port, db
        self._given_token = token
        self._log = RequestLog()
        self._running: Running | None = None

    def start(self) -> None:
        """Open the state and serve; the context manager does this.

        Raises:
            OSError: the port is taken.
            ValueError: the file is not an emulator's, the token cannot be one, or the host is empty.
            RuntimeError: it is running already.
        """
        if self._running is not None:
            raise RuntimeError("the emulator is running already")
        if not self._host:
            raise ValueError("the host is empty: expected an address such as 127.0.0.1, or 0.0.0.0 for all")
        running = Running(self._db, self._given_token, self.faults, self.settings, self.job_settings)
        try:
            running.serve(self._host, self._port, self._log, self.rate)
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
        wanted: Future[None] = Future()
        starting = asyncio.get_running_loop().run_in_executor(None, self._start_while, wanted)
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            if wanted.cancel():
                await asyncio.wait([starting])  # its thread cannot be stopped, and closes what it starts
            else:
                self.close()
            raise
        return self

    def _start_while(self, wanted: Future[None]) -> None:
        """Start, and close again if nobody waits for it any more."""
        self.start()
        if not wanted.set_running_or_notify_cancel():
            self.close()

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
        """What arrived, in order: the last 10,000, and 32 MiB of their bodies. Stays after closing."""
        return self._log.records()

    @property
    def request_count(self) -> int:
        """How many requests arrived in all."""
        return self._log.count

    @property
    def ledger(self) -> Ledger:
        """Every effect that was applied, in order."""
        return Ledger(self._service.store)

    def deliver_webhooks(
        self,
        url: str,
        *,
        format: WebhookFormat = "chakra",  # noqa: A002
        secret: str | None = None,
        events: Collection[EventKind] | None = None,
        duplicates: float = 0.0,
        shuffle: int = 1,
        delay: float | tuple[float, float] = 0.0,
        retries: int = 0,
        retry_wait: float = 0.1,
        timeout: float = 10.0,
        concurrency: int = 1,
        bom: bool = False,
        limit: int = 10_000,
        seed: int = 0,
    ) -> Webhook:
        """Deliver webhooks to an address from now on, until the emulator or what is returned is closed.

        The emulator waits for no receiver, neither while it works nor when it is closed.

        Args:
            url: whom they are posted to.
            format: ``"chakra"``, the service's envelope of event and payload; ``"meta"``, Meta's bodies
                passed through; ``"delivery_status"``, the older webhook, which tells only of messages that
                were sent by Chakra's own endpoints.
            secret: signs them with ``X-Chakra-Signature-256``; without one that header is not sent.
            events: what they tell of; by default all that the format can tell, except ``"message_echo"``.
            duplicates: how probable it is, from 0 to 1, that one is delivered twice.
            shuffle: deliver in groups of this many, each in random order; a group that nothing is added to
                for 0.2 seconds leaves as it is. 1 keeps the order.
            delay: seconds between what happened and its delivery, or the least and the most of them: each
                delivery then has its own and may overtake others.
            retries: how often one that is not answered with a 2xx is sent again. The service is documented
                to do so never.
            retry_wait: seconds before each time.
            timeout: seconds an answer may take.
            concurrency: deliveries at the same time; only 1 keeps the order.
            bom: begin each body with a UTF-8 byte order mark, as one relay did; it is signed, too.
            limit: how many may wait to be delivered; more are dropped, and counted.
            seed: decides about everything random.

        Raises:
            ValueError: an option makes no sense.
        """
        options = WebhookOptions(
            url=url,
            format=format,
            secret=secret,
            events=events,
            duplicates=duplicates,
            shuffle=shuffle,
            delay=delay,
            retries=retries,
            retry_wait=retry_wait,
            timeout=timeout,
            concurrency=concurrency,
            bom=bom,
            limit=limit,
            seed=seed,
        )
        return self._now.deliver_webhooks(options)

    def add_procedure(
        self,
        short_id: str,
        *,
        primary_key: str | tuple[str, ...] | None = None,
        states: Sequence[str] | None = None,
        tasks: Sequence[str] | None = None,
        attributes: Sequence[str] | None = None,
    ) -> str:
        """Add a procedure, or change one, and return its uuid.

        Args:
            short_id: its name in paths.
            primary_key: the attributes whose values are unique.
            states: the states a process may have, the first for new ones; ``None`` accepts any.
            tasks: the tasks a process may have; ``None`` accepts any.
            attributes: what the team's config tells of beside the keys and whatever processes have already,
                so that a dry run knows it; a process may have any others.

        Raises:
            ValueError: a name that cannot work, or other keys for a procedure that has processes.
            TypeError: ``states``, ``tasks`` or ``attributes`` is one text instead of several.
        """
        keys = (primary_key,) if isinstance(primary_key, str) else tuple(primary_key or ())
        return self._service.catalog.add_procedure(short_id, keys, states, tasks, attributes).id

    def add_token(self, role: Role = "read-only", token: str | None = None) -> str:
        """Add an access token with the role ``"admin"`` or ``"read-only"``, or change its role; return it.

        Raises:
            ValueError: there is no such role, or the text cannot be a token.
        """
        return self._service.add_token(role, token)

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
    def _now(self) -> Running:
        if self._running is None:
            raise RuntimeError("the emulator is not running: use it inside `with Emulator() as emulator:`")
        return self._running

    @property
    def _service(self) -> Service:
        return self._now.service
