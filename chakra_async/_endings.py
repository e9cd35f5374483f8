"""Waiting for an end that must be seen, whatever befalls the one who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any


async def ended(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Return once all tasks have ended, however often we are cancelled meanwhile; then be cancelled.

    For clean-up that takes a few steps of the loop, and that cancel scopes, which cancel at every step,
    would otherwise leave undone.
    """
    cancelled: asyncio.CancelledError | None = None
    while pending := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
