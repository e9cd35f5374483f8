"""WhatsApp calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chakra_async._codec import decode, encode, misshapen, read_object
from chakra_async._message_bodies import PRODUCT, words
from chakra_async._phones import phone_digits
from chakra_async._shapes import as_list, as_object
from chakra_async._transport import Transport
from chakra_async._whatsapp import expect_success, phone_number_id_of, version
from chakra_async.models.calling import Call, CallPermissions, PhoneNumberSettings
from chakra_async.models.reply import Reply


class Calling:
    """WhatsApp calls: settings, permissions, and the signalling of calls.

    Sound does not pass through here: calls are set up by exchanging WebRTC session descriptions (SDP), whose
    other half comes by webhook. What changes a call is never sent twice.

    ``phone_number_id`` and ``api_version`` come from the client where a call does not give them; without a
    phone number id it raises ``ValueError``, which says where to find it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get_settings(
        self,
        *,
        include_sip_credentials: bool = False,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> PhoneNumberSettings:
        """Fetch how calls to and from a phone number work.

        Args:
            include_sip_credentials: also fetch the passwords of SIP servers.
            phone_number_id: Meta's id of the phone number.
            api_version: version of Meta's API, such as ``v19.0``.

        Endpoint: ``GET /v1/whatsapp/{version}/{phone number id}/settings`` (documented in the vendor's SDK).

        Raises:
            NotFoundError: there is no such phone number.
        """
        path = self._path("settings", phone_number_id, api_version)
        query = {"include_sip_credentials": "true"} if include_sip_credentials else None
        reply = await self._transport.call("GET", path, query=query, repeatable=True)
        return decode(reply, PhoneNumberSettings)

    async def update_settings(
        self,
        *,
        status: str | None = None,
        call_icon_visibility: str | None = None,
        callback_permission_status: str | None = None,
        call_hours: Mapping[str, Any] | None = None,
        sip: Mapping[str, Any] | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        """Change how calls to and from a phone number work; what is not given stays as it is (inferred).

        Idempotent, for values are absolute.

        Args:
            status: ``ENABLED`` or ``DISABLED``.
            call_icon_visibility: ``DEFAULT`` or ``DISABLE ALL``.
            callback_permission_status: ``ENABLED`` or ``DISABLED``.
            call_hours: Meta's object: ``status``, ``timezone_id``, ``weekly_operating_hours``,
                ``holiday_schedule``.
            sip: Meta's object: ``status`` and ``servers``.
            phone_number_id: Meta's id of the phone number.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/whatsapp/{version}/{phone number id}/settings`` (documented in the vendor's SDK).

        Raises:
            BadRequestError: Meta refuses a value.
            ValueError: nothing is given to change.
        """
        given = {
            "status": status,
            "call_icon_visibility": call_icon_visibility,
            "callback_permission_status": callback_permission_status,
            "call_hours": call_hours,
            "sip": sip,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        if not changes:
            raise ValueError("nothing to change: give status, call_hours or another setting")
        path = self._path("settings", phone_number_id, api_version)
        body = encode({"calling": changes})
        expect_success(await self._transport.call("POST", path, body=body, repeatable=True, any_body=True))

    async def get_permissions(
        self,
        phone: str | int | None = None,
        /,
        *,
        recipient: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> CallPermissions:
        """Fetch whether a person may be called, and what may be done about it.

        Args:
            phone: phone number of the person.
            recipient: business-scoped user id of the person, instead of ``phone``.
            phone_number_id: Meta's id of the phone number to call from.
            api_version: version of Meta's API.

        Endpoint: ``GET /v1/whatsapp/{version}/{phone number id}/call_permissions`` (documented in the
        vendor's SDK).

        Raises:
            ValueError: neither or both of ``phone`` and ``recipient`` are given.
        """
        query = _person("user_wa_id", phone, recipient)
        path = self._path("call_permissions", phone_number_id, api_version)
        return decode(await self._transport.call("GET", path, query=query, repeatable=True), CallPermissions)

    async def connect(
        self,
        phone: str | int | None = None,
        /,
        *,
        sdp: str,
        recipient: str | None = None,
        biz_opaque_callback_data: str | None = None,
        recording: Mapping[str, Any] | None = None,
        transcription: Mapping[str, Any] | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> Call:
        """Call a person, who must have allowed it.

        The person's answer (SDP) and the end of the call come by webhook.

        Args:
            phone: phone number of the person.
            sdp: your WebRTC offer.
            recipient: business-scoped user id of the person, instead of ``phone``.
            biz_opaque_callback_data: a text of yours that webhooks about the call will repeat.
            recording: ``{"status": "ENABLED", "purpose": …, "announcement_language": …}``.
            transcription: as ``recording``.
            phone_number_id: Meta's id of the phone number to call from.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/whatsapp/{version}/{phone number id}/calls`` (documented in the vendor's SDK).

        Raises:
            AmbiguousResultError: the request left and no answer came; the person may be called.
            BadRequestError: Meta refuses it, for example because the person has not allowed calls.
            DecodeError: the answer names no call.
            ValueError: ``sdp`` is empty, or neither or both of ``phone`` and ``recipient`` are given.
        """
        reply = await self._call(
            {
                "action": "connect",
                **_person("to", phone, recipient),
                "session": {"sdp_type": "offer", "sdp": words(sdp, "sdp")},
                **_options(biz_opaque_callback_data, recording, transcription),
            },
            phone_number_id,
            api_version,
        )
        calls = as_object(reply.data).get("calls")
        first = as_list(calls)[0] if calls else None
        if not as_object(first).get("id"):
            raise misshapen(reply, "it names no call, so whether one was begun is not known")
        return read_object(reply, first, Call)

    async def pre_accept(
        self,
        call_id: str,
        /,
        *,
        sdp: str,
        biz_opaque_callback_data: str | None = None,
        recording: Mapping[str, Any] | None = None,
        transcription: Mapping[str, Any] | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        """Prepare the connection of a call that comes in, so that no word is lost after :meth:`accept`.

        Args:
            call_id: WhatsApp's id of the call, from the webhook.
            sdp: your WebRTC answer.
            biz_opaque_callback_data: a text of yours that webhooks about the call will repeat.
            recording: ``{"status": "ENABLED", "purpose": …, "announcement_language": …}``.
            transcription: as ``recording``.
            phone_number_id: Meta's id of the phone number that is called.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/whatsapp/{version}/{phone number id}/calls`` (documented in the vendor's SDK).

        Raises:
            AmbiguousResultError: the request left and no answer came.
            BadRequestError: Meta refuses it, for example because the call is over.
            ValueError: ``call_id`` or ``sdp`` is empty.
        """
        options = _options(biz_opaque_callback_data, recording, transcription)
        await self._act("pre_accept", call_id, _answer(sdp) | options, phone_number_id, api_version)

    async def accept(
        self,
        call_id: str,
        /,
        *,
        sdp: str,
        biz_opaque_callback_data: str | None = None,
        recording: Mapping[str, Any] | None = None,
        transcription: Mapping[str, Any] | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        """Accept a call that comes in.

        Args:
            call_id: WhatsApp's id of the call, from the webhook.
            sdp: your WebRTC answer, the same as for :meth:`pre_accept`.
            biz_opaque_callback_data: a text of yours that webhooks about the call will repeat.
            recording: ``{"status": "ENABLED", "purpose": …, "announcement_language": …}``.
            transcription: as ``recording``.
            phone_number_id: Meta's id of the phone number that is called.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/whatsapp/{version}/{phone number id}/calls`` (documented in the vendor's SDK).

        Raises:
            AmbiguousResultError: the request left and no answer came.
            BadRequestError: Meta refuses it, for example because the call is over.
            ValueError: ``call_id`` or ``sdp`` is empty.
        """
        options = _options(biz_opaque_callback_data, recording, transcription)
        await self._act("accept", call_id, _answer(sdp) | options, phone_number_id, api_version)

    async def reject(
        self,
        call_id: str,
        /,
        *,
        biz_opaque_callback_data: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        """Reject a call that comes in.

        Args:
            call_id: WhatsApp's id of the call, from the webhook.
            biz_opaque_callback_data: a text of yours that webhooks about the call will repeat.
            phone_number_id: Meta's id of the phone number that is called.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/whatsapp/{version}/{phone number id}/calls`` (documented in the vendor's SDK).

        Raises:
            AmbiguousResultError: the request left and no answer came.
            BadRequestError: Meta refuses it, for example because the call is over.
            ValueError: ``call_id`` is empty.
        """
        await self._act("reject", call_id, _options(biz_opaque_callback_data), phone_number_id, api_version)

    async def terminate(
        self,
        call_id: str,
        /,
        *,
        biz_opaque_callback_data: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        """End a call.

        Args:
            call_id: WhatsApp's id of the call.
            biz_opaque_callback_data: a text of yours that webhooks about the call will repeat.
            phone_number_id: Meta's id of the phone number of the business.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/whatsapp/{version}/{phone number id}/calls`` (documented in the vendor's SDK).

        Raises:
            AmbiguousResultError: the request left and no answer came.
            BadRequestError: Meta refuses it, for example because the call is over.
            ValueError: ``call_id`` is empty.
        """
        await self._act(
            "terminate", call_id, _options(biz_opaque_callback_data), phone_number_id, api_version
        )

    def _path(self, last: str, phone_number_id: str | None, api_version: str | None) -> str:
        # These paths name no plugin, and have no /ext.
        settings = self._transport.settings
        number = phone_number_id_of(settings, phone_number_id)
        return f"/v1/whatsapp/{version(settings, api_version)}/{number}/{last}"

    async def _act(
        self,
        action: str,
        call_id: str,
        fields: Mapping[str, Any],
        phone_number_id: str | None,
        api_version: str | None,
    ) -> None:
        body = {"action": action, "call_id": words(call_id, "call_id"), **fields}
        expect_success(await self._call(body, phone_number_id, api_version, any_body=True))

    async def _call(
        self,
        body: Mapping[str, Any],
        phone_number_id: str | None,
        api_version: str | None,
        *,
        any_body: bool = False,
    ) -> Reply:
        path = self._path("calls", phone_number_id, api_version)
        encoded = encode({**PRODUCT, **body})
        return await self._transport.call("POST", path, body=encoded, repeatable=False, any_body=any_body)


def _person(key: str, phone: str | int | None, recipient: str | None) -> dict[str, str]:
    if (phone is None) == (recipient is None):
        raise ValueError(
            "give the person's phone number, or recipient= (a business-scoped user id), not both"
        )
    return (
        {key: phone_digits(phone, "phone")}
        if phone is not None
        else {"recipient": words(recipient, "recipient")}
    )


def _answer(sdp: str) -> dict[str, Any]:
    return {"session": {"sdp_type": "answer", "sdp": words(sdp, "sdp")}}


def _options(
    biz_opaque_callback_data: str | None,
    recording: Mapping[str, Any] | None = None,
    transcription: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    given = {
        "biz_opaque_callback_data": biz_opaque_callback_data,
        "recording": recording,
        "transcription": transcription,
    }
    return {name: value for name, value in given.items() if value is not None}
