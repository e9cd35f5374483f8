"""Leads: processes of the procedure ``lead``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chakra_async._codec import decode, encode
from chakra_async._phones import phone_digits
from chakra_async._process_fields import process_fields, to_change
from chakra_async._transport import Transport
from chakra_async.models.processes import Process


_PATH = "/v1/ext/procedure/lead/process"


class Leads:
    """Leads: processes of the procedure ``lead``, which the team's lead module defines.

    Everything in ``processes`` works for them too, with ``"lead"`` as the procedure. Here their phone
    number is written as the service stores it: country code and digits, whatever ``+``, spaces, dashes
    and brackets it came with.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        name: str | None = None,
        phone_number: str | int | None = None,
        email: str | None = None,
        data: Mapping[str, Any] | None = None,
        state: str | None = None,
        status: str | None = None,
        assigned_to: str | None = None,
        next_action_at: datetime | None = None,
    ) -> Process:
        """Create a lead.

        Not idempotent: it is never sent twice. Whether a phone number that exists already makes this fail or
        update is not known.

        Args:
            name: the attribute ``name``.
            phone_number: the attribute ``phone_number``, with its country code.
            email: the attribute ``email``.
            data: any attribute values by short id, these three included; JSON values only.
            state: short id of the state to begin in.
            status: ``OPEN``, ``COMPLETED`` or ``CANCELLED``.
            assigned_to: username or user id.
            next_action_at: an aware datetime.

        Endpoint: ``POST /v1/ext/procedure/lead/process`` (documented).

        Raises:
            AmbiguousResultError: the request left and no answer came; look before you create again.
            NotFoundError: the team has no lead module.
            BadRequestError: the service refuses a value.
            ValueError: no attribute is given, one is given twice, or a value cannot be sent.
        """
        named = {"name": name, "phone_number": phone_number, "email": email}
        attributes = _attributes(data) | {key: value for key, value in named.items() if value is not None}
        if not attributes:
            raise ValueError("a lead needs at least one of name, phone_number, email or data")
        for key, value in named.items():
            if value is not None and data and key in data:
                raise ValueError(f"{key} is given by name and in data; give it once")
        body = process_fields(_with_digits(attributes), state, status, assigned_to, next_action_at)
        reply = await self._transport.call("POST", _PATH, body=encode(body), repeatable=False)
        return decode(reply, Process)

    async def update_by_phone(
        self,
        phone_number: str | int,
        /,
        *,
        data: Mapping[str, Any] | None = None,
        state: str | None = None,
        status: str | None = None,
        assigned_to: str | None = None,
        next_action_at: datetime | None = None,
    ) -> Process:
        """Change the lead with a phone number; what is not given stays as it is.

        Idempotent, unless ``data`` gives the lead another phone number.

        Args:
            phone_number: the lead's number, with its country code.
            data: attribute values by short id; JSON values only.
            state: short id of the new state.
            status: ``OPEN``, ``COMPLETED`` or ``CANCELLED``.
            assigned_to: username or user id.
            next_action_at: an aware datetime.

        Endpoint: ``PUT /v1/ext/procedure/lead/process/phone_number/{phone}`` (inferred).

        Raises:
            NotFoundError: there is no such lead.
            BadRequestError: the service refuses a value.
            ValueError: it is no phone number, nothing is given to change, or a value cannot be sent.
        """
        digits = phone_digits(phone_number, "phone_number")
        attributes = _with_digits(_attributes(data))
        body = to_change(process_fields(attributes, state, status, assigned_to, next_action_at))
        path = f"{_PATH}/phone_number/{digits}"
        # Sent again after a lost answer, a change of the number itself would not find its lead any more.
        repeatable = "phone_number" not in attributes
        reply = await self._transport.call("PUT", path, body=encode(body), repeatable=repeatable)
        return decode(reply, Process)


def _attributes(data: Mapping[str, Any] | None) -> dict[str, Any]:
    if data is not None and not isinstance(data, Mapping):
        raise ValueError(f"data must be a mapping, not {type(data).__name__}")
    return dict(data or {})


def _with_digits(attributes: dict[str, Any]) -> dict[str, Any]:
    if isinstance(phone := attributes.get("phone_number"), str | int):
        attributes["phone_number"] = phone_digits(phone, "phone_number")
    return attributes
