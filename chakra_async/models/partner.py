"""What partners need who connect their clients' WhatsApp accounts."""

from __future__ import annotations

from typing import Any

from attrs import define, field


@define(kw_only=True)
class ConnectToken:
    """A token with which a browser may connect a WhatsApp account; not shown in its repr.

    Source: client code (seen), of which one takes it to be valid for an hour.
    """

    connect_token: str = field(repr=False)
    extra: dict[str, Any] = field(factory=dict[str, Any], repr=False)


@define(kw_only=True)
class PluginConfig:
    """Where a WhatsApp plugin sends its events.

    Source: client code (seen).
    """

    pass_through_webhook_url: str | None = None
    """Gets Meta's bodies unchanged."""
    enable_message_echoes_for_pass_through_webhook: bool | None = None
    enable_send_message_template_event_for_pass_through_webhook: bool | None = None
    enable_chakra_webhook: bool | None = None
    chakra_webhook_url: str | None = None
    """Gets the service's own events."""
    which_chakra_webhook_events_to_send: list[str] = field(factory=list[str])
    """``message``, ``status``, ``message_echo``, ``smb_message_echo``; there may be others."""
    extra: dict[str, Any] = field(factory=dict[str, Any])
