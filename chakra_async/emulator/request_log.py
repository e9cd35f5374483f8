"""The log of what arrived, in order, bounded in count, and its bodies in bytes."""

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
_KEPT_BODIES: Final = 32 * 1024 * 1024


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


class RequestLog:
    """The last 10,000 requests, the last 32 MiB of their bodies, and how many there were in all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrivals: deque[Arrival] = deque(maxlen=_KEPT_REQUESTS)
        self._with_body: deque[Arrival] = deque()
        self._room = _KEPT_BODIES
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

    def received(self, arrival: Arrival, body: bytes, size: int, digest: str) -> None:
        """Note the body of a request; a long one only by its size and digest."""
        arrival.size, arrival.sha256 = size, digest
        if not body or size > KEPT_BODY:
            return
        with self._lock:
            arrival.body = body
            self._with_body.append(arrival)
            self._room -= len(body)
            while self._room < 0 or len(self._with_body) > _KEPT_REQUESTS:
                oldest = self._with_body.popleft()
                self._room += len(oldest.body)
                oldest.body = b""

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
