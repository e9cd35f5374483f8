"""The team's config: what the uuids in other objects stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define, field

from chakra_async._shapes import as_list, as_object


# The names of the wire under which a definition may tell what it is called, the best first.
_SHORT_IDS = ("shortId", "username", "name", "displayName")
_NAMES = ("name", "displayName", "title", "label")
_OWNERS = ("procedure", "procedureId", "entity", "entityId")


@define(kw_only=True)
class Definition:
    """What one uuid of the config stands for: a procedure, an attribute, a role, a pod."""

    id: str
    kind: str
    """Such as ``procedures``."""
    short_id: str | None = None
    """``shortId``; of users and others that have none, the username, else the name (inferred)."""
    name: str | None = None
    """The name that people read."""
    data: dict[str, Any] = field(factory=dict[str, Any], repr=False)
    """The definition as the service sends it; its fields are not documented."""


@define(kw_only=True)
class TeamConfig:
    """The team's config: for each kind of definition, what its uuids stand for.

    The fields hold what the service sends: uuids mapped to definitions, or lists of definitions, for the
    documentation speaks of both. :meth:`definition`, :meth:`id_of` and :meth:`short_id_of` read either. A
    kind is the name of a field, or ``states``, which are looked for inside the procedures.
    Source: apidocs api-11531312, docs ``/fetch-config`` (documented; the fields of definitions are not).
    """

    team: Any = None
    entities: Any = None
    procedures: Any = None
    attribute_types: Any = None
    attributes: Any = None
    derived_attributes: Any = None
    attribute_groups: Any = None
    roles: Any = None
    pods: Any = None
    task_types: Any = None
    forms: Any = None
    form_fields: Any = None
    form_action_buttons: Any = None
    state_tasks: Any = None
    user_profiles: Any = None
    attribute_config: Any = None
    skill_types: Any = None
    extra: dict[str, Any] = field(factory=dict[str, Any])
    _found: dict[str, dict[str, list[Definition]]] = field(
        factory=dict[str, dict[str, list[Definition]]],
        init=False,
        repr=False,
        eq=False,
        metadata={"wire": False},
    )

    def definitions(self, kind: str, /, *, procedure: str | None = None) -> list[Definition]:
        """List the definitions of a kind.

        Args:
            kind: such as ``attributes``.
            procedure: uuid or short id of the procedure they belong to, or may belong to.

        Raises:
            LookupError: the config has no such kind, or no such procedure.
        """
        listed = {one.id: one for found in self._index(kind).values() for one in found}.values()
        return self._of(procedure, listed)

    def definition(self, kind: str, name: str, /, *, procedure: str | None = None) -> Definition:
        """Find a definition by its uuid or its short id.

        Args:
            kind: such as ``attributes``.
            name: uuid or short id.
            procedure: uuid or short id of the procedure it belongs to; needed where several have one of this
                name.

        Raises:
            LookupError: there is none, or more than one.
        """
        found = self._index(kind).get(name, [])
        place = ""
        if procedure is not None:
            found = self._of(procedure, found)
            place = f" of procedure {procedure!r}"
        if not found:
            raise LookupError(f"the config has no {kind} called {name!r}{place}")
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise LookupError(
                f"the config has {len(found)} {kind} called {name!r}{place} ({ids}): name the procedure, or "
                "use the uuid"
            )
        return found[0]

    def id_of(self, kind: str, short_id: str, /, *, procedure: str | None = None) -> str:
        """Tell the uuid behind a short id.

        Args:
            kind: such as ``procedures``.
            short_id: short id; of users the username.
            procedure: uuid or short id of the procedure it belongs to; needed where several have one of this
                name.

        Raises:
            LookupError: there is none, or more than one.
        """
        return self.definition(kind, short_id, procedure=procedure).id

    def short_id_of(self, kind: str, definition_id: str, /) -> str:
        """Tell the short id of a uuid; of users the username.

        Raises:
            LookupError: the config does not know the uuid, or knows no short id of it.
        """
        found = self.definition(kind, definition_id)
        if found.short_id is None:
            raise LookupError(f"the config tells no short id of {kind} {definition_id!r}")
        return found.short_id

    def _of(self, procedure: str | None, found: Iterable[Definition]) -> list[Definition]:
        """Return those that belong to a procedure; what names no owner at all may belong to every one."""
        if procedure is None:
            return list(found)
        owner = self.definition("procedures", procedure)
        owners = {owner.id, owner.short_id, owner.data.get("entity")}
        return [one for one in found if not (told := _owners(one)) or told & owners]

    def _index(self, kind: str) -> dict[str, list[Definition]]:
        """Return the definitions of a kind by each of their uuids and short ids."""
        if (known := self._found.get(kind)) is not None:
            return known
        index: dict[str, list[Definition]] = {}
        for one in self._read(kind):
            for name in {one.id, one.short_id} - {None}:
                index.setdefault(str(name), []).append(one)
        self._found[kind] = index
        return index

    def _read(self, kind: str) -> Iterator[Definition]:
        if kind == "states":
            for procedure in self._read("procedures"):
                for state in _definitions(kind, procedure.data.get("states")):
                    state.data = {"procedure": procedure.id, **state.data}
                    yield state
            source = self.extra.get("states")
        elif kind in _KINDS:
            source = getattr(self, kind)
        elif kind in self.extra:
            source = self.extra[kind]
        else:
            raise LookupError(f"the config has no kind {kind!r}; it has {', '.join(_KINDS)}, states")
        yield from _definitions(kind, source)


_KINDS = tuple(
    name for name in TeamConfig.__annotations__ if not name.startswith("_") and name not in {"team", "extra"}
)


def _definitions(kind: str, source: Any) -> Iterator[Definition]:
    """Read uuids mapped to definitions, or a list of definitions; what is neither says nothing."""
    if isinstance(source, list):
        pairs = [(as_object(item).get("id", item), item) for item in as_list(source)]
    else:
        pairs = list(as_object(source).items())
    for key, value in pairs:
        if not isinstance(key, str):
            continue
        data = as_object(value)
        short = value if isinstance(value, str) and value != key else _first(data, _SHORT_IDS)
        yield Definition(id=key, kind=kind, short_id=short, name=_first(data, _NAMES), data=dict(data))


def _first(data: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if isinstance(value := data.get(name), str) and value), None)


def _owners(one: Definition) -> set[str]:
    return {value for name in _OWNERS if isinstance(value := one.data.get(name), str)}
