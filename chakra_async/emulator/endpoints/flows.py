"""The public key that encrypts the data of flows."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

from chakra_async.emulator.answer import Answer, raw, success
from chakra_async.emulator.refusals import Refusal
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.schema import an_object, parse
from chakra_async.emulator.shapes import STRING, Schema, obj


def set_key(call: Call, plugin_id: str, _version: str, number_id: str) -> Answer:
    """Set the public key of a phone number, out of a form or of JSON."""
    call.service.plugins.get(plugin_id)
    key = _sent(call)
    if not isinstance(key, str) or not key.strip().startswith("-----BEGIN PUBLIC KEY-----"):
        raise Refusal("(#100) Invalid parameter: business_public_key must be a public key in PEM format")
    with call.service.store.transaction():
        number = call.service.plugins.number(number_id, plugin_id)
        call.service.documents.replace("phone_number", {**number, "businessPublicKey": key})
    return pass_through(call, {"success": True})


def get_key(call: Call, plugin_id: str, _version: str, number_id: str) -> Answer:
    """Fetch the public key of a phone number."""
    call.service.plugins.get(plugin_id)
    key = call.service.plugins.number(number_id, plugin_id).get("businessPublicKey")
    if key is None:
        return pass_through(call, {})
    return pass_through(call, {"business_public_key": key, "business_public_key_signature_status": "VALID"})


def pass_through(call: Call, body: Any) -> Answer:
    """Answer an endpoint whose envelope is not known."""
    return raw(body) if call.service.settings.inferred_answer == "raw" else success(body)


def _sent(call: Call) -> Any:
    if call.form is not None:
        return call.form.fields.get("business_public_key")
    if not call.body.lstrip().startswith(b"{"):
        fields = parse_qs(call.body.decode("utf-8", "replace"))
        return fields.get("business_public_key", [None])[-1]
    return an_object(parse(call.body), "body").get("business_public_key")


_KEY: Final[Schema] = obj({"business_public_key": STRING}, "business_public_key")
_PATH: Final = "/v1/ext/plugin/whatsapp/{pluginId}/api/{version}/{phoneNumberId}/whatsapp_business_encryption"

ROUTES = (
    Route("POST", _PATH, set_key, writes=True, body=_KEY, form=_KEY),
    Route("GET", _PATH, get_key),
)
