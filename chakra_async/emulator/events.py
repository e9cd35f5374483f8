"""What happens in the emulator, for whoever listens. The delivery of webhooks belongs here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

from attrs import field, frozen


EventKind = Literal["message", "status", "template"]


@frozen(kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        kind: ``"message"`` came in, ``"status"`` of a sent message changed, ``"template"`` changed.
        at: when, in epoch milliseconds.
        plugin_id: the plugin it concerns, empty for a template.
        subject: the chat message or template, as the API shows it after the change.
        meta: the message or status object that Meta's webhook would carry.
        error: code and title of a failure, else empty.
    """

    kind: EventKind
    at: int
    plugin_id: str
    subject: Mapping[str, Any]
    meta: Mapping[str, Any] = field(factory=dict[str, Any])
    error: Mapping[str, Any] = field(factory=dict[str, Any])


Listener = Callable[[Event], None]


class Events:
    """Tells every listener, in the thread where it happened, after it was stored."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; the returned function removes it."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def remove() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return remove

    def tell(self, event: Event) -> None:
        """Tell the listeners."""
        for listener in self._listeners:
            listener(event)
