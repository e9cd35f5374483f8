"""Procedures and access tokens: small, read by every request, so kept in memory beside their tables."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final, Literal, cast
from uuid import uuid4

import orjson
from attrs import evolve, frozen

from chakra_async.emulator.options import several
from chakra_async.emulator.store import Store


Role = Literal["admin", "read-only"]

ROLES: Final = ("admin", "read-only")

# An item of a bulk call holds its key beside these, so no key may be called like one of them.
_RESERVED: Final = frozenset(
    {"id", "data", "record", "update", "state", "status", "assignedTo", "nextActionAt", "isDeleted"}
)


@frozen
class Procedure:
    """A kind of process: its unique keys, its states and the tasks they may have; ``None`` is any.

    The attributes are those that the team's config tells of before a process has them; others are taken too.
    """

    seq: int
    id: str
    short_id: str
    keys: tuple[str, ...]
    states: tuple[str, ...] | None
    tasks: tuple[str, ...] | None = None
    attributes: tuple[str, ...] | None = None

    @property
    def first_state(self) -> str:
        """The state a new process starts in."""
        return self.states[0] if self.states else "NEW"


@frozen
class Token:
    """An access token and the user it acts for."""

    token: str
    role: Role
    user: str


class Catalog:
    """The procedures and tokens of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tokens = {
            token: Token(token, cast("Role", role), user)
            for token, role, user in store.rows("SELECT token, role, user FROM token ORDER BY rowid")
        }
        self._procedures: dict[str, Procedure] = {}
        self._by_seq: dict[int, Procedure] = {}
        for seq, id_, short_id, *lists in store.rows(
            "SELECT seq, id, short_id, keys, states, tasks, attributes FROM procedure ORDER BY seq"
        ):
            keys, *others = (None if text is None else tuple(orjson.loads(text)) for text in lists)
            self._remember(Procedure(seq, id_, short_id, keys or (), *others))

    def _remember(self, procedure: Procedure) -> None:
        self._procedures[procedure.short_id] = self._procedures[procedure.id] = procedure
        self._by_seq[procedure.seq] = procedure

    def procedure(self, name: str) -> Procedure | None:
        """Find a procedure by its short id or uuid."""
        return self._procedures.get(name)

    def procedures(self) -> list[Procedure]:
        """List the procedures."""
        return list(self._by_seq.values())

    def procedure_of(self, seq: int) -> Procedure:
        """Find a procedure by its row number."""
        return self._by_seq[seq]

    def token(self, token: str) -> Token | None:
        """Find a token by its text."""
        return self._tokens.get(token)

    def admin_token(self) -> str | None:
        """Return the first token with all rights, as a file may bring one along."""
        return next((known.token for known in self._tokens.values() if known.role == "admin"), None)

    def add_token(self, role: Role, token: str | None = None) -> str:
        """Register a token, a random one unless given, and return it; a known one keeps its user."""
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}: expected one of {', '.join(ROLES)}")
        token = secrets.token_urlsafe(32) if token is None else token
        if not token or token != token.strip() or not token.isascii() or not token.isprintable():
            raise ValueError(
                "a token must be printable ASCII without spaces around it, as it travels in a header"
            )
        with self._store.transaction() as db:
            known = self._tokens.get(token)
            new = Token(token, role, str(uuid4())) if known is None else evolve(known, role=role)
            db.execute(
                "INSERT INTO token VALUES (?, ?, ?) ON CONFLICT (token) DO UPDATE SET role = excluded.role",
                (new.token, new.role, new.user),
            )
            self._tokens[token] = new
        return token

    def tokens(self) -> list[Token]:
        """List the tokens."""
        return list(self._tokens.values())

    def add_procedure(
        self,
        short_id: str,
        keys: tuple[str, ...],
        states: Sequence[str] | None,
        tasks: Sequence[str] | None = None,
        attributes: Sequence[str] | None = None,
    ) -> Procedure:
        """Add a procedure, or change one.

        Raises:
            ValueError: a name that cannot work, or other keys for a procedure that has processes.
            TypeError: one text where several are meant.
        """
        states, tasks = _names(states, "states"), _names(tasks, "tasks")
        attributes = _names(attributes, "attributes")
        _check_names(short_id, keys, states, (*(tasks or ()), *(attributes or ())))
        with self._store.transaction() as db:
            known = self._procedures.get(short_id)
            if known is None:
                (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM procedure").fetchone()
                procedure = Procedure(last + 1, str(uuid4()), short_id, keys, states, tasks, attributes)
            else:
                if known.keys != keys and self._in_use(known):
                    raise ValueError(f"procedure {short_id!r} has processes: its keys cannot change")
                procedure = evolve(known, keys=keys, states=states, tasks=tasks, attributes=attributes)
            db.execute(
                "INSERT OR REPLACE INTO procedure VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    procedure.seq,
                    procedure.id,
                    short_id,
                    *(
                        None if names is None else orjson.dumps(names).decode()
                        for names in (keys, states, tasks, attributes)
                    ),
                ),
            )
            self._remember(procedure)
        return procedure

    def _in_use(self, procedure: Procedure) -> bool:
        found = self._store.rows("SELECT 1 FROM process WHERE procedure = ? LIMIT 1", (procedure.seq,))
        return bool(found)


def _names(names: Sequence[str] | None, what: str) -> tuple[str, ...] | None:
    return None if names is None else several(names, what)


def _check_names(
    short_id: str, keys: tuple[str, ...], states: tuple[str, ...] | None, others: tuple[str, ...]
) -> None:
    for name in (short_id, *keys, *(states or ()), *others):
        if not name or not name.isprintable() or set(name) & set('/"\\'):
            raise ValueError(f"{name!r} cannot be a short id")
    if reserved := _RESERVED.intersection(keys):
        raise ValueError(f"{', '.join(sorted(reserved))} cannot be a primary key: the name is taken")
    if len(set(keys)) != len(keys):
        raise ValueError(f"a primary key of {short_id!r} is named twice")
    if states is not None and not states:
        raise ValueError(f"procedure {short_id!r} needs at least one state, or None to accept any")
