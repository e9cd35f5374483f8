"""For aiohttp: ``app.router.add_post("/webhooks/chakra", endpoint(webhooks))``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from chakra_async.webhooks.receiver import Webhooks


def endpoint(webhooks: Webhooks) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make the handler of a POST route. The limit is ``max_body_bytes``, not ``client_max_size``."""

    async def receive(request: web.Request) -> web.Response:
        receipt = await webhooks.receive(request.content.iter_any(), request.headers)
        return web.Response(status=receipt.status, text=receipt.text)

    return receive
