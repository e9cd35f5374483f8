"""WhatsApp plugins: how a team is connected to WhatsApp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from chakra_async._shapes import as_list


@define(kw_only=True)
class Plugin:
    """A WhatsApp plugin.

    Source: what public clients received (seen, live).
    """

    id: str
    type: str | None = None
    name: str | None = None
    is_active: bool | None = None
    auth: dict[str, Any] = field(factory=dict[str, Any], repr=False)
    """``whatsappBusinessAccountsById`` and ``whatsappPhoneNumbersById``."""
    server_config: dict[str, Any] = field(factory=dict[str, Any], repr=False)
    """``enabledWhatsappPhoneNumbers``, ``passThroughWebhookUrl`` and more, under their wire names."""
    extra: dict[str, Any] = field(factory=dict[str, Any], repr=False)

    @property
    def enabled_phone_numbers(self) -> Sequence[Any]:
        """``enabledWhatsappPhoneNumbers``: empty for some seconds after a number was connected."""
        found = self.server_config.get("enabledWhatsappPhoneNumbers")
        return as_list(found) if isinstance(found, list) else ()
