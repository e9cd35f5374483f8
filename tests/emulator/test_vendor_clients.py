"""What the vendor's own clients send, and what they read of the answers.

The requests were recorded from the unmodified clients at work on this emulator: the TypeScript SDK 1.1.3
under Node 20 and in a page, and the n8n node inside n8n's own engine. ``PLUGIN``, ``NUMBER`` and ``CALL``
stand for ids.
"""

from __future__ import annotations

import http.client
import json
from types import SimpleNamespace

import pytest


SDK = {
    "Connection": "keep-alive",
    "Accept": "application/json",
    "X-Chakra-SDK": "@chakrahq/chakra-chat-sdk/1.1.3",
    "Accept-Language": "*",
    "Sec-Fetch-Mode": "cors",
    "User-Agent": "node",
    "Accept-Encoding": "gzip, deflate",
}
N8N = {
    "Accept": "application/json",
    "User-Agent": "n8n",
    "Accept-Encoding": "gzip, compress, deflate, br",
    "Connection": "close",
}
TEMPLATE = "/v1/ext/plugin/whatsapp/PLUGIN/phoneNumber/919999999999/send-template-message"
MESSAGES = "/v1/ext/plugin/whatsapp/PLUGIN/api/v19.0/NUMBER/messages"
UPLOAD = "/v1/ext/plugin/whatsapp/PLUGIN/upload-public-media"
CALLING = "/v1/whatsapp/v22.0/NUMBER"


@pytest.fixture
def replay(emulator):
    """Send a recorded request as it was, but for the ids, the token and the length."""

    def send(method, path, body=None, *, headers=SDK, call="CALL", token=None):
        ids = {"PLUGIN": emulator.plugin_id, "NUMBER": emulator.phone_number_id, "CALL": call}

        def filled(text):
            for name, value in ids.items():
                text = text.replace(name, value)
            return text

        shown = {"Authorization": f"Bearer {token or emulator.token}", **headers}
        if isinstance(body, dict):
            # As JSON.stringify writes it.
            body = filled(json.dumps(body, separators=(",", ":"), ensure_ascii=False)).encode()
            shown["Content-Type"] = "application/json"
        if body is not None:
            shown["Content-Length"] = str(len(body))
        connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=10)
        connection.putrequest(method, filled(path), skip_accept_encoding=True)
        for name, value in shown.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        # Both clients read as JSON what says that it is, and anything else as text.
        says_json = "application/json" in (answer.headers["Content-Type"] or "")
        return SimpleNamespace(
            status=answer.status, headers=answer.headers, body=json.loads(text) if says_json else text
        )

    return send


@pytest.fixture
def templates(emulator):
    header = {"type": "HEADER", "format": "TEXT", "text": "For {{1}}"}
    image = {"type": "HEADER", "format": "IMAGE"}
    emulator.add_template("hello", "Hello there")
    emulator.add_template("two", "Dear {{1}}, at {{2}}")
    emulator.add_template("pictured", components=[image, {"type": "BODY", "text": "Look"}])
    emulator.add_template("titled", components=[header, {"type": "BODY", "text": "Body {{1}}"}])
    emulator.add_template("login_otp", "{{1}} is your code", category="AUTHENTICATION")
    emulator.add_template("both", "English", language="en")
    emulator.add_template("both", "Português", language="pt_BR")
    emulator.add_template("hello_world", "Hello World", language="en_US")


def mapping(*values):
    return [{"schemaPropertyName": str(n), "schemaPropertyValue": value} for n, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"templateName": "hello"}, "Hello there"),
        ({"templateName": "two", "mapping": mapping("John", "noon")}, "Dear John, at noon"),
        ({"templateName": "pictured", "imageUrl": "https://example.com/promo.png"}, "Look"),
        (
            {"templateName": "hello", "documentUrl": "https://example.com/a.pdf", "filename": "a.pdf"},
            "Hello there",
        ),
        (
            {
                "templateName": "hello",
                "locationLatitude": 12.9,
                "locationLongitude": 77.6,
                "locationName": "Office",
                "locationAddress": "MG Road",
            },
            "Hello there",
        ),
        (
            {
                "templateName": "titled",
                "mapping": mapping("x"),
                "headerMapping": mapping("you"),
                "buttonMapping": mapping("abc"),
            },
            "Body x",
        ),
        ({"templateName": "login_otp", "otpCode": "496093"}, "496093 is your code"),
        ({"templateName": "both", "language": "pt_BR"}, "Português"),
    ],
)
def test_the_sdk_sends_a_template(replay, emulator, templates, fields, text):
    answer = replay("POST", TEMPLATE, {"whatsappPhoneNumberId": "NUMBER", **fields})
    (kept,) = emulator.messages
    sent = answer.body["_data"]
    assert (answer.status, sent["id"], sent["externalId"]) == (200, kept.id, kept.wamid)
    assert (sent["text"], sent["body"], kept.text) == (text, {"body": text}, text)
    # The rest of what its type says of the answer.
    assert (sent["direction"], sent["provider"], sent["dataType"]) == ("OUTBOUND", "whatsapp", "template")
    assert all(type(sent[name]) is int for name in ("createdAt", "updatedAt", "timestamp"))
    assert all(isinstance(sent[name], str) for name in ("deliveryStatus", "team", "plugin", "user"))
    assert set(sent["context"]) == {"contactIdentifier", "messageTemplateId"}
    assert set(sent["source"]) == {"sourceId", "sourceType"}
    nullable = {"attachments", "adhocAgent", "chat", "contact", "procedure", "process", "campaign"}
    assert nullable | {"inReplyTo"} <= set(sent)


def message(**rest):
    return {"messaging_product": "whatsapp", "to": "919999999999", **rest}


def buttons(count):
    replies = [{"type": "reply", "reply": {"id": str(n), "title": f"B{n}"}} for n in range(count)]
    interactive = {"type": "button", "body": {"text": "Well?"}, "action": {"buttons": replies}}
    return message(type="interactive", interactive=interactive)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (message(type="text", text={"body": "Hello from Chakra!"}), "Hello from Chakra!"),
        (
            message(
                recipient_type="individual",
                type="template",
                template={
                    "name": "hello_world",
                    "language": {"policy": "deterministic", "code": "en_US"},
                    "components": [{"type": "body", "parameters": []}],
                },
            ),
            "Hello World",
        ),
        (message(type="image", image={"link": "https://example.com/a.png", "caption": "c"}), "c"),
        (buttons(3), "Well?"),
    ],
)
def test_the_sdk_sends_a_session_message(replay, emulator, templates, body, text):
    answer = replay("POST", MESSAGES, body)
    (kept,) = emulator.messages
    assert (answer.status, answer.body["_data"], kept.text) == (200, {"whatsappMessageId": kept.wamid}, text)


@pytest.mark.parametrize(
    ("path", "body", "token", "status", "start"),
    [
        (MESSAGES, buttons(4), None, 400, "(#131009) Parameter value is not valid"),
        (MESSAGES, {"to": "91", "type": "text"}, None, 400, "Your request has violated JSON schema"),
        (MESSAGES.replace("PLUGIN", "none"), message(), None, 404, "WhatsApp plugin 'none' not found"),
        (TEMPLATE, {"whatsappPhoneNumberId": "NUMBER", "templateName": "nope"}, None, 400, "(#132001) "),
        (
            TEMPLATE,
            {"whatsappPhoneNumberId": "NUMBER", "templateName": "hello"},
            "wrong",
            401,
            "Unauthorized",
        ),
        (f"{CALLING}/calls", message(action="connect"), None, 400, "(#131008) "),
    ],
)
def test_the_sdk_finds_the_reason_of_a_refusal(replay, templates, path, body, token, status, start):
    answer = replay("POST", path, body, token=token)
    assert answer.status == status
    assert answer.body["_errors"][0].startswith(start)


def test_the_sdk_takes_the_text_of_what_is_no_json(replay):
    answer = replay("GET", "/nowhere/x")
    assert (answer.status, answer.body) == (404, "Not Found")


@pytest.mark.parametrize(
    ("filename", "given", "content_type"),
    [
        # Bytes have no type, and it is served as it came, which WhatsApp may not like.
        ("image.png", "image.png", "application/octet-stream"),
        ("Übersicht %22x%22.pdf", 'Übersicht "x".pdf', "application/octet-stream"),
        # Without a name it sends this word.
        ("undefined", None, "image/webp"),
    ],
)
def test_the_sdk_uploads_media(replay, emulator, filename, given, content_type):
    line = "------formdata-undici-006079125878"
    form = f'{line}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
    form += f"Content-Type: {content_type}\r\n\r\nbytes\r\n"
    if given is not None:
        form += f'{line}\r\nContent-Disposition: form-data; name="filename"\r\n\r\n{given}\r\n'
    kind = {"Content-Type": f"multipart/form-data; boundary={line[2:]}"}
    answer = replay("POST", UPLOAD, f"{form}{line}--\r\n".encode(), headers=SDK | kind)
    address = answer.body["_data"]["publicMediaUrl"]
    assert address.endswith((given or "x.webp")[-4:])
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=10)
    connection.request("GET", address.removeprefix(emulator.url))
    shown = connection.getresponse()
    assert (shown.status, shown.headers["Content-Type"], shown.read()) == (200, content_type, b"bytes")
    connection.close()


def test_the_sdk_reads_and_changes_the_settings_of_calls(replay):
    assert replay("GET", f"{CALLING}/settings").body["calling"]["status"] == "DISABLED"
    first = {"status": "ENABLED", "callback_permission_status": "ENABLED"}
    server = {"hostname": "sip.example.com", "port": 5061, "request_uri_user_params": {"a": "b"}}
    second = {
        "call_icon_visibility": "DISABLE ALL",
        "call_hours": {
            "status": "ENABLED",
            "timezone_id": "Asia/Kolkata",
            "weekly_operating_hours": [{"day_of_week": "MONDAY", "open_time": "0900", "close_time": "1800"}],
            "holiday_schedule": [{"date": "2026-12-25", "start_time": "0000", "end_time": "2359"}],
        },
        "sip": {"status": "ENABLED", "servers": [server]},
    }
    for change in (first, second):
        assert replay("POST", f"{CALLING}/settings", {"calling": change}).body == {"success": True}
    for query in ("", "?include_sip_credentials=true"):
        assert replay("GET", f"{CALLING}/settings{query}").body["calling"] == first | second


@pytest.mark.parametrize("query", ["user_wa_id=919999999999", "recipient=IN.abc"])
def test_the_sdk_asks_for_permission_to_call(replay, query):
    body = replay("GET", f"{CALLING}/call_permissions?{query}").body
    assert (body["messaging_product"], body["permission"]["status"]) == ("whatsapp", "temporary")
    assert {"action_name", "can_perform_action", "limits"} == set(body["actions"][0])


def session(sdp_type):
    return {"sdp_type": sdp_type, "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"}


def action(name, **rest):
    return {"messaging_product": "whatsapp", "action": name, **rest}


def test_the_sdk_calls_somebody(replay, emulator):
    replay("POST", f"{CALLING}/settings", {"calling": {"status": "ENABLED"}})
    rest = {
        "session": session("offer"),
        "biz_opaque_callback_data": "mine",
        "recording": {"status": "ENABLED", "purpose": "quality", "announcement_language": "en"},
        "transcription": {"status": "DISABLED"},
    }
    answer = replay("POST", f"{CALLING}/calls", action("connect", to="919999999999", **rest))
    (call,) = emulator.calls
    assert (answer.status, answer.body["calls"]) == (200, [{"id": call["id"]}])
    assert (call["person"], call["direction"], call["status"]) == ("919999999999", "OUTBOUND", "ringing")
    end = action("terminate", call_id="CALL")
    assert replay("POST", f"{CALLING}/calls", end, call=call["id"]).body["success"] is True
    assert emulator.calls[0]["status"] == "ended"


def test_the_sdk_answers_calls_that_come_in(replay, emulator):
    first, second = (emulator.receive_call(f"91999999999{n}") for n in range(2))
    prepare = {"session": session("answer"), "recording": {"status": "ENABLED"}}
    for call, name, rest, status in (
        (first, "pre_accept", prepare, "ringing"),
        (first, "accept", {"session": session("answer"), "biz_opaque_callback_data": "x"}, "going"),
        (first, "terminate", {}, "ended"),
        (second, "reject", {"biz_opaque_callback_data": "busy"}, "ended"),
    ):
        answer = replay("POST", f"{CALLING}/calls", action(name, call_id="CALL", **rest), call=call)
        assert answer.body == {"messaging_product": "whatsapp", "success": True}
        assert next(one["status"] for one in emulator.calls if one["id"] == call) == status


def test_the_sdk_in_a_page_of_another_origin(replay, emulator):
    emulator.faults.next(status=503)  # meant for a request, not for the question before it
    page = {"Origin": "http://localhost:3000", "Referer": "http://localhost:3000/app"}
    names = "Authorization, X-Chakra-SDK"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": names}
    allowed = replay("OPTIONS", MESSAGES, headers=page | asked, token="not yet")
    assert (allowed.status, allowed.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert allowed.headers["Access-Control-Allow-Methods"] == "POST"
    assert allowed.headers["Access-Control-Allow-Headers"] == names
    body = message(type="text", text={"body": "from a page"})
    for token, status in ((None, 503), (None, 200), ("wrong", 401)):
        answer = replay("POST", MESSAGES, body, headers=SDK | page, token=token)
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, "*")
        assert answer.headers["Access-Control-Expose-Headers"] == "*"
    assert [one.text for one in emulator.messages] == ["from a page"]
    assert replay("GET", "/v1/health").headers["Access-Control-Allow-Origin"] is None


def test_the_n8n_node_sends_a_text(replay, emulator):
    text = {"body": "Hello from n8n"}
    body = {"to": "912233223322", "text": text, "messaging_product": "whatsapp", "type": "text"}
    answer = replay("POST", MESSAGES.replace("v19.0", "v24.0"), body, headers=N8N)
    (kept,) = emulator.messages
    assert (answer.status, answer.body) == (200, {"_data": {"whatsappMessageId": kept.wamid}})
    assert (kept.phone, kept.text) == ("912233223322", "Hello from n8n")


@pytest.mark.parametrize(
    ("fields", "image", "text"),
    [
        ({"templateName": "hello"}, "", "Hello there"),
        ({"templateName": "two", "mapping": mapping("Asha", "10:30")}, "", "Dear Asha, at 10:30"),
        ({"templateName": "pictured"}, "https://example.com/a.png", "Look"),
    ],
)
def test_the_n8n_node_also_sends_what_was_left_empty(replay, emulator, templates, fields, image, text):
    empty = {"videoUrl": "", "documentUrl": "", "filename": "", "locationLatitude": 0, "locationLongitude": 0}
    body = {"whatsappPhoneNumberId": "NUMBER", **fields, "imageUrl": image, **empty}
    answer = replay("POST", TEMPLATE, body, headers=N8N)
    attachments = [{"type": "image", "link": image}] if image else None
    assert (answer.status, answer.body["_data"]["attachments"]) == (200, attachments)
    assert (answer.body["_data"]["text"], emulator.messages[0].text) == (text, text)


@pytest.mark.parametrize(("token", "strict"), [(None, 200), ("wrong", 401)])
def test_the_n8n_node_tries_its_credentials(replay, emulator, token, strict):
    headers = N8N | {"Accept": "application/json, text/plain, */*"}
    assert replay("GET", "/v1/health", headers=headers, token=token).status == 200
    emulator.settings.health_needs_token = True
    assert replay("GET", "/v1/health", headers=headers, token=token).status == strict
