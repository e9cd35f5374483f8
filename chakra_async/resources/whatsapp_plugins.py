"""WhatsApp plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chakra_async._codec import decode, encode, read_object
from chakra_async._message_bodies import words
from chakra_async._paths import segment
from chakra_async._shapes import as_mapping, as_object
from chakra_async._transport import Transport
from chakra_async.models.plugins import Plugin
from chakra_async.models.reply import Reply


class Plugins:
    """WhatsApp plugins: how a team is connected to WhatsApp.

    The service's dashboard uses these calls, and takes the same token for them; they are not documented.
    Webhooks are set up more simply by ``partner``.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(self, *, name: str) -> Plugin:
        """Create a WhatsApp plugin, which is then connected in the dashboard or by a connect token.

        Not idempotent: it is never sent twice.

        Args:
            name: its name.

        Endpoint: ``POST /plugin`` (seen).

        Raises:
            AmbiguousResultError: the request left and no answer came; look before you create again.
            DecodeError: the answer holds no id.
            ValueError: ``name`` is empty.
        """
        body = encode({"type": "whatsapp", "name": words(name, "name")})
        return decode(await self._transport.call("POST", "/plugin", body=body, repeatable=False), Plugin)

    async def get(self, plugin_id: str, /) -> Plugin:
        """Fetch a plugin, with its accounts, phone numbers and configuration.

        ``enabled_phone_numbers`` fills only some seconds after a number was connected.

        Endpoint: ``GET /plugin/{id}`` (seen, live).

        Raises:
            NotFoundError: there is no such plugin.
        """
        reply = await self._transport.call("GET", _path(plugin_id), repeatable=True)
        return _read(reply, plugin_id)

    async def update(
        self,
        plugin_id: str,
        /,
        *,
        server_config: Mapping[str, Any] | None = None,
        is_active: bool | None = None,
    ) -> Plugin:
        """Replace the configuration of a plugin, or switch it on or off.

        Idempotent. **The configuration is replaced whole**: what is not in ``server_config`` is gone. To
        change one thing, fetch the plugin, change its ``server_config``, and send all of that.

        Args:
            plugin_id: the plugin.
            server_config: the whole configuration, under its wire names.
            is_active: whether the plugin works.

        Endpoint: ``PUT /plugin/{id}`` (seen).

        Raises:
            NotFoundError: there is no such plugin.
            ValueError: neither or both are given: clients were seen to send one at a time.
        """
        if (server_config is None) == (is_active is None):
            raise ValueError("give server_config or is_active, one at a time")
        body: dict[str, Any] = {"pluginId": plugin_id}
        if server_config is not None:
            if as_mapping(server_config) is None:
                raise TypeError(f"server_config must be a mapping, not {type(server_config).__name__}")
            body["serverConfig"] = dict(server_config)
        else:
            body["isActive"] = is_active
        reply = await self._transport.call("PUT", _path(plugin_id), body=encode(body), repeatable=True)
        return _read(reply, plugin_id)

    async def delete(self, plugin_id: str, /) -> None:
        """Delete a plugin; the team can no longer send through it.

        Endpoint: ``DELETE /plugin/{id}`` (seen).

        Raises:
            NotFoundError: there is no such plugin, or no more.
        """
        await self._transport.call("DELETE", _path(plugin_id), repeatable=True, any_body=True)


def _path(plugin_id: str) -> str:
    return f"/plugin/{segment(plugin_id, 'plugin_id')}"


def _read(reply: Reply, plugin_id: str) -> Plugin:
    """Read a plugin; that the answer repeats its id is not known."""
    source: Any = reply.data
    if isinstance(source, dict) and not as_object(source).get("id"):
        source = {**as_object(source), "id": plugin_id}
    return read_object(reply, source, Plugin)
