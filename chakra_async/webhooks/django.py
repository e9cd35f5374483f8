"""For Django: ``path("webhooks/chakra", endpoint(webhooks))``, or ``async_endpoint`` where ASGI serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial

from chakra_async.webhooks._sync import close_at_exit
from chakra_async.webhooks.receiver import Webhooks


try:
    from django.http import HttpRequest, HttpResponse
    from django.views.decorators.csrf import csrf_exempt
    from django.views.decorators.http import require_POST
except ModuleNotFoundError as _missing:
    raise ImportError("chakra_async.webhooks.django needs Django: pip install django") from _missing

_PIECE = 65_536


def endpoint(webhooks: Webhooks) -> Callable[[HttpRequest], HttpResponse]:
    """Make a view.

    Plain handlers run in the request's thread, with its database connection, unless
    ``acknowledge="at_once"``.
    """
    close_at_exit(webhooks)

    @csrf_exempt
    @require_POST
    def receive(request: HttpRequest) -> HttpResponse:
        receipt = webhooks.receive_sync(_pieces(request), request.headers)
        return HttpResponse(receipt.text, status=receipt.status, content_type="text/plain")

    return receive


def async_endpoint(webhooks: Webhooks) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    """Make an async view. Under ASGI Django has spooled the whole body to disk before any view runs."""

    @csrf_exempt
    @require_POST
    async def receive(request: HttpRequest) -> HttpResponse:
        receipt = await webhooks.receive(_async_pieces(request), request.headers)
        return HttpResponse(receipt.text, status=receipt.status, content_type="text/plain")

    return receive


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    return iter(partial(request.read, _PIECE), b"")


async def _async_pieces(request: HttpRequest) -> AsyncIterator[bytes]:
    for piece in _pieces(request):
        yield piece
