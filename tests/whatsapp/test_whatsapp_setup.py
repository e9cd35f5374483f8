"""Flows' keys, phone numbers, accounts and plugins."""

import pytest

from chakra_async import AmbiguousResultError, DecodeError, NotFoundError
from chakra_async.models.flows import PublicKey
from tests.raw import RST, RawServer, quick_client, wrapped


PLUGIN = "1f0c2a4e-9a54-4a5d-8e3a-0b6f0f3f6a11"
NUMBER = "106540352242922"
ENCRYPTION = f"/v1/ext/plugin/whatsapp/{PLUGIN}/api/v19.0/{NUMBER}/whatsapp_business_encryption"
KEY = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"


async def test_set_public_key(recorder, chakra):
    recorder.raw({"success": True})
    await chakra.whatsapp.flows.set_public_key(KEY)
    assert recorder.seen == ("POST", ENCRYPTION, {"business_public_key": KEY})


@pytest.mark.parametrize("wrong", [KEY.replace("PUBLIC", "PRIVATE"), "MIIB", "", b"x"])
async def test_only_a_public_key_is_sent(recorder, chakra, wrong):
    with pytest.raises(ValueError, match="public_key must be"):
        await chakra.whatsapp.flows.set_public_key(wrong)
    assert recorder.requests == []


async def test_get_public_key(recorder, chakra):
    held = {"business_public_key": KEY, "business_public_key_signature_status": "VALID"}
    for value in (held, {"data": [held]}):
        recorder.forget().raw(value)
        found = await chakra.whatsapp.flows.get_public_key(phone_number_id=NUMBER)
        assert (found.business_public_key, found.business_public_key_signature_status) == (KEY, "VALID")
        assert recorder.seen == ("GET", ENCRYPTION, None)
    recorder.forget().raw({"data": []})
    assert await chakra.whatsapp.flows.get_public_key() == PublicKey()


async def test_phone_numbers(recorder, chakra):
    recorder.data(
        [{"id": NUMBER, "waba": "1", "displayPhoneNumber": "+91 99012 58433", "verifiedName": "Paisa"}]
    )
    [number] = [one async for one in chakra.whatsapp.phone_numbers.list()]
    assert recorder.seen == ("GET", "/v1/ext/whatsapp-phone-number", None)
    assert (number.id, number.display_phone_number, number.waba) == (NUMBER, "+91 99012 58433", "1")

    recorder.forget().data(
        {
            "id": int(NUMBER),
            "chakraStatus": "CONNECTED",
            "qualityScore": {"score": "GREEN"},
            "messagingLimitTier": "TIER_1K",
            "nameStatus": "APPROVED",
            "waba": {"id": "1"},
        }
    )
    number = await chakra.whatsapp.phone_numbers.get(NUMBER)
    assert recorder.seen == ("GET", f"/v1/ext/whatsapp-phone-number/{NUMBER}", None)
    assert (number.id, number.quality_score["score"], number.waba) == (NUMBER, "GREEN", {"id": "1"})
    with pytest.raises(ValueError, match="phone_number_id is empty"):
        await chakra.whatsapp.phone_numbers.get("")


async def test_accounts(recorder, chakra):
    recorder.data([{"id": "1", "name": "Paisa", "chakraStatus": "CONNECTED"}])
    [account] = [one async for one in chakra.whatsapp.accounts.list()]
    assert recorder.seen == ("GET", f"/v1/ext/whatsapp-business-account?pluginId={PLUGIN}", None)
    assert (account.id, account.name, account.chakra_status) == ("1", "Paisa", "CONNECTED")
    await chakra.whatsapp.accounts.list(plugin_id="a&b")
    assert dict(recorder.last.query) == {"pluginId": "a&b"}


async def test_accounts_need_a_plugin(recorder):
    async with recorder.client() as chakra:
        with pytest.raises(ValueError, match="CHAKRA_PLUGIN_ID"):
            chakra.whatsapp.accounts.list()


async def test_plugins(recorder, chakra):
    plugins = chakra.whatsapp.plugins
    recorder.data({"id": PLUGIN})
    assert (await plugins.create(name="Sales")).id == PLUGIN
    assert recorder.seen == ("POST", "/plugin", {"type": "whatsapp", "name": "Sales"})

    config = {"enabledWhatsappPhoneNumbers": [NUMBER], "passThroughWebhookUrl": "https://a.in/hook"}
    recorder.forget().data({"isActive": True, "auth": {"token": "s3cret"}, "serverConfig": config})
    plugin = await plugins.get(PLUGIN)
    assert recorder.seen == ("GET", f"/plugin/{PLUGIN}", None)
    assert (plugin.id, plugin.is_active, plugin.enabled_phone_numbers) == (PLUGIN, True, [NUMBER])
    assert "s3cret" not in repr(plugin)

    await plugins.update(PLUGIN, server_config=plugin.server_config | {"passThroughWebhookUrl": None})
    sent = {"pluginId": PLUGIN, "serverConfig": {**config, "passThroughWebhookUrl": None}}
    assert recorder.seen == ("PUT", f"/plugin/{PLUGIN}", sent)
    await plugins.update(PLUGIN, is_active=False)
    assert recorder.last.json == {"pluginId": PLUGIN, "isActive": False}

    recorder.forget().send(b"", 204)
    assert await plugins.delete(PLUGIN) is None
    assert recorder.seen == ("DELETE", f"/plugin/{PLUGIN}", None)


async def test_a_plugin_that_is_gone(recorder, chakra):
    recorder.send(b"Not Found", 404, "text/plain")
    with pytest.raises(NotFoundError):
        await chakra.whatsapp.plugins.delete(PLUGIN)


async def test_a_plugin_without_id_cannot_be_used(recorder, chakra):
    recorder.data({"name": "Sales"})
    with pytest.raises(DecodeError):
        await chakra.whatsapp.plugins.create(name="Sales")
    recorder.forget().data([])
    with pytest.raises(DecodeError):
        await chakra.whatsapp.plugins.get(PLUGIN)


@pytest.mark.parametrize("config", [None, 7, {"a": 1}, {"enabledWhatsappPhoneNumbers": None}])
async def test_numbers_that_are_not_there_yet(recorder, chakra, config):
    recorder.data({"serverConfig": config})
    assert list((await chakra.whatsapp.plugins.get(PLUGIN)).enabled_phone_numbers) == []


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda p: p.create(name=" "), "name is empty"),
        (lambda p: p.get(""), "plugin_id is empty"),
        (lambda p: p.update(PLUGIN), "one at a time"),
        (lambda p: p.update(PLUGIN, server_config={}, is_active=True), "one at a time"),
        (lambda p: p.update(PLUGIN, server_config=[1]), "must be a mapping"),
        (lambda p: p.delete(".."), "another path"),
    ],
)
async def test_refused(recorder, chakra, call, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        await call(chakra.whatsapp.plugins)
    assert recorder.requests == []


async def test_what_is_repeated():
    async with RawServer(RST, RST, wrapped({})) as server, quick_client(server) as chakra:
        with pytest.raises(AmbiguousResultError):
            await chakra.whatsapp.plugins.create(name="Sales")
        await chakra.whatsapp.plugins.update(PLUGIN, is_active=True)
    assert [request.line.split()[0] for request in server.requests] == ["POST", "PUT", "PUT"]
