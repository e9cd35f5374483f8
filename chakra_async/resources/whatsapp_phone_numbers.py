"""WhatsApp phone numbers of the business."""

from __future__ import annotations

from chakra_async._codec import decode, decode_list
from chakra_async._paths import segment
from chakra_async._transport import Transport
from chakra_async.models.phone_numbers import PhoneNumber
from chakra_async.paging import Page, Pager


class PhoneNumbers:
    """WhatsApp phone numbers of the business: the ids to send from, their standing and limits."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Pager[PhoneNumber]:
        """List the phone numbers of the team; that they come as one page is inferred.

        Endpoint: ``GET /v1/ext/whatsapp-phone-number`` (seen).

        Raises:
            PermissionDeniedError: the role of the access token does not allow it.
        """

        async def fetch(_: None) -> Page[PhoneNumber]:
            reply = await self._transport.call("GET", _PATH, repeatable=True)
            return Page(decode_list(reply, PhoneNumber), has_more=False, meta=reply.meta)

        return Pager(fetch)

    async def get(self, phone_number_id: str, /) -> PhoneNumber:
        """Fetch a phone number.

        Args:
            phone_number_id: its id, as :meth:`list` tells it; not the number itself.

        Endpoint: ``GET /v1/ext/whatsapp-phone-number/{id}`` (seen).

        Raises:
            NotFoundError: there is no such phone number.
        """
        path = f"{_PATH}/{segment(phone_number_id, 'phone_number_id')}"
        return decode(await self._transport.call("GET", path, repeatable=True), PhoneNumber)


_PATH = "/v1/ext/whatsapp-phone-number"
