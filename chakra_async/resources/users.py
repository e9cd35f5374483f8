"""Users of the team."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from chakra_async._codec import decode, decode_list, encode, misshapen
from chakra_async._pages import says_more
from chakra_async._paths import segment
from chakra_async._shapes import as_mapping
from chakra_async._transport import Transport
from chakra_async.models.reply import Reply
from chakra_async.models.users import UpdateMethod, User
from chakra_async.paging import Page, Pager


class Users:
    """Users of the team."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, humanised: bool = False) -> Pager[User]:
        """List the users.

        The service documents no pages here: all users come as one.

        Args:
            humanised: names instead of ids, where a user points at other objects (version 2).

        Endpoint: ``GET /v1/ext/users``, ``GET /v2/ext/users`` when humanised (documented).

        Raises:
            PermissionDeniedError: the role of the access token does not allow it.
        """
        path = f"{_version(humanised)}/users"

        async def fetch(before: Reply | None) -> Page[User]:
            if before is not None:
                # Rather an error than a list that is silently cut short.
                raise misshapen(before, "it says that more users follow, but not how to ask for them")
            reply = await self._transport.call("GET", path, repeatable=True)
            return Page(decode_list(reply, User), bool(says_more(reply.meta)), reply.meta, reply)

        return Pager(fetch)

    async def get(self, user_id: str, /, *, humanised: bool = False) -> User:
        """Fetch a user.

        Args:
            user_id: the user's uuid.
            humanised: names instead of ids, where a user points at other objects (version 2).

        Endpoint: ``GET /v1/ext/user/{id}``, ``GET /v2/ext/user/{id}`` when humanised (documented).

        Raises:
            NotFoundError: there is no such user.
        """
        path = f"{_version(humanised)}/user/{segment(user_id, 'user_id')}"
        return decode(await self._transport.call("GET", path, repeatable=True), User)

    async def update(
        self,
        user_id: str,
        /,
        *,
        first_name: str | None = None,
        middle_name: str | None = None,
        last_name: str | None = None,
        display_name: str | None = None,
        gender: str | None = None,
        bio: str | None = None,
        timezone: str | None = None,
        data: Mapping[str, Any] | None = None,
        fields: Mapping[str, Any] | None = None,
        method: UpdateMethod = "PUT",
    ) -> User:
        """Change a user; what is not given stays as it is (inferred).

        Idempotent, for values are absolute. The documentation shows ``first_name`` and ``last_name``; that
        the other fields of a user can be changed is inferred.

        Args:
            user_id: the user's uuid.
            first_name: first name.
            middle_name: middle name.
            last_name: last name.
            display_name: name shown.
            gender: gender, as the service writes it.
            bio: words about the user.
            timezone: such as ``Asia/Kolkata``.
            data: attribute values by short id.
            fields: anything else, under its name on the wire, such as ``{"isActive": False}``.
            method: HTTP method. The documentation prints ``GET`` with a body, which must be a mistake; should
                ``PUT`` be refused, another can be tried without waiting for a new release.

        Endpoint: ``PUT /v1/ext/user/{id}`` (documented path; the method is inferred).

        Raises:
            NotFoundError: there is no such user.
            BadRequestError: the service refuses a value.
            TypeError: ``data`` or ``fields`` is no mapping.
            ValueError: nothing is given to change, a field is given twice, a value cannot be sent, or the
                method is none of the four.
        """
        for name, given in (("data", data), ("fields", fields)):
            if given is not None and as_mapping(given) is None:
                raise TypeError(f"{name} must be a mapping, not {type(given).__name__}")
        if method not in get_args(UpdateMethod):
            raise ValueError(f"method must be one of {', '.join(get_args(UpdateMethod))}, not {method!r}")
        named = {
            "firstName": first_name,
            "middleName": middle_name,
            "lastName": last_name,
            "displayName": display_name,
            "gender": gender,
            "bio": bio,
            "timezone": timezone,
            "data": data,
        }
        body = {name: value for name, value in named.items() if value is not None}
        if twice := body.keys() & (fields or {}).keys():
            raise ValueError(f"{', '.join(sorted(twice))} is given by name and in fields; give it once")
        body.update(fields or {})
        if not body:
            raise ValueError("nothing to change: give first_name, last_name or another field")
        path = f"/v1/ext/user/{segment(user_id, 'user_id')}"
        reply = await self._transport.call(method, path, body=encode(body), repeatable=True)
        return decode(reply, User)


def _version(humanised: bool) -> str:
    return "/v2/ext" if humanised else "/v1/ext"
