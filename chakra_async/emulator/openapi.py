"""The description of everything the emulator serves, made from the table of routes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from chakra_async.emulator.routing import Route
from chakra_async.emulator.shapes import arr, obj


_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_ERROR_BODY: Final = obj({"_data": {"type": "array"}, "_errors": arr({"type": "string"})}, "_data", "_errors")
_ERROR_CONTENT: Final[dict[str, Any]] = {"application/json": {"schema": _ERROR_BODY}}
_ERROR: Final[dict[str, Any]] = {
    "description": "An error: `_data` is an empty array, `_errors` holds sentences",
    "content": _ERROR_CONTENT,
}
_NOT_FOUND: Final[dict[str, Any]] = {
    "description": "JSON when something in the path does not exist, plain text when the endpoint does not",
    "content": {**_ERROR_CONTENT, "text/plain": {"schema": {"type": "string"}}},
}
_BYTES: Final = {"*/*": {"schema": {"type": "string", "format": "binary"}}}


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """Describe routes in the words of OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chakra, emulated",
            "version": "1",
            "description": "What the emulator serves. It is no document of the vendor.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {"Error": _ERROR, "NotFound": _NOT_FOUND},
        },
        "security": [{"token": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    area = route.handler.__module__.rpartition(".")[2]
    words = _PARAMETER.sub(r"by \1", route.template)
    operation: dict[str, Any] = {
        "operationId": "-".join(re.findall(r"\w+", f"{route.method.lower()} {words}")),
        "summary": (inspect.getdoc(route.handler) or "").partition("\n")[0],
        "tags": [area],
        "parameters": [*_path_parameters(route.template), *_query_parameters(route.query)],
        "responses": _responses(route),
    }
    if route.public:
        operation["security"] = [{}, {"token": []}]
    content: dict[str, Any] = {}
    if route.body is not None:
        content["application/json"] = {"schema": route.body}
    if route.form is not None:
        content["multipart/form-data"] = {"schema": route.form}
    if content:
        operation["requestBody"] = {"required": _needs_body(route), "content": content}
    return operation


def _needs_body(route: Route) -> bool:
    return route.body is None or bool(route.body.get("required") or route.body.get("anyOf"))


def _path_parameters(template: str) -> Sequence[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name in _PARAMETER.findall(template)
    ]


def _query_parameters(query: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]


def _responses(route: Route) -> dict[str, Any]:
    content = _BYTES if route.gives is None else {"application/json": {"schema": route.gives}}
    responses: dict[str, Any] = {"200": {"description": "Success", "content": content}}
    if route.gives is None:
        responses["206"] = {"description": "The range that was asked for", "content": _BYTES}
        responses["416"] = {"description": "There is no such range"}
    for status, meaning in route.gives_also.items():
        responses[str(status)] = {"description": meaning}
    for error in ("400", "401", "402", "403", "413"):
        responses[error] = {"$ref": "#/components/responses/Error"}
    responses["404"] = {"$ref": "#/components/responses/NotFound"}
    return responses
