"""``chakra webhooks listen``: show what arrives."""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from typing import IO

import click

from chakra_async.cli.webhooks.options import secret_option


@click.command("listen", short_help="Receive webhooks, and show each in a line.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@secret_option("that webhooks are signed with")
@click.option("--accept-unsigned", is_flag=True, help="Let in webhooks without a signature, too.")
@click.option(
    "--record", type=click.Path(dir_okay=False), metavar="FILE", help="Append everything that arrives."
)
@click.option("--json", is_flag=True, help="Show JSON lines instead of text.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N deliveries.")
def listen(
    host: str,
    port: int,
    secret: str | None,
    accept_unsigned: bool,
    record: str | None,
    json: bool,
    count: int | None,
) -> None:
    """Receive webhooks on every path, and show what each tells of, until Ctrl-C.

    They are verified and read by the library's own receiver, in all three formats. An event that has arrived
    before is marked: (again). What is recorded can be posted once more by chakra webhooks replay; it holds
    what people have written, so only you may read the file. Of a body that is too large it holds the
    beginning.

    \b
    Examples:
      chakra webhooks listen --port 8000 --accept-unsigned
      chakra webhooks listen --secret-file secret --record seen.jsonl
      chakra webhooks listen --accept-unsigned --json | jq .event.text

    \b
    Exit status:
        0  ended by Ctrl-C, SIGTERM or --count
        2  options cannot be used, or there is no secret
        3  the port is taken, or the file cannot be written
    """  # noqa: D301 - click's own mark
    from chakra_async.cli.webhooks.listening import Listener  # noqa: PLC0415 - loads a server
    from chakra_async.webhooks import Webhooks  # noqa: PLC0415 - no other command needs it

    if not host:
        raise click.UsageError("the host is empty: expected an address such as 127.0.0.1, or 0.0.0.0 for all")
    if secret is None and not accept_unsigned:
        raise click.UsageError(
            "there is no secret: set CHAKRA_WEBHOOK_SECRET, give --secret-file FILE, or let in everything "
            "with --accept-unsigned"
        )
    webhooks = Webhooks(secret, unsigned="accept" if accept_unsigned else "refuse")
    with ExitStack() as stack:
        file = None if record is None else stack.enter_context(_opened(record))
        asyncio.run(Listener(webhooks, record=file, json=json, count=count).serve(host, port))


def _opened(path: str) -> IO[bytes]:
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))
