"""What came back from a call, before it is read as anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define


@define
class Reply:
    """What came back: the payload and what surrounds it.

    Attributes:
        status: HTTP status, always 2xx.
        headers: the answer's headers.
        data: ``_data`` of a wrapped answer, else the whole JSON value; ``None`` for an empty body.
        meta: ``_meta`` of a wrapped answer, else empty.
        attempts: how many times the request was sent or tried.
    """

    status: int
    headers: Mapping[str, str]
    data: Any
    meta: Mapping[str, Any]
    method: str
    path: str
    repeatable: bool
    attempts: int = 1

    @property
    def request_id(self) -> str | None:
        """The id under which the service knows the request, when it gave one."""
        return request_id(self.headers)


def request_id(headers: Mapping[str, str]) -> str | None:
    """The service's own id of a request. The header's name is inferred; several usual ones are read."""
    for name in ("x-request-id", "request-id", "x-amzn-requestid", "x-amzn-trace-id", "cf-ray"):
        if value := headers.get(name):
            return readable(value)
    return None


def readable(value: str) -> str:
    """Return the value of a header as text that can be printed: stray bytes come as lone surrogates."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
