"""WhatsApp plugins, the business accounts connected through them, and the phone numbers of those."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from chakra_async.emulator.documents import Document, Documents, numeric_id
from chakra_async.emulator.refusals import Missing, Refusal
from chakra_async.emulator.store import Store, now_ms


NO_CONFIG: Final[dict[str, Any]] = {
    "enabledWhatsappPhoneNumbers": [],
    "passThroughWebhookUrl": None,
    "enableMessageEchoesForPassThroughWebhook": False,
    "enableSendMessageTemplateEventForPassThroughWebhook": False,
    "enableChakraWebhook": False,
    "chakraWebhookUrl": None,
    "whichChakraWebhookEventsToSend": [],
}


class Plugins:
    """The plugins of a store."""

    def __init__(self, store: Store, documents: Documents) -> None:
        self._store = store
        self._documents = documents

    def add(self, name: str) -> Document:
        """Add a plugin with nothing connected to it."""
        now = now_ms()
        plugin = {
            "id": str(uuid4()),
            "createdAt": now,
            "updatedAt": now,
            "team": self._store.team,
            "type": "whatsapp",
            "name": name,
            "isActive": True,
            "serverConfig": dict(NO_CONFIG),
        }
        return self._documents.add("plugin", plugin)

    def connect(self, plugin: Document, name: str, display_number: str) -> None:
        """Connect a business account with one phone number, as its owner does in the browser."""
        digits = "".join(filter(str.isdigit, display_number))
        account = {"id": numeric_id(), "name": name, "chakraStatus": "CONNECTED", "plugin": plugin["id"]}
        number = {
            "id": numeric_id(),
            "waba": account["id"],
            "plugin": plugin["id"],
            "displayPhoneNumber": display_number,
            "phoneNumber": digits,
            "verifiedName": name,
            "status": "CONNECTED",
            "chakraStatus": "CONNECTED",
            "qualityScore": {"score": "GREEN"},
            "messagingLimitTier": "TIER_1K",
            "nameStatus": "APPROVED",
        }
        with self._store.transaction():
            self._documents.add("account", account, parent=plugin["id"])
            self._documents.add("phone_number", number, parent=plugin["id"])
            config = {**plugin["serverConfig"], "enabledWhatsappPhoneNumbers": [number["id"]]}
            self._documents.replace("plugin", {**plugin, "serverConfig": config})

    def first(self) -> Document | None:
        """Return the oldest plugin there is."""
        return next(iter(self._documents.all("plugin")), None)

    def get(self, plugin_id: str) -> Document:
        """Find a plugin."""
        plugin = self._documents.get("plugin", plugin_id)
        if plugin is None:
            raise Missing(f"WhatsApp plugin '{plugin_id}' not found")
        return plugin

    def active(self, plugin_id: str) -> Document:
        """Find a plugin that may send."""
        plugin = self.get(plugin_id)
        if not plugin["isActive"]:
            raise Refusal(f"WhatsApp plugin '{plugin_id}' is not active")
        return plugin

    def accounts(self, plugin_id: str | None = None) -> list[Document]:
        """List the business accounts, or those of one plugin."""
        return self._documents.all("account", plugin_id)

    def numbers(self, plugin_id: str | None = None) -> list[Document]:
        """List the phone numbers, or those of one plugin."""
        return self._documents.all("phone_number", plugin_id)

    def account(self, account_id: str) -> Document:
        """Find a business account in the way Meta does."""
        account = self._documents.get("account", account_id)
        if account is None:
            raise unknown_object(account_id)
        return account

    def number(self, number_id: str, plugin_id: str | None = None) -> Document:
        """Find a phone number in the way Meta does."""
        number = self._documents.get("phone_number", number_id)
        if number is None or plugin_id not in (None, number["plugin"]):
            raise unknown_object(number_id)
        return number

    def delete(self, plugin: Document) -> None:
        """Forget a plugin and what is connected to it."""
        with self._store.transaction():
            for account in self.accounts(plugin["id"]):
                self._documents.delete("account", account["id"])
            for number in self.numbers(plugin["id"]):
                self._documents.delete("phone_number", number["id"])
            self._documents.delete("plugin", plugin["id"])

    def shown(self, plugin: Document) -> dict[str, Any]:
        """Shape a plugin as the API shows it."""
        accounts, numbers = self.accounts(plugin["id"]), self.numbers(plugin["id"])
        return {
            **plugin,
            "auth": {
                "whatsappBusinessAccountsById": {one["id"]: one for one in accounts},
                "whatsappPhoneNumbersById": {one["id"]: one for one in numbers},
            },
        }


def unknown_object(object_id: str) -> Refusal:
    """Return what Meta says about an id it does not know."""
    return Refusal(
        f"(#100) Unsupported request. Object with ID '{object_id}' does not exist, cannot be loaded due to"
        " missing permissions, or does not support this operation"
    )
