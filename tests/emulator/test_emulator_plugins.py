"""Plugins and what is connected to them."""

from __future__ import annotations

import pytest


def test_a_plugin_exists_from_the_start(api, emulator):
    plugin = api("GET", f"/plugin/{emulator.plugin_id}").data
    assert (plugin["isActive"], plugin["type"]) == (True, "whatsapp")
    assert list(plugin["auth"]["whatsappBusinessAccountsById"]) == [emulator.waba_id]
    assert list(plugin["auth"]["whatsappPhoneNumbersById"]) == [emulator.phone_number_id]
    assert plugin["serverConfig"]["enabledWhatsappPhoneNumbers"] == [emulator.phone_number_id]
    (number,) = api("GET", "/v1/ext/whatsapp-phone-number").data
    assert (number["id"], number["waba"]) == (emulator.phone_number_id, emulator.waba_id)
    assert api("GET", f"/v1/ext/whatsapp-phone-number/{number['id']}").data == number
    assert number["qualityScore"] == {"score": "GREEN"}
    (account,) = api("GET", f"/v1/ext/whatsapp-business-account?pluginId={emulator.plugin_id}").data
    assert (account["id"], account["chakraStatus"]) == (emulator.waba_id, "CONNECTED")


def test_what_is_connected_to_nothing_is_not_listed(api):
    for kind in ("phone-number", "business-account"):
        assert api("GET", f"/v1/ext/whatsapp-{kind}?pluginId=none").data == []
    assert api("GET", "/v1/ext/whatsapp-phone-number/1").status == 404


def test_the_life_of_a_plugin(api, emulator):
    plugin_id = api("POST", "/plugin", {"type": "whatsapp", "name": "Second"}).data["id"]
    one = f"/plugin/{plugin_id}"
    assert api("GET", one).data["auth"] == {
        "whatsappBusinessAccountsById": {},
        "whatsappPhoneNumbersById": {},
    }
    config = {"passThroughWebhookUrl": "https://x.test/hook"}
    updated = api("PUT", one, {"pluginId": plugin_id, "serverConfig": config}).data
    assert updated["serverConfig"] == config
    assert api("GET", one).data == updated
    assert api("PUT", one, {"pluginId": plugin_id, "isActive": False}).data["serverConfig"] == config
    assert api("GET", one).data["isActive"] is False
    assert api("DELETE", one).data["id"] == plugin_id
    for method in ("GET", "DELETE"):
        answer = api(method, one)
        assert (answer.status, answer.data) == (404, [])
    assert emulator.plugin_id != plugin_id


@pytest.mark.parametrize(
    ("method", "path", "body", "detail"),
    [
        ("POST", "/plugin", {"name": "x"}, "must have required property 'type'"),
        ("POST", "/plugin", {"type": "fax", "name": "x"}, "constraint 'enum' at 'body.type'"),
        ("PUT", "/plugin/{plugin}", {"serverConfig": []}, "constraint 'type' at 'body.serverConfig'"),
        ("PUT", "/plugin/{plugin}", {"pluginId": "x"}, "pluginId is not the one in the path"),
        (
            "POST",
            "/v1/ext/plugin/whatsapp/{plugin}/update-config",
            {"whichChakraWebhookEventsToSend": ["all"]},
            "constraint 'enum' at 'body.whichChakraWebhookEventsToSend[0]'",
        ),
        ("POST", "/v1/ext/whatsapp-partner/create-connect-token", {}, "required property 'newPluginName'"),
        (
            "POST",
            "/v1/ext/whatsapp-partner/create-connect-token",
            {"newPluginName": "x", "clientName": "y"},
            "required property 'clientReferenceId'",
        ),
    ],
)
def test_bodies_that_are_refused(api, emulator, method, path, body, detail):
    answer = api(method, path.replace("{plugin}", emulator.plugin_id), body)
    assert (answer.status, answer.data) == (400, [])
    assert detail in answer.errors[0]


def test_the_configuration_of_a_plugin(api, emulator, plugin):
    config = api("GET", f"{plugin}/config").data
    assert config["passThroughWebhookUrl"] is config["chakraWebhookUrl"] is None
    change = {"chakraWebhookUrl": "https://x.test", "whichChakraWebhookEventsToSend": ["message", "status"]}
    assert api("POST", f"{plugin}/update-config", {**change, "unknown": 1}).data == {"success": True}
    assert api("GET", f"{plugin}/config").data == {**config, **change}
    # Another view of the same: replacing it whole there drops what was set here.
    body = {"serverConfig": {"passThroughWebhookUrl": "https://y.test"}}
    api("PUT", f"/plugin/{emulator.plugin_id}", body)
    changed = {**config, "passThroughWebhookUrl": "https://y.test", "enabledWhatsappPhoneNumbers": []}
    assert api("GET", f"{plugin}/config").data == changed
    for path in ("config", "update-config"):
        method = "GET" if path == "config" else "POST"
        assert api(method, f"/v1/ext/plugin/whatsapp/none/{path}").status == 404


def test_tokens_to_connect(api, emulator):
    path = "/v1/ext/whatsapp-partner/create-connect-token"
    new = {"newPluginName": "x", "clientReferenceId": "1", "clientName": "y"}
    tokens = {
        api("POST", path, body).data["connectToken"] for body in (new, {"pluginId": emulator.plugin_id})
    }
    assert len(tokens) == 2
    assert api("POST", path, {"pluginId": "none"}).status == 404


def test_deleting_the_first_plugin_takes_all_with_it(api, emulator):
    number, account = emulator.phone_number_id, emulator.waba_id
    api("DELETE", f"/plugin/{emulator.plugin_id}")
    assert api("GET", "/v1/ext/whatsapp-phone-number").data == []
    assert api("GET", f"/v1/whatsapp/v22.0/{number}/settings").status == 400
    assert api("GET", f"/v1/ext/plugin/whatsapp/api/v22.0/{account}/message_templates").status == 400
    with pytest.raises(LookupError):
        _ = emulator.plugin_id
    with pytest.raises(LookupError):
        emulator.receive_message("919812345678", text="x")


@pytest.mark.parametrize(
    "path",
    ["/v1/whatsapp/v22.0/{n}/settings", "/plugin/{p}", "/v1/ext/users", "/v1/ext/config", "/v1/ext/user/1"],
)
@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 429, "retry_after": 1}, {"gzip": True}, {"delay": 0.01}]
)
def test_faults_hit_every_route(api, emulator, path, fault):
    path = path.replace("{n}", emulator.phone_number_id).replace("{p}", emulator.plugin_id)
    planned = emulator.faults.next(**fault)
    answer = api.raw("GET", path)
    assert planned.fired == 1
    if "status" in fault:
        assert answer.status == fault["status"]
    assert api.raw("GET", path, token="none").status == 401


def test_endpoints_whose_paths_nobody_knows_are_not_invented(api, emulator, plugin, number):
    for method, path in [
        ("GET", "/plugin"),
        ("POST", f"{number}/media"),
        ("DELETE", "/v1/ext/chat/1"),
        ("POST", f"{plugin}/disconnect"),
        ("GET", f"{number}/messages"),
        ("GET", "/v2/whatsapp/v22.0/media/1"),
    ]:
        answer = api.raw(method, path)
        assert (answer.status, answer.body) == (404, b"Not Found")
