"""Webhooks of a running emulator: what happens is shaped, queued and sent, beside everything else."""

from __future__ import annotations

import asyncio
import base64
import logging
import math
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, cast

import orjson
from attrs import evolve

from chakra_async.emulator.events import Event, EventKind
from chakra_async.emulator.media import attachment_url
from chakra_async.emulator.message_rules import MEDIA
from chakra_async.emulator.records import WebhookDelivery
from chakra_async.emulator.service import Service
from chakra_async.emulator.webhook_bodies import body_of
from chakra_async.emulator.webhook_options import WebhookOptions
from chakra_async.emulator.webhook_schedule import Outgoing, Schedule
from chakra_async.emulator.webhook_sender import BOM, Sender, headers_of


_KEPT: Final = 10_000

_log = logging.getLogger("chakra_async.emulator")


class Webhook:
    """Webhooks on their way to one address, and what came of them; made by ``Emulator.deliver_webhooks``.

    It may be used from any thread.
    """

    def __init__(
        self, options: WebhookOptions, service: Service, origin: str, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._options = options
        self._service = service
        self._origin = origin
        self._loop = loop
        self._changed = threading.Condition()
        self._pending = 0
        self._dropped = 0
        self._closed = False
        self._deliveries: deque[WebhookDelivery] = deque(maxlen=_KEPT)
        # The rest belongs to the loop.
        self._schedule = Schedule(
            duplicates=options.duplicates, shuffle=options.shuffle, delay=options.delay, seed=options.seed
        )
        self._wake = asyncio.Event()
        self._queue: asyncio.Queue[Outgoing] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        loop.call_soon_threadsafe(self._start)
        self._unsubscribe = service.events.subscribe(self._hear)

    @property
    def url(self) -> str:
        """Where the webhooks go."""
        return self._options.url

    @property
    def deliveries(self) -> list[WebhookDelivery]:
        """What was delivered or given up, in the order it ended; the last 10,000."""
        with self._changed:
            return list(self._deliveries)

    @property
    def pending(self) -> int:
        """How many wait to be sent or answered."""
        with self._changed:
            return self._pending

    @property
    def dropped(self) -> int:
        """How many were never sent, as too many were waiting already."""
        with self._changed:
            return self._dropped

    def wait_until_idle(self, timeout: float = 10.0) -> None:
        """Wait until everything that has happened so far was delivered or given up, or the hook was closed.

        It blocks; in a coroutine use ``await asyncio.to_thread(hook.wait_until_idle)``.

        Raises:
            TimeoutError: it took longer than ``timeout`` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or not self._pending, timeout):
                raise TimeoutError(f"{self._pending} webhooks are still on their way after {timeout:g} s")

    def flush(self, timeout: float = 10.0) -> None:
        """Send at once what is delayed or held back to be shuffled, and ``wait_until_idle``."""
        with suppress(RuntimeError):  # the loop is closed, and so are we
            self._loop.call_soon_threadsafe(self._put, math.inf)
        self.wait_until_idle(timeout)

    def close(self) -> None:
        """Deliver nothing more, not even what is on its way. Closing twice is fine."""
        self._end()
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._cancel)

    async def stop(self) -> None:
        """Close, and wait until nothing is left open; for the emulator, on its own loop."""
        self._end()
        self._cancel()
        if self._task is not None:
            await asyncio.wait([self._task])

    def _end(self) -> None:
        self._unsubscribe()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _hear(self, event: Event) -> None:
        if event.kind not in self._options.kinds:
            return
        body = self._body(event)
        if body is None:
            return
        with self._changed:
            if self._pending >= self._options.limit:
                self._dropped += 1
                return
            self._pending += 1
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._accept, event.kind, body)

    def _body(self, event: Event) -> bytes | None:
        settings = self._service.settings
        if event.kind == "message":
            event = evolve(event, meta=self._with_media(event.meta))
        shaped = body_of(event, self._options.format, settings)
        if shaped is None:
            return None
        return (BOM if self._options.bom else b"") + orjson.dumps(shaped)

    def _with_media(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Shape the media of a message, if it has any, as webhooks do: hash in base64, signed address."""
        kind = str(message.get("type"))
        shown = message.get(kind)
        if kind not in MEDIA or not isinstance(shown, dict):
            return message
        media = self._service.media.get(str(cast("dict[str, Any]", shown).get("id")))
        if media is None:
            return message
        url = attachment_url(self._origin, media, self._service.settings.media_url_seconds)
        digest = base64.b64encode(bytes.fromhex(media["sha256"])).decode()
        return {**message, kind: {**shown, "sha256": digest, "url": url}}

    def _start(self) -> None:
        if not self._closed:
            self._task = self._loop.create_task(self._run())

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _accept(self, kind: EventKind, body: bytes) -> None:
        copies = self._schedule.add(kind, body, self._loop.time())
        with self._changed:
            self._pending += copies - 1
        self._put(self._loop.time())

    def _put(self, now: float) -> None:
        for outgoing in self._schedule.take(now):
            self._queue.put_nowait(outgoing)
        self._wake.set()

    async def _run(self) -> None:
        options = self._options
        sender = Sender(
            options.url, timeout=options.timeout, retries=options.retries, retry_wait=options.retry_wait
        )
        try:
            async with sender, asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_time())
                for _ in range(options.concurrency):
                    tasks.create_task(self._deliver(sender))
        except Exception:
            _log.exception("Webhooks broke down: this is a bug of the emulator")
            self.close()

    async def _keep_time(self) -> None:
        while True:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._schedule.next_at()):
                    await self._wake.wait()
            self._put(self._loop.time())

    async def _deliver(self, sender: Sender) -> None:
        while True:
            outgoing = await self._queue.get()
            headers = headers_of(outgoing.body, self._options.secret)
            answered = await sender.send(outgoing.body, headers)
            if not answered.is_taken:
                reason = answered.error or f"it was answered with {answered.status}"
                _log.warning("A webhook (%s) was not taken: %s", outgoing.kind, reason)
            self._done(
                WebhookDelivery(
                    kind=outgoing.kind,
                    body=outgoing.body,
                    headers=headers,
                    status=answered.status,
                    attempts=answered.attempts,
                    error=answered.error,
                    is_copy=outgoing.is_copy,
                )
            )

    def _done(self, delivery: WebhookDelivery) -> None:
        with self._changed:
            self._deliveries.append(delivery)
            self._pending -= 1
            self._changed.notify_all()
