"""From a delivery's body to its events. Nothing in a readable body is lost: what is strange comes raw."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import orjson

from chakra_async._json import read_json
from chakra_async._shapes import as_object
from chakra_async.errors import DecodeError
from chakra_async.webhooks import _chakra, _meta
from chakra_async.webhooks._found import Found
from chakra_async.webhooks.events import Event


_MAX_EVENTS: Final = 10_000  # Meta puts 1,000 at most into one delivery


def parse(body: bytes) -> list[Event]:
    """Read the events of one delivery, in their order, whichever of the three formats it has.

    The signature is not looked at: call `verify_signature` before, or use `Webhooks`.

    Raises:
        DecodeError: it is no JSON object, or it holds more than 10,000 events.
    """
    try:
        tree: Any = read_json(body)
    except orjson.JSONDecodeError:
        raise DecodeError("The webhook's body is not JSON.") from None
    if not isinstance(tree, dict):
        raise DecodeError("The webhook's body is JSON, but not an object.")
    events = [found.event() for found in islice(_find(as_object(tree)), _MAX_EVENTS + 1)]
    if len(events) > _MAX_EVENTS:
        raise DecodeError(f"The webhook holds more than {_MAX_EVENTS:,} events.")
    return events


def _find(tree: dict[str, Any]) -> Iterator[Found]:
    if isinstance(tree.get("entry"), list):
        return _meta.find(tree)
    if isinstance(tree.get("event"), str):
        return _chakra.find(tree)
    return iter([Found("unknown", "unknown", {}, tree)])
