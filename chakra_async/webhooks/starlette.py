"""For Starlette: ``Route("/webhooks/chakra", endpoint(webhooks), methods=["POST"])``.

For FastAPI: ``app.add_route("/webhooks/chakra", endpoint(webhooks), methods=["POST"])``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chakra_async.webhooks.receiver import Webhooks


try:
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import PlainTextResponse, Response
except ModuleNotFoundError as _missing:
    raise ImportError("chakra_async.webhooks.starlette needs Starlette: pip install starlette") from _missing


def endpoint(webhooks: Webhooks) -> Callable[[Request], Awaitable[Response]]:
    """Make the function of a POST route."""

    async def receive(request: Request) -> Response:
        try:
            receipt = await webhooks.receive(request.stream(), request.headers)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        return PlainTextResponse(receipt.text, receipt.status)

    return receive
