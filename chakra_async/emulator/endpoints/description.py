"""The description of all endpoints, for machines."""

from __future__ import annotations

from collections.abc import Sequence

from chakra_async.emulator.answer import Answer, raw
from chakra_async.emulator.openapi import describe
from chakra_async.emulator.routing import Call, Route


def with_description(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Add the endpoint that describes the others, and itself."""

    def openapi(_call: Call) -> Answer:
        """Describe every endpoint of the emulator in the words of OpenAPI 3.1."""
        return raw(describe(all_routes))

    all_routes = (*routes, Route("GET", "/openapi.json", openapi, public=True))
    return all_routes
