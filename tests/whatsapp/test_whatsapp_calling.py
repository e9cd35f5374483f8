"""Calls: settings, permissions, signalling."""

from datetime import UTC, datetime

import pytest

from chakra_async import AmbiguousResultError, BadRequestError, DecodeError
from tests.raw import RST, RawServer, quick_client


NUMBER = "106540352242922"
BASE = f"/v1/whatsapp/v19.0/{NUMBER}"
SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n"


@pytest.fixture
def calling(chakra):
    return chakra.whatsapp.calling


async def test_get_settings(recorder, calling):
    recorder.raw(
        {
            "calling": {
                "status": "ENABLED",
                "call_icon_visibility": "DEFAULT",
                "call_hours": {"status": "DISABLED"},
                "sip": {"servers": [{"hostname": "a", "sip_user_password": "pa55"}]},
                "new": 1,
            },
            "storage_configuration": {"status": "DEFAULT"},
            "other": 2,
        }
    )
    settings = await calling.get_settings()
    assert recorder.seen == ("GET", f"{BASE}/settings", None)
    assert (settings.calling.status, settings.calling.extra) == ("ENABLED", {"new": 1})
    assert (settings.storage_configuration, settings.extra) == ({"status": "DEFAULT"}, {"other": 2})
    assert "pa55" not in repr(settings)
    await calling.get_settings(include_sip_credentials=True, phone_number_id="7", api_version="v22.0")
    assert recorder.last.target == "/v1/whatsapp/v22.0/7/settings?include_sip_credentials=true"


async def test_settings_that_are_not_there_are_empty(recorder, calling):
    recorder.raw({})
    assert (await calling.get_settings()).calling.status is None


async def test_update_settings(recorder, calling):
    recorder.raw({"success": True})
    hours = {"status": "ENABLED", "timezone_id": "Asia/Kolkata", "weekly_operating_hours": []}
    await calling.update_settings(
        status="ENABLED",
        call_icon_visibility="DISABLE ALL",
        callback_permission_status="DISABLED",
        call_hours=hours,
        sip={"status": "DISABLED"},
    )
    changes = {
        "status": "ENABLED",
        "call_icon_visibility": "DISABLE ALL",
        "callback_permission_status": "DISABLED",
        "call_hours": hours,
        "sip": {"status": "DISABLED"},
    }
    assert recorder.seen == ("POST", f"{BASE}/settings", {"calling": changes})
    with pytest.raises(ValueError, match="nothing to change"):
        await calling.update_settings()


async def test_get_permissions(recorder, calling):
    recorder.raw(
        {
            "messaging_product": "whatsapp",
            "permission": {"status": "temporary", "expiration_time": 1767323045},
            "actions": [
                {
                    "action_name": "start_call",
                    "can_perform_action": True,
                    "limits": [{"time_period": "PT24H", "max_allowed": 5, "current_usage": 0}],
                },
                {"action_name": "send_call_permission_request", "can_perform_action": False},
            ],
        }
    )
    found = await calling.get_permissions("+91 99012 58433")
    assert recorder.seen == ("GET", f"{BASE}/call_permissions?user_wa_id=919901258433", None)
    assert found.permission.status == "temporary"
    assert found.permission.expiration_time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found.actions[0].limits[0].max_allowed == 5
    actions = ("start_call", "send_call_permission_request", "x")
    assert [found.can(action) for action in actions] == [True, False, False]
    await calling.get_permissions(recipient="IN.1 2")
    assert recorder.last.target == f"{BASE}/call_permissions?recipient=IN.1+2"


async def test_connect(recorder, calling):
    recorder.raw({"messaging_product": "whatsapp", "calls": [{"id": "wacid.A"}]})
    call = await calling.connect(
        "919901258433",
        sdp=SDP,
        biz_opaque_callback_data="ref 7",
        recording={"status": "ENABLED"},
        transcription={"status": "DISABLED"},
    )
    assert call.id == "wacid.A"
    assert recorder.seen == (
        "POST",
        f"{BASE}/calls",
        {
            "messaging_product": "whatsapp",
            "action": "connect",
            "to": "919901258433",
            "session": {"sdp_type": "offer", "sdp": SDP},
            "biz_opaque_callback_data": "ref 7",
            "recording": {"status": "ENABLED"},
            "transcription": {"status": "DISABLED"},
        },
    )
    await calling.connect(recipient="IN.1", sdp=SDP)
    assert recorder.last.json["recipient"] == "IN.1"
    assert "to" not in recorder.last.json


@pytest.mark.parametrize(
    "answer", [{}, {"calls": []}, {"calls": [{}]}, {"calls": ["x"]}, [], {"success": True}]
)
async def test_a_call_without_an_id_is_a_failure(recorder, calling, answer):
    recorder.raw(answer)
    with pytest.raises(DecodeError, match="names no call"):
        await calling.connect("919901258433", sdp=SDP)


@pytest.mark.parametrize(
    ("action", "given", "expected"),
    [
        ("pre_accept", {"sdp": SDP}, {"session": {"sdp_type": "answer", "sdp": SDP}}),
        (
            "accept",
            {"sdp": SDP, "biz_opaque_callback_data": "r", "recording": {"status": "ENABLED"}},
            {
                "session": {"sdp_type": "answer", "sdp": SDP},
                "biz_opaque_callback_data": "r",
                "recording": {"status": "ENABLED"},
            },
        ),
        ("reject", {}, {}),
        ("reject", {"biz_opaque_callback_data": "r"}, {"biz_opaque_callback_data": "r"}),
        ("terminate", {}, {}),
    ],
)
async def test_actions_upon_a_call(recorder, calling, action, given, expected):
    recorder.raw({"messaging_product": "whatsapp", "success": True})
    assert await getattr(calling, action)("wacid.A", **given) is None
    body = {"messaging_product": "whatsapp", "action": action, "call_id": "wacid.A", **expected}
    assert recorder.seen == ("POST", f"{BASE}/calls", body)
    recorder.forget().raw({"success": False})
    with pytest.raises(DecodeError):
        await getattr(calling, action)("wacid.A", **given)


async def test_errors_inside_a_success_are_errors(recorder, calling):
    recorder.raw({"_errors": ["(#138006) No approved call permission"]})
    with pytest.raises(BadRequestError) as caught:
        await calling.connect("919901258433", sdp=SDP)
    assert caught.value.whatsapp_code == 138006


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda c: c.connect(sdp=SDP), "not both"),
        (lambda c: c.connect("919901258433", recipient="IN.1", sdp=SDP), "not both"),
        (lambda c: c.connect("919901258433", sdp=""), "sdp is empty"),
        (lambda c: c.get_permissions(), "not both"),
        (lambda c: c.get_permissions(recipient=""), "recipient is empty"),
        (lambda c: c.accept("", sdp=SDP), "call_id is empty"),
    ],
)
async def test_refused(recorder, calling, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        await call(calling)
    assert recorder.requests == []


async def test_nobody_is_called_twice():
    async with RawServer(RST) as server, quick_client(server, phone_number_id=NUMBER) as chakra:
        for call in (
            chakra.whatsapp.calling.connect("919901258433", sdp=SDP),
            chakra.whatsapp.calling.terminate("wacid.A"),
        ):
            with pytest.raises(AmbiguousResultError):
                await call
    assert len(server.requests) == 2
