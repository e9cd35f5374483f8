"""What happens in the emulator, for whoever listens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

from attrs import field, frozen


EventKind = Literal["message", "status", "template", "message_echo"]


@frozen(kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        kind: ``"message"`` came in, ``"status"`` of a sent message changed, ``"template"`` changed,
            ``"message_echo"``: a message was accepted for sending.
        at: when, in epoch milliseconds.
        plugin_id: the plugin it concerns, empty for a template.
        subject: the chat message or template, as the API shows it after the change.
        meta: the object that Meta's webhook would carry.
        error: code and title of a failure, else empty.
        waba_id: the business account; empty when it is gone.
        phone_number_id: the phone number of the business, empty for a template.
        display_phone_number: that number, in digits.
        profile_name: the name of the person on the other side, empty when it never came up.
        native: whether the message was sent by one of Chakra's own endpoints, not by the pass-through.
    """

    kind: EventKind
    at: int
    plugin_id: str
    subject: Mapping[str, Any]
    meta: Mapping[str, Any] = field(factory=dict[str, Any])
    error: Mapping[str, Any] = field(factory=dict[str, Any])
    waba_id: str = ""
    phone_number_id: str = ""
    display_phone_number: str = ""
    profile_name: str = ""
    native: bool = False


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
