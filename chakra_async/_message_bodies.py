"""Bodies of WhatsApp messages in Meta's form, checked for what WhatsApp is known to refuse. No I/O.

Lengths are Meta's and counted in characters. Where Meta may count an emoji as two, what is refused here is
refused there as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, get_args
from urllib.parse import urlsplit

from chakra_async._phones import phone_digits
from chakra_async._shapes import as_mapping
from chakra_async.models.messages import MediaKind, TemplateValues


_CAPTIONED = ("image", "video", "document")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

PRODUCT = {"messaging_product": "whatsapp"}


def outgoing(body: Mapping[str, Any]) -> dict[str, Any]:
    """Complete and check a message written by the caller.

    Raises:
        TypeError: it is no mapping.
        ValueError: it cannot be sent.
    """
    if as_mapping(body) is None:
        raise TypeError(f"body must be a mapping such as {{'to': …, 'type': …}}, not {type(body).__name__}")
    message = {**PRODUCT, **body}
    if (product := message["messaging_product"]) != "whatsapp":
        raise ValueError(f"messaging_product must be 'whatsapp', not {product!r}; leave it out")
    if message.get("status") == "read":
        raise ValueError("this marks a message as read, which answers otherwise: use mark_read")
    if message.get("to") is None and message.get("recipient") is None:
        raise ValueError("body names nobody to send to: give 'to', a phone number with its country code")
    if message.get("to") is not None and message.get("recipient_type") != "group":
        message["to"] = phone_digits(message["to"], "to")
    kind = message.get("type", "text")
    if not isinstance(kind, str) or kind not in message:
        raise ValueError(f"body is of type {kind!r}, but has no field {kind!r}")
    _check_content(kind, message[kind])
    return message


def envelope(phone: str | int, kind: str, content: Any, reply_to: str | None = None) -> dict[str, Any]:
    """Address a message to a person."""
    body = {
        **PRODUCT,
        "recipient_type": "individual",
        "to": phone_digits(phone, "phone"),
        "type": kind,
        kind: content,
    }
    if reply_to is not None:
        body["context"] = {"message_id": message_id(reply_to, "reply_to")}
    return body


def text(body: str, *, preview_url: bool) -> dict[str, Any]:
    """Build a text."""
    content: dict[str, Any] = {"body": words(body, "text", 4096)}
    return {**content, "preview_url": True} if preview_url else content


def media(kind: MediaKind, link: str, caption: str | None, filename: str | None) -> dict[str, Any]:
    """Build an image, video, audio, document or sticker."""
    if kind not in get_args(MediaKind):
        raise ValueError(f"kind must be one of {', '.join(get_args(MediaKind))}, not {kind!r}")
    content = {"link": public_link(link, "link")}
    if caption is not None:
        if kind not in _CAPTIONED:
            raise ValueError(f"WhatsApp shows no caption with {kind}: send it as a text of its own")
        content["caption"] = words(caption, "caption", 1024)
    if filename is not None:
        if kind != "document":
            raise ValueError(f"only a document has a filename, {kind} has none")
        content["filename"] = words(filename, "filename")
    return content


def buttons(
    body: str, choices: Mapping[str, str], header: str | Mapping[str, Any] | None, footer: str | None
) -> dict[str, Any]:
    """Build a question with reply buttons."""
    pairs = as_mapping(choices)
    if pairs is None:
        raise TypeError("buttons must be a mapping of ids to titles, such as {'yes': 'Yes', 'no': 'No'}")
    _check_count(len(pairs))
    rows = [
        {
            "type": "reply",
            "reply": {
                "id": words(key, "id of a button", 256),
                "title": words(title, "title of a button", 20),
            },
        }
        for key, title in pairs.items()
    ]
    return _interactive("button", words(body, "text", 1024), {"buttons": rows}, header, footer)


def listing(
    body: str, button: str, sections: Sequence[Mapping[str, Any]], header: str | None, footer: str | None
) -> dict[str, Any]:
    """Build a question with a list to choose from."""
    if header is not None and not isinstance(header, str):
        raise TypeError("the header of a list must be text")
    sections = _sequence(sections, "sections")
    blocks = [_section(block, alone=len(sections) == 1) for block in sections]
    keys = [row["id"] for block in blocks for row in block["rows"]]
    if not 1 <= len(keys) <= 10:
        raise ValueError(f"WhatsApp takes 1 to 10 rows in a list, all sections together, not {len(keys)}")
    if not all(block["rows"] for block in blocks):
        raise ValueError("a section has no rows: leave it out")
    if len(set(keys)) < len(keys):
        raise ValueError("two rows of the list have the same id, so that the answer would not tell which")
    action = {"button": words(button, "button", 20), "sections": blocks}
    return _interactive("list", words(body, "text", 4096), action, header, footer)


def interactive(content: Mapping[str, Any]) -> dict[str, Any]:
    """Check an interactive object written by the caller."""
    if as_mapping(content) is None or not isinstance(content.get("type"), str):
        raise ValueError("interactive must be Meta's object: {'type': …, 'body': …, 'action': …}")
    action = as_mapping(content.get("action")) or {}
    if content["type"] == "button" and _is_sequence(shown := action.get("buttons")):
        _check_count(len(shown))
    return dict(content)


def location(
    latitude: float, longitude: float, name: str | None, address: str | None
) -> dict[str, float | str]:
    """Build a place on the map."""
    content: dict[str, float | str] = {
        "latitude": _degrees(latitude, "latitude", 90),
        "longitude": _degrees(longitude, "longitude", 180),
    }
    if name is not None:
        content["name"] = words(name, "name")
    if address is not None:
        if name is None:
            raise ValueError("WhatsApp shows an address only with a name: give name as well")
        content["address"] = words(address, "address")
    return content


def contacts(cards: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Check contact cards written by the caller."""
    checked = list(_sequence(cards, "contacts"))
    if not checked:
        raise ValueError("there is no contact to send")
    for number, card in enumerate(checked):
        name = (as_mapping(card) or {}).get("name")
        if not (as_mapping(name) or {}).get("formatted_name"):
            raise ValueError(
                f"contact {number} has no name: write {{'name': {{'formatted_name': …, 'first_name': …}}, …}}"
            )
    return checked


def reaction(to_message: str, emoji: str) -> dict[str, str]:
    """Build a reaction; an empty one takes the earlier one back."""
    if not isinstance(emoji, str):
        raise TypeError("emoji must be text; write '' to take a reaction back")
    if emoji and emoji.isascii():
        raise ValueError(
            f"emoji is {emoji!r}, which is none; write the character itself, or '' to take it back"
        )
    return {"message_id": message_id(to_message, "message_id"), "emoji": emoji}


def read_mark(read_message: str, *, typing: bool) -> dict[str, Any]:
    """Build the mark that a message was read."""
    body = {**PRODUCT, "status": "read", "message_id": message_id(read_message, "message_id")}
    return {**body, "typing_indicator": {"type": "text"}} if typing else body


def parameters(values: TemplateValues | None, name: str) -> list[dict[str, str]] | None:
    """Write the values of a template's parameters as MappingType objects.

    Raises:
        TypeError: they are neither a mapping nor a sequence.
        ValueError: one of them is empty or of the wrong shape.
    """
    if values is None:
        return None
    pairs = as_mapping(values)
    if pairs is not None:
        if pairs.keys() == {"schemaPropertyName", "schemaPropertyValue"}:
            raise ValueError(f"{name} is a single MappingType; write a list of them, or {{'1': 'Asha'}}")
        return [_parameter(key, value, name) for key, value in pairs.items()]
    return [
        _given_parameter(value, name)
        if as_mapping(value) is not None
        else _parameter(str(number), value, name)
        for number, value in enumerate(_sequence(values, name), 1)
    ]


def public_link(value: Any, name: str) -> str:
    """Check the address of a file that WhatsApp shall fetch.

    Raises:
        ValueError: it is no address on the web.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is {value!r}; {_LINKS_ONLY}")
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        kind = "looks like a media id" if value.isdigit() else "is no public https:// link"
        raise ValueError(f"{name} {kind}: {value!r}; {_LINKS_ONLY}")
    if any(character.isspace() or not character.isprintable() for character in value):
        raise ValueError(
            f"{name} holds spaces or control characters, which must be percent-encoded: {value!r}"
        )
    return value


_LINKS_ONLY = "media are sent by public link only: upload the file with whatsapp.media.upload_public first"


def words(value: Any, name: str, most: int | None = None) -> str:
    """Check a text that shall not be empty.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty, or longer than WhatsApp takes.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{name} is empty")
    if most is not None and len(value) > most:
        raise ValueError(f"{name} has {len(value):,} characters; WhatsApp takes {most:,} at most")
    return value


def message_id(value: Any, name: str) -> str:
    """Check the id by which WhatsApp knows a message.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty, or the id by which Chakra knows it.
    """
    if _UUID.fullmatch(words(value, name)):
        raise ValueError(
            f"{name} is {value!r}, Chakra's own id of a message; WhatsApp knows it by its wamid: "
            "whatsapp_message_id of a sent message, external_id of one in a chat"
        )
    return str(value)


def language_code(value: str) -> str:
    """Check the language of a template.

    Raises:
        ValueError: it is not written as Meta does.
    """
    if isinstance(value, str) and re.fullmatch(r"[a-z]{2,3}(_([A-Z]{2}|[0-9]{3}))?", value):
        return value
    if isinstance(value, str) and (parts := re.fullmatch(r"([A-Za-z]{2,3})[-_]([A-Za-z]{2})", value)):
        wanted = f"write {parts[1].lower()}_{parts[2].upper()}"
    else:
        wanted = "write it like en, en_US or pt_BR"
    raise ValueError(f"language is {value!r}; {wanted}: templates are looked up by their exact language")


def _check_content(kind: str, content: Any) -> None:
    """Check those types of a message whose commonest mistakes are known."""
    fields = as_mapping(content) or {}
    if kind == "text":
        words(fields.get("body"), "text.body", 4096)
    elif kind == "interactive":
        interactive(content)
    elif kind == "template":
        code = (as_mapping(fields.get("language")) or {}).get("code")
        if code is not None:
            language_code(code)
    elif kind in get_args(MediaKind):
        if "link" not in fields and "id" in fields:
            raise ValueError(f"{kind} is named by id; {_LINKS_ONLY}")
        public_link(fields.get("link"), f"{kind}.link")


def _check_count(buttons: int) -> None:
    if not 1 <= buttons <= 3:
        raise ValueError(f"WhatsApp takes 1 to 3 reply buttons, not {buttons}; send_list offers up to 10")


def _interactive(
    kind: str,
    body: str,
    action: Mapping[str, Any],
    header: str | Mapping[str, Any] | None,
    footer: str | None,
) -> dict[str, Any]:
    content: dict[str, Any] = {"type": kind, "body": {"text": body}, "action": action}
    if isinstance(header, str):
        content["header"] = {"type": "text", "text": words(header, "header", 60)}
    elif header is not None:
        content["header"] = dict(header)
    if footer is not None:
        content["footer"] = {"text": words(footer, "footer", 60)}
    return content


def _section(block: Mapping[str, Any], *, alone: bool) -> dict[str, Any]:
    given = as_mapping(block)
    if given is None or not _is_sequence(given.get("rows")):
        raise ValueError("a section must be {'title': …, 'rows': [{'id': …, 'title': …}, …]}")
    rows: list[dict[str, str]] = []
    for row in given["rows"]:
        if (fields := as_mapping(row)) is None:
            raise ValueError("a row must be {'id': …, 'title': …}, perhaps with a 'description'")
        checked = {
            "id": words(fields.get("id"), "id of a row", 200),
            "title": words(fields.get("title"), "title of a row", 24),
        }
        if fields.get("description") is not None:
            checked["description"] = words(fields["description"], "description of a row", 72)
        rows.append(checked)
    title = given.get("title")
    if title is None and not alone:
        raise ValueError("where a list has several sections, each needs a title")
    named = {} if title is None else {"title": words(title, "title of a section", 24)}
    return {**named, "rows": rows}


def _sequence(values: Any, name: str) -> Sequence[Any]:
    if not _is_sequence(values):
        raise TypeError(f"{name} must be a list, not {type(values).__name__}")
    return values


def _is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _parameter(key: Any, value: Any, name: str) -> dict[str, str]:
    if isinstance(key, int) and not isinstance(key, bool):
        key = str(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"{name} {key!r} must be text, int or float, not {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} {key!r} is {value}, which nobody should read; write the text to be shown")
    return {
        "schemaPropertyName": words(key, f"a name in {name}"),
        # WhatsApp refuses empty parameters, and so the whole message.
        "schemaPropertyValue": words(str(value), f"{name} {key!r}"),
    }


def _given_parameter(value: Mapping[str, Any], name: str) -> dict[str, str]:
    if value.keys() != {"schemaPropertyName", "schemaPropertyValue"}:
        raise ValueError(
            f"{name} holds {dict(value)!r}; write {{'1': 'Asha'}}, ['Asha'], or a list of "
            "{'schemaPropertyName': '1', 'schemaPropertyValue': 'Asha'}"
        )
    return _parameter(value["schemaPropertyName"], value["schemaPropertyValue"], name)


def _degrees(value: Any, name: str, most: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not -most <= value <= most:
        raise ValueError(f"{name} must be -{most} to {most} degrees, not {value}")
    return value
