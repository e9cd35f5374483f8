"""WhatsApp messages: sending them, and what is refused."""

from __future__ import annotations

import json

import pytest


PHONE = "919812345678"


def text(body="hi", **rest):
    return {"messaging_product": "whatsapp", "to": PHONE, "type": "text", "text": {"body": body}, **rest}


def message(kind, content):
    return {"messaging_product": "whatsapp", "to": PHONE, "type": kind, kind: content}


def buttons(count, title="Yes"):
    replies = [{"type": "reply", "reply": {"id": str(n), "title": title}} for n in range(count)]
    return {"type": "button", "body": {"text": "Well?"}, "action": {"buttons": replies}}


def rows(count):
    lines = [{"id": str(n), "title": f"Row {n}"} for n in range(count)]
    return {
        "type": "list",
        "body": {"text": "Which?"},
        "action": {"button": "Open", "sections": [{"title": "All", "rows": lines}]},
    }


def test_a_message_is_sent_and_answered_with_its_id(api, emulator, number):
    answer = api("POST", f"{number}/messages", text())
    (sent,) = emulator.messages
    assert answer.data == {"whatsappMessageId": sent.wamid}
    assert sent.wamid.startswith("wamid.")
    assert (sent.phone, sent.type, sent.text, sent.direction) == (PHONE, "text", "hi", "OUTBOUND")
    assert sent.content == text()
    assert sent.phone_number_id == emulator.phone_number_id
    assert sent.request_id == answer.headers["X-Request-Id"]


def test_older_plugins_answer_as_meta_does(api, emulator, number):
    emulator.settings.message_answer = "raw"
    body = api.meta("POST", f"{number}/messages", text()).json
    assert body == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": PHONE, "wa_id": PHONE}],
        "messages": [{"id": emulator.messages[0].wamid}],
    }


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"to": PHONE, "text": {"body": "x"}}, "must have required property 'messaging_product'"),
        (text(messaging_product="sms"), "constraint 'const' at 'body.messaging_product'"),
        ({"messaging_product": "whatsapp"}, "must have required property 'to'"),
        (text(to=919812345678), "constraint 'type' at 'body.to': must be string"),
        ([], "constraint 'type' at 'body': must be object"),
        ({"messaging_product": "whatsapp", "status": "read"}, "must have required property 'message_id'"),
        (text(recipient_type="crowd"), "constraint 'enum' at 'body.recipient_type'"),
    ],
)
def test_chakra_checks_the_body_itself(api, emulator, number, body, detail):
    answer = api("POST", f"{number}/messages", body)
    assert (answer.status, answer.data, len(answer.errors)) == (400, [], 1)
    assert answer.errors[0].startswith("Your request has violated JSON schema constraint '")
    assert detail in answer.errors[0]
    assert emulator.messages == []


@pytest.mark.parametrize(
    ("body", "start"),
    [
        (message("interactive", buttons(4)), "(#131009) Parameter value is not valid"),
        (message("interactive", buttons(0)), "(#131009)"),
        (message("interactive", buttons(1, "x" * 21)), "(#131009)"),
        (message("interactive", rows(11)), "(#131009)"),
        (message("interactive", {"type": "button", "action": {}}), "(#131008)"),
        (message("interactive", {"action": {}}), "(#131008)"),
        (message("interactive", {"type": "list", "body": {"text": "x"}, "action": {}}), "(#131008)"),
        (
            message("interactive", {"type": "button", "body": {"text": "x"}, "action": {"buttons": [1]}}),
            "(#131009)",
        ),
        (message("image", {"id": "123"}), "(#131009)"),
        (message("image", {"link": "ftp://x/y"}), "(#131009)"),
        (message("image", {"link": "http://[x"}), "(#131009)"),
        (message("video", {}), "(#131008)"),
        (message("text", {"body": ""}), "(#131009)"),
        (message("text", {"body": "x" * 4097}), "(#131009)"),
        (message("text", {}), "(#131008)"),
        (message("text", "hi"), "(#131009)"),
        (message("location", {"latitude": 1}), "(#131008)"),
        (message("location", {"latitude": 1, "longitude": "x"}), "(#131009)"),
        (message("location", {"latitude": 91, "longitude": 1}), "(#131009)"),
        (message("contacts", []), "(#131009)"),
        (message("reaction", {"emoji": "x"}), "(#131008)"),
        (message("reaction", {"message_id": "x", "emoji": 1}), "(#131009)"),
        (message("fax", {}), "(#100) Param type must be one of"),
        ({"messaging_product": "whatsapp", "to": PHONE, "type": "image"}, "(#131008)"),
        (text(to="none"), "(#131009)"),
        (text(to=""), "(#131009)"),
        (text(recipient_type="group", to="none"), "(#131009)"),
        (message("template", {"name": "x"}), "(#131008)"),
        (message("template", {"name": "x", "language": {}}), "(#131008)"),
        (
            message("template", {"name": "x", "language": {"code": "en"}}),
            "(#132001) Template name does not exist",
        ),
    ],
)
def test_meta_refuses(api, emulator, number, body, start):
    answer = api("POST", f"{number}/messages", body)
    assert (answer.status, answer.data) == (400, [])
    assert answer.errors[0].startswith(start)
    assert emulator.messages == []


def test_four_buttons_are_refused_in_the_recorded_words(api, number):
    answer = api.raw("POST", f"{number}/messages", json.dumps(message("interactive", buttons(4))))
    assert answer.body == b'{"_data":[],"_errors":["(#131009) Parameter value is not valid"]}'


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        ("image", {"link": "https://x.test/a.png", "caption": "look"}, "look"),
        ("audio", {"link": "https://x.test/a.ogg"}, None),
        ("document", {"link": "https://x.test/a.pdf", "filename": "a.pdf"}, None),
        ("sticker", {"link": "https://x.test/a.webp"}, None),
        ("location", {"latitude": 12.9, "longitude": "77.6"}, None),
        ("contacts", [{"name": {"formatted_name": "A"}}], None),
        ("interactive", buttons(3), "Well?"),
        ("interactive", rows(10), "Which?"),
        ("interactive", {"type": "cta_url", "body": {"text": "Go"}, "action": {"name": "cta_url"}}, "Go"),
        ("reaction", {"message_id": "wamid.x", "emoji": "x"}, "x"),
    ],
)
def test_every_kind_of_message(api, emulator, number, kind, content, shown):
    assert api("POST", f"{number}/messages", message(kind, content)).status == 200
    (sent,) = emulator.messages
    assert (sent.type, sent.text, sent.content[kind]) == (kind, shown, content)
    (listed,) = api("POST", f"/v1/ext/chat/{sent.chat_id}/message", {}).data
    media = [{"type": kind, **content}] if kind in ("image", "audio", "document", "sticker") else None
    assert (listed["dataType"], listed["text"], listed["attachments"]) == (kind, shown, media)


def test_meta_takes_a_number_in_any_notation(api, emulator, number):
    api("POST", f"{number}/messages", text(to="+91 98123-45678"))
    assert emulator.messages[0].phone == PHONE


def test_who_may_send_through_what(api, emulator, plugin, number):
    other = api("POST", "/plugin", {"type": "whatsapp", "name": "Other"}).data["id"]
    path = f"/v1/ext/plugin/whatsapp/{other}/api/v22.0/{emulator.phone_number_id}/messages"
    assert api("POST", path, text()).errors[0].startswith("(#100) ")
    assert api("POST", f"{plugin}/api/v22.0/1/messages", text()).errors[0].startswith("(#100) ")
    answer = api(
        "POST", f"/v1/ext/plugin/whatsapp/none/api/v22.0/{emulator.phone_number_id}/messages", text()
    )
    assert answer.status == 404
    assert "plugin" in answer.errors[0]
    assert "not found" in answer.errors[0]
    assert api("POST", f"{number}/messages", text(), token=emulator.add_token()).status == 403
    api("PUT", f"/plugin/{emulator.plugin_id}", {"isActive": False})
    assert "not active" in api("POST", f"{number}/messages", text()).errors[0]
    assert emulator.messages == []


@pytest.mark.parametrize("fault", [{"reset": "after"}, {"cut": 3}, {"broken_json": True}, {"empty": True}])
def test_faults_hit_messages_as_well(api, emulator, number, fault):
    emulator.faults.next("POST", "/messages", **fault)
    with pytest.raises(Exception):
        api("POST", f"{number}/messages", text())
    assert len(emulator.messages) == 1
    emulator.faults.next("POST", "/messages", errors_in_success=["no"])
    assert api("POST", f"{number}/messages", text()).errors == ["no"]
    emulator.faults.next("POST", "/messages", status=429, retry_after=2)
    assert api("POST", f"{number}/messages", text()).status == 429
    assert len(emulator.messages) == 2
