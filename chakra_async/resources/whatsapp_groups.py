"""WhatsApp groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chakra_async._codec import decode, encode, misshapen
from chakra_async._message_bodies import PRODUCT, words
from chakra_async._pages import Place, page_size
from chakra_async._paths import segment
from chakra_async._phones import phone_digits
from chakra_async._shapes import as_object
from chakra_async._transport import Transport
from chakra_async._whatsapp import (
    expect_success,
    items,
    next_place,
    phone_number_id_of,
    surroundings,
    through_plugin,
)
from chakra_async.models.groups import (
    Group,
    GroupRequest,
    JoinRequest,
    JoinRequestsAnswered,
    ParticipantsRemoved,
)
from chakra_async.models.reply import Reply
from chakra_async.paging import Page, Pager


class Groups:
    """WhatsApp groups.

    **All of this is inferred** from Meta's Groups API: the service's own pages about groups are known by
    their titles alone. Should a path be wrong, a call raises ``NotFoundError``.

    People cannot be added to a group: they join by its invite link. A message to a group is sent with
    ``whatsapp.messages.send({"recipient_type": "group", "to": group_id, …})``.

    ``plugin_id``, ``phone_number_id`` and ``api_version`` come from the client where a call does not give
    them; without an id it raises ``ValueError``, which says where to find it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        subject: str,
        description: str | None = None,
        join_approval_mode: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> GroupRequest:
        """Create a group; its id and invite link come by webhook.

        Not idempotent: it is never sent twice.

        Args:
            subject: name of the group, up to 128 characters.
            description: up to 2,048 characters.
            join_approval_mode: ``auto_approve`` (Meta's default) or ``approval_required``.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number whose group it is.
            api_version: version of Meta's API, such as ``v19.0``.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{phone number id}/groups`` (inferred).

        Raises:
            AmbiguousResultError: the request left and no answer came.
            BadRequestError: Meta refuses it.
            ValueError: a text is empty or too long.
        """
        body: dict[str, Any] = {**PRODUCT, **_texts(subject, description)}
        if join_approval_mode is not None:
            body["join_approval_mode"] = join_approval_mode
        path = self._groups(plugin_id, phone_number_id, api_version)
        return decode(await self._post(path, body), GroupRequest)

    def list(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        api_version: str | None = None,
    ) -> Pager[Group]:
        """List the active groups of a phone number, following the pages by itself.

        Args:
            limit: groups a page; ``Limits.page_size`` if not given. Not a limit on the whole list.
            after: where to begin: ``paging.cursors.after`` of a page read earlier.
            plugin_id: WhatsApp plugin.
            phone_number_id: Meta's id of the phone number.
            api_version: version of Meta's API.

        Endpoint: ``GET /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{phone number id}/groups`` (inferred).

        Raises:
            ValueError: ``limit`` is out of range.
        """
        size = page_size(limit, self._transport.settings.limits.page_size, "groups")
        start = {"limit": str(size)} if after is None else {"limit": str(size), "after": after}
        path = self._groups(plugin_id, phone_number_id, api_version)

        async def fetch(place: Place) -> Page[Group]:
            reply = await self._transport.call("GET", path, query=place.query, repeatable=True)
            following = next_place(reply, place)
            found = items(reply, Group, "groups")
            return Page(found, following is not None, surroundings(reply), following)

        return Pager(fetch, Place(start))

    async def get(
        self,
        group_id: str,
        /,
        *,
        fields: Sequence[str] | None = None,
        plugin_id: str | None = None,
        api_version: str | None = None,
    ) -> Group:
        """Fetch a group.

        Args:
            group_id: the group.
            fields: which fields to send, such as ``["subject", "participants"]``; else Meta's choice.
            plugin_id: WhatsApp plugin.
            api_version: version of Meta's API.

        Endpoint: ``GET /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{group}`` (inferred).

        Raises:
            NotFoundError: there is no such group.
        """
        if isinstance(fields, str):
            raise TypeError("fields must be a list of names, such as ['subject', 'participants']")
        query = {"fields": ",".join(fields)} if fields else None
        path = self._group(group_id, plugin_id, api_version)
        return decode(await self._transport.call("GET", path, query=query, repeatable=True), Group)

    async def update(
        self,
        group_id: str,
        /,
        *,
        subject: str | None = None,
        description: str | None = None,
        plugin_id: str | None = None,
        api_version: str | None = None,
    ) -> GroupRequest:
        """Change the name or the description of a group; members are told of it.

        Args:
            group_id: the group.
            subject: name of the group, up to 128 characters.
            description: up to 2,048 characters.
            plugin_id: WhatsApp plugin.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{group}`` (inferred).

        Raises:
            AmbiguousResultError: the request left and no answer came.
            NotFoundError: there is no such group.
            ValueError: nothing is given to change, or a text is empty or too long.
        """
        changes = _texts(subject, description)
        if not changes:
            raise ValueError("nothing to change: give subject or description")
        path = self._group(group_id, plugin_id, api_version)
        return _accepted(await self._post(path, {**PRODUCT, **changes}, any_body=True))

    async def delete(
        self, group_id: str, /, *, plugin_id: str | None = None, api_version: str | None = None
    ) -> GroupRequest:
        """Delete a group and remove all its members.

        Args:
            group_id: the group.
            plugin_id: WhatsApp plugin.
            api_version: version of Meta's API.

        Endpoint: ``DELETE /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{group}`` (inferred).

        Raises:
            NotFoundError: there is no such group, or no more.
        """
        path = self._group(group_id, plugin_id, api_version)
        return _accepted(await self._transport.call("DELETE", path, repeatable=True, any_body=True))

    async def get_invite_link(
        self, group_id: str, /, *, plugin_id: str | None = None, api_version: str | None = None
    ) -> str:
        """Fetch the link by which people join a group.

        Args:
            group_id: the group.
            plugin_id: WhatsApp plugin.
            api_version: version of Meta's API.

        Endpoint: ``GET /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{group}/invite_link`` (inferred).

        Raises:
            NotFoundError: there is no such group.
        """
        path = f"{self._group(group_id, plugin_id, api_version)}/invite_link"
        return _invite_link(await self._transport.call("GET", path, repeatable=True))

    async def reset_invite_link(
        self, group_id: str, /, *, plugin_id: str | None = None, api_version: str | None = None
    ) -> str:
        """Make a new link by which people join a group; the old one ends to work.

        Args:
            group_id: the group.
            plugin_id: WhatsApp plugin.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{group}/invite_link`` (inferred).

        Raises:
            AmbiguousResultError: the request left and no answer came; fetch the link to see it.
            NotFoundError: there is no such group.
        """
        path = f"{self._group(group_id, plugin_id, api_version)}/invite_link"
        return _invite_link(await self._post(path, PRODUCT))

    def list_join_requests(
        self, group_id: str, /, *, plugin_id: str | None = None, api_version: str | None = None
    ) -> Pager[JoinRequest]:
        """List who wishes to join a group.

        Args:
            group_id: the group.
            plugin_id: WhatsApp plugin.
            api_version: version of Meta's API.

        Endpoint: ``GET /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{group}/join_requests`` (inferred).

        Raises:
            NotFoundError: there is no such group.
        """
        path = f"{self._group(group_id, plugin_id, api_version)}/join_requests"

        async def fetch(place: Place) -> Page[JoinRequest]:
            reply = await self._transport.call("GET", path, query=place.query, repeatable=True)
            following = next_place(reply, place)
            return Page(items(reply, JoinRequest), following is not None, surroundings(reply), following)

        return Pager(fetch, Place())

    async def approve_join_requests(
        self,
        group_id: str,
        join_request_ids: Sequence[str],
        /,
        *,
        plugin_id: str | None = None,
        api_version: str | None = None,
    ) -> JoinRequestsAnswered:
        """Let people join a group.

        Args:
            group_id: the group.
            join_request_ids: their requests.
            plugin_id: WhatsApp plugin.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{group}/join_requests`` (inferred).

        Returns:
            What became of each request; some may have failed.

        Raises:
            AmbiguousResultError: the request left and no answer came; list the requests to see.
            NotFoundError: there is no such group.
            ValueError: there are no requests.
        """
        path = f"{self._group(group_id, plugin_id, api_version)}/join_requests"
        body = {**PRODUCT, "join_requests": _ids(join_request_ids, "join_request_ids")}
        return decode(await self._post(path, body), JoinRequestsAnswered)

    async def reject_join_requests(
        self,
        group_id: str,
        join_request_ids: Sequence[str],
        /,
        *,
        plugin_id: str | None = None,
        api_version: str | None = None,
    ) -> JoinRequestsAnswered:
        """Do not let people join a group.

        Args:
            group_id: the group.
            join_request_ids: their requests.
            plugin_id: WhatsApp plugin.
            api_version: version of Meta's API.

        Endpoint: ``DELETE /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{group}/join_requests`` with a body
        (inferred).

        Returns:
            What became of each request; some may have failed.

        Raises:
            AmbiguousResultError: the request left and no answer came; list the requests to see.
            NotFoundError: there is no such group.
            ValueError: there are no requests.
        """
        path = f"{self._group(group_id, plugin_id, api_version)}/join_requests"
        body = {**PRODUCT, "join_requests": _ids(join_request_ids, "join_request_ids")}
        return decode(await self._remove(path, body), JoinRequestsAnswered)

    async def remove_participants(
        self,
        group_id: str,
        phones: Sequence[str | int],
        /,
        *,
        plugin_id: str | None = None,
        api_version: str | None = None,
    ) -> ParticipantsRemoved:
        """Remove members from a group; they cannot join again by the same link.

        Args:
            group_id: the group.
            phones: phone numbers of the members.
            plugin_id: WhatsApp plugin.
            api_version: version of Meta's API.

        Endpoint: ``DELETE /v1/ext/plugin/whatsapp/{plugin}/api/{version}/{group}/participants`` with a body
        (inferred).

        Returns:
            What became of each member, where the service tells it; some may have failed.

        Raises:
            AmbiguousResultError: the request left and no answer came; fetch the group to see.
            NotFoundError: there is no such group.
            ValueError: there are no members, or one is no phone number.
        """
        path = f"{self._group(group_id, plugin_id, api_version)}/participants"
        members = [{"user": phone_digits(phone, "phones")} for phone in _ids(phones, "phones")]
        reply = await self._remove(path, {**PRODUCT, "participants": members}, any_body=True)
        expect_success(reply)
        return ParticipantsRemoved() if not reply.data else decode(reply, ParticipantsRemoved)

    def _groups(self, plugin_id: str | None, phone_number_id: str | None, api_version: str | None) -> str:
        settings = self._transport.settings
        number = phone_number_id_of(settings, phone_number_id)
        return f"{through_plugin(settings, plugin_id, api_version)}/{number}/groups"

    def _group(self, group_id: str, plugin_id: str | None, api_version: str | None) -> str:
        base = through_plugin(self._transport.settings, plugin_id, api_version)
        return f"{base}/{segment(group_id, 'group_id')}"

    async def _post(self, path: str, body: Mapping[str, Any], *, any_body: bool = False) -> Reply:
        sent = encode(body)
        return await self._transport.call("POST", path, body=sent, repeatable=False, any_body=any_body)

    async def _remove(self, path: str, body: Mapping[str, Any], *, any_body: bool = False) -> Reply:
        sent = encode(body)
        # A second time would tell that those removed by the first could not be.
        return await self._transport.call("DELETE", path, body=sent, repeatable=False, any_body=any_body)


def _texts(subject: str | None, description: str | None) -> dict[str, str]:
    fields: dict[str, str] = {}
    if subject is not None:
        fields["subject"] = words(subject, "subject", 128)
    if description is not None:
        fields["description"] = words(description, "description", 2048)
    return fields


def _accepted(reply: Reply) -> GroupRequest:
    expect_success(reply)
    return GroupRequest() if not reply.data else decode(reply, GroupRequest)


def _invite_link(reply: Reply) -> str:
    link = as_object(reply.data).get("invite_link")
    if not isinstance(link, str) or not link:
        raise misshapen(reply, "it holds no invite_link")
    return link


def _ids(values: Sequence[Any], name: str) -> Sequence[Any]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be a list")
    if not values:
        raise ValueError(f"{name} is empty")
    return list(values)
