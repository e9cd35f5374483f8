"""Where each sent message stands, in whatever order its statuses come."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from chakra_async.webhooks.events import EventError, StatusEvent


# Whoever received or read a message has it, even if a failure was reported as well (inferred).
_RANKS: Final[Mapping[str, int]] = {"sent": 1, "failed": 2, "delivered": 3, "read": 4}


@frozen(kw_only=True)
class MessageStatus:
    """Where a message stands."""

    message_id: str
    status: str
    """The furthest that was reported: ``sent``, ``failed``, ``delivered``, ``read``, in this order."""
    times: Mapping[str, datetime | None]
    """Each status that was reported, and when it was first reached."""
    errors: tuple[EventError, ...] = field(default=())
    """Why it failed, when that was reported."""

    @property
    def at(self) -> datetime | None:
        """When the present status was reached."""
        return self.times[self.status]


class StatusTracker:
    """Merges the statuses of each message; every order and any repetition ends in the same state.

    It lives in this process, and may be used from any thread. Give it every `StatusEvent`.

    Args:
        max_messages: how many are kept; beyond that the one without news for the longest time is forgotten.
    """

    def __init__(self, *, max_messages: int = 100_000) -> None:
        if max_messages < 1:
            raise ValueError(f"max_messages must be at least 1, not {max_messages!r}")
        self._max_messages = max_messages
        self._lock = threading.Lock()
        self._messages: OrderedDict[str, MessageStatus] = OrderedDict()

    def __len__(self) -> int:
        return len(self._messages)

    def get(self, message_id: str) -> MessageStatus | None:
        """Return where a message stands; ``None`` when nothing was heard of it."""
        return self._messages.get(message_id)

    def update(self, event: StatusEvent) -> MessageStatus | None:
        """Take in a status, and return where the message stands now if that has moved it forward.

        A message without an id of WhatsApp's is kept under Chakra's. Statuses other than the four known ones
        change nothing.
        """
        message_id = event.message_id or event.chakra_id
        if message_id is None or event.status not in _RANKS:
            return None
        with self._lock:
            before = self._messages.get(message_id)
            now = _merge(before, message_id, event)
            self._messages[message_id] = now
            self._messages.move_to_end(message_id)
            if len(self._messages) > self._max_messages:
                self._messages.popitem(last=False)
        return now if before is None or before.status != now.status else None


def _merge(before: MessageStatus | None, message_id: str, event: StatusEvent) -> MessageStatus:
    if before is None:
        before = MessageStatus(message_id=message_id, status=event.status, times={})
    known = [at for at in (event.at, before.times.get(event.status)) if at is not None]
    times = {**before.times, event.status: min(known, default=None)}
    errors = before.errors
    if event.status == "failed" and event.errors:
        # One of several reasons is kept, and the same one in every order.
        errors = min(filter(None, (errors, tuple(event.errors))), key=repr)
    return evolve(before, status=max(times, key=_RANKS.__getitem__), times=times, errors=errors)
