"""Chats: what people write, and listing it all page by page."""

from __future__ import annotations

import pytest


PHONE = "919812345678"


def text(body="hi", **rest):
    return {"messaging_product": "whatsapp", "to": PHONE, "type": "text", "text": {"body": body}, **rest}


def test_a_message_that_comes_in(api, emulator):
    seen = []
    remove = emulator.subscribe(seen.append)
    received = emulator.receive_message(PHONE, text="hello", name="Asha", reply_to="wamid.x")
    remove()
    emulator.receive_message(PHONE, text="again")
    assert (received.direction, received.text, received.status) == ("INBOUND", "hello", "DELIVERED")
    assert received.content["from"] == PHONE
    assert received.content["text"] == {"body": "hello"}
    assert received.content["id"] == received.wamid
    assert emulator.messages == []
    (event,) = seen
    assert (event.kind, event.meta) == ("message", received.content)
    assert event.subject["externalId"] == received.wamid
    (chat,) = api("POST", "/v1/ext/chat", {}).data
    assert chat["primaryContact"]["name"] == "Asha"
    assert chat["primaryContactHandle"] == {"value": PHONE, "type": "phone"}
    assert (chat["latestMessage"]["text"], chat["latestMessageDirection"]) == ("again", "INBOUND")
    listed = api("POST", f"/v1/ext/chat/{chat['id']}/message", {"orderDirection": "asc"}).data
    assert [one["text"] for one in listed] == ["hello", "again"]
    assert listed[0]["inReplyTo"] == "wamid.x"


def test_other_messages_that_come_in(api, emulator):
    place = {"type": "location", "location": {"latitude": 1, "longitude": 2}}
    assert emulator.receive_message(PHONE, content=place).content["location"] == {
        "latitude": 1,
        "longitude": 2,
    }
    for mime_type, kind in [("image/png", "image"), ("audio/ogg", "audio"), ("application/pdf", "document")]:
        received = emulator.receive_message(PHONE, media=b"x", mime_type=mime_type, filename="a.b", text="c")
        assert (received.type, received.text) == (kind, "c")
        assert received.content[kind]["mime_type"] == mime_type
    for wrong in (
        {"phone": "x", "text": "y"},
        {"phone": PHONE},
        {"phone": PHONE, "text": "x", "content": {}},
    ):
        with pytest.raises(ValueError):
            emulator.receive_message(**wrong)


def test_marking_as_read(api, emulator, number):
    received = emulator.receive_message(PHONE, text="hello")
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": received.wamid}
    answer = api("POST", f"{number}/messages", {**body, "typing_indicator": {"type": "text"}})
    assert answer.data == {"success": True}
    (listed,) = api("POST", f"/v1/ext/chat/{received.chat_id}/message", {}).data
    assert listed["deliveryStatus"] == "READ"
    emulator.settings.message_answer = "raw"
    assert api.meta("POST", f"{number}/messages", body).json == {"success": True}
    answer = api("POST", f"{number}/messages", {**body, "message_id": "wamid.none"})
    assert (answer.status, answer.errors[0][:6]) == (400, "(#100)")


@pytest.fixture
def five(api, emulator, number):
    """Five chats, of 1 to 5 messages."""
    for person in range(5):
        for n in range(person + 1):
            api("POST", f"{number}/messages", text(f"{person}-{n}", to=f"91981234567{person}"))
    emulator.receive_message("919812345674", text="4-5", name="Zed Zoo")


def test_chats_are_paged(api, emulator, five):
    def handles(**body):
        answer = api("POST", "/v1/ext/chat", body)
        return "".join(one["primaryContactHandle"]["value"][-1] for one in answer.data), answer.meta

    assert handles() == ("43210", {"total": 5})
    assert handles(orderField="createdAt", orderDirection="asc") == ("01234", {"total": 5})
    assert handles(limit=2, page=1)[0] == "43"
    assert handles(limit=2, page=3) == ("0", {"total": 5})
    assert handles(limit=2, page=4) == ("", {"total": 5})
    assert handles(search="zoo") == ("4", {"total": 1})
    assert handles(search="4567") == ("43210", {"total": 5})
    assert handles(search="nobody") == ("", {"total": 0})
    emulator.receive_message("919812345670", text="me again")
    assert handles(orderField="latestMessageTs")[0] == "04321"
    emulator.settings.first_page = 0
    assert handles(limit=2, page=1)[0] == "21"


def test_messages_are_paged(api, emulator, five):
    (chat,) = api("POST", "/v1/ext/chat", {"search": "zoo"}).data

    def texts(path, **body):
        answer = api("POST", path, body)
        return "".join(one["text"][-1] for one in answer.data), answer.meta

    path = f"/v1/ext/chat/{chat['id']}/message"
    assert texts(path) == ("543210", {"total": 6})
    assert texts(path, limit=4, page=2) == ("10", {"total": 6})
    assert texts(path, orderDirection="asc", limit=2) == ("01", {"total": 6})
    emulator.settings.message_order = "asc"
    assert texts(path)[0] == "012345"
    phone = "/v1/ext/plugin/whatsapp/list-chat-messages-for-phone-number"
    assert texts(phone, customerPhoneNumber="919812345672", limit=2) == ("01", {"total": 3})
    assert texts(phone, customerPhoneNumber="910000000000") == ("", {"total": 0})


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/v1/ext/chat", {"limit": 0}, "constraint 'minimum' at 'body.limit'"),
        ("/v1/ext/chat", {"limit": 101}, "constraint 'maximum' at 'body.limit'"),
        ("/v1/ext/chat", {"page": "1"}, "constraint 'type' at 'body.page'"),
        ("/v1/ext/chat", {"orderField": "name"}, "constraint 'enum' at 'body.orderField'"),
        ("/v1/ext/chat", {"orderDirection": "up"}, "constraint 'enum' at 'body.orderDirection'"),
        ("/v1/ext/chat/x/message", {"limit": True}, "constraint 'type' at 'body.limit'"),
        ("/v1/ext/plugin/whatsapp/list-chat-messages-for-phone-number", {}, "'customerPhoneNumber'"),
        (
            "/v1/ext/plugin/whatsapp/list-chat-messages-for-phone-number",
            {"customerPhoneNumber": "+91 1"},
            "constraint 'pattern' at 'body.customerPhoneNumber'",
        ),
    ],
)
def test_lists_that_are_refused(api, path, body, detail):
    answer = api("POST", path, body)
    assert (answer.status, answer.data) == (400, [])
    assert detail in answer.errors[0]


def test_an_unknown_chat(api, emulator):
    assert api("POST", "/v1/ext/chat/none/message", {}).status == 404
    assert api("POST", "/v1/ext/chat", {}, token=emulator.add_token()).status == 200
