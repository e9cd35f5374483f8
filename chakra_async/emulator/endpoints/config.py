"""The configuration of the team: what the uuids in the other objects mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID, uuid5

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.catalog import ROLES, Procedure
from chakra_async.emulator.processes import entity_id
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.service import Service
from chakra_async.emulator.shapes import OBJECT, Schema, obj, wrapped
from chakra_async.emulator.tasks import state_task_id, task_type_id
from chakra_async.emulator.users import POD_NAME, ROLE_NAMES, TEAM_NAME, pod_id, role_id


def fetch(call: Call) -> Answer:
    """Fetch the configuration."""
    service = call.service
    team = service.store.team
    config: dict[str, Any] = {name: {} for name in _MAPS}
    config["team"] = {"id": team, "name": TEAM_NAME}
    for procedure in service.catalog.procedures():
        _describe(service, procedure, config)
    config["attributeTypes"] = _by_id({"id": _named_id(team, name), "shortId": name} for name in _TYPES)
    roles = ({"id": role_id(team, one), "shortId": one, "name": ROLE_NAMES[one]} for one in ROLES)
    config["roles"] = _by_id(roles)
    config["pods"] = _by_id([{"id": pod_id(team), "name": POD_NAME}])
    config["taskTypes"] = _by_id([{"id": task_type_id(team), "shortId": "task", "name": "Task"}])
    config["userProfiles"] = _by_id(
        {name: user[name] for name in ("id", "username", "displayName", "roles", "pods")}
        for user in service.users.all()
    )
    return success(config)


def _describe(service: Service, procedure: Procedure, config: dict[str, Any]) -> None:
    team, entity = service.store.team, entity_id(procedure.id)
    attributes = [
        {
            "id": _named_id(procedure.id, f"attribute:{name}"),
            "shortId": name,
            "name": name,
            "attributeType": None if kind is None else _named_id(team, kind),
            "procedure": procedure.id,
            "isPrimaryKey": name in procedure.keys,
        }
        for name, kind in _attributes(service, procedure).items()
    ]
    states = procedure.states or service.processes.states(procedure) or (procedure.first_state,)
    config["entities"][entity] = {"id": entity, "shortId": procedure.short_id, "name": procedure.short_id}
    config["attributes"].update(_by_id(attributes))
    config["stateTasks"].update(_by_id(_state_tasks(service, procedure)))
    config["procedures"][procedure.id] = {
        "id": procedure.id,
        "shortId": procedure.short_id,
        "name": procedure.short_id,
        "entity": entity,
        "primaryKeys": list(procedure.keys),
        "attributes": [one["id"] for one in attributes],
        "states": [
            {"id": _named_id(procedure.id, f"state:{name}"), "shortId": name, "name": name} for name in states
        ],
    }


def _attributes(service: Service, procedure: Procedure) -> dict[str, str | None]:
    """Return the short ids that are known, the primary keys first, and the type of each where it shows."""
    types: dict[str, str | None] = dict.fromkeys(procedure.keys, "string")
    for name in procedure.attributes or ():
        types.setdefault(name, None)
    for name, seen in service.processes.attributes(procedure).items():
        types[name] = _JSON_TYPES.get(seen, "string")
    return {name: _KNOWN.get(name) or kind for name, kind in types.items()}


def _state_tasks(service: Service, procedure: Procedure) -> Iterable[dict[str, Any]]:
    used = {
        task["title"]
        for task in service.tasks.all()
        if task["stateTask"] == state_task_id(procedure, task["title"])
    }
    for name in procedure.tasks or sorted(used):
        task_id = state_task_id(procedure, name)
        yield {
            "id": task_id,
            "shortId": name,
            "name": name,
            "procedure": procedure.id,
            "taskType": task_type_id(service.store.team),
        }


def _named_id(space: str, name: str) -> str:
    return str(uuid5(UUID(space), name))


def _by_id(definitions: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in definitions}


_MAPS: Final = (
    "team",
    "entities",
    "procedures",
    "attributeTypes",
    "attributes",
    "derivedAttributes",
    "attributeGroups",
    "roles",
    "pods",
    "taskTypes",
    "forms",
    "formFields",
    "formActionButtons",
    "stateTasks",
    "userProfiles",
    "attributeConfig",
    "skillTypes",
)
_TYPES: Final = [
    "string",
    "integer",
    "float",
    "boolean",
    "text",
    "stringId",
    "integerId",
    "stringEnum",
    "integerEnum",
    "floatEnum",
    "multiStringEnum",
    "multiIntegerEnum",
    "multiFloatEnum",
    "name",
    "email",
    "phone",
    "number",
    "decimal",
    "date",
    "photo",
    "multiPhotos",
    "audio",
    "time",
    "datetime",
    "datetimeISO8601",
]
_KNOWN: Final = {"phone_number": "phone", "email": "email", "name": "name"}
_JSON_TYPES: Final = {"integer": "integer", "real": "float", "true": "boolean", "false": "boolean"}
_CONFIG: Final[Schema] = obj(dict.fromkeys(_MAPS, OBJECT), *_MAPS)

ROUTES = (Route("GET", "/v1/ext/config", fetch, gives=wrapped(_CONFIG)),)
