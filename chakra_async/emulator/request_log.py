"""The log of what arrived, in order, bounded in count and in bytes."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Mapping
from typing import Final

from attrs import define, field

from chakra_async.emulator.records import Request, from_ms
from chakra_async.emulator.store import now_ms


_KEPT_REQUESTS: Final = 10_000
KEPT_BODY: Final = 64 * 1024


@define
class Arrival:
    """A request under way; it becomes a record when somebody looks."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    request_id: str
    at: int = field(factory=now_ms)
    body: bytes = b""
    size: int = 0
    sha256: str = ""
    status: int | None = None

    def received(self, body: bytes, size: int, digest: str) -> None:
        """Note the body; a long one only by its size and digest."""
        self.size, self.sha256 = size, digest
        self.body = body if size <= KEPT_BODY else b""


class RequestLog:
    """The last 10,000 requests, and how many there were in all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrivals: deque[Arrival] = deque(maxlen=_KEPT_REQUESTS)
        self._prefix = secrets.token_hex(4)
        self.count: int = 0

    def arrived(self, method: str, raw_path: str, headers: Mapping[str, str]) -> Arrival:
        """Note a request whose headers have been read."""
        path, _, query = raw_path.partition("?")
        with self._lock:
            self.count += 1
            arrival = Arrival(method, path, query, headers, f"{self._prefix}-{self.count:08x}")
            self._arrivals.append(arrival)
        return arrival

    def records(self) -> list[Request]:
        """Return the requests so far as records that no longer change."""
        with self._lock:
            arrivals = list(self._arrivals)
        return [
            Request(
                method=one.method,
                path=one.path,
                query=one.query,
                headers=one.headers,
                body=one.body,
                size=one.size,
                sha256=one.sha256,
                status=one.status,
                request_id=one.request_id,
                at=from_ms(one.at),
            )
            for one in arrivals
        ]
