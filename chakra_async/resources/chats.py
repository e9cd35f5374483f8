"""Chats and their messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from attrs import field, frozen

from chakra_async._codec import decode_list, encode, misshapen
from chakra_async._pages import Repeats, page_size, says_more, whole
from chakra_async._paths import segment
from chakra_async._phones import phone_digits
from chakra_async._reading import read_whole
from chakra_async._transport import Transport
from chakra_async.models.chats import Chat, ChatMessage, OrderDirection
from chakra_async.models.reply import Reply
from chakra_async.paging import Page, Pager


ItemT = TypeVar("ItemT", Chat, ChatMessage)


@frozen
class _Place:
    """Where a list has got to: the number of a page, and what came before it."""

    page: int
    seen: int | None = None
    repeats: Repeats = field(factory=Repeats)


class Chats:
    """Chats and their messages.

    The service counts pages from 1. How many items a page may have at most is not documented, so a list
    ends where the service says so, or else with the first empty page.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        search: str | None = None,
        order_field: str | None = None,
        order_direction: OrderDirection | None = None,
        limit: int | None = None,
        page: int = 1,
    ) -> Pager[Chat]:
        """List chats, following the pages by itself.

        New chats may move others from page to page; ``order_field="createdAt", order_direction="asc"`` puts
        them at the end, where they do no harm.

        Args:
            search: words to look for.
            order_field: name of a field on the wire, such as ``createdAt``.
            order_direction: ``asc`` or ``desc``.
            limit: chats a page; ``Limits.page_size`` if not given. Not a limit on the whole list: stop
                iterating when you have enough.
            page: number of the page to begin with, from 1.

        Endpoint: ``POST /v1/ext/chat`` (documented path; its body was seen in client code).

        Raises:
            BadRequestError: the service refuses a value.
            ValueError: ``order_direction``, ``limit`` or ``page`` is out of range.
        """
        body = {"search": search, **_order(order_field, order_direction)}
        return self._pages("/v1/ext/chat", body, Chat, limit, page)

    def messages(
        self,
        chat_id: str,
        /,
        *,
        order_field: str | None = None,
        order_direction: OrderDirection | None = None,
        limit: int | None = None,
        page: int = 1,
    ) -> Pager[ChatMessage]:
        """List the messages of a chat, following the pages by itself.

        In which order they come when none is given is not documented.

        Args:
            chat_id: the chat.
            order_field: name of a field on the wire, such as ``createdAt``.
            order_direction: ``asc`` or ``desc``.
            limit: messages a page; ``Limits.page_size`` if not given.
            page: number of the page to begin with, from 1.

        Endpoint: ``POST /v1/ext/chat/{chat}/message`` (documented path; its body was seen in client code).

        Raises:
            NotFoundError: there is no such chat.
            ValueError: ``order_direction``, ``limit`` or ``page`` is out of range.
        """
        path = f"/v1/ext/chat/{segment(chat_id, 'chat_id')}/message"
        return self._pages(path, _order(order_field, order_direction), ChatMessage, limit, page)

    def messages_for_phone(
        self, phone_number: str | int, /, *, limit: int | None = None, page: int = 1
    ) -> Pager[ChatMessage]:
        """List the messages exchanged with a phone number, following the pages by itself.

        Args:
            phone_number: the customer's number, with its country code; ``+``, spaces, dashes and brackets are
                taken away.
            limit: messages a page; ``Limits.page_size`` if not given.
            page: number of the page to begin with, from 1.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/list-chat-messages-for-phone-number`` (documented path; its
        body was seen in client code).

        Raises:
            NotFoundError: the service knows no such number.
            ValueError: it is no phone number, or ``limit`` or ``page`` is out of range.
        """
        path = "/v1/ext/plugin/whatsapp/list-chat-messages-for-phone-number"
        body = {"customerPhoneNumber": phone_digits(phone_number, "phone_number")}
        return self._pages(path, body, ChatMessage, limit, page)

    def _pages(
        self, path: str, known: Mapping[str, Any], cls: type[ItemT], limit: int | None, first: int
    ) -> Pager[ItemT]:
        size = page_size(limit, self._transport.settings.limits.page_size, "items")
        if whole(first, "page") < 1:
            raise ValueError(f"page must be at least 1, for pages are counted from 1, not {first}")
        given = {name: value for name, value in known.items() if value is not None}

        async def fetch(place: _Place) -> Page[ItemT]:
            body = encode({**given, "limit": size, "page": place.page})
            reply = await self._transport.call("POST", path, body=body, repeatable=True)
            items = decode_list(reply, cls)
            repeats = place.repeats.then(item.id for item in items)
            if repeats is None:
                raise misshapen(reply, f"page {place.page} is the same as the two before it")
            # Pages left out at the beginning were as long as this one, whatever limit was asked for.
            before = (first - 1) * len(items) if place.seen is None else place.seen
            following = _Place(place.page + 1, before + len(items), repeats)
            return Page(items, _more(reply, len(items), before + len(items)), reply.meta, following)

        return Pager(fetch, _Place(first))


def _more(reply: Reply, found: int, seen: int) -> bool:
    """Tell whether a page follows: by the service's word, by its total, or because this one is not empty."""
    if not found:
        return False
    if (said := says_more(reply.meta)) is not None:
        return said
    total = read_whole(reply.meta.get("total"))
    return total is None or seen < total


def _order(field: str | None, direction: OrderDirection | None) -> dict[str, str | None]:
    if direction is not None and direction not in get_args(OrderDirection):
        raise ValueError(f"order_direction must be 'asc' or 'desc', not {direction!r}")
    return {"orderField": field, "orderDirection": direction}
