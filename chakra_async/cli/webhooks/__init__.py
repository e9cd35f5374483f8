"""``chakra webhooks``: send webhooks to a receiver, and look at those that arrive."""

from __future__ import annotations

import click

from chakra_async.cli.webhooks.listen import listen
from chakra_async.cli.webhooks.replay import replay
from chakra_async.cli.webhooks.send import send


@click.group(short_help="Send webhooks to your receiver, and look at those that arrive.")
def webhooks() -> None:
    """Try out a receiver of webhooks, without a ChakraHQ.

    \b
      export CHAKRA_WEBHOOK_SECRET=...        # what the receiver verifies with
      chakra webhooks send message http://127.0.0.1:8000/hook --text hello
      chakra webhooks listen --port 8000 --record seen.jsonl
      chakra webhooks replay seen.jsonl http://127.0.0.1:8000/hook --shuffle

    The secret comes from CHAKRA_WEBHOOK_SECRET or from --secret-file. There is no option for the secret
    itself: other users of the machine can see a command's arguments.
    """  # noqa: D301 - click's own mark


webhooks.add_command(listen)
webhooks.add_command(send)
webhooks.add_command(replay)
