"""Posting to a receiver of webhooks, and what its answers are called."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from attrs import define

from chakra_async.cli.text import clean
from chakra_async.cli.webhooks.recording import Recorded
from chakra_async.emulator.webhook_sender import SIGNATURE, Answered, Sender, headers_of


async def post(receiver: Sender, body: bytes, secret: str | None) -> Answered:
    """Post one webhook."""
    async with receiver:
        return await receiver.send(body, headers_of(body, secret))


def shown(answered: Answered) -> str:
    """``200 OK: done``, ``500 Internal Server Error``, ``no answer: cannot connect to ...``."""
    if answered.status is None:
        return clean(f"no answer: {answered.error}")
    try:
        status = f"{answered.status} {HTTPStatus(answered.status).phrase}"
    except ValueError:
        status = str(answered.status)
    text = clean(answered.text)
    return f"{status}: {text}" if text else status


async def post_all(
    receiver: Sender, deliveries: Sequence[Recorded], secret: str | None, tally: Tally, *, delay: float
) -> None:
    """Post deliveries one after the other, with ``delay`` seconds in between, and count the answers."""
    async with receiver:
        for number, one in enumerate(deliveries):
            if number:
                await asyncio.sleep(delay)
            tally.count(one.line, await receiver.send(one.body, _headers(one, secret)))


def _headers(one: Recorded, secret: str | None) -> dict[str, str]:
    ours = _lowered(headers_of(one.body, secret))
    # Only a secret that was given signs anew.
    signature = {name: value for name, value in ours.items() if name == SIGNATURE.lower()}
    return {**ours, **_lowered(one.headers), **signature}


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class Tally:
    """Counts answers by their status."""

    def __init__(self) -> None:
        self.refused: int = 0
        """How many were no 2xx, or did not come."""
        self._rows: dict[int | None, _Row] = {}

    def count(self, line: int, answered: Answered) -> None:
        """Count an answer to the delivery on a line."""
        self.refused += not answered.is_taken
        row = self._rows.setdefault(answered.status, _Row(line, shown(answered)))
        row.count += 1

    def table(self) -> str:
        """Return a line for each status, the most frequent first, with the first answer of its kind."""
        rows = sorted(self._rows.values(), key=lambda row: -row.count)
        cells = [(f"{row.count:,}", str(row.line), row.example) for row in rows]
        heading = ("count", "first line", "first answer")
        return "\n".join(f"{count:>8}  {line:>10}  {said}" for count, line, said in [heading, *cells])


@define
class _Row:
    line: int
    example: str
    count: int = 0
