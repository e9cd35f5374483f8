"""Users: listing, fetching and updating them, with ids (v1) or with names instead of ids (v2)."""

from __future__ import annotations

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.documents import Document
from chakra_async.emulator.refusals import Missing, UnknownRoute
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.shapes import arr, wrapped
from chakra_async.emulator.users import CHANGES, USER


def list_(call: Call) -> Answer:
    """List the users."""
    return success(call.service.users.all())


def list_humanised(call: Call) -> Answer:
    """List the users with names instead of ids."""
    users = call.service.users
    return success([users.humanised(user) for user in users.all()])


def fetch(call: Call, user_id: str) -> Answer:
    """Fetch a user."""
    return success(_user(call, user_id))


def fetch_humanised(call: Call, user_id: str) -> Answer:
    """Fetch a user with names instead of ids."""
    return success(call.service.users.humanised(_user(call, user_id)))


def put(call: Call, user_id: str) -> Answer:
    """Update a user. The documentation prints GET, which cannot be."""
    return _update(call, user_id, "PUT")


def patch(call: Call, user_id: str) -> Answer:
    """Update a user. The documentation prints GET, which cannot be."""
    return _update(call, user_id, "PATCH")


def _update(call: Call, user_id: str, method: str) -> Answer:
    if method not in call.service.settings.user_update_methods:
        raise UnknownRoute("Not Found")
    with call.service.store.transaction():
        return success(call.service.users.update(_user(call, user_id), call.checked()))


def _user(call: Call, user_id: str) -> Document:
    user = call.service.users.get(user_id)
    if user is None:
        raise Missing(f"User '{user_id}' not found")
    return user


_ONE = "/v1/ext/user/{userId}"

ROUTES = (
    Route("GET", "/v1/ext/users", list_, gives=wrapped(arr(USER))),
    Route("GET", "/v2/ext/users", list_humanised, gives=wrapped(arr(USER))),
    Route("GET", _ONE, fetch, gives=wrapped(USER)),
    Route("GET", "/v2/ext/user/{userId}", fetch_humanised, gives=wrapped(USER)),
    Route("PUT", _ONE, put, writes=True, body=CHANGES, gives=wrapped(USER)),
    Route("PATCH", _ONE, patch, writes=True, body=CHANGES, gives=wrapped(USER)),
)
