"""JSON schemas: how the endpoints describe what they take and give, and the check of what they take.

One text serves as the description in ``/openapi.json`` and as the rule, so the two cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from chakra_async.emulator.refusals import SchemaRefusal


Schema = Mapping[str, Any]

STRING: Final[Schema] = {"type": "string"}
FILLED: Final[Schema] = {"type": "string", "minLength": 1}
INTEGER: Final[Schema] = {"type": "integer"}
NUMBER: Final[Schema] = {"type": "number"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
OBJECT: Final[Schema] = {"type": "object"}
ARRAY: Final[Schema] = {"type": "array"}
NULL_STRING: Final[Schema] = {"type": ["string", "null"]}
NULL_INTEGER: Final[Schema] = {"type": ["integer", "null"]}
NULL_OBJECT: Final[Schema] = {"type": ["object", "null"]}
ID: Final[Schema] = {"type": "string", "format": "uuid"}
INSTANT: Final[Schema] = {"type": "integer", "description": "Epoch milliseconds"}
DIGITS: Final[Schema] = {
    "type": "string",
    "pattern": "^[0-9]{6,20}$",
    "description": "Country code and digits, without + or separators",
}
FILE: Final[Schema] = {"type": "string", "format": "binary"}
WHATSAPP: Final[Schema] = {"type": "string", "const": "whatsapp"}


def obj(properties: Mapping[str, Schema], *required: str) -> Schema:
    """Describe an object; further properties are let through."""
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def arr(items: Schema, **rest: int) -> Schema:
    """Describe an array."""
    return {"type": "array", "items": items, **rest}


def one_of(*values: str) -> Schema:
    """Describe a string out of a few."""
    return {"type": "string", "enum": values}


def wrapped(data: Schema, meta: Schema | None = None) -> Schema:
    """Describe the envelope of a success."""
    both = {"_data": data} if meta is None else {"_data": data, "_meta": meta}
    return obj(both, *both)


def check(value: Any, schema: Schema, where: str = "body") -> None:
    """Check a value against a schema.

    Raises:
        SchemaRefusal: the first constraint it violates.
    """
    items = cast("list[Any]", value)
    for name, constraint in schema.items():
        rule = _RULES.get(name)
        if rule is not None and (detail := rule(value, constraint)):
            raise SchemaRefusal(name, where, detail)
    if isinstance(value, dict):
        properties: Mapping[str, Schema] = schema.get("properties", {})
        for name, inner in cast("dict[str, Any]", value).items():
            if name in properties:
                check(inner, properties[name], f"{where}.{name}")
    elif isinstance(value, list) and "items" in schema:
        for index, inner in enumerate(items):
            check(inner, schema["items"], f"{where}[{index}]")
    if "anyOf" in schema:
        _check_any(value, schema["anyOf"], where)


def _check_any(value: Any, schemas: Sequence[Schema], where: str) -> None:
    refusals: list[SchemaRefusal] = []
    for schema in schemas:
        try:
            check(value, schema, where)
        except SchemaRefusal as refusal:
            refusals.append(refusal)
        else:
            return
    raise refusals[0]


def _type(value: Any, expected: str | Sequence[str]) -> str:
    names = (expected,) if isinstance(expected, str) else expected
    return "" if any(_TYPES[name](value) for name in names) else f"must be {' or '.join(names)}"


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": _integer,
    "number": _number,
}


def _required(value: Any, names: Sequence[str]) -> str:
    missing = next((name for name in names if isinstance(value, dict) and name not in value), None)
    return "" if missing is None else f"must have required property '{missing}'"


def _enum(value: Any, values: Sequence[Any]) -> str:
    return "" if value in values else f"must be equal to one of the allowed values: {', '.join(values)}"


def _const(value: Any, expected: Any) -> str:
    return "" if value == expected else f"must be equal to constant '{expected}'"


def _minimum(value: Any, bound: float) -> str:
    return f"must be >= {bound}" if _number(value) and value < bound else ""


def _maximum(value: Any, bound: float) -> str:
    return f"must be <= {bound}" if _number(value) and value > bound else ""


def _min_length(value: Any, bound: int) -> str:
    return (
        f"must NOT have fewer than {bound} characters"
        if isinstance(value, str) and len(value) < bound
        else ""
    )


def _max_length(value: Any, bound: int) -> str:
    return (
        f"must NOT have more than {bound} characters" if isinstance(value, str) and len(value) > bound else ""
    )


def _min_items(value: Any, bound: int) -> str:
    items = cast("list[Any]", value)
    few = isinstance(value, list) and len(items) < bound
    return f"must NOT have fewer than {bound} items" if few else ""


def _pattern(value: Any, pattern: str) -> str:
    if not isinstance(value, str) or re.search(pattern.replace("$", r"\Z"), value):
        return ""
    return f'must match pattern "{pattern}"'


_RULES: Final[Mapping[str, Callable[[Any, Any], str]]] = {
    "type": _type,
    "required": _required,
    "enum": _enum,
    "const": _const,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
    "maxLength": _max_length,
    "minItems": _min_items,
    "pattern": _pattern,
}
