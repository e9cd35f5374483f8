"""Chakra on localhost: a stateful emulator of the API, with faults on demand.

It shares no code with the SDK, so a wrong belief about the API cannot hide on both sides of a test.
"""

from __future__ import annotations

from chakra_async.emulator.events import Event
from chakra_async.emulator.rate import Rate, RateSecond
from chakra_async.emulator.records import Effect, Message, Request, WebhookDelivery
from chakra_async.emulator.server import Emulator
from chakra_async.emulator.settings import JobSettings, Settings
from chakra_async.emulator.webhooks import Webhook


__all__ = [
    "Effect",
    "Emulator",
    "Event",
    "JobSettings",
    "Message",
    "Rate",
    "RateSecond",
    "Request",
    "Settings",
    "Webhook",
    "WebhookDelivery",
]
