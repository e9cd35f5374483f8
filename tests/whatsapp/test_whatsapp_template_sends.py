"""Templates by the service's own endpoints."""

from datetime import UTC, datetime

import pytest

from chakra_async import DecodeError


PLUGIN = "1f0c2a4e-9a54-4a5d-8e3a-0b6f0f3f6a11"
NUMBER = "106540352242922"
BASE = f"/v1/ext/plugin/whatsapp/{PLUGIN}"
MESSAGE = {
    "id": "0b0f0f9e-0000-4000-8000-000000000001",
    "createdAt": 1767323045678,
    "updatedAt": 1767323045678,
    "externalId": "wamid.HBgM",
    "provider": "whatsapp",
    "dataType": "text",
    "body": {"body": "Hello Asha"},
    "text": "Hello Asha",
    "attachments": None,
    "deliveryStatus": "SENT",
    "direction": "OUTBOUND",
    "timestamp": 1767323045678,
    "context": {"contactIdentifier": "919901258433", "messageTemplateId": "t1"},
    "source": {"sourceId": "s", "sourceType": "api"},
    "team": "t",
    "chat": None,
    "plugin": PLUGIN,
    "process": "p",
    "newField": 1,
}


async def test_to_a_phone_number(recorder, messages):
    recorder.data(MESSAGE)
    message = await messages.send_template("+91 99012 58433", template_name="hello")
    assert recorder.seen == (
        "POST",
        f"{BASE}/phoneNumber/919901258433/send-template-message",
        {"whatsappPhoneNumberId": NUMBER, "templateName": "hello"},
    )
    assert (message.id, message.external_id) == (MESSAGE["id"], "wamid.HBgM")
    assert message.created_at == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert message.extra == {"newField": 1}


async def test_for_a_process(recorder, messages):
    recorder.data(MESSAGE)
    await messages.send_template_for_process("lead", "L/7", template_name="hello", phone_number_id="42")
    assert recorder.seen == (
        "POST",
        f"{BASE}/process/lead/L%2F7/send-template-message",
        {"whatsappPhoneNumberId": "42", "templateName": "hello"},
    )


EVERYTHING = [
    (
        {"mapping": {"1": "Asha", 2: 7}, "header_mapping": ["Goa"], "button_mapping": {"code": 1.5}},
        {
            "mapping": [
                {"schemaPropertyName": "1", "schemaPropertyValue": "Asha"},
                {"schemaPropertyName": "2", "schemaPropertyValue": "7"},
            ],
            "headerMapping": [{"schemaPropertyName": "1", "schemaPropertyValue": "Goa"}],
            "buttonMapping": [{"schemaPropertyName": "code", "schemaPropertyValue": "1.5"}],
        },
    ),
    (
        {"mapping": ("a", {"schemaPropertyName": "x", "schemaPropertyValue": "b"}, 3)},
        {
            "mapping": [
                {"schemaPropertyName": "1", "schemaPropertyValue": "a"},
                {"schemaPropertyName": "x", "schemaPropertyValue": "b"},
                {"schemaPropertyName": "3", "schemaPropertyValue": "3"},
            ]
        },
    ),
    ({"mapping": []}, {"mapping": []}),
    ({"language": "pt_BR", "otp_code": "123456"}, {"language": "pt_BR", "otpCode": "123456"}),
    ({"language": "fil"}, {"language": "fil"}),
    ({"image_url": "https://a.in/b.jpg"}, {"imageUrl": "https://a.in/b.jpg"}),
    ({"video_url": "https://a.in/b.mp4"}, {"videoUrl": "https://a.in/b.mp4"}),
    (
        {"document_url": "https://a.in/b.pdf", "filename": "bill.pdf"},
        {"documentUrl": "https://a.in/b.pdf", "filename": "bill.pdf"},
    ),
    (
        {
            "location_latitude": 15.49,
            "location_longitude": 73.82,
            "location_name": "Office",
            "location_address": "Panaji",
        },
        {
            "locationLatitude": 15.49,
            "locationLongitude": 73.82,
            "locationName": "Office",
            "locationAddress": "Panaji",
        },
    ),
    ({"location_latitude": 0, "location_longitude": 0}, {"locationLatitude": 0, "locationLongitude": 0}),
]


@pytest.mark.parametrize(("given", "expected"), EVERYTHING)
async def test_every_option_has_its_place(recorder, messages, given, expected):
    recorder.data(MESSAGE)
    base = {"whatsappPhoneNumberId": NUMBER, "templateName": "hello"}
    await messages.send_template("919901258433", template_name="hello", **given)
    assert recorder.last.json == {**base, **expected}
    await messages.send_template_for_process("lead", 7, template_name="hello", **given)
    assert recorder.last.json == {**base, **expected}


@pytest.mark.parametrize("answer", [[], {}, None, {"externalId": "wamid.HBgM"}, {"id": None}])
async def test_an_answer_without_a_message_is_a_failure(recorder, messages, answer):
    recorder.data(answer)
    with pytest.raises(DecodeError, match="look at the chat before sending again") as caught:
        await messages.send_template("919901258433", template_name="hello")
    assert caught.value.retry_safe is False
