"""Meta's own bodies, as the service passes them through: entries of changes, and many events in each.

Source: apidocs doc-919167 (documented), live deliveries (seen).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from chakra_async._shapes import as_list, as_object
from chakra_async.webhooks._found import TEMPLATE_STATUS, Found
from chakra_async.webhooks._messages import as_text, echo_fields, message_fields, names_in, status_fields


_LISTS: Final = {
    "messages": {"messages": "message", "statuses": "status"},
    "smb_message_echoes": {"message_echoes": "smb_message_echo"},
    "message_echoes": {"message_echoes": "message_echo"},
}
"""Under which field of a change stand which lists, and what each item is."""

_READERS: Final[dict[str, Callable[[Any, dict[str | None, Any]], dict[str, Any]]]] = {
    "message": message_fields,
    "status": lambda item, _: status_fields(item),
    "message_echo": echo_fields,
    "smb_message_echo": echo_fields,
}

_TEMPLATE: Final = {
    "template_id": "message_template_id",
    "template_name": "message_template_name",
    "language": "message_template_language",
    "status": "event",
}


def find(tree: dict[str, Any]) -> Iterator[Found]:
    """Find all that a delivery tells of."""
    for entry in as_list(tree["entry"]):
        account = as_object(entry)
        shared = {"account_id": account.get("id"), "at": account.get("time")}
        if not isinstance(account.get("changes"), list):
            yield Found("unknown", "meta", shared, entry)
            continue
        for change in as_list(account["changes"]):
            yield from _changed(shared, change)


def _changed(shared: dict[str, Any], source: Any) -> Iterator[Found]:
    change = as_object(source)
    name, value = as_text(change.get("field")) or "messages", as_object(change.get("value"))
    shared = {**shared, "phone_number_id": as_object(value.get("metadata")).get("phone_number_id")}
    if name == TEMPLATE_STATUS:
        yield Found(name, "meta", {**shared, **_template_fields(value)}, value)
        return
    is_whole = True
    names = names_in(value.get("contacts"))
    for kind, item in _items(name, value):
        is_whole = False
        yield Found(kind, "meta", {**shared, **_READERS[kind](item, names)}, item)
    if is_whole or "errors" in value:
        yield Found(name, "meta", shared, value or source)


def _items(name: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for list_name, kind in _LISTS.get(name, {}).items():
        if isinstance(value.get(list_name), list):
            yield from ((kind, item) for item in as_list(value[list_name]))


def _template_fields(value: dict[str, Any]) -> dict[str, Any]:
    rest = {name: content for name, content in value.items() if name not in _TEMPLATE.values()}
    return {**rest, **{ours: value.get(theirs) for ours, theirs in _TEMPLATE.items()}}
