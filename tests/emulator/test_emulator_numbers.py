"""What belongs to a phone number: its key, groups and calls."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest


KEY = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"
OFFER = {"sdp_type": "offer", "sdp": "v=0"}


@pytest.fixture
def calling(emulator):
    return f"/v1/whatsapp/v22.0/{emulator.phone_number_id}"


def test_the_public_key(api, emulator, number):
    path = f"{number}/whatsapp_business_encryption"
    assert api.meta("GET", path).json == {}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = [
        api.raw("POST", path, urlencode({"business_public_key": KEY}).encode(), headers=form),
        api.raw("POST", path, json.dumps({"business_public_key": KEY}).encode()),
    ]
    assert [json.loads(answer.body) for answer in answers] == [{"success": True}] * 2
    body = {"business_public_key": KEY, "business_public_key_signature_status": "VALID"}
    assert api.meta("GET", path).json == body
    emulator.settings.inferred_answer = "wrapped"
    assert api.upload(path, [], {"business_public_key": KEY}).data == {"success": True}
    assert api("GET", path).data == body
    for wrong in ({}, {"business_public_key": "x"}, {"business_public_key": 1}, None):
        assert api("POST", path, wrong).errors[0].startswith("(#100)")
    assert "businessPublicKey" not in api("GET", "/v1/ext/whatsapp-phone-number").data[0]


def test_a_phone_number_in_the_words_of_meta(api, emulator, number):
    info = api.meta("GET", number).json
    assert (info["id"], info["quality_rating"]) == (emulator.phone_number_id, "GREEN")
    assert set(api.meta("GET", f"{number}?fields=display_phone_number").json) == {
        "id",
        "display_phone_number",
    }


@pytest.fixture
def group(api, number, plugin):
    body = {
        "messaging_product": "whatsapp",
        "subject": " Friends ",
        "join_approval_mode": "approval_required",
    }
    assert set(api.meta("POST", f"{number}/groups", body).json) == {"messaging_product", "request_id"}
    (listed,) = api.meta("GET", f"{number}/groups").json["data"]["groups"]
    assert (listed["subject"], set(listed)) == ("Friends", {"id", "subject", "created_at"})
    return f"{plugin}/api/v22.0/{listed['id']}"


def test_a_group(api, group):
    info = api.meta("GET", group).json
    assert (info["subject"], info["total_participant_count"], info["participants"]) == ("Friends", 0, [])
    assert set(api.meta("GET", f"{group}?fields=subject").json) == {"messaging_product", "id", "subject"}
    change = {"messaging_product": "whatsapp", "description": "All of us"}
    assert api.meta("POST", group, change).json["success"] is True
    assert api.meta("GET", group).json["description"] == "All of us"
    link = api.meta("GET", f"{group}/invite_link").json["invite_link"]
    new = api.meta("POST", f"{group}/invite_link", {"messaging_product": "whatsapp"}).json["invite_link"]
    assert link != new == api.meta("GET", f"{group}/invite_link").json["invite_link"]
    assert api.meta("DELETE", group).json["success"] is True
    assert api("GET", group).errors[0].startswith("(#100)")


def test_joining_and_leaving_a_group(api, emulator, group, number):
    group_id = group.rpartition("/")[2]
    first, second, third = (emulator.ask_to_join(group_id, f"91981234567{n}") for n in range(3))
    page = api.meta("GET", f"{group}/join_requests?limit=2").json
    assert [one["join_request_id"] for one in page["data"]] == [first, second]
    rest = api.meta("GET", page["paging"]["next"].removeprefix(emulator.url)).json
    assert [one["wa_id"] for one in rest["data"]] == ["919812345672"]
    body = {"messaging_product": "whatsapp", "join_requests": [first, third, "none", first]}
    answer = api.meta("POST", f"{group}/join_requests", body).json
    assert answer["approved_join_requests"] == [first, third]
    assert [one["join_request_id"] for one in answer["failed_join_requests"]] == ["none"]
    body = {"messaging_product": "whatsapp", "join_requests": [second]}
    assert api.meta("DELETE", f"{group}/join_requests", body).json["rejected_join_requests"] == [second]
    assert api.meta("GET", f"{group}/join_requests").json == {"data": []}
    people = [{"user": "919812345670"}, {"user": "1"}]
    body = {"messaging_product": "whatsapp", "participants": people}
    answer = api.meta("DELETE", f"{group}/participants", body).json
    assert (answer["removed_participants"], answer["failed_participants"]) == (people[:1], people[1:])
    assert api.meta("GET", group).json["participants"] == [{"wa_id": "919812345672"}]
    text = {
        "messaging_product": "whatsapp",
        "recipient_type": "group",
        "to": group_id,
        "text": {"body": "hi"},
    }
    assert api("POST", f"{number}/messages", text).status == 200
    assert emulator.messages[0].phone == group_id
    with pytest.raises(LookupError):
        emulator.ask_to_join("none", "1")


def test_groups_that_are_refused(api, emulator, plugin, number, group):
    answer = api("POST", f"{number}/groups", {"messaging_product": "whatsapp"})
    assert "must have required property 'subject'" in answer.errors[0]
    assert (
        api("POST", f"{plugin}/api/v22.0/1/groups", {"messaging_product": "whatsapp", "subject": "x"}).status
        == 400
    )
    assert api("POST", f"{group}/join_requests", {"join_requests": ["x"]}).status == 400
    assert api("DELETE", group, token=emulator.add_token()).status == 403
    emulator.settings.inferred_answer = "wrapped"
    assert api("GET", group).data["subject"] == "Friends"


def test_settings_of_calls(api, emulator, calling):
    assert api.meta("GET", f"{calling}/settings").json["calling"]["status"] == "DISABLED"
    sip = {"status": "ENABLED", "servers": [{"hostname": "sip.test", "sip_user_password": "secret"}]}
    body = {"calling": {"status": "ENABLED", "sip": sip}}
    assert api.meta("POST", f"{calling}/settings", body).json == {"success": True}
    settings = api.meta("GET", f"{calling}/settings").json["calling"]
    assert settings["status"] == "ENABLED"
    assert settings["call_icon_visibility"] == "DEFAULT"
    assert settings["sip"]["servers"] == [{"hostname": "sip.test"}]
    full = api.meta("GET", f"{calling}/settings?include_sip_credentials=true").json["calling"]
    assert full["sip"] == sip
    assert api("POST", f"{calling}/settings", {"calling": {"status": "ON"}}).status == 400
    assert api("GET", "/v1/whatsapp/v22.0/1/settings").errors[0].startswith("(#100)")


def test_permission_to_call(api, emulator, calling):
    body = api.meta("GET", f"{calling}/call_permissions?user_wa_id=919812345678").json
    assert body["permission"]["status"] == "temporary"
    assert [one["action_name"] for one in body["actions"]] == ["send_call_permission_request", "start_call"]
    emulator.settings.call_permission = "no_permission"
    body = api.meta("GET", f"{calling}/call_permissions?recipient=x").json
    assert body["permission"] == {"status": "no_permission"}
    assert body["actions"][1]["can_perform_action"] is False
    assert api("GET", f"{calling}/call_permissions").errors[0].startswith("(#131008)")


def test_a_call(api, emulator, calling):
    api.meta("POST", f"{calling}/settings", {"calling": {"status": "ENABLED"}})
    base = {"messaging_product": "whatsapp"}
    body = {**base, "action": "connect", "to": "919812345678", "session": OFFER}
    call_id = api.meta("POST", f"{calling}/calls", body).json["calls"][0]["id"]
    answer = {**base, "action": "accept", "call_id": call_id, "session": {**OFFER, "sdp_type": "answer"}}
    assert api("POST", f"{calling}/calls", answer).errors[0].startswith("(#100) Invalid parameter: accept")
    end = {**base, "action": "terminate", "call_id": call_id}
    assert api.meta("POST", f"{calling}/calls", end).json["success"] is True
    assert api("POST", f"{calling}/calls", end).errors[0].startswith("(#138006)")
    emulator.settings.call_permission = "no_permission"
    assert api("POST", f"{calling}/calls", body).errors[0].startswith("(#138006)")


def test_a_call_that_comes_in(api, emulator, calling):
    call_id = emulator.receive_call("919812345678", sdp="v=0 theirs")
    assert emulator.calls == [
        {
            "id": call_id,
            "person": "919812345678",
            "direction": "INBOUND",
            "status": "ringing",
            "phone_number_id": emulator.phone_number_id,
            "content": {"session": {"sdp_type": "offer", "sdp": "v=0 theirs"}},
        }
    ]
    answer = {"messaging_product": "whatsapp", "call_id": call_id, "session": {**OFFER, "sdp_type": "answer"}}
    done = {"messaging_product": "whatsapp", "success": True}
    wrong = {**answer, "session": OFFER}
    assert api("POST", f"{calling}/calls", {**wrong, "action": "accept"}).errors[0].startswith("(#100)")
    for action, status in (("pre_accept", "ringing"), ("accept", "going")):
        assert api.meta("POST", f"{calling}/calls", {**answer, "action": action}).json == done
        assert emulator.calls[0]["status"] == status
    for action in ("pre_accept", "accept", "reject"):
        refused = api("POST", f"{calling}/calls", {**answer, "action": action})
        assert refused.errors[0] == f"(#100) Invalid parameter: {action} is for an incoming call that rings"
    assert api.meta("POST", f"{calling}/calls", {**answer, "action": "terminate"}).json == done
    assert emulator.calls[0]["status"] == "ended"
    with pytest.raises(ValueError, match="no phone number"):
        emulator.receive_call("+91 98")


@pytest.mark.parametrize(
    ("body", "start"),
    [
        ({"action": "connect"}, "Your request has violated JSON schema constraint 'required'"),
        (
            {"messaging_product": "whatsapp", "action": "sing"},
            "Your request has violated JSON schema constraint 'enum'",
        ),
        ({"messaging_product": "whatsapp", "action": "connect", "session": OFFER}, "(#131008)"),
        ({"messaging_product": "whatsapp", "action": "connect", "to": "1"}, "(#131008)"),
        (
            {
                "messaging_product": "whatsapp",
                "action": "connect",
                "to": "1",
                "session": {"sdp_type": "answer", "sdp": ""},
            },
            "(#100)",
        ),
        ({"messaging_product": "whatsapp", "action": "connect", "to": "1", "session": OFFER}, "(#138000)"),
        ({"messaging_product": "whatsapp", "action": "reject"}, "(#138006)"),
    ],
)
def test_calls_that_are_refused(api, calling, body, start):
    answer = api("POST", f"{calling}/calls", body)
    assert (answer.status, answer.data) == (400, [])
    assert answer.errors[0].startswith(start)
