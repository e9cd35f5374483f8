"""Health, which may or may not look at the token."""

from __future__ import annotations

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.refusals import Unauthorized
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.shapes import STRING, obj, wrapped


def health(call: Call) -> Answer:
    """Say that the service is there."""
    if call.token is None and call.service.settings.health_needs_token:
        raise Unauthorized("Unauthorized: the access token is missing or unknown")
    return success({"status": "ok"})


ROUTES = (Route("GET", "/v1/health", health, public=True, gives=wrapped(obj({"status": STRING}, "status"))),)
