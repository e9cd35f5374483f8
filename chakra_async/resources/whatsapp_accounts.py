"""WhatsApp business accounts."""

from __future__ import annotations

from chakra_async._codec import decode_list
from chakra_async._transport import Transport
from chakra_async._whatsapp import plugin_id_of
from chakra_async.models.accounts import Account
from chakra_async.paging import Page, Pager


class Accounts:
    """WhatsApp business accounts, to which templates and phone numbers belong."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, plugin_id: str | None = None) -> Pager[Account]:
        """List the accounts of a plugin; that they come as one page is inferred.

        Args:
            plugin_id: WhatsApp plugin.

        Endpoint: ``GET /v1/ext/whatsapp-business-account`` (seen).

        Raises:
            PermissionDeniedError: the role of the access token does not allow it.
            ValueError: no plugin is named.
        """
        query = {"pluginId": plugin_id_of(self._transport.settings, plugin_id)}

        async def fetch(_: None) -> Page[Account]:
            path = "/v1/ext/whatsapp-business-account"
            reply = await self._transport.call("GET", path, query=query, repeatable=True)
            return Page(decode_list(reply, Account), has_more=False, meta=reply.meta)

        return Pager(fetch)
