"""What the sink answers: bodies of the size and shape of the service's own."""

from __future__ import annotations

import json
from typing import Final


LISTED: Final = 100_000
"""Processes that a list call finds."""
ENTRIES: Final = 1000
"""Entries of every job, all on one page."""

_ID: Final = "3396ea03-cc82-4a52-967b-dc2a94b50f12"

PROCESS: Final = {
    "id": _ID,
    "team": "0b9c8f6e-6f0c-4c53-9d1e-3a0f2f0a7c11",
    "procedure": "7d3e5b1a-20c4-4c0e-8b7a-5f1d9e2c6a34",
    "createdBy": "c1a2b3d4-55aa-4bcd-9e0f-112233445566",
    "assignedTo": "c1a2b3d4-55aa-4bcd-9e0f-112233445566",
    "belongsTo": None,
    "entity": "5e6f7a8b-9c0d-4e1f-a2b3-c4d5e6f7a8b9",
    "record": "9f8e7d6c-5b4a-4938-8271-605f4e3d2c1b",
    "status": "OPEN",
    "state": "NEW",
    "data": {"lead_id": "LEAD-000017", "name": "Asha", "phone_number": "919812345678", "score": 57},
    "nextActionAt": 1767225600000,
    "createdAt": 1767225600000,
    "updatedAt": 1767225600000,
    "isDeleted": False,
}

ENTRY: Final = {
    "id": "3396ea03-cc82-4a52-967b-dc2a94b50f12",
    "createdAt": 1767225600000,
    "updatedAt": 1767225600000,
    "backgroundJob": "0b9c8f6e-6f0c-4c53-9d1e-3a0f2f0a7c11",
    "completionStatus": "SUCCESS",
    "statusMessage": None,
    "index": 17,
    "process": _ID,
}


def encode(body: object) -> bytes:
    """Write JSON without blanks, as services do."""
    return json.dumps(body, separators=(",", ":")).encode()


def answer(body: bytes, status: bytes = b"200 OK", extra: bytes = b"") -> bytes:
    """Put a body into an HTTP answer with the headers that a service behind a proxy sends."""
    return (
        b"HTTP/1.1 %b\r\nServer: nginx\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        b"Content-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n"
        b"Connection: keep-alive\r\nX-Request-Id: 4f1c2a9e-7b3d-4d1a-8e55-0c9a6b2f7d10\r\n%b\r\n%b"
    ) % (status, len(body), extra, body)


ONE_PROCESS: Final = answer(encode({"_data": PROCESS}))
ALL_ENTRIES: Final = answer(
    encode({"_data": [{**ENTRY, "index": n} for n in range(ENTRIES)], "_meta": {"total": ENTRIES}})
)


def _page(items: int, more: bool) -> bytes:
    return answer(encode({"_data": [PROCESS] * items, "_meta": {"hasMore": more}}))


_FULL_PAGE: Final = _page(100, more=True)


def page(skip: int, limit: int) -> bytes:
    """Answer a list call."""
    left = LISTED - skip
    if limit == 100 and left > limit:
        return _FULL_PAGE
    return _page(max(0, min(limit, left)), more=left > limit)
