"""Meta's paging: cursors, and the address of the next page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from chakra_async.emulator.refusals import Refusal
from chakra_async.emulator.schema import count_in_query
from chakra_async.emulator.shapes import STRING, Schema


QUERY: Final[Mapping[str, Schema]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
    "after": STRING,
    "before": STRING,
}


def page(
    items: Sequence[dict[str, Any]], query: Mapping[str, str], address: Callable[[str], str]
) -> tuple[Sequence[dict[str, Any]], dict[str, Any] | None]:
    """Return a page of items, and its ``paging``, which an empty page does not have.

    Args:
        items: all of them, in order, each with an ``id``.
        query: ``limit``, ``after`` and ``before``, and what else the next page needs.
        address: makes an address out of a query string.
    """
    limit = count_in_query(query, "limit", 25, minimum=1, maximum=1000)
    ids = [item["id"] for item in items]
    start = 0
    if "after" in query:
        start = _place(ids, query["after"]) + 1
    elif "before" in query:
        start = max(_place(ids, query["before"]) - limit, 0)
    stop = start + limit
    if "before" in query and "after" not in query:
        stop = min(stop, _place(ids, query["before"]))
    found = items[start:stop]
    if not found:
        return found, None
    paging: dict[str, Any] = {"cursors": {"before": cursor(ids[start]), "after": cursor(found[-1]["id"])}}
    rest = {name: value for name, value in query.items() if name not in ("after", "before", "limit")}
    if stop < len(items):
        paging["next"] = address(urlencode({**rest, "limit": limit, "after": paging["cursors"]["after"]}))
    if start:
        paging["previous"] = address(
            urlencode({**rest, "limit": limit, "before": paging["cursors"]["before"]})
        )
    return found, paging


def cursor(item_id: str) -> str:
    """Turn an id into a cursor."""
    return base64.urlsafe_b64encode(item_id.encode()).decode().rstrip("=")


def _place(ids: Sequence[str], text: str) -> int:
    try:
        return ids.index(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
    except (binascii.Error, ValueError) as error:
        raise Refusal("(#100) Invalid cursors values") from error
