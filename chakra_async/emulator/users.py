"""Users: who may be assigned and who holds a token."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from chakra_async.emulator.documents import Document, Documents
from chakra_async.emulator.shapes import (
    ARRAY,
    BOOLEAN,
    ID,
    INSTANT,
    NULL_INTEGER,
    NULL_OBJECT,
    NULL_STRING,
    STRING,
    Schema,
    arr,
    obj,
)
from chakra_async.emulator.store import Store, now_ms


ROLE_NAMES: Final = {"admin": "Admin", "read-only": "Read only"}
TEAM_NAME: Final = "Emulated team"
POD_NAME: Final = "Head office"

# What an update may change; the other fields of a user are not the caller's.
CHANGES: Final[Schema] = obj(
    {
        "firstName": STRING,
        "lastName": STRING,
        "middleName": NULL_STRING,
        "displayName": STRING,
        "gender": NULL_STRING,
        "dob": NULL_INTEGER,
        "bio": NULL_STRING,
        "profileImageUrl": NULL_STRING,
        "coverImageUrl": NULL_STRING,
        "timezone": STRING,
        "data": NULL_OBJECT,
        "phones": arr(STRING),
        "isActive": BOOLEAN,
    }
)

USER: Final[Schema] = obj(
    {
        "id": ID,
        "createdAt": INSTANT,
        "updatedAt": INSTANT,
        "username": STRING,
        **CHANGES["properties"],
        "onboardingData": NULL_OBJECT,
        "isDeleted": BOOLEAN,
        "deletedAt": NULL_INTEGER,
        "emails": ARRAY,
        "team": STRING,
        "roles": arr(STRING),
        "pods": arr(STRING),
        "skills": arr(STRING),
    },
    "id",
    "username",
)


def role_id(team: str, role: str) -> str:
    """Return the uuid of a role."""
    return str(uuid5(UUID(team), f"role:{role}"))


def pod_id(team: str) -> str:
    """Return the uuid of the one pod."""
    return str(uuid5(UUID(team), "pod"))


class Users:
    """The users of a store, kept in memory beside it: every change of a process may name one."""

    def __init__(self, store: Store, documents: Documents) -> None:
        self._store = store
        self._documents = documents
        self._ids: dict[str, str] = {}
        for user in documents.all("user"):
            self._ids[user["username"]] = self._ids[user["id"]] = user["id"]

    def add(
        self,
        username: str,
        *,
        user_id: str | None = None,
        first_name: str = "",
        last_name: str = "",
        role: str = "admin",
        phones: tuple[str, ...] = (),
    ) -> Document:
        """Add a user.

        Raises:
            ValueError: the username is taken or empty.
        """
        now, team = now_ms(), self._store.team
        user_id = user_id or str(uuid4())
        email = {
            "id": str(uuid4()),
            "createdAt": now,
            "updatedAt": now,
            "email": username,
            "isPrimary": True,
            "isVerified": True,
            "user": user_id,
            "team": team,
        }
        user = {
            "id": user_id,
            "createdAt": now,
            "updatedAt": now,
            "username": username,
            "firstName": first_name,
            "lastName": last_name,
            "middleName": None,
            "displayName": f"{first_name} {last_name}".strip() or username,
            "gender": None,
            "dob": None,
            "bio": None,
            "profileImageUrl": None,
            "coverImageUrl": None,
            "timezone": "Asia/Kolkata",
            "data": None,
            "onboardingData": None,
            "isActive": True,
            "isDeleted": False,
            "deletedAt": None,
            "phones": list(phones),
            "emails": [email] if "@" in username else [],
            "team": team,
            "roles": [role_id(team, role)],
            "pods": [pod_id(team)],
            "skills": [],
        }
        with self._store.transaction():
            if not username or username in self._ids:
                raise ValueError(f"{username!r} cannot be a username: it is empty or taken")
            self._documents.add("user", user)
            self._ids[username] = self._ids[user_id] = user_id
        return user

    def resolve(self, name: str) -> str | None:
        """Return the id of the user with this id or username."""
        return self._ids.get(name)

    def get(self, user_id: str) -> Document | None:
        """Find a user."""
        return self._documents.get("user", user_id)

    def all(self) -> list[Document]:
        """List the users."""
        return self._documents.all("user")

    def update(self, user: Document, fields: dict[str, Any]) -> Document:
        """Change the fields that a caller may change; others are let be."""
        changes = {name: value for name, value in fields.items() if name in CHANGES["properties"]}
        return self._documents.replace("user", {**user, **changes, "updatedAt": now_ms()})

    def humanised(self, user: Document) -> Document:
        """Put names where the user has ids."""
        team = self._store.team
        names = {role_id(team, role): name for role, name in ROLE_NAMES.items()} | {pod_id(team): POD_NAME}
        plural = {name: [names[one] for one in user[name]] for name in ("roles", "pods", "skills")}
        return {**user, **plural, "team": TEAM_NAME}
