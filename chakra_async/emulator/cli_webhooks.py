"""The options of the command that are about webhooks."""

from __future__ import annotations

import argparse
import os
from typing import Final

from chakra_async.emulator.server import Emulator
from chakra_async.emulator.webhook_bodies import KINDS
from chakra_async.emulator.webhooks import Webhook


_VARIABLE: Final = "CHAKRA_WEBHOOK_SECRET"


def add_webhook_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group(
        "webhooks", "What happens to messages and templates can be posted to an address of yours."
    )
    group.add_argument("--webhook", metavar="URL", help="post webhooks to this address")
    group.add_argument(
        "--webhook-format",
        choices=tuple(KINDS),
        default="chakra",
        help="chakra: the service's events; meta: Meta's bodies, passed through; delivery_status: the older"
        " webhook for templates sent by Chakra's own endpoints (default: %(default)s)",
    )
    group.add_argument(
        "--webhook-secret",
        metavar="S",
        help=f"sign them with this secret (default: {_VARIABLE} of the environment, else unsigned)",
    )
    group.add_argument(
        "--webhook-events",
        metavar="KIND,KIND",
        help="only these: message, status, template, message_echo (default: all that the format has,"
        " without message_echo)",
    )
    group.add_argument(
        "--webhook-duplicates",
        type=float,
        default=0.0,
        metavar="P",
        help="deliver twice, with this probability",
    )
    group.add_argument(
        "--webhook-shuffle", type=int, default=1, metavar="N", help="deliver in groups of N, each shuffled"
    )
    group.add_argument(
        "--webhook-delay", type=float, default=0.0, metavar="SECONDS", help="deliver this much later"
    )
    group.add_argument(
        "--webhook-retries",
        type=int,
        default=0,
        metavar="N",
        help="send again up to N times what is not answered with a 2xx (default: never, as documented)",
    )


def start_webhooks(emulator: Emulator, options: argparse.Namespace) -> Webhook | None:
    """Begin to deliver webhooks, when the options say where to.

    Raises:
        ValueError: an option makes no sense.
    """
    if options.webhook is None:
        return None
    secret = options.webhook_secret or os.environ.get(_VARIABLE)
    return emulator.deliver_webhooks(
        options.webhook,
        format=options.webhook_format,
        secret=secret or None,
        events=options.webhook_events and options.webhook_events.split(","),
        duplicates=options.webhook_duplicates,
        shuffle=options.webhook_shuffle,
        delay=options.webhook_delay,
        retries=options.webhook_retries,
    )
