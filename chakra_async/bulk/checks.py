"""What the team's config tells of a row before it is sent. No I/O."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from chakra_async._shapes import as_object, is_number
from chakra_async.bulk.rows import as_json


if TYPE_CHECKING:  # a client that makes no dry run need not load it
    from chakra_async.models.config import Definition, TeamConfig

STATUSES = ("OPEN", "COMPLETED", "CANCELLED")


def _is_whole(value: Any) -> bool:
    return is_number(value) and value == int(value)


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind)


_Kind: TypeAlias = tuple[str, Callable[[Any], bool]]

_WHOLE: _Kind = ("a whole number", _is_whole)
_NUMBER: _Kind = ("a number", is_number)
_TEXT: _Kind = ("text", _is(str))
_LIST: _Kind = ("a list", _is(list))

# Only the types whose JSON form is plain from the documentation; a value of any other is not judged.
_KINDS: Mapping[str | None, _Kind] = {
    **dict.fromkeys(("integer", "integerId", "integerEnum", "datetime"), _WHOLE),
    **dict.fromkeys(("float", "floatEnum", "number", "decimal"), _NUMBER),
    **dict.fromkeys(("string", "text", "stringId", "stringEnum", "datetimeISO8601"), _TEXT),
    **dict.fromkeys(("multiStringEnum", "multiIntegerEnum", "multiFloatEnum", "multiPhotos"), _LIST),
    "boolean": ("true or false", _is(bool)),
}

_REMEMBERED = 1000


class Checks:
    """Compares rows with what the config says of their procedure; what it does not say is not judged."""

    def __init__(self, config: TeamConfig, procedure: str) -> None:
        self._procedure = procedure
        self._procedures = _names(_told(config, "procedures"))
        self._states = _names(_told(config, "states", procedure))
        self._attributes = _attributes(config, procedure)
        self._unknown: dict[tuple[str, str], str] = {}

    def problems(self, key: str | None, fields: Mapping[str, Any]) -> list[str]:
        """Say what is wrong with a row.

        Args:
            key: short id of the key that names the process, where one does.
            fields: what it sets, as the wire writes it.
        """
        if self._procedures and self._procedure not in self._procedures:
            return [self._no("procedure", self._procedure, self._procedures)]
        found: list[str] = []
        data = as_object(fields.get("data"))
        if self._attributes:
            names = data if key is None or key in data else (key, *data)
            found += [
                self._no("attribute", name, self._attributes)
                for name in names
                if name not in self._attributes
            ]
            found += filter(None, (self._misfit(name, value) for name, value in data.items()))
        state, status = fields.get("state"), fields.get("status")
        if state is not None and self._states and state not in self._states:
            found.append(self._no("state", state, self._states))
        if status is not None and status not in STATUSES:
            found.append(f"status must be one of {', '.join(STATUSES)}, not {status!r}")
        return found

    def _misfit(self, name: str, value: Any) -> str | None:
        kind = self._attributes.get(name)
        if value is None or kind not in _KINDS:
            return None
        meant, fits = _KINDS[kind]
        if fits(value):
            return None
        mend = "; in a file, give the column its type" if isinstance(value, str) else ""
        return f"attribute {name!r} takes {meant} ({kind}), not {as_json(value)[:60]}{mend}"

    def _no(self, kind: str, name: str, known: Iterable[str]) -> str:
        if (said := self._unknown.get((kind, name))) is not None:
            return said
        owner = "" if kind == "procedure" else f" of {self._procedure!r}"
        close = difflib.get_close_matches(name, list(known), 1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        said = f"the team's config knows no {kind} {name!r}{owner}{hint}"
        if len(self._unknown) < _REMEMBERED:
            self._unknown[kind, name] = said
        return said


def _told(config: TeamConfig, kind: str, procedure: str | None = None) -> list[Definition]:
    try:
        return config.definitions(kind, procedure=procedure)
    except LookupError:
        return []


def _names(definitions: Iterable[Definition]) -> dict[str, None]:
    return dict.fromkeys(name for one in definitions for name in (one.short_id, one.id) if name)


def _attributes(config: TeamConfig, procedure: str) -> dict[str, str | None]:
    """Return the type of each attribute, by short id and uuid."""
    found = _told(config, "attributes", procedure)
    if all(one.data.get("isPrimaryKey") for one in found):
        # Keys alone are not what processes are kept for: the other attributes are told elsewhere, or nowhere.
        return {}
    found += _told(config, "derived_attributes", procedure)
    types = {one.id: one.short_id for one in _told(config, "attribute_types")}
    kinds: dict[str, str | None] = {}
    for one in found:
        kind = one.data.get("attributeType", one.data.get("type"))
        word = types.get(kind, kind) if isinstance(kind, str) else None
        kinds.update(dict.fromkeys(filter(None, (one.short_id, one.id)), word))
    return kinds
