"""Partners: what is sent, what is read, what is refused."""

import pytest

from chakra_async import AmbiguousResultError, ConnectToken, DecodeError, PluginConfig
from tests.raw import RST, RawServer, quick_client


TOKENS = "/v1/ext/whatsapp-partner/create-connect-token"
CONFIG = {
    "passThroughWebhookUrl": "https://example.com/meta",
    "enableChakraWebhook": False,
    "whichChakraWebhookEventsToSend": ["message", "status"],
    "other": 1,
}


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({"plugin_id": "p-1"}, {"pluginId": "p-1"}),
        (
            {"new_plugin_name": "Shop", "client_reference_id": "7", "client_name": "Asha"},
            {"newPluginName": "Shop", "clientReferenceId": "7", "clientName": "Asha"},
        ),
        (
            {
                "new_plugin_name": "Shop",
                "client_reference_id": "7",
                "client_name": "Asha",
                "client_email": "asha@example.com",
            },
            {
                "newPluginName": "Shop",
                "clientReferenceId": "7",
                "clientName": "Asha",
                "clientEmail": "asha@example.com",
            },
        ),
    ],
)
async def test_create_connect_token(recorder, recorded, options, body):
    recorder.data({"connectToken": "secret-1", "expiresIn": 3600})
    token = await recorded.partner.create_connect_token(**options)
    assert recorder.seen == ("POST", TOKENS, body)
    assert token == ConnectToken(connect_token="secret-1", extra={"expiresIn": 3600})
    assert "secret-1" not in repr(token)


async def test_the_plugin_of_the_settings_is_the_default(recorder):
    recorder.data({"connectToken": "t"})
    async with recorder.client(plugin_id="p-9") as chakra:
        await chakra.partner.create_connect_token()
        assert recorder.last.json == {"pluginId": "p-9"}
        await chakra.partner.create_connect_token(
            new_plugin_name="Shop", client_reference_id="7", client_name="Asha"
        )
        assert "pluginId" not in recorder.last.json
        await chakra.partner.get_plugin_config()
        assert recorder.last.path == "/v1/ext/plugin/whatsapp/p-9/config"
        await chakra.partner.get_plugin_config(plugin_id="p-1")
        assert recorder.last.path == "/v1/ext/plugin/whatsapp/p-1/config"


async def test_get_plugin_config(recorder, recorded):
    recorder.data(CONFIG)
    config = await recorded.partner.get_plugin_config(plugin_id="p/1")
    assert recorder.seen == ("GET", "/v1/ext/plugin/whatsapp/p%2F1/config", None)
    assert config == PluginConfig(
        pass_through_webhook_url="https://example.com/meta",
        enable_chakra_webhook=False,
        which_chakra_webhook_events_to_send=["message", "status"],
        extra={"other": 1},
    )


async def test_update_plugin_config(recorder, recorded):
    recorder.data({"success": True})
    await recorded.partner.update_plugin_config(
        plugin_id="p-1",
        pass_through_webhook_url="https://example.com/meta",
        enable_message_echoes_for_pass_through_webhook=True,
        enable_send_message_template_event_for_pass_through_webhook=False,
        enable_chakra_webhook=True,
        chakra_webhook_url="",
        which_chakra_webhook_events_to_send=("message", "status"),
    )
    assert recorder.seen == (
        "POST",
        "/v1/ext/plugin/whatsapp/p-1/update-config",
        {
            "passThroughWebhookUrl": "https://example.com/meta",
            "enableMessageEchoesForPassThroughWebhook": True,
            "enableSendMessageTemplateEventForPassThroughWebhook": False,
            "enableChakraWebhook": True,
            "chakraWebhookUrl": "",
            "whichChakraWebhookEventsToSend": ["message", "status"],
        },
    )
    await recorded.partner.update_plugin_config(plugin_id="p-1", enable_chakra_webhook=False)
    assert recorder.last.json == {"enableChakraWebhook": False}


@pytest.mark.parametrize("data", [{"success": True}, {}, [], None])
async def test_an_update_is_done_unless_the_service_says_otherwise(recorder, recorded, data):
    recorder.data(data)
    await recorded.partner.update_plugin_config(plugin_id="p", enable_chakra_webhook=True)


async def test_an_update_that_was_not_done_is_an_error(recorder, recorded):
    recorder.data({"success": False})
    with pytest.raises(DecodeError, match="nothing was done"):
        await recorded.partner.update_plugin_config(plugin_id="p", enable_chakra_webhook=True)


async def test_what_cannot_work_is_refused_before_it_is_sent(recorder, recorded):
    partner = recorded.partner
    new = {"new_plugin_name": "Shop", "client_reference_id": "7", "client_name": "Asha"}
    for call, reason in (
        (partner.create_connect_token(), "no WhatsApp plugin is named: give plugin_id"),
        (partner.create_connect_token(plugin_id=""), "no WhatsApp plugin is named"),
        (partner.create_connect_token(plugin_id="p", **new), "or the other values for a new one"),
        (partner.create_connect_token(client_email="a@b.c"), "a new plugin needs new_plugin_name"),
        (partner.create_connect_token(**{**new, "client_name": ""}), "a new plugin needs"),
        (partner.get_plugin_config(), "no WhatsApp plugin is named"),
        (partner.get_plugin_config(plugin_id=".."), "would name another path"),
        (partner.update_plugin_config(plugin_id="p"), "nothing to change"),
        (
            partner.update_plugin_config(plugin_id="p", chakra_webhook_url="example.com"),
            "chakra_webhook_url must begin with https://",
        ),
    ):
        with pytest.raises(ValueError, match=reason):
            await call
    with pytest.raises(TypeError, match="must be a list"):
        await partner.update_plugin_config(plugin_id="p", which_chakra_webhook_events_to_send="message")
    with pytest.raises(TypeError, match="pass_through_webhook_url must be text, not int"):
        await partner.update_plugin_config(plugin_id="p", pass_through_webhook_url=5)
    assert recorder.requests == []


async def test_a_token_is_never_created_twice():
    async with RawServer(RST) as server, quick_client(server) as chakra:
        with pytest.raises(AmbiguousResultError):
            await chakra.partner.create_connect_token(plugin_id="p")
    assert len(server.requests) == 1


async def test_an_answer_without_a_token_does_not_pass_for_one(recorder, recorded):
    recorder.data({})
    with pytest.raises(DecodeError, match="connect_token is missing"):
        await recorded.partner.create_connect_token(plugin_id="p")


def test_without_await(recorder):
    recorder.data(CONFIG)
    with recorder.sync_client(plugin_id="p-1") as chakra:
        assert chakra.partner.get_plugin_config().enable_chakra_webhook is False
        assert recorder.last.path == "/v1/ext/plugin/whatsapp/p-1/config"
