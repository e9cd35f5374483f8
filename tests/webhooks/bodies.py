"""Deliveries as they come over the wire, in each format."""

import hashlib
import hmac

import orjson


SECRET = "team-hmac-s3cret"
WABA = "102290129340398"
PHONE_NUMBER_ID = "106540352242922"
AT = 1_790_000_000

_HEADERS = {"Content-Type": "application/json"}


def sign(body, secret=SECRET):
    """The headers of a signed delivery, made without the code under test."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {**_HEADERS, "X-Chakra-Signature-256": digest}


def unsigned():
    return dict(_HEADERS)


def text(wamid, body="Hello", *, sender="919901258433", at=AT, **more):
    return {
        "from": sender,
        "id": wamid,
        "timestamp": str(at),
        "type": "text",
        "text": {"body": body},
        **more,
    }


def contacts(phone="919901258433", name="Asha Rao"):
    return [{"profile": {"name": name}, "wa_id": phone}]


def change(value, field="messages", *, account=WABA, **entry):
    metadata = {"display_phone_number": "918045678900", "phone_number_id": PHONE_NUMBER_ID}
    whole = {"messaging_product": "whatsapp", "metadata": metadata, **value}
    return {"id": account, "changes": [{"field": field, "value": whole}], **entry}


def meta(*entries):
    return orjson.dumps({"object": "whatsapp_business_account", "entry": entries})


def meta_messages(*messages):
    return meta(change({"contacts": contacts(), "messages": messages}))


def meta_status(wamid, status, *, at=AT, **more):
    return {"id": wamid, "status": status, "timestamp": str(at), "recipient_id": "919901258433", **more}


def meta_statuses(*statuses):
    return meta(change({"statuses": statuses}))


def envelope(event, payload):
    return orjson.dumps({"event": event, "payload": payload})


def chakra_message(message, *, chakra_id="5a7e", event="message", **more):
    return envelope(
        event,
        {
            "wabaId": WABA,
            "messageId": chakra_id,
            "externalId": message["id"],
            "timestamp": int(message["timestamp"]) * 1000 + 417,
            "message": message,
            "contacts": contacts(),
            **more,
        },
    )


def chakra_status(wamid, status, *, at=AT, **more):
    payload = {"id": "5a7e", "externalId": wamid, "wabaId": WABA, "deliveryStatus": status}
    return envelope("status", {**payload, "timestamp": at * 1000, **more})


def delivery_status(wamid, status, *, at=AT):
    payload = {"id": "5a7e", "externalId": wamid, "deliveryStatus": status.upper()}
    return envelope("deliveryStatus", {**payload, "timestamp": at * 1000, "recipientId": "919901258433"})
