"""Health: the one endpoint that asks for no token."""

from __future__ import annotations

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.routing import Call, Route


def health(_call: Call) -> Answer:
    """Say that the service is there."""
    return success({"status": "ok"})


ROUTES = (Route("GET", "/v1/health", health, public=True),)
