"""Partners: connecting clients' WhatsApp accounts, and where plugins send their events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chakra_async._codec import decode, encode
from chakra_async._transport import Transport
from chakra_async._whatsapp import expect_success, plugin_id_of, plugin_path
from chakra_async.models.partner import ConnectToken, PluginConfig


class Partner:
    """Partners: connecting clients' WhatsApp accounts, and where plugins send their events.

    Where ``plugin_id`` is not given, that of the client's settings is meant.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create_connect_token(
        self,
        *,
        plugin_id: str | None = None,
        new_plugin_name: str | None = None,
        client_reference_id: str | None = None,
        client_name: str | None = None,
        client_email: str | None = None,
    ) -> ConnectToken:
        """Create a token with which a browser may connect a WhatsApp account.

        Either to a plugin that exists (``plugin_id``), or to one made for a new client (the others).
        Not idempotent: it is never sent twice.

        Args:
            plugin_id: the plugin to connect to.
            new_plugin_name: name of the plugin to make.
            client_reference_id: your own id of the client.
            client_name: name of the client.
            client_email: address of the client; optional even for a new plugin.

        Endpoint: ``POST /v1/ext/whatsapp-partner/create-connect-token`` (seen).

        Raises:
            AmbiguousResultError: the request left and no answer came.
            ValueError: both forms are mixed, or one is incomplete.
        """
        new = {
            "newPluginName": new_plugin_name,
            "clientReferenceId": client_reference_id,
            "clientName": client_name,
            "clientEmail": client_email,
        }
        body: dict[str, Any] = {name: value for name, value in new.items() if value is not None}
        if not body:
            body = {"pluginId": plugin_id_of(self._transport.settings, plugin_id)}
        elif plugin_id is not None:
            raise ValueError("give plugin_id for a plugin that exists, or the other values for a new one")
        elif not (new_plugin_name and client_reference_id and client_name):
            raise ValueError("a new plugin needs new_plugin_name, client_reference_id and client_name")
        path = "/v1/ext/whatsapp-partner/create-connect-token"
        reply = await self._transport.call("POST", path, body=encode(body), repeatable=False)
        return decode(reply, ConnectToken)

    async def get_plugin_config(self, *, plugin_id: str | None = None) -> PluginConfig:
        """Fetch where a WhatsApp plugin sends its events.

        Endpoint: ``GET /v1/ext/plugin/whatsapp/{plugin}/config`` (seen).

        Raises:
            NotFoundError: there is no such plugin.
            ValueError: no plugin is named, here or in the settings.
        """
        path = f"{plugin_path(self._transport.settings, plugin_id)}/config"
        return decode(await self._transport.call("GET", path, repeatable=True), PluginConfig)

    async def update_plugin_config(
        self,
        *,
        plugin_id: str | None = None,
        pass_through_webhook_url: str | None = None,
        enable_message_echoes_for_pass_through_webhook: bool | None = None,
        enable_send_message_template_event_for_pass_through_webhook: bool | None = None,
        enable_chakra_webhook: bool | None = None,
        chakra_webhook_url: str | None = None,
        which_chakra_webhook_events_to_send: Sequence[str] | None = None,
    ) -> None:
        """Set where a WhatsApp plugin sends its events.

        Idempotent, for values are absolute. What is not given is not sent; whether it then stays as it is,
        is not known: to be sure, fetch first and give everything.

        Args:
            plugin_id: the plugin.
            pass_through_webhook_url: gets Meta's bodies unchanged; an empty text for nowhere.
            enable_message_echoes_for_pass_through_webhook: tell it of messages sent from the phone too.
            enable_send_message_template_event_for_pass_through_webhook: tell it of templates sent too.
            enable_chakra_webhook: whether the service sends events of its own.
            chakra_webhook_url: gets those events; an empty text for nowhere.
            which_chakra_webhook_events_to_send: ``message``, ``status``, ``message_echo``,
                ``smb_message_echo``; there may be others.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/{plugin}/update-config`` (seen).

        Raises:
            NotFoundError: there is no such plugin.
            DecodeError: the service says that it did nothing.
            TypeError: the events are one text instead of a list, or an address is no text.
            ValueError: no plugin is named, nothing is given to change, or an address is none.
        """
        events = which_chakra_webhook_events_to_send
        if isinstance(events, str):
            raise TypeError(f"which_chakra_webhook_events_to_send must be a list: [{events!r}]")
        given = {
            "passThroughWebhookUrl": _address(pass_through_webhook_url, "pass_through_webhook_url"),
            "enableMessageEchoesForPassThroughWebhook": enable_message_echoes_for_pass_through_webhook,
            "enableSendMessageTemplateEventForPassThroughWebhook": (
                enable_send_message_template_event_for_pass_through_webhook
            ),
            "enableChakraWebhook": enable_chakra_webhook,
            "chakraWebhookUrl": _address(chakra_webhook_url, "chakra_webhook_url"),
            "whichChakraWebhookEventsToSend": None if events is None else list(events),
        }
        body = {name: value for name, value in given.items() if value is not None}
        if not body:
            raise ValueError("nothing to change: give an address, a switch or a list of events")
        path = f"{plugin_path(self._transport.settings, plugin_id)}/update-config"
        reply = await self._transport.call("POST", path, body=encode(body), repeatable=True, any_body=True)
        expect_success(reply)


def _address(url: str | None, name: str) -> str | None:
    if url is not None and not isinstance(url, str):
        raise TypeError(f"{name} must be text, not {type(url).__name__}")
    if url and not url.startswith(("https://", "http://")):
        raise ValueError(f"{name} must begin with https://, not {url!r}")
    return url
