"""Templates, passed through: Meta's bodies, without the envelope."""

from __future__ import annotations

from typing import Any, Final

from chakra_async.emulator.answer import Answer, raw
from chakra_async.emulator.cursors import QUERY, page
from chakra_async.emulator.plugins import unknown_object
from chakra_async.emulator.refusals import Refusal
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.shapes import BOOLEAN, OBJECT, STRING, Schema, arr, obj, one_of
from chakra_async.emulator.templates import CATEGORIES, shown


def list_(call: Call, version: str, account_id: str) -> Answer:
    """List the templates of a business account."""
    account = call.service.plugins.account(account_id)
    found = [
        one
        for one in call.service.templates.all(account["id"])
        if all(call.query.get(name, one[name]) == one[name] for name in _FILTERS)
    ]
    base = call.service.settings.paging_next_base or call.origin
    path = f"{base}/v1/ext/plugin/whatsapp/api/{version}/{account_id}/message_templates?"
    templates, paging = page(found, call.query, lambda query: path + query)
    data = [_picked(shown(one), call.query.get("fields")) for one in templates]
    return raw({"data": data} if paging is None else {"data": data, "paging": paging})


def create(call: Call, _version: str, account_id: str) -> Answer:
    """Create a template, which is then reviewed."""
    account = call.service.plugins.account(account_id)
    body = call.checked()
    if not any(str(one.get("type", "")).upper() == "BODY" for one in body["components"]):
        raise Refusal("(#100) Invalid parameter: components must have one of type BODY")
    template = call.service.templates.add(
        account["id"],
        body["name"],
        body["language"],
        body["category"],
        body["components"],
        parameter_format=body.get("parameter_format", "POSITIONAL"),
    )
    return raw({name: template[name] for name in ("id", "status", "category")})


def update(call: Call, _version: str, template_id: str) -> Answer:
    """Update a template, which is then reviewed again."""
    body = call.checked()
    with call.service.store.transaction():
        template = call.service.templates.get(template_id)
        if template is None:
            raise unknown_object(template_id)
        changes: dict[str, Any] = {name: body[name] for name in ("components", "category") if name in body}
        call.service.templates.update(template, changes)
    return raw({"success": True})


def delete(call: Call, _version: str, account_id: str) -> Answer:
    """Delete the templates with a name in all languages, or one of them by its id as well."""
    account = call.service.plugins.account(account_id)
    name = call.query.get("name")
    if not name:
        raise Refusal("(#100) The parameter name is required.")
    with call.service.store.transaction():
        found = call.service.templates.find(account["id"], name)
        if "hsm_id" in call.query:
            found = [one for one in found if one["id"] == call.query["hsm_id"]]
        if not found:
            raise Refusal("(#100) Invalid parameter: Message template not found")
        for template in found:
            call.service.templates.delete(template)
    return raw({"success": True})


def _picked(template: dict[str, Any], fields: str | None) -> dict[str, Any]:
    if fields is None:
        return template
    names = {"id", *(name.strip() for name in fields.split(","))}
    return {name: value for name, value in template.items() if name in names}


_FILTERS: Final = ("name", "language", "status", "category")
_API: Final = "/v1/ext/plugin/whatsapp/api/{version}"
_ALL: Final = _API + "/{wabaId}/message_templates"

_NEW: Final[Schema] = obj(
    {
        "name": {"type": "string", "pattern": "^[a-z0-9_]{1,512}$"},
        "language": {"type": "string", "pattern": "^[a-z]{2,3}(_[A-Za-z]{2,4})?$"},
        "category": one_of(*CATEGORIES),
        "parameter_format": one_of("POSITIONAL", "NAMED"),
        "components": arr(OBJECT, minItems=1),
    },
    "name",
    "language",
    "category",
    "components",
)
_CHANGES: Final[Schema] = obj({"category": one_of(*CATEGORIES), "components": arr(OBJECT, minItems=1)})
_TEMPLATE: Final[Schema] = obj(
    {
        "id": STRING,
        "name": STRING,
        "language": STRING,
        "status": STRING,
        "category": STRING,
        "components": arr(OBJECT),
    },
    "id",
)
_DONE: Final[Schema] = obj({"success": BOOLEAN}, "success")

ROUTES = (
    Route(
        "GET",
        _ALL,
        list_,
        query={**QUERY, "fields": STRING, **dict.fromkeys(_FILTERS, STRING)},
        gives=obj({"data": arr(_TEMPLATE), "paging": OBJECT}, "data"),
    ),
    Route(
        "POST",
        _ALL,
        create,
        writes=True,
        body=_NEW,
        gives=obj({"id": STRING, "status": STRING, "category": STRING}, "id", "status", "category"),
    ),
    Route("DELETE", _ALL, delete, writes=True, query={"name": STRING, "hsm_id": STRING}, gives=_DONE),
    Route("POST", _API + "/{templateId}", update, writes=True, body=_CHANGES, gives=_DONE),
)
