"""Answer WhatsApp messages: webhooks in an aiohttp service, and the client beside them.

Each message is answered once, however often it is delivered, also after a restart: what was handled stands
in a file. An answer of which nobody knows whether it was sent is not sent again.

Needs CHAKRA_WEBHOOK_SECRET (dashboard: Admin, Team, Secrets), CHAKRA_ACCESS_TOKEN, CHAKRA_PLUGIN_ID and
CHAKRA_PHONE_NUMBER_ID::

    python examples/webhooks_aiohttp.py 8000
"""

import os
import sys
from collections.abc import AsyncIterator

from aiohttp import web

from chakra_async import AmbiguousResultError, Client
from chakra_async.webhooks import MessageEvent, SqliteStore, StatusEvent, Webhooks
from chakra_async.webhooks.aiohttp import endpoint


def create_app() -> web.Application:
    """Make the app."""
    chakra = Client()
    store = SqliteStore("handled.db")
    webhooks = Webhooks(os.environ["CHAKRA_WEBHOOK_SECRET"], store=store)

    @webhooks.on("message")
    async def answer(event: MessageEvent) -> None:
        if event.sender is None or event.type != "text":
            return
        name = event.sender_name or "there"
        try:
            await chakra.whatsapp.messages.send_text(
                event.sender, f"Hello {name}, we have your message.", reply_to=event.message_id
            )
        except AmbiguousResultError as error:
            # Any other error is raised: then the delivery is answered with 500, and the next one tries again.
            print(f"{event.message_id}: perhaps answered: {error}", flush=True)

    @webhooks.on("status")
    async def report(event: StatusEvent) -> None:
        reasons = ", ".join(f"{error.code} {error.title}" for error in event.errors)
        print(f"{event.message_id}: {event.status} {reasons}".strip(), flush=True)

    async def resources(_app: web.Application) -> AsyncIterator[None]:
        async with chakra, webhooks:
            yield
        store.close()

    app = web.Application()
    app.cleanup_ctx.append(resources)
    app.router.add_post("/webhooks/chakra", endpoint(webhooks))
    return app


if __name__ == "__main__":
    web.run_app(create_app(), host="127.0.0.1", port=int(sys.argv[1]), print=None)
