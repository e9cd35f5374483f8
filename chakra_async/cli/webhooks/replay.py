"""``chakra webhooks replay``: recorded deliveries once more."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import IO

import click

from chakra_async.cli.status import NOT_ALL
from chakra_async.cli.webhooks.options import Seconds, secret_option, timeout_option
from chakra_async.cli.webhooks.recording import Recorded, read


@click.command("replay", short_help="Post recorded webhooks once more, and count the answers.")
@click.argument("file", type=click.File("rb"))
@click.argument("url")
@secret_option("to sign with anew; without one they go with the signatures they came with, if any")
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Post each delivery N times.",
)
@click.option("--shuffle", is_flag=True, help="Post them in random order.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides about that order.")
@click.option(
    "--delay",
    type=Seconds(min=0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait between one and the next.",
)
@timeout_option
@click.pass_context
def replay(
    ctx: click.Context,
    file: IO[bytes],
    url: str,
    secret: str | None,
    repeat: int,
    shuffle: bool,
    seed: int,
    delay: float,
    timeout: float,
) -> None:
    """Post the deliveries recorded in FILE to URL, one after the other, and count the answers.

    FILE has one delivery a line: a body, as JSON, or what listen --record has written; - reads standard
    input. Nothing is posted before the whole file was read.

    \b
    Examples:
      chakra webhooks replay seen.jsonl http://127.0.0.1:8000/hook
      chakra webhooks replay seen.jsonl http://127.0.0.1:8000/hook \\
          --repeat 2 --shuffle

    \b
    Exit status:
        0  every answer was a 2xx
        1  some were not, or did not come
        2  options, arguments or the file cannot be used; nothing was posted
    """  # noqa: D301 - click's own mark
    from chakra_async.cli.webhooks.posting import Tally, post_all  # noqa: PLC0415 - loads the emulator
    from chakra_async.emulator.webhook_sender import Sender  # noqa: PLC0415

    deliveries = [one for one in _read(file) for _ in range(repeat)]
    if shuffle:
        random.Random(seed).shuffle(deliveries)
    receiver, tally = Sender(url, timeout=timeout), Tally()
    try:
        asyncio.run(post_all(receiver, deliveries, secret, tally, delay=delay))
    finally:
        click.echo(tally.table())
    if tally.refused:
        ctx.exit(NOT_ALL)


def _read(file: IO[bytes]) -> Sequence[Recorded]:
    try:
        deliveries = list(read(file))
    except ValueError as error:
        raise click.UsageError(f"{file.name}: {error}") from None
    if not deliveries:
        raise click.UsageError(f"{file.name} holds no deliveries")
    return deliveries
