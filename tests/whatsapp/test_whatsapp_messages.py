"""Messages by the pass-through: what arrives, and what is made of the answers."""

import pytest

from chakra_async import AmbiguousResultError, BadRequestError, DecodeError, PaymentRequiredError
from tests.raw import RST, RawServer, quick_client
from tests.recorder import TOKEN


PLUGIN = "1f0c2a4e-9a54-4a5d-8e3a-0b6f0f3f6a11"
NUMBER = "106540352242922"
PATH = f"/v1/ext/plugin/whatsapp/{PLUGIN}/api/v19.0/{NUMBER}/messages"
WAMID = "wamid.HBgMOTE5OTAxMjU4NDMzFQIAERgSQkQ5"
ACCEPTED = {"whatsappMessageId": WAMID}
TO = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "919901258433"}


async def test_send_passes_the_body_through(recorder, messages):
    recorder.data(ACCEPTED)
    body = {
        "to": "919901258433",
        "type": "template",
        "template": {"name": "hello", "language": {"policy": "deterministic", "code": "en_US"}},
    }
    sent = await messages.send(body)
    assert recorder.seen == ("POST", PATH, {"messaging_product": "whatsapp", **body})
    assert recorder.last.headers["authorization"] == f"Bearer {TOKEN}"
    assert recorder.last.headers["content-type"] == "application/json"
    assert (sent.whatsapp_message_id, sent.extra) == (WAMID, {})
    assert "messaging_product" not in body


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda m: m.send_text("+91 99012-58433", "Hi"), {"type": "text", "text": {"body": "Hi"}}),
        (
            lambda m: m.send_text(919901258433, "https://a.in", preview_url=True, reply_to=WAMID),
            {
                "type": "text",
                "text": {"body": "https://a.in", "preview_url": True},
                "context": {"message_id": WAMID},
            },
        ),
        (
            lambda m: m.send_media("919901258433", "image", "https://a.in/b.jpg", caption="Look"),
            {"type": "image", "image": {"link": "https://a.in/b.jpg", "caption": "Look"}},
        ),
        (
            lambda m: m.send_media("919901258433", "video", "http://a.in/b.mp4"),
            {"type": "video", "video": {"link": "http://a.in/b.mp4"}},
        ),
        (
            lambda m: m.send_media("919901258433", "audio", "https://a.in/b.ogg"),
            {"type": "audio", "audio": {"link": "https://a.in/b.ogg"}},
        ),
        (
            lambda m: m.send_media("919901258433", "sticker", "https://a.in/b.webp"),
            {"type": "sticker", "sticker": {"link": "https://a.in/b.webp"}},
        ),
        (
            lambda m: m.send_media(
                "919901258433", "document", "https://a.in/b", caption="Bill", filename="bill.pdf"
            ),
            {
                "type": "document",
                "document": {"link": "https://a.in/b", "caption": "Bill", "filename": "bill.pdf"},
            },
        ),
        (
            lambda m: m.send_buttons(
                "919901258433", "Coming?", buttons={"y": "Yes", "n": "No"}, header="Visit", footer="Thanks"
            ),
            {
                "type": "interactive",
                "interactive": {
                    "type": "button",
                    "header": {"type": "text", "text": "Visit"},
                    "body": {"text": "Coming?"},
                    "footer": {"text": "Thanks"},
                    "action": {
                        "buttons": [
                            {"type": "reply", "reply": {"id": "y", "title": "Yes"}},
                            {"type": "reply", "reply": {"id": "n", "title": "No"}},
                        ]
                    },
                },
            },
        ),
        (
            lambda m: m.send_buttons(
                "919901258433",
                "Which?",
                buttons={"y": "This"},
                header={"type": "image", "image": {"link": "https://a.in/b.jpg"}},
            ),
            {
                "type": "interactive",
                "interactive": {
                    "type": "button",
                    "header": {"type": "image", "image": {"link": "https://a.in/b.jpg"}},
                    "body": {"text": "Which?"},
                    "action": {"buttons": [{"type": "reply", "reply": {"id": "y", "title": "This"}}]},
                },
            },
        ),
        (
            lambda m: m.send_list(
                "919901258433",
                "When?",
                button="Choose",
                sections=[
                    {"title": "Mon", "rows": [{"id": "m9", "title": "9:00", "description": "early"}]},
                    {"title": "Tue", "rows": ({"id": "t9", "title": "9:00"},)},
                ],
                header="Slots",
            ),
            {
                "type": "interactive",
                "interactive": {
                    "type": "list",
                    "header": {"type": "text", "text": "Slots"},
                    "body": {"text": "When?"},
                    "action": {
                        "button": "Choose",
                        "sections": [
                            {"title": "Mon", "rows": [{"id": "m9", "title": "9:00", "description": "early"}]},
                            {"title": "Tue", "rows": [{"id": "t9", "title": "9:00"}]},
                        ],
                    },
                },
            },
        ),
        (
            lambda m: m.send_interactive("919901258433", {"type": "flow", "action": {"name": "flow"}}),
            {"type": "interactive", "interactive": {"type": "flow", "action": {"name": "flow"}}},
        ),
        (
            lambda m: m.send_location(
                "919901258433", latitude=15.49, longitude=73, name="Office", address="Panaji"
            ),
            {
                "type": "location",
                "location": {"latitude": 15.49, "longitude": 73, "name": "Office", "address": "Panaji"},
            },
        ),
        (
            lambda m: m.send_contacts("919901258433", [{"name": {"formatted_name": "Asha"}}]),
            {"type": "contacts", "contacts": [{"name": {"formatted_name": "Asha"}}]},
        ),
        (
            lambda m: m.send_reaction("919901258433", WAMID, "👍"),
            {"type": "reaction", "reaction": {"message_id": WAMID, "emoji": "👍"}},
        ),
        (
            lambda m: m.send_reaction("919901258433", WAMID, ""),
            {"type": "reaction", "reaction": {"message_id": WAMID, "emoji": ""}},
        ),
    ],
)
async def test_helpers_build_the_body(recorder, messages, call, expected):
    recorder.data(ACCEPTED)
    assert (await call(messages)).whatsapp_message_id == WAMID
    assert recorder.seen == ("POST", PATH, {**TO, **expected})


@pytest.mark.parametrize("answer", [{"success": True}, {"messaging_product": "whatsapp"}, {}, []])
async def test_mark_read(recorder, messages, answer):
    recorder.raw(answer)
    assert await messages.mark_read(WAMID) is None
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": WAMID}
    assert recorder.seen == ("POST", PATH, read)
    recorder.data(answer)
    await messages.mark_read(WAMID, typing=True)
    assert recorder.seen == ("POST", PATH, {**read, "typing_indicator": {"type": "text"}})


async def test_mark_read_without_a_body(recorder, messages):
    recorder.send(b"")
    await messages.mark_read(WAMID)


async def test_mark_read_that_was_not_done(recorder, messages):
    recorder.raw({"success": False})
    with pytest.raises(DecodeError, match="nothing was done"):
        await messages.mark_read(WAMID)


async def test_ids_and_version_of_one_call(recorder, messages):
    recorder.data(ACCEPTED)
    await messages.send_text(
        "919901258433", "Hi", plugin_id="other/plugin", phone_number_id="7", api_version="v24.0"
    )
    assert recorder.last.target == "/v1/ext/plugin/whatsapp/other%2Fplugin/api/v24.0/7/messages"


async def test_a_message_to_a_group_keeps_the_id_of_the_group(recorder, messages):
    recorder.data(ACCEPTED)
    body = {"recipient_type": "group", "to": "Y2FwaV9n", "type": "text", "text": {"body": "Hi"}}
    await messages.send(body)
    assert recorder.last.json == {"messaging_product": "whatsapp", **body}
    await messages.send({"recipient": "IN.123", "type": "text", "text": {"body": "Hi"}})
    assert recorder.last.json["recipient"] == "IN.123"


async def test_the_raw_answer_of_older_plugins_is_understood(recorder, messages):
    raw = {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "919901258433", "wa_id": "919901258433"}],
        "messages": [{"id": WAMID, "message_status": "accepted"}],
    }
    for told in (recorder.raw(raw), recorder.data(raw)):
        sent = await told.client(plugin_id=PLUGIN, phone_number_id=NUMBER).whatsapp.messages.send_text(
            "919901258433", "Hi"
        )
        assert sent.whatsapp_message_id == WAMID
        assert sent.extra["contacts"][0]["wa_id"] == "919901258433"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        None,
        "ok",
        {"whatsappMessageId": ""},
        {"whatsappMessageId": None},
        {"whatsappMessageId": 7},
        {"messages": []},
        {"messages": [{}]},
        {"messages": ["x"]},
        {"messages": {"id": None}},
        {"success": True},
    ],
)
async def test_an_answer_without_a_message_is_a_failure(recorder, messages, answer):
    recorder.data(answer)
    with pytest.raises(DecodeError, match="names no message") as caught:
        await messages.send_text("919901258433", "Hi")
    assert caught.value.retry_safe is False
    assert len(recorder.requests) == 1


async def test_what_meta_refuses(recorder, messages):
    recorder.refuse(400, "(#131009) Parameter value is not valid")
    with pytest.raises(BadRequestError) as caught:
        await messages.send({"to": "919901258433", "type": "interactive", "interactive": {"type": "button"}})
    assert (caught.value.whatsapp_code, caught.value.status) == (131009, 400)
    assert caught.value.errors == ("(#131009) Parameter value is not valid",)


async def test_what_the_service_itself_refuses(recorder, messages):
    text = (
        "Your request has violated JSON schema constraint 'required' at '/': must have required property "
        "'messaging_product'"
    )
    recorder.refuse(400, text)
    with pytest.raises(BadRequestError, match="messaging_product") as caught:
        await messages.send_text("919901258433", "Hi")
    assert caught.value.whatsapp_code is None


async def test_what_the_plan_does_not_include(recorder, messages):
    recorder.refuse(
        402,
        "Template Message sending is disabled. You need to upgrade to a paid plan. Upgrade link - https://x",
    )
    with pytest.raises(PaymentRequiredError, match="upgrade to a paid plan"):
        await messages.send_template("919901258433", template_name="hello")


async def test_errors_inside_a_success_are_errors(recorder, messages):
    recorder.raw({"_data": ACCEPTED, "_errors": ["(#131047) Re-engagement message"]})
    with pytest.raises(BadRequestError) as caught:
        await messages.send_text("919901258433", "Hi")
    assert caught.value.whatsapp_code == 131047


async def test_a_message_is_never_sent_twice():
    async with RawServer(RST) as server:
        async with quick_client(server, plugin_id=PLUGIN, phone_number_id=NUMBER) as chakra:
            for call in (
                chakra.whatsapp.messages.send_text("919901258433", "Hi"),
                chakra.whatsapp.messages.send_template("919901258433", template_name="hello"),
            ):
                with pytest.raises(AmbiguousResultError):
                    await call
        assert len(server.requests) == 2


async def test_a_message_that_was_refused_unread_is_sent_again(recorder, messages):
    recorder.refuse(429, "slow down", retry_after=0).data(ACCEPTED)
    assert (await messages.send_text("919901258433", "Hi")).whatsapp_message_id == WAMID
    assert len(recorder.requests) == 2


def test_the_same_without_await(recorder):
    recorder.data(ACCEPTED)
    with recorder.sync_client(plugin_id=PLUGIN, phone_number_id=NUMBER) as chakra:
        sent = chakra.whatsapp.messages.send_text("919901258433", "Hi")
    assert (sent.whatsapp_message_id, recorder.last.target) == (WAMID, PATH)
