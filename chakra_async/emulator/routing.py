"""Routes: a table of method, path template and handler, matched on the raw path.

Segments are split before they are decoded, so an encoded slash stays inside its segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from attrs import field, frozen

from chakra_async.emulator.answer import Answer
from chakra_async.emulator.catalog import Token
from chakra_async.emulator.changes import Cause
from chakra_async.emulator.jobs import JobRunner
from chakra_async.emulator.multipart import Form
from chakra_async.emulator.schema import an_object, parse
from chakra_async.emulator.service import Service
from chakra_async.emulator.shapes import OBJECT, Schema, check


@frozen(kw_only=True)
class Call:
    """One authorised call of an endpoint.

    Attributes:
        origin: scheme and host as the client addresses this server, perhaps through a proxy.
        schema: what the route says of its body.
        form: the body when it came as a form.
    """

    service: Service
    jobs: JobRunner
    token: Token | None
    request_id: str
    origin: str
    query: Mapping[str, str]
    schema: Schema
    body: bytes
    form: Form | None = None

    @property
    def cause(self) -> Cause:
        """The cause of what this call changes."""
        return Cause(self.request_id, self.token.user if self.token else "")

    def checked(self) -> dict[str, Any]:
        """Return the JSON of the body, an object, after checking it against the route's schema."""
        body = parse(self.body)
        check(body, self.schema)
        return an_object(body, "body")


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
        body: schema of the JSON it takes, if any.
        form: schema of the form it takes, if any. Its files are read to disk.
        query: schemas of what it reads from the query string.
        gives: schema of the JSON it answers with; ``None`` stands for bytes.
        gives_also: further statuses of a success, and what they mean.
    """

    method: str
    template: str
    handler: Handler
    writes: bool = False
    public: bool = False
    body: Schema | None = field(default=None, kw_only=True)
    form: Schema | None = field(default=None, kw_only=True)
    query: Mapping[str, Schema] = field(factory=dict[str, Schema], kw_only=True)
    gives: Schema | None = field(default=OBJECT, kw_only=True)
    gives_also: Mapping[int, str] = field(factory=dict[int, str], kw_only=True)


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
