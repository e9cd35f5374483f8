"""From a template to the text of a message, in both notations: Meta's components and Chakra's mappings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from chakra_async.emulator.documents import Document
from chakra_async.emulator.message_rules import invalid
from chakra_async.emulator.refusals import PaymentRequired
from chakra_async.emulator.routing import Call
from chakra_async.emulator.templates import render, text_of


def check_plan(call: Call) -> None:
    """Refuse templates on the free plan."""
    if call.service.settings.plan == "free":
        raise PaymentRequired(
            "Template Message sending is disabled. You need to upgrade to a paid plan."
            f" Upgrade link - {call.origin}/admin/billing"
        )


def text_from_components(template: Document, components: Any) -> str:
    """Fill in a template with the components of Meta's format, which must be as many as it has."""
    parts = _objects(components, "template.components")
    for part in ("HEADER", "BODY"):
        parameters = [
            parameter
            for one in parts
            if str(one.get("type", "")).upper() == part
            for parameter in _objects(one.get("parameters") or [], "template.components.parameters")
        ]
        values = {
            str(parameter.get("parameter_name") or number): str(parameter.get("text", ""))
            for number, parameter in enumerate(parameters, 1)
            if parameter.get("type", "text") == "text"
        }
        text = render(text_of(template, part), values)
    return text


def _objects(value: Any, name: str) -> Sequence[dict[str, Any]]:
    items = cast("list[Any]", value)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in items):
        raise invalid(name)
    return items


def text_from_mappings(template: Document, body: dict[str, Any]) -> str:
    """Fill in a template with the mappings of Chakra's format, which must name all it has."""
    otp = body.get("otpCode")
    values = _values(body.get("mapping") or [])
    if otp is not None and template["category"] == "AUTHENTICATION":
        values = {"1": otp, **values} if "{{1}}" in text_of(template, "BODY") else values
    render(text_of(template, "HEADER"), _values(body.get("headerMapping") or []))
    return render(text_of(template, "BODY"), values)


def _values(mapping: Sequence[dict[str, str]]) -> dict[str, str]:
    return {one["schemaPropertyName"]: one["schemaPropertyValue"] for one in mapping}
