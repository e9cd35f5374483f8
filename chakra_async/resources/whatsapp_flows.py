"""WhatsApp Flows."""

from __future__ import annotations

from chakra_async._codec import encode, read_object
from chakra_async._shapes import as_list, as_object
from chakra_async._transport import Transport
from chakra_async._whatsapp import expect_success, phone_number_id_of, through_plugin
from chakra_async.models.flows import PublicKey


class Flows:
    """WhatsApp Flows: the key by which their data is encrypted.

    A Flow itself is sent with ``whatsapp.messages.send_interactive``. ``plugin_id``, ``phone_number_id`` and
    ``api_version`` come from the client where a call does not give them; without an id it raises
    ``ValueError``, which says where to find it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def set_public_key(
        self,
        public_key: str,
        /,
        *,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        """Set the public key with which WhatsApp encrypts what Flows send to your endpoint.

        Idempotent. Meta documents a form field and takes JSON as well; that Chakra passes JSON on is
        inferred, as is the rest.

        Args:
            public_key: a 2048-bit RSA public key in PEM form; never the private one.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number.
            api_version: version of Meta's API, such as ``v19.0``.

        Endpoint:
            ``POST /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{number}/whatsapp_business_encryption``
            (inferred).

        Raises:
            BadRequestError: Meta refuses it.
            NotFoundError: the service does not know the path, which is inferred.
            ValueError: it is no public key in PEM form.
        """
        if not isinstance(public_key, str) or "PRIVATE KEY" in public_key:
            raise ValueError("public_key must be the public half of the key; nothing was sent")
        if "-----BEGIN PUBLIC KEY-----" not in public_key:
            raise ValueError("public_key must be in PEM form, beginning with -----BEGIN PUBLIC KEY-----")
        path = self._path(plugin_id, phone_number_id, api_version)
        body = encode({"business_public_key": public_key})
        expect_success(await self._transport.call("POST", path, body=body, repeatable=True, any_body=True))

    async def get_public_key(
        self,
        *,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> PublicKey:
        """Fetch the public key of a phone number, and whether its signature is valid.

        Args:
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number.
            api_version: version of Meta's API, such as ``v19.0``.

        Endpoint:
            ``GET /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{number}/whatsapp_business_encryption``
            (inferred).

        Raises:
            NotFoundError: there is no key, or the service does not know the path, which is inferred.
        """
        path = self._path(plugin_id, phone_number_id, api_version)
        reply = await self._transport.call("GET", path, repeatable=True)
        # Meta's reference shows the object itself, its service a list of it under data.
        found = as_object(reply.data).get("data", reply.data)
        return read_object(reply, as_list(found or [{}])[0], PublicKey)

    def _path(self, plugin_id: str | None, phone_number_id: str | None, api_version: str | None) -> str:
        settings = self._transport.settings
        number = phone_number_id_of(settings, phone_number_id)
        return f"{through_plugin(settings, plugin_id, api_version)}/{number}/whatsapp_business_encryption"
