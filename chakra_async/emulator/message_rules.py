"""What Meta says no to in the body of a message, and what a person would read of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import urlsplit

from chakra_async.emulator.refusals import Refusal


MEDIA: Final = ("image", "video", "audio", "document", "sticker")
TYPES: Final = (*MEDIA, "text", "location", "contacts", "interactive", "reaction", "template")

_LONGEST_TEXT: Final = 4096
_LONGEST_BUTTON: Final = 20
_LONGEST_ROW: Final = 24
_MOST_BUTTONS: Final = 3
_MOST_ROWS: Final = 10


def invalid(detail: str = "") -> Refusal:
    """Return what Meta says about a value it does not take."""
    return Refusal(f"(#131009) Parameter value is not valid{detail and f': {detail}'}")


def missing(name: str) -> Refusal:
    """Return what Meta says about something that is not there."""
    return Refusal(f"(#131008) Required parameter is missing: {name}")


def check_content(kind: str, content: Any) -> None:
    """Check the part of a message that depends on its type.

    Raises:
        Refusal: Meta would refuse it.
    """
    if kind not in TYPES:
        raise Refusal(f"(#100) Param type must be one of {{{', '.join(sorted(TYPES)).upper()}}}")
    if content is None:
        raise missing(kind)
    if kind == "contacts":
        if not isinstance(content, list) or not content:
            raise invalid("contacts")
    elif not isinstance(content, dict):
        raise invalid(kind)
    else:
        rule = _media if kind in MEDIA else _RULES.get(kind)
        if rule is not None:
            rule(cast("dict[str, Any]", content))


def text_of(kind: str, content: Any) -> str | None:
    """Return what a person would read, if anything."""
    if not isinstance(content, dict):
        return None
    fields = cast("dict[str, Any]", content)
    if kind == "text":
        return _string(fields.get("body"))
    if kind == "interactive":
        body = fields.get("body")
        return _string(cast("dict[str, Any]", body).get("text")) if isinstance(body, dict) else None
    return _string(fields.get("emoji") if kind == "reaction" else fields.get("caption"))


def attachments_of(kind: str, content: Any) -> list[dict[str, Any]] | None:
    """Return the media of a message as a chat shows them."""
    if kind not in MEDIA:
        return None
    return [{"type": kind, **cast("dict[str, Any]", content)}]


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _text(content: dict[str, Any]) -> None:
    body = _required(content, "body", "text.body")
    if not isinstance(body, str) or not 1 <= len(body) <= _LONGEST_TEXT:
        raise invalid("text.body")


def _media(content: dict[str, Any]) -> None:
    # There is no upload that gives an id, so an id can only be somebody else's.
    if "id" in content:
        raise invalid("media must be sent by link")
    link = _required(content, "link", "link")
    try:
        address = urlsplit(link if isinstance(link, str) else "")
    except ValueError as error:
        raise invalid("link") from error
    if address.scheme not in ("http", "https") or not address.netloc:
        raise invalid("link")


def _location(content: dict[str, Any]) -> None:
    for name, most in (("latitude", 90), ("longitude", 180)):
        value = _required(content, name, f"location.{name}")
        try:
            inside = not isinstance(value, bool) and abs(float(value)) <= most
        except (TypeError, ValueError) as error:
            raise invalid(f"location.{name}") from error
        if not inside:
            raise invalid(f"location.{name}")


def _reaction(content: dict[str, Any]) -> None:
    _required(content, "message_id", "reaction.message_id")
    if not isinstance(content.get("emoji", ""), str):
        raise invalid("reaction.emoji")


def _interactive(content: dict[str, Any]) -> None:
    kind = _required(content, "type", "interactive.type")
    action = _required(content, "action", "interactive.action")
    if not isinstance(kind, str) or not isinstance(action, dict):
        raise invalid()
    fields = cast("dict[str, Any]", action)
    if kind in ("button", "list"):
        body = content.get("body")
        if not isinstance(body, dict) or not _string(cast("dict[str, Any]", body).get("text")):
            raise missing("interactive.body.text")
    if kind == "button":
        _buttons(fields)
    elif kind == "list":
        _sections(fields)


def _buttons(action: Mapping[str, Any]) -> None:
    buttons = _objects(action.get("buttons"), most=_MOST_BUTTONS)
    replies = _objects([button.get("reply") for button in buttons], most=_MOST_BUTTONS)
    _named(replies, "title", _LONGEST_BUTTON)


def _sections(action: Mapping[str, Any]) -> None:
    if not _string(action.get("button")):
        raise missing("interactive.action.button")
    sections = _objects(action.get("sections"), most=_MOST_ROWS)
    lists = [_objects(section.get("rows"), most=_MOST_ROWS) for section in sections]
    rows = _objects([row for one in lists for row in one], most=_MOST_ROWS)
    _named(rows, "title", _LONGEST_ROW)


def _objects(value: Any, *, most: int) -> Sequence[dict[str, Any]]:
    """Return a list of objects that is neither empty nor too long; Meta says no more than this."""
    items = cast("list[Any]", value)
    if not isinstance(value, list) or not 1 <= len(items) <= most:
        raise invalid()
    if not all(isinstance(item, dict) for item in items):
        raise invalid()
    return items


def _named(items: Sequence[dict[str, Any]], title: str, longest: int) -> None:
    ids = [item.get("id") for item in items]
    titles = [item.get(title) for item in items]
    if not all(isinstance(one, str) and one for one in (*ids, *titles)) or len(set(ids)) != len(ids):
        raise invalid()
    if any(len(str(one)) > longest for one in titles):
        raise invalid()


def _template(content: dict[str, Any]) -> None:
    if not isinstance(_required(content, "name", "template.name"), str):
        raise invalid("template.name")
    language = _required(content, "language", "template.language")
    if not isinstance(language, dict) or not isinstance(cast("dict[str, Any]", language).get("code"), str):
        raise missing("template.language.code")


def _required(content: dict[str, Any], name: str, shown: str) -> Any:
    if content.get(name) is None:
        raise missing(shown)
    return content[name]


_RULES: Final[Mapping[str, Callable[[dict[str, Any]], None]]] = {
    "text": _text,
    "location": _location,
    "reaction": _reaction,
    "interactive": _interactive,
    "template": _template,
}
