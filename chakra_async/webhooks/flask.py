"""For Flask: ``app.add_url_rule("/webhooks/chakra", view_func=endpoint(webhooks), methods=["POST"])``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from chakra_async.webhooks._sync import close_at_exit
from chakra_async.webhooks.receiver import Webhooks


try:
    from flask import Response, request
except ModuleNotFoundError as _missing:
    raise ImportError("chakra_async.webhooks.flask needs Flask: pip install flask") from _missing

_PIECE = 65_536


def endpoint(webhooks: Webhooks) -> Callable[[], Response]:
    """Make the view function of a POST rule.

    Plain handlers run in the request's context, unless ``acknowledge="at_once"``.
    """
    close_at_exit(webhooks)

    def chakra_webhooks() -> Response:
        receipt = webhooks.receive_sync(_pieces(), dict(request.headers))
        return Response(receipt.text, receipt.status, mimetype="text/plain")

    return chakra_webhooks


def _pieces() -> Iterator[bytes]:
    # What has read the body before left the stream empty, and the request keeps what it got.
    yield request.stream.read(_PIECE) or request.get_data()
    yield from iter(partial(request.stream.read, _PIECE), b"")
