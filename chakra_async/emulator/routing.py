"""Routes: a table of method, path template and handler, matched on the raw path.

Segments are split before they are decoded, so an encoded slash stays inside its segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote

from attrs import frozen

from chakra_async.emulator.answer import Answer
from chakra_async.emulator.catalog import Token
from chakra_async.emulator.changes import Cause
from chakra_async.emulator.jobs import JobRunner
from chakra_async.emulator.service import Service


@frozen
class Call:
    """One authorised call of an endpoint."""

    service: Service
    jobs: JobRunner
    token: Token | None
    request_id: str
    query: Mapping[str, str]
    body: bytes

    @property
    def cause(self) -> Cause:
        """The cause of what this call changes."""
        return Cause(self.request_id, self.token.user if self.token else "")


Handler = Callable[..., Answer]


@frozen
class Route:
    """An endpoint.

    Attributes:
        method: HTTP method.
        template: path with ``{name}`` for each parameter.
        handler: called with the call, and the parameters by position.
        writes: refused to tokens that may only read.
        public: answers without a token.
    """

    method: str
    template: str
    handler: Handler
    writes: bool = False
    public: bool = False


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[tuple[str, int], list[tuple[list[str | None], Route]]] = {}
        for route in routes:
            pattern = [None if part.startswith("{") else part for part in route.template.split("/")]
            self._routes.setdefault((route.method, len(pattern)), []).append((pattern, route))

    def match(self, method: str, path: str) -> tuple[Route, list[str]] | None:
        """Return the route and its decoded parameters."""
        if not path.isascii():
            return None
        parts = path.split("/")
        for pattern, route in self._routes.get((method, len(parts)), ()):
            if all(known is None or known == part for known, part in zip(pattern, parts, strict=True)):
                values = [part for known, part in zip(pattern, parts, strict=True) if known is None]
                return (route, [unquote(value) for value in values]) if all(values) else None
        return None


def parse_query(query: str) -> dict[str, str]:
    """Decode a query string; the last of several equal names counts."""
    return dict(parse_qsl(query, keep_blank_values=True)) if query else _NO_QUERY


_NO_QUERY: Final[dict[str, str]] = {}
