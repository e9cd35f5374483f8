"""Phone numbers and business accounts, as far as they are connected."""

from __future__ import annotations

from typing import Any, Final

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.documents import Document
from chakra_async.emulator.refusals import Missing
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.shapes import OBJECT, STRING, Schema, arr, obj, wrapped


def list_numbers(call: Call) -> Answer:
    """List the phone numbers."""
    return success([_shown(one) for one in call.service.plugins.numbers(call.query.get("pluginId"))])


def fetch_number(call: Call, number_id: str) -> Answer:
    """Fetch a phone number."""
    number = call.service.documents.get("phone_number", number_id)
    if number is None:
        raise Missing(f"WhatsApp phone number '{number_id}' not found")
    return success(_shown(number))


def list_accounts(call: Call) -> Answer:
    """List the business accounts, or those of one plugin."""
    return success(call.service.plugins.accounts(call.query.get("pluginId")))


def _shown(number: Document) -> dict[str, Any]:
    hidden = ("businessPublicKey", "settings")
    return {name: value for name, value in number.items() if name not in hidden}


_NUMBER: Final[Schema] = obj(
    {
        "id": STRING,
        "waba": STRING,
        "displayPhoneNumber": STRING,
        "verifiedName": STRING,
        "status": STRING,
        "chakraStatus": STRING,
        "qualityScore": OBJECT,
        "messagingLimitTier": STRING,
        "nameStatus": STRING,
    },
    "id",
    "waba",
    "displayPhoneNumber",
)
_ACCOUNT: Final[Schema] = obj({"id": STRING, "name": STRING, "chakraStatus": STRING}, "id", "name")
_NUMBERS: Final = "/v1/ext/whatsapp-phone-number"
_OF_PLUGIN: Final[dict[str, Schema]] = {"pluginId": STRING}

ROUTES = (
    Route("GET", _NUMBERS, list_numbers, query=_OF_PLUGIN, gives=wrapped(arr(_NUMBER))),
    Route("GET", _NUMBERS + "/{phoneNumberId}", fetch_number, gives=wrapped(_NUMBER)),
    Route(
        "GET",
        "/v1/ext/whatsapp-business-account",
        list_accounts,
        query=_OF_PLUGIN,
        gives=wrapped(arr(_ACCOUNT)),
    ),
)
