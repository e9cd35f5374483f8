"""For aiohttp: ``app.router.add_post("/webhooks/chakra", endpoint(webhooks))``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from chakra_async.webhooks.receiver import Webhooks


def endpoint(webhooks: Webhooks) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make the handler of a POST route.

    The limit is ``max_body_bytes``, not ``client_max_size``, unless a middleware reads the body before it.
    """

    async def receive(request: web.Request) -> web.Response:
        # What has read all of it before left the stream empty, and the request keeps what it got.
        body = request.content.iter_any() if request.can_read_body else await request.read()
        try:
            receipt = await webhooks.receive(body, request.headers)
        except (ConnectionError, web.RequestPayloadError):
            return web.Response(status=400)  # the body broke off
        return web.Response(status=receipt.status, text=receipt.text)

    return receive
