"""WhatsApp messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chakra_async import _message_bodies as bodies
from chakra_async._codec import decode, encode, misshapen, read_object
from chakra_async._paths import segment
from chakra_async._phones import phone_digits
from chakra_async._reading import camel
from chakra_async._shapes import as_list, as_object
from chakra_async._transport import Transport
from chakra_async._whatsapp import (
    expect_success,
    phone_number_id_of,
    plugin_path,
    through_plugin,
)
from chakra_async.errors import DecodeError
from chakra_async.models.chats import ChatMessage
from chakra_async.models.messages import MediaKind, SentMessage, TemplateValues
from chakra_async.models.reply import Reply


class Messages:
    """WhatsApp messages.

    Templates may be sent at any time; everything else only within 24 hours of the person's last message.
    That a message was accepted does not mean that it was delivered: webhooks tell.

    Sending is not idempotent, so a message is never sent twice: when an answer is lost,
    ``AmbiguousResultError`` is raised. Phone numbers are country code and digits; ``+``, spaces and
    separators are taken away. Every method takes ``plugin_id``, ``phone_number_id`` and, where a path names
    it, ``api_version`` for a single call; otherwise they come from the client.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(
        self,
        body: Mapping[str, Any],
        /,
        *,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> SentMessage:
        """Send a message in Meta's own form: any type it knows, templates included.

        ``messaging_product`` is filled in, and ``to`` is normalised; the rest travels as it is, so that what
        the helpers here do not know can be sent as well (Flows, catalogues, messages to groups).

        Args:
            body: such as ``{"to": "919901258433", "type": "text", "text": {"body": "Hello"}}``.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.
            api_version: version of Meta's API, such as ``v19.0``.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{phone number id}/messages``
        (documented; seen, live).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it; ``whatsapp_code`` is Meta's number.
            PaymentRequiredError: the team's plan does not include it.
            DecodeError: the answer names no message, so that it is not known whether one was sent.
            ValueError: it cannot be sent; the message says what to do.
        """
        return await self._send(bodies.outgoing(body), plugin_id, phone_number_id, api_version)

    async def send_text(
        self,
        phone: str | int,
        text: str,
        /,
        *,
        preview_url: bool = False,
        reply_to: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> SentMessage:
        """Send a text.

        Args:
            phone: phone number of the person.
            text: 1 to 4,096 characters.
            preview_url: whether WhatsApp shows a preview of the first link in it.
            reply_to: WhatsApp's id (``wamid.…``) of the message that this one answers.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.
            api_version: version of Meta's API.

        Endpoint: as :meth:`send` (documented).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it.
            ValueError: it cannot be sent; the message says what to do.
        """
        content = bodies.text(text, preview_url=preview_url)
        body = bodies.envelope(phone, "text", content, reply_to)
        return await self._send(body, plugin_id, phone_number_id, api_version)

    async def send_media(
        self,
        phone: str | int,
        kind: MediaKind,
        link: str,
        /,
        *,
        caption: str | None = None,
        filename: str | None = None,
        reply_to: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> SentMessage:
        """Send an image, video, audio, document or sticker by its public link.

        WhatsApp fetches the file itself and goes by the content type that its server tells. There is no
        sending by media id: make a link with ``whatsapp.media.upload_public``.

        Args:
            phone: phone number of the person.
            kind: ``image``, ``video``, ``audio``, ``document`` or ``sticker``.
            link: public address of the file, ``https`` or ``http``.
            caption: up to 1,024 characters, for images, videos and documents.
            filename: for documents: the name shown, by whose ending WhatsApp picks a symbol.
            reply_to: WhatsApp's id of the message that this one answers.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.
            api_version: version of Meta's API.

        Endpoint: as :meth:`send` (documented).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it.
            ValueError: it cannot be sent; the message says what to do.
        """
        content = bodies.media(kind, link, caption, filename)
        body = bodies.envelope(phone, kind, content, reply_to)
        return await self._send(body, plugin_id, phone_number_id, api_version)

    async def send_buttons(
        self,
        phone: str | int,
        text: str,
        /,
        *,
        buttons: Mapping[str, str],
        header: str | Mapping[str, Any] | None = None,
        footer: str | None = None,
        reply_to: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> SentMessage:
        """Ask a question with one to three reply buttons.

        Args:
            phone: phone number of the person.
            text: the question, up to 1,024 characters.
            buttons: titles (up to 20 characters) by ids (up to 256), such as
                ``{"yes": "Yes, please", "no": "No"}``; the answer tells both.
            header: a text of up to 60 characters, or Meta's object, such as
                ``{"type": "image", "image": {"link": "https://…"}}``.
            footer: up to 60 characters.
            reply_to: WhatsApp's id of the message that this one answers.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.
            api_version: version of Meta's API.

        Endpoint: as :meth:`send` (documented).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it.
            ValueError: it cannot be sent; the message says what to do.
        """
        content = bodies.buttons(text, buttons, header, footer)
        body = bodies.envelope(phone, "interactive", content, reply_to)
        return await self._send(body, plugin_id, phone_number_id, api_version)

    async def send_list(
        self,
        phone: str | int,
        text: str,
        /,
        *,
        button: str,
        sections: Sequence[Mapping[str, Any]],
        header: str | None = None,
        footer: str | None = None,
        reply_to: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> SentMessage:
        """Ask a question with a list of up to ten rows to choose from.

        Args:
            phone: phone number of the person.
            text: the question, up to 4,096 characters.
            button: what opens the list, up to 20 characters.
            sections: ``{"title": …, "rows": [{"id": …, "title": …, "description": …}]}``, with ten rows in
                all. A title has up to 24 characters, and a section may lack it when it is alone; an id has
                up to 200, a description up to 72.
            header: up to 60 characters.
            footer: up to 60 characters.
            reply_to: WhatsApp's id of the message that this one answers.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.
            api_version: version of Meta's API.

        Endpoint: as :meth:`send` (documented).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it.
            ValueError: it cannot be sent; the message says what to do.
        """
        content = bodies.listing(text, button, sections, header, footer)
        body = bodies.envelope(phone, "interactive", content, reply_to)
        return await self._send(body, plugin_id, phone_number_id, api_version)

    async def send_interactive(
        self,
        phone: str | int,
        interactive: Mapping[str, Any],
        /,
        *,
        reply_to: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> SentMessage:
        """Send an interactive message in Meta's own form: a Flow, a link button, a catalogue.

        Args:
            phone: phone number of the person.
            interactive: Meta's object: ``type``, ``body``, ``action`` and perhaps ``header`` and ``footer``.
            reply_to: WhatsApp's id of the message that this one answers.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.
            api_version: version of Meta's API.

        Endpoint: as :meth:`send` (documented).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it.
            ValueError: it cannot be sent; the message says what to do.
        """
        body = bodies.envelope(phone, "interactive", bodies.interactive(interactive), reply_to)
        return await self._send(body, plugin_id, phone_number_id, api_version)

    async def send_location(
        self,
        phone: str | int,
        /,
        *,
        latitude: float,
        longitude: float,
        name: str | None = None,
        address: str | None = None,
        reply_to: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> SentMessage:
        """Send a place on the map.

        Args:
            phone: phone number of the person.
            latitude: degrees, -90 to 90.
            longitude: degrees, -180 to 180.
            name: name of the place.
            address: its address, shown with the name only.
            reply_to: WhatsApp's id of the message that this one answers.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.
            api_version: version of Meta's API.

        Endpoint: as :meth:`send` (documented).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it.
            ValueError: it cannot be sent; the message says what to do.
        """
        content = bodies.location(latitude, longitude, name, address)
        body = bodies.envelope(phone, "location", content, reply_to)
        return await self._send(body, plugin_id, phone_number_id, api_version)

    async def send_contacts(
        self,
        phone: str | int,
        contacts: Sequence[Mapping[str, Any]],
        /,
        *,
        reply_to: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> SentMessage:
        """Send contact cards.

        Args:
            phone: phone number of the person.
            contacts: Meta's objects, such as ``{"name": {"formatted_name": "Asha Rao", "first_name": "Asha"},
                "phones": [{"phone": "+919901258433", "type": "WORK"}]}``.
            reply_to: WhatsApp's id of the message that this one answers.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.
            api_version: version of Meta's API.

        Endpoint: as :meth:`send` (documented).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it.
            ValueError: it cannot be sent; the message says what to do.
        """
        body = bodies.envelope(phone, "contacts", bodies.contacts(contacts), reply_to)
        return await self._send(body, plugin_id, phone_number_id, api_version)

    async def send_reaction(
        self,
        phone: str | int,
        message_id: str,
        emoji: str,
        /,
        *,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> SentMessage:
        """React to a message with an emoji.

        Args:
            phone: phone number of the person.
            message_id: WhatsApp's id (``wamid.…``) of the message.
            emoji: one emoji; ``""`` takes the earlier reaction back.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.
            api_version: version of Meta's API.

        Endpoint: as :meth:`send` (documented).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it.
            ValueError: it cannot be sent; the message says what to do.
        """
        body = bodies.envelope(phone, "reaction", bodies.reaction(message_id, emoji))
        return await self._send(body, plugin_id, phone_number_id, api_version)

    async def mark_read(
        self,
        message_id: str,
        /,
        *,
        typing: bool = False,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        """Mark a received message, and those before it, as read.

        Idempotent. The answer is not documented; any that does not say that nothing was done is taken for
        success.

        Args:
            message_id: WhatsApp's id (``wamid.…``) of the message.
            typing: also show that an answer is being typed, until it comes or for 25 seconds.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number that received the message.
            api_version: version of Meta's API.

        Endpoint: as :meth:`send` (documented; its answer is unknown).

        Raises:
            BadRequestError: the service or WhatsApp refuses it.
            ValueError: the id is Chakra's own instead of WhatsApp's.
        """
        path = self._messages(plugin_id, phone_number_id, api_version)
        body = encode(bodies.read_mark(message_id, typing=typing))
        expect_success(await self._transport.call("POST", path, body=body, repeatable=True, any_body=True))

    async def send_template(
        self,
        phone: str | int,
        /,
        *,
        template_name: str,
        mapping: TemplateValues | None = None,
        header_mapping: TemplateValues | None = None,
        button_mapping: TemplateValues | None = None,
        image_url: str | None = None,
        video_url: str | None = None,
        document_url: str | None = None,
        filename: str | None = None,
        location_latitude: float | None = None,
        location_longitude: float | None = None,
        location_name: str | None = None,
        location_address: str | None = None,
        language: str | None = None,
        otp_code: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
    ) -> ChatMessage:
        """Send a template to a phone number.

        Values of parameters are given in order (``["Asha", 7]``), by name (``{"1": "Asha"}``, or a named
        parameter's name), or as the service writes them
        (``[{"schemaPropertyName": "1", "schemaPropertyValue": "Asha"}]``). WhatsApp refuses empty ones.

        Args:
            phone: phone number of the person.
            template_name: name of the template.
            mapping: values of the parameters of its text.
            header_mapping: values of the parameters of its header.
            button_mapping: values of the parameters of its buttons.
            image_url: public link of the image of its header.
            video_url: public link of the video of its header.
            document_url: public link of the document of its header.
            filename: name of the document.
            location_latitude: latitude of the location of its header, in degrees.
            location_longitude: longitude of the location of its header, in degrees.
            location_name: name of the location.
            location_address: address of the location.
            language: such as ``en_US``; needed when one name has several languages. ``en`` is not ``en_US``.
            otp_code: the code, for authentication templates.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/{plugin}/phoneNumber/{phone}/send-template-message``
        (documented; ``filename``, the location, ``language`` and ``otp_code`` in the vendor's SDK).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it.
            PaymentRequiredError: the team's plan does not include templates.
            DecodeError: the answer names no message, so that it is not known whether one was sent.
            ValueError: it cannot be sent; the message says what to do.
        """
        path = (
            f"{plugin_path(self._transport.settings, plugin_id)}/phoneNumber/{phone_digits(phone, 'phone')}"
        )
        header = _template_header(
            image_url,
            video_url,
            document_url,
            filename,
            location_latitude,
            location_longitude,
            location_name,
            location_address,
        )
        values = _template_values(mapping, header_mapping, button_mapping, language, otp_code)
        return await self._send_template(path, template_name, {**values, **header}, phone_number_id)

    async def send_template_for_process(
        self,
        procedure: str,
        process: str | int,
        /,
        *,
        template_name: str,
        mapping: TemplateValues | None = None,
        header_mapping: TemplateValues | None = None,
        button_mapping: TemplateValues | None = None,
        image_url: str | None = None,
        video_url: str | None = None,
        document_url: str | None = None,
        filename: str | None = None,
        location_latitude: float | None = None,
        location_longitude: float | None = None,
        location_name: str | None = None,
        location_address: str | None = None,
        language: str | None = None,
        otp_code: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
    ) -> ChatMessage:
        """Send a template to the person whom a process is about; the message is kept with the process.

        Args:
            procedure: short id of the procedure, such as ``lead``.
            process: id of the process, or the value of its primary key.
            template_name: name of the template.
            mapping: values of the parameters of its text, as in :meth:`send_template`.
            header_mapping: values of the parameters of its header.
            button_mapping: values of the parameters of its buttons.
            image_url: public link of the image of its header.
            video_url: public link of the video of its header.
            document_url: public link of the document of its header.
            filename: name of the document.
            location_latitude: latitude of the location of its header, in degrees.
            location_longitude: longitude of the location of its header, in degrees.
            location_name: name of the location.
            location_address: address of the location.
            language: such as ``en_US``; needed when one name has several languages.
            otp_code: the code, for authentication templates.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number to send from.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/{plugin}/process/{procedure}/{id}/send-template-message``
        (documented; its answer is inferred).

        Raises:
            AmbiguousResultError: the request left and no answer came; it may have been sent.
            BadRequestError: the service or WhatsApp refuses it.
            NotFoundError: there is no such procedure or process.
            PaymentRequiredError: the team's plan does not include templates.
            DecodeError: the answer names no message, so that it is not known whether one was sent.
            ValueError: it cannot be sent; the message says what to do.
        """
        path = (
            f"{plugin_path(self._transport.settings, plugin_id)}/process/{segment(procedure, 'procedure')}/"
            f"{segment(process, 'process')}"
        )
        header = _template_header(
            image_url,
            video_url,
            document_url,
            filename,
            location_latitude,
            location_longitude,
            location_name,
            location_address,
        )
        values = _template_values(mapping, header_mapping, button_mapping, language, otp_code)
        return await self._send_template(path, template_name, {**values, **header}, phone_number_id)

    def _messages(self, plugin_id: str | None, phone_number_id: str | None, api_version: str | None) -> str:
        settings = self._transport.settings
        sender = phone_number_id_of(settings, phone_number_id)
        return f"{through_plugin(settings, plugin_id, api_version)}/{sender}/messages"

    async def _send(
        self,
        body: Mapping[str, Any],
        plugin_id: str | None,
        phone_number_id: str | None,
        api_version: str | None,
    ) -> SentMessage:
        path = self._messages(plugin_id, phone_number_id, api_version)
        reply = await self._transport.call("POST", path, body=encode(body), repeatable=False)
        return _sent(reply)

    async def _send_template(
        self, path: str, template_name: str, fields: Mapping[str, Any], phone_number_id: str | None
    ) -> ChatMessage:
        body = {
            "whatsappPhoneNumberId": phone_number_id_of(self._transport.settings, phone_number_id),
            "templateName": bodies.words(template_name, "template_name"),
            **{name: value for name, value in fields.items() if value is not None},
        }
        path = f"{path}/send-template-message"
        reply = await self._transport.call("POST", path, body=encode(body), repeatable=False)
        try:
            return decode(reply, ChatMessage)
        except DecodeError:
            raise _no_message(reply) from None


def _sent(reply: Reply) -> SentMessage:
    """Read the answer to a message: the service's own form, or Meta's raw one from older plugins."""
    answer = as_object(reply.data)
    if isinstance(answer.get("whatsappMessageId"), str) and answer["whatsappMessageId"]:
        return read_object(reply, answer, SentMessage)
    first = as_object(as_list(answer.get("messages"))[0] if answer.get("messages") else None)
    if isinstance(first.get("id"), str) and first["id"]:
        return read_object(reply, {**answer, "whatsappMessageId": first["id"]}, SentMessage)
    raise _no_message(reply)


def _no_message(reply: Reply) -> DecodeError:
    return misshapen(
        reply,
        "it names no message, so whether one was sent is not known; look at the chat before sending again",
    )


def _template_values(
    mapping: TemplateValues | None,
    header_mapping: TemplateValues | None,
    button_mapping: TemplateValues | None,
    language: str | None,
    otp_code: str | None,
) -> dict[str, Any]:
    return {
        "mapping": bodies.parameters(mapping, "mapping"),
        "headerMapping": bodies.parameters(header_mapping, "header_mapping"),
        "buttonMapping": bodies.parameters(button_mapping, "button_mapping"),
        "language": None if language is None else bodies.language_code(language),
        "otpCode": None if otp_code is None else bodies.words(otp_code, "otp_code"),
    }


def _template_header(
    image_url: str | None,
    video_url: str | None,
    document_url: str | None,
    filename: str | None,
    latitude: float | None,
    longitude: float | None,
    name: str | None,
    address: str | None,
) -> dict[str, Any]:
    """Check the header of a template, of which there is one at most."""
    links = {"image_url": image_url, "video_url": video_url, "document_url": document_url}
    given = {key: link for key, link in links.items() if link is not None}
    place = [value for value in (latitude, longitude, name, address) if value is not None]
    if len(given) + bool(place) > 1:
        raise ValueError("a template has one header: give an image, a video, a document or a location")
    if filename is not None and document_url is None:
        raise ValueError("filename names the document of the header: give document_url as well")
    fields: dict[str, Any] = {camel(key): bodies.public_link(link, key) for key, link in given.items()}
    if filename is not None:
        fields["filename"] = bodies.words(filename, "filename")
    if place:
        if latitude is None or longitude is None:
            raise ValueError("a location needs both location_latitude and location_longitude")
        for key, value in bodies.location(latitude, longitude, name, address).items():
            fields[f"location{key.capitalize()}"] = value
    return fields
