"""Receiving Chakra's and Meta's webhooks: verified, typed, each handled once.

For web frameworks there is an ``endpoint`` in each of the modules ``aiohttp``, ``starlette`` (FastAPI too),
``flask`` and ``django`` of this package; nothing loads them but your import.
"""

from chakra_async.webhooks._intake import Unsigned
from chakra_async.webhooks._reading import parse
from chakra_async.webhooks._receipts import Receipt
from chakra_async.webhooks.events import (
    EchoEvent,
    Event,
    EventError,
    Location,
    Media,
    MessageEvent,
    RawEvent,
    Reaction,
    StatusEvent,
    TemplateEvent,
    WebhookFormat,
)
from chakra_async.webhooks.receiver import Acknowledge, Webhooks
from chakra_async.webhooks.signatures import SIGNATURE_HEADER, SigningSecrets, verify_signature
from chakra_async.webhooks.sqlite import SqliteStore
from chakra_async.webhooks.stores import Claim, MemoryStore, Store
from chakra_async.webhooks.tracker import MessageStatus, StatusTracker


__all__ = [
    "SIGNATURE_HEADER",
    "Acknowledge",
    "Claim",
    "EchoEvent",
    "Event",
    "EventError",
    "Location",
    "Media",
    "MemoryStore",
    "MessageEvent",
    "MessageStatus",
    "RawEvent",
    "Reaction",
    "Receipt",
    "SigningSecrets",
    "SqliteStore",
    "StatusEvent",
    "StatusTracker",
    "Store",
    "TemplateEvent",
    "Unsigned",
    "WebhookFormat",
    "Webhooks",
    "parse",
    "verify_signature",
]
