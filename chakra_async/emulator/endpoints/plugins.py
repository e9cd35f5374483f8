"""Plugins as the dashboard handles them, their configuration, and tokens to connect new ones."""

from __future__ import annotations

import secrets
from typing import Any, Final

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.plugins import NO_CONFIG
from chakra_async.emulator.refusals import Refusal
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.shapes import (
    BOOLEAN,
    FILLED,
    NULL_STRING,
    OBJECT,
    STRING,
    Schema,
    arr,
    obj,
    one_of,
    wrapped,
)
from chakra_async.emulator.store import now_ms


def create(call: Call) -> Answer:
    """Create a plugin, with nothing connected to it yet."""
    plugins = call.service.plugins
    return success(plugins.shown(plugins.add(call.checked()["name"])))


def fetch(call: Call, plugin_id: str) -> Answer:
    """Fetch a plugin."""
    plugins = call.service.plugins
    return success(plugins.shown(plugins.get(plugin_id)))


def update(call: Call, plugin_id: str) -> Answer:
    """Update a plugin; its configuration is replaced as a whole."""
    body = call.checked()
    if body.get("pluginId", plugin_id) != plugin_id:
        raise Refusal("pluginId is not the one in the path")
    with call.service.store.transaction():
        plugin = call.service.plugins.get(plugin_id)
        changes: dict[str, Any] = {
            name: body[name] for name in ("serverConfig", "isActive", "name") if name in body
        }
        plugin = call.service.documents.replace("plugin", {**plugin, **changes, "updatedAt": now_ms()})
    return success(call.service.plugins.shown(plugin))


def delete(call: Call, plugin_id: str) -> Answer:
    """Delete a plugin with all that is connected to it."""
    with call.service.store.transaction():
        plugin = call.service.plugins.get(plugin_id)
        shown = call.service.plugins.shown(plugin)
        call.service.plugins.delete(plugin)
    return success(shown)


def fetch_config(call: Call, plugin_id: str) -> Answer:
    """Fetch the configuration of a plugin."""
    return success({**NO_CONFIG, **call.service.plugins.get(plugin_id)["serverConfig"]})


def update_config(call: Call, plugin_id: str) -> Answer:
    """Change the configuration of a plugin; what is left out stays."""
    body = call.checked()
    with call.service.store.transaction():
        plugin = call.service.plugins.get(plugin_id)
        changes = {name: body[name] for name in _CONFIG["properties"] if name in body}
        config = {**plugin["serverConfig"], **changes}
        new = {**plugin, "serverConfig": config, "updatedAt": now_ms()}
        call.service.documents.replace("plugin", new)
    return success({"success": True})


def create_connect_token(call: Call) -> Answer:
    """Make a token with which a client's owner connects WhatsApp in the browser."""
    body = call.checked()
    if "pluginId" in body:
        call.service.plugins.get(body["pluginId"])
    document: dict[str, Any] = {"id": secrets.token_urlsafe(32), "for": body, "createdAt": now_ms()}
    call.service.documents.add("connect_token", document)
    return success({"connectToken": document["id"]})


_CONFIG: Final[Schema] = obj(
    {
        "passThroughWebhookUrl": NULL_STRING,
        "enableMessageEchoesForPassThroughWebhook": BOOLEAN,
        "enableSendMessageTemplateEventForPassThroughWebhook": BOOLEAN,
        "enableChakraWebhook": BOOLEAN,
        "chakraWebhookUrl": NULL_STRING,
        "whichChakraWebhookEventsToSend": arr(
            one_of("message", "status", "message_echo", "smb_message_echo")
        ),
    }
)
_PLUGIN: Final[Schema] = obj(
    {
        "id": STRING,
        "type": STRING,
        "name": STRING,
        "isActive": BOOLEAN,
        "auth": obj({"whatsappBusinessAccountsById": OBJECT, "whatsappPhoneNumbersById": OBJECT}),
        "serverConfig": OBJECT,
    },
    "id",
    "isActive",
    "auth",
    "serverConfig",
)
_NEW: Final[Schema] = obj({"type": one_of("whatsapp"), "name": FILLED}, "type", "name")
_CHANGES: Final[Schema] = obj(
    {"pluginId": STRING, "serverConfig": OBJECT, "isActive": BOOLEAN, "name": FILLED}
)
_CONNECT: Final[Schema] = {
    "type": "object",
    "properties": {
        "pluginId": STRING,
        "newPluginName": FILLED,
        "clientReferenceId": FILLED,
        "clientName": FILLED,
        "clientEmail": STRING,
    },
    "anyOf": [
        {"required": ["newPluginName", "clientReferenceId", "clientName"]},
        {"required": ["pluginId"]},
    ],
}
_ONE: Final = "/plugin/{pluginId}"
_WHATSAPP: Final = "/v1/ext/plugin/whatsapp/{pluginId}"

ROUTES = (
    Route("POST", "/plugin", create, writes=True, body=_NEW, gives=wrapped(_PLUGIN)),
    Route("GET", _ONE, fetch, gives=wrapped(_PLUGIN)),
    Route("PUT", _ONE, update, writes=True, body=_CHANGES, gives=wrapped(_PLUGIN)),
    Route("DELETE", _ONE, delete, writes=True, gives=wrapped(_PLUGIN)),
    Route("GET", _WHATSAPP + "/config", fetch_config, gives=wrapped(OBJECT)),
    Route(
        "POST",
        _WHATSAPP + "/update-config",
        update_config,
        writes=True,
        body=_CONFIG,
        gives=wrapped(obj({"success": BOOLEAN}, "success")),
    ),
    Route(
        "POST",
        "/v1/ext/whatsapp-partner/create-connect-token",
        create_connect_token,
        writes=True,
        body=_CONNECT,
        gives=wrapped(obj({"connectToken": STRING}, "connectToken")),
    ),
)
