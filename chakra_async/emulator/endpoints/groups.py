"""WhatsApp groups, passed through; all of it follows Meta's documentation, as Chakra's is not known."""

from __future__ import annotations

import secrets
from typing import Any, Final
from uuid import uuid4

from chakra_async.emulator.answer import Answer
from chakra_async.emulator.cursors import QUERY, page
from chakra_async.emulator.documents import Document
from chakra_async.emulator.endpoints.flows import pass_through
from chakra_async.emulator.plugins import unknown_object
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.shapes import STRING, WHATSAPP, Schema, arr, obj, one_of
from chakra_async.emulator.store import now_ms


def create(call: Call, plugin_id: str, _version: str, number_id: str) -> Answer:
    """Create a group. Its id is not in the answer: it comes by webhook, or by listing."""
    call.service.plugins.active(plugin_id)
    number = call.service.plugins.number(number_id, plugin_id)
    body = call.checked()
    group: Document = {
        "id": secrets.token_urlsafe(30),
        "subject": body["subject"].strip(),
        "description": body.get("description", ""),
        "join_approval_mode": body.get("join_approval_mode", "auto_approve"),
        "suspended": False,
        "creation_timestamp": now_ms() // 1000,
        "participants": [],
        "invite_link": _new_link(),
        "join_requests": [],
    }
    call.service.documents.add("group", group, parent=number["id"])
    return _done(call, request_id=str(uuid4()))


def list_(call: Call, plugin_id: str, version: str, number_id: str) -> Answer:
    """List the groups of a phone number."""
    number = _number(call, plugin_id, number_id)
    path = f"{call.origin}/v1/ext/plugin/whatsapp/{plugin_id}/api/{version}/{number_id}/groups?"
    groups, paging = page(
        call.service.documents.all("group", number["id"]), call.query, lambda query: path + query
    )
    shown = [
        {"id": one["id"], "subject": one["subject"], "created_at": str(one["creation_timestamp"])}
        for one in groups
    ]
    return pass_through(call, {"data": {"groups": shown}, **({"paging": paging} if paging else {})})


def info(call: Call, plugin_id: str, _version: str, object_id: str) -> Answer:
    """Fetch a group, or a phone number: Meta has one address for every kind of object."""
    fields = call.query.get("fields")
    if any(one["id"] == object_id for one in call.service.plugins.numbers(plugin_id)):
        return pass_through(call, _picked(_number_info(_number(call, plugin_id, object_id)), fields))
    group = _group(call, plugin_id, object_id)
    shown = {name: value for name, value in group.items() if name not in ("invite_link", "join_requests")}
    shown["total_participant_count"] = len(group["participants"])
    return pass_through(call, {"messaging_product": "whatsapp", **_picked(shown, fields)})


def update(call: Call, plugin_id: str, _version: str, group_id: str) -> Answer:
    """Update the settings of a group."""
    body = call.checked()
    with call.service.store.transaction():
        group = _group(call, plugin_id, group_id)
        changes: dict[str, Any] = {name: body[name] for name in ("subject", "description") if name in body}
        call.service.documents.replace("group", {**group, **changes})
    return _done(call, success=True)


def delete(call: Call, plugin_id: str, _version: str, group_id: str) -> Answer:
    """Delete a group."""
    group = _group(call, plugin_id, group_id)
    call.service.documents.delete("group", group["id"])
    return _done(call, success=True)


def invite_link(call: Call, plugin_id: str, _version: str, group_id: str) -> Answer:
    """Fetch the invite link of a group."""
    return _done(call, invite_link=_group(call, plugin_id, group_id)["invite_link"])


def reset_invite_link(call: Call, plugin_id: str, _version: str, group_id: str) -> Answer:
    """Make a new invite link for a group; the old one is void."""
    call.checked()
    with call.service.store.transaction():
        group = _group(call, plugin_id, group_id)
        group = call.service.documents.replace("group", {**group, "invite_link": _new_link()})
    return _done(call, invite_link=group["invite_link"])


def join_requests(call: Call, plugin_id: str, version: str, group_id: str) -> Answer:
    """List the people who ask to join."""
    group = _group(call, plugin_id, group_id)
    path = f"{call.origin}/v1/ext/plugin/whatsapp/{plugin_id}/api/{version}/{group_id}/join_requests?"
    asked = [{"id": one["join_request_id"], **one} for one in group["join_requests"]]
    found, paging = page(asked, call.query, lambda query: path + query)
    data = [{name: value for name, value in one.items() if name != "id"} for one in found]
    return pass_through(call, {"data": data, **({"paging": paging} if paging else {})})


def approve(call: Call, plugin_id: str, _version: str, group_id: str) -> Answer:
    """Let people join."""
    return _decide(call, plugin_id, group_id, approved=True)


def reject(call: Call, plugin_id: str, _version: str, group_id: str) -> Answer:
    """Do not let people join."""
    return _decide(call, plugin_id, group_id, approved=False)


def remove_participants(call: Call, plugin_id: str, _version: str, group_id: str) -> Answer:
    """Remove people from a group."""
    users = [one["user"] for one in call.checked()["participants"]]
    with call.service.store.transaction():
        group = _group(call, plugin_id, group_id)
        inside = {one["wa_id"] for one in group["participants"]}
        rest = [one for one in group["participants"] if one["wa_id"] not in users]
        call.service.documents.replace("group", {**group, "participants": rest})
    return _done(
        call,
        removed_participants=[{"user": user} for user in users if user in inside],
        failed_participants=[{"user": user} for user in users if user not in inside],
    )


def _decide(call: Call, plugin_id: str, group_id: str, *, approved: bool) -> Answer:
    wanted = call.checked()["join_requests"]
    with call.service.store.transaction():
        group = _group(call, plugin_id, group_id)
        asked = {one["join_request_id"]: one for one in group["join_requests"]}
        decided = [one for one in dict.fromkeys(wanted) if one in asked]
        joined = [{"wa_id": asked[one]["wa_id"]} for one in decided] if approved else []
        rest = [one for one in group["join_requests"] if one["join_request_id"] not in decided]
        people = [*group["participants"], *joined]
        call.service.documents.replace("group", {**group, "participants": people, "join_requests": rest})
    failed = [
        {"join_request_id": one, "errors": [{"code": 131009, "title": "Parameter value is not valid"}]}
        for one in wanted
        if one not in asked
    ]
    name = "approved_join_requests" if approved else "rejected_join_requests"
    return _done(call, **{name: decided, "failed_join_requests": failed})


def _done(call: Call, **rest: Any) -> Answer:
    return pass_through(call, {"messaging_product": "whatsapp", **rest})


def _number(call: Call, plugin_id: str, number_id: str) -> Document:
    call.service.plugins.get(plugin_id)
    return call.service.plugins.number(number_id, plugin_id)


def _group(call: Call, plugin_id: str, group_id: str) -> Document:
    call.service.plugins.get(plugin_id)
    group = call.service.documents.get("group", group_id)
    if group is None:
        raise unknown_object(group_id)
    return group


def _number_info(number: Document) -> dict[str, Any]:
    return {
        "id": number["id"],
        "display_phone_number": number["displayPhoneNumber"],
        "verified_name": number["verifiedName"],
        "quality_rating": number["qualityScore"]["score"],
    }


def _picked(shown: dict[str, Any], fields: str | None) -> dict[str, Any]:
    names = None if fields is None else {"id", *(name.strip() for name in fields.split(","))}
    return {name: value for name, value in shown.items() if names is None or name in names}


def _new_link() -> str:
    return f"https://chat.whatsapp.com/{secrets.token_urlsafe(16)}"


_PREFIX: Final = "/v1/ext/plugin/whatsapp/{pluginId}/api/{version}"
_GROUP: Final = _PREFIX + "/{groupId}"
_SUBJECT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 128}
_DESCRIPTION: Final[Schema] = {"type": "string", "maxLength": 2048}
_PRODUCT: Final[Schema] = obj({"messaging_product": WHATSAPP}, "messaging_product")
_NEW: Final[Schema] = obj(
    {
        "messaging_product": WHATSAPP,
        "subject": _SUBJECT,
        "description": _DESCRIPTION,
        "join_approval_mode": one_of("auto_approve", "approval_required"),
    },
    "messaging_product",
    "subject",
)
_CHANGES: Final[Schema] = obj(
    {"messaging_product": WHATSAPP, "subject": _SUBJECT, "description": _DESCRIPTION}, "messaging_product"
)
_REQUESTS: Final[Schema] = obj(
    {"messaging_product": WHATSAPP, "join_requests": arr(STRING, minItems=1)},
    "messaging_product",
    "join_requests",
)
_PEOPLE: Final[Schema] = obj(
    {"messaging_product": WHATSAPP, "participants": arr(obj({"user": STRING}, "user"), minItems=1)},
    "messaging_product",
    "participants",
)

ROUTES = (
    Route("POST", _PREFIX + "/{phoneNumberId}/groups", create, writes=True, body=_NEW),
    Route("GET", _PREFIX + "/{phoneNumberId}/groups", list_, query=QUERY),
    Route("GET", _GROUP, info, query={"fields": STRING}),
    Route("POST", _GROUP, update, writes=True, body=_CHANGES),
    Route("DELETE", _GROUP, delete, writes=True),
    Route("GET", _GROUP + "/invite_link", invite_link),
    Route("POST", _GROUP + "/invite_link", reset_invite_link, writes=True, body=_PRODUCT),
    Route("GET", _GROUP + "/join_requests", join_requests, query=QUERY),
    Route("POST", _GROUP + "/join_requests", approve, writes=True, body=_REQUESTS),
    Route("DELETE", _GROUP + "/join_requests", reject, writes=True, body=_REQUESTS),
    Route("DELETE", _GROUP + "/participants", remove_participants, writes=True, body=_PEOPLE),
)
