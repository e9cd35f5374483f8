"""The service's JSON-schema checks, reduced to those its endpoints need."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import orjson

from chakra_async.emulator.multipart import Form
from chakra_async.emulator.refusals import Refusal, SchemaRefusal


STATUSES: Final = ("OPEN", "COMPLETED", "CANCELLED")

_INT64: Final = range(-(2**63), 2**63)
_DIGITS: Final = re.compile(r"\d{1,15}", re.ASCII)

_MAX_DEPTH: Final = 200
_DEPTH_OF_JSON: Final = 254  # what orjson writes; it reads more


def parse(body: bytes) -> Any:
    """Decode a body; an empty one counts as an empty object.

    Raises:
        Refusal: it is no JSON, or nested so deep that no answer, which puts more around it, could repeat it.
    """
    if not body:
        return {}
    try:
        decoded = orjson.loads(body)
    except ValueError as error:
        raise Refusal(f"The request body is not valid JSON: {error}") from error
    _check_depth(decoded)
    return decoded


def _check_depth(decoded: Any) -> None:
    for _ in range(_DEPTH_OF_JSON - _MAX_DEPTH):
        decoded = [decoded]
    try:
        orjson.dumps(decoded)  # many times as fast as looking
    except TypeError as error:
        raise Refusal(f"The request body is nested more than {_MAX_DEPTH} deep") from error


def an_object(value: Any, where: str) -> dict[str, Any]:
    """Check that ``value`` is a JSON object."""
    if not isinstance(value, dict):
        raise SchemaRefusal("type", where, "must be object")
    return cast("dict[str, Any]", value)


def an_array(value: Any, where: str) -> Sequence[Any]:
    """Check that ``value`` is a JSON array."""
    if not isinstance(value, list):
        raise SchemaRefusal("type", where, "must be array")
    return cast("Sequence[Any]", value)


def required(body: dict[str, Any], name: str) -> Any:
    """Return a property that must be there."""
    if name not in body:
        raise SchemaRefusal("required", "body", f"must have required property '{name}'")
    return body[name]


def count(value: Any, where: str, *, minimum: int, maximum: int | None = None) -> int:
    """Check an integer and its bounds."""
    if type(value) is not int:
        raise SchemaRefusal("type", where, "must be integer")
    if value < minimum:
        raise SchemaRefusal("minimum", where, f"must be >= {minimum}")
    if maximum is not None and value > maximum:
        raise SchemaRefusal("maximum", where, f"must be <= {maximum}")
    return value


def count_in_query(
    query: Mapping[str, str], name: str, default: int, *, minimum: int, maximum: int | None = None
) -> int:
    """Read an integer from a query string."""
    text = query.get(name)
    if text is None:
        return default
    value = int(text) if _DIGITS.fullmatch(text) else text
    return count(value, f"query.{name}", minimum=minimum, maximum=maximum)


def upload_form(form: Form | None) -> Form:
    """Return the form of an upload, which anything else is not."""
    if form is None:
        raise Refusal("The request body must be multipart/form-data")
    return form


def process_fields(fields: dict[str, Any], where: str) -> None:
    """Check the types of the fields of a process; names the service does not know are left alone."""
    for name, value in fields.items():
        check = _FIELDS.get(name)
        if check is not None and (expected := check(value)):
            raise SchemaRefusal("type", f"{where}.{name}", f"must be {expected}")


def _object(value: Any) -> str:
    return "" if isinstance(value, dict) else "object"


def _string(value: Any) -> str:
    return "" if isinstance(value, str) else "string"


def _string_or_null(value: Any) -> str:
    return "" if value is None or isinstance(value, str) else "string"


def _integer(value: Any) -> str:
    return "" if type(value) is int and value in _INT64 else "integer"


def _boolean(value: Any) -> str:
    return "" if isinstance(value, bool) else "boolean"


_FIELDS: Final[dict[str, Callable[[Any], str]]] = {
    "data": _object,
    "record": _object,
    "state": _string,
    "status": _string,
    "assignedTo": _string_or_null,
    "nextActionAt": _integer,
    "isDeleted": _boolean,
}


def key_text(value: Any, name: str) -> str | None:
    """Return a key's value as the text it is compared by: 7 and "7" are one key, null and "" are none."""
    if isinstance(value, str):
        if "\0" in value:
            raise SchemaRefusal("pattern", name, "a primary key must not contain a NUL character")
        return value or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    raise SchemaRefusal("type", name, "a primary key must be string or number")
