"""How long the service asks to wait."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from chakra_async._shapes import as_object, is_number


_BODY_FIELDS = {"retry_after_ms": 1000, "retryAfterMs": 1000, "retry_after": 1, "retryAfter": 1}

# Compiled when it is first needed, as most programs never do.
_RETRY_IN_TEXT = r"retry after (\d+(?:\.\d+)?) ?ms"


def retry_after(headers: Mapping[str, str], body: str, now: datetime) -> float | None:
    """Seconds the service asks to wait, or ``None``.

    ``Retry-After`` is read as seconds or as a date. The other places (``retry_after_ms``, ``retry_after``
    and a phrase in the text) were seen in a public client, not proven.
    """
    asked = _from_header(headers.get("retry-after", "").strip(), now)
    return _from_body(body) if asked is None else asked


def _from_header(value: str, now: datetime) -> float | None:
    if not value:
        return None
    if (asked := _seconds(value)) is not None:
        return asked
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def _from_body(body: str) -> float | None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    for name, unit in _BODY_FIELDS.items():
        if (asked := _seconds(as_object(value).get(name), unit)) is not None:
            return asked
    match = re.search(_RETRY_IN_TEXT, body, re.IGNORECASE)
    return _seconds(match[1], 1000) if match else None


def _seconds(value: Any, unit: int = 1) -> float | None:
    """Read a wait, in ``unit`` parts of a second; ``None`` for what is none."""
    if not isinstance(value, str) and not is_number(value):
        return None
    try:
        asked = float(value) / unit
    except (ValueError, OverflowError):
        return None
    return asked if math.isfinite(asked) and asked >= 0 else None
