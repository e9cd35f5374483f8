"""What WhatsApp calls have in common: where they go, and how Meta answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from chakra_async._codec import misshapen, read_object
from chakra_async._pages import Place
from chakra_async._paths import segment
from chakra_async._shapes import as_list, as_object
from chakra_async.models.reply import Reply
from chakra_async.settings import Settings


T = TypeVar("T")

_VERSION = re.compile(r"v[0-9]+\.[0-9]+")


def plugin_id_of(settings: Settings, given: str | None) -> str:
    """Return the id of the plugin to send through.

    Raises:
        ValueError: none is known.
    """
    value = settings.plugin_id if given is None else given
    if not value:
        raise ValueError(
            "no WhatsApp plugin is named: give plugin_id=, or make the client with Client(plugin_id=…), or "
            "set CHAKRA_PLUGIN_ID. It is the uuid in the address of the WhatsApp Setup page of the dashboard "
            "(/admin/plugin/<uuid>); the page's menu has 'Copy Plugin Id'"
        )
    return value


def phone_number_id_of(settings: Settings, given: str | None) -> str:
    """Return the id of the phone number to send from.

    Raises:
        ValueError: none is known, or it cannot be one.
    """
    value = settings.phone_number_id if given is None else given
    if not value:
        raise ValueError(
            "no WhatsApp phone number is named: give phone_number_id=, or make the client with "
            "Client(phone_number_id=…), or set CHAKRA_PHONE_NUMBER_ID. It is Meta's number shown beside the "
            "phone number on the WhatsApp Setup page of the dashboard"
        )
    return meta_id(value, "phone_number_id")


def meta_id(value: str, name: str) -> str:
    """Return one of Meta's numeric ids, which are safe in a path.

    Raises:
        TypeError: it is not text.
        ValueError: it is not a number.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    if not value.isascii() or not value.isdigit():
        raise ValueError(
            f"{name} must be Meta's id, digits only, not {value!r}; the WhatsApp Setup page of the dashboard "
            "shows it"
        )
    return str.__str__(value)


def version(settings: Settings, given: str | None) -> str:
    """Return the version of Meta's API to name in the path.

    Raises:
        ValueError: it is none.
    """
    value = settings.whatsapp_api_version if given is None else given
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise ValueError(f"api_version must look like 'v19.0', not {value!r}")
    return str.__str__(value)


def plugin_path(settings: Settings, plugin: str | None) -> str:
    """Return the beginning of the paths of a plugin's own calls."""
    return f"/v1/ext/plugin/whatsapp/{segment(plugin_id_of(settings, plugin), 'plugin_id')}"


def through_plugin(settings: Settings, plugin: str | None, api_version: str | None) -> str:
    """Return the beginning of the paths that a plugin passes through to Meta."""
    return f"{plugin_path(settings, plugin)}/api/{version(settings, api_version)}"


def items(reply: Reply, cls: type[T], *inside: str) -> list[T]:
    """Read a list as Meta writes it, under ``data`` and perhaps deeper; or as it is.

    Raises:
        DecodeError: there is no list, or one of its items is no such object.
    """
    found = reply.data
    for name in ("data", *inside):
        found = as_object(found).get(name, found)
    if not isinstance(found, list):
        raise misshapen(reply, f"a list of {cls.__name__} was due")
    return [read_object(reply, item, cls) for item in as_list(found)]


def surroundings(reply: Reply) -> Mapping[str, Any]:
    """Return what stands beside the items of a list."""
    return {**{name: value for name, value in as_object(reply.data).items() if name != "data"}, **reply.meta}


def next_place(reply: Reply, place: Place) -> Place | None:
    """Find where the next page is, or ``None`` when this was the last.

    Of ``paging.next`` only the query is kept, so that no answer can lead the token to another host; and from
    the query Meta's own token is left out, should it be there.

    Raises:
        DecodeError: the page names itself, one before it, or nothing, as the next one.
    """
    paging = as_object(surroundings(reply).get("paging"))
    link = paging.get("next")
    if not isinstance(link, str) or not link:
        return None
    try:
        found = dict(parse_qsl(urlsplit(link).query))
    except ValueError:
        raise misshapen(reply, "paging.next names no page") from None
    found.pop("access_token", None)
    after = as_object(paging.get("cursors")).get("after")
    if "after" not in found and isinstance(after, str) and after:
        found["after"] = after
    following = place.then({**place.query, **found})
    if following is None or not found.get("after", "more"):
        raise misshapen(reply, "the page names as the next one itself, or one that came before")
    return following


def expect_success(reply: Reply) -> None:
    """Take any answer that does not say the contrary for success.

    Raises:
        DecodeError: it says that nothing was done.
    """
    if as_object(reply.data).get("success") in (False, "false"):
        raise misshapen(reply, "it says that nothing was done (success is false)")
