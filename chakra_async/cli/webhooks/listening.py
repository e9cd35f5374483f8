"""A server that shows the webhooks that arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO

import click
from aiohttp import StreamReader, web

from chakra_async.cli.bulk.interrupts import Interrupts
from chakra_async.cli.webhooks.lines import as_json, as_text
from chakra_async.cli.webhooks.recording import as_line
from chakra_async.webhooks import Event, Receipt, Webhooks, parse
from chakra_async.webhooks.receiver import MAX_BODY_BYTES


_SHUTDOWN_SECONDS = 1.0


class Listener:
    """Answers webhooks as a receiver does, and shows them.

    Args:
        webhooks: decides what is let in.
        record: file that everything is appended to.
        json: show JSON lines.
        count: how many deliveries to wait for; ``None`` is without end.
    """

    def __init__(
        self, webhooks: Webhooks, *, record: IO[bytes] | None, json: bool, count: int | None
    ) -> None:
        self._webhooks = webhooks
        self._record = record
        self._line: Callable[..., str] = as_json if json else as_text
        self._left = count
        self._over = asyncio.Event()
        self._broken: Exception | None = None
        self._new: set[str] = set()
        webhooks.on("*")(self._handle)

    async def serve(self, host: str, port: int) -> None:
        """Listen until there were enough, until Ctrl-C or SIGTERM, or until a line cannot be shown.

        Raises:
            OSError: the port is taken, or a line cannot be written.
        """
        app = web.Application()
        app.router.add_post("/{path:.*}", self._answer)
        # What is compressed is shown and recorded as it came, and refused as by any receiver.
        runner = web.AppRunner(
            app, access_log=None, auto_decompress=False, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        with Interrupts() as interrupts:
            interrupts.stop = self._over.set
            await runner.setup()
            try:
                await web.TCPSite(runner, host, port).start()
                where = f"{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
                click.echo(f"Listening on http://{where}/ (Ctrl-C ends it)", err=True)
                await self._over.wait()
            finally:
                await runner.cleanup()
                await self._webhooks.aclose()
        if self._broken is not None:
            raise self._broken

    async def _handle(self, event: Event) -> None:
        self._new.add(event.id)

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            body = await _read(request.content)
        except (ConnectionError, web.RequestPayloadError):
            return web.Response(status=400)  # it broke off
        receipt = await self._webhooks.receive(body, request.headers)
        try:
            if self._record is not None:
                self._record.write(as_line(body, request.headers))
                self._record.flush()
            self._show(receipt, body)
        except OSError as error:  # nobody reads us any more, or the disk is full
            self._broken = error
            self._over.set()
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self._over.set()
        return web.Response(status=receipt.status, text=receipt.text)

    def _show(self, receipt: Receipt, body: bytes) -> None:
        at = datetime.now(UTC).astimezone()
        events = parse(body) if receipt.status < 300 else []
        if not events:
            click.echo(self._line(at, receipt, None, is_new=True))
        for event in events:
            click.echo(self._line(at, receipt, event, is_new=event.id in self._new))
            self._new.discard(event.id)


async def _read(content: StreamReader) -> bytes:
    """Return a body; of one that is too large as much as shows that it is."""
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            break
    return bytes(body)
