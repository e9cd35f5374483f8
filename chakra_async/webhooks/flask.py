"""For Flask: ``app.add_url_rule("/webhooks/chakra", view_func=endpoint(webhooks), methods=["POST"])``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from chakra_async.webhooks._sync import close_at_exit
from chakra_async.webhooks.receiver import Webhooks


try:
    from flask import Response, request
except ModuleNotFoundError as _missing:
    raise ImportError("chakra_async.webhooks.flask needs Flask: pip install flask") from _missing

_PIECE = 65_536


def endpoint(webhooks: Webhooks) -> Callable[[], Response]:
    """Make the view function of a POST rule. Plain handlers run in the request's context."""
    close_at_exit(webhooks)

    def chakra_webhooks() -> Response:
        pieces = iter(partial(request.stream.read, _PIECE), b"")
        receipt = webhooks.receive_sync(pieces, dict(request.headers))
        return Response(receipt.text, receipt.status, mimetype="text/plain")

    return chakra_webhooks
