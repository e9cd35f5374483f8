"""Small things that are only looked up by their id: users, plugins, templates, photos, groups."""

from __future__ import annotations

import secrets
from typing import Any, Literal

import orjson

from chakra_async.emulator.store import Store


Kind = Literal[
    "user", "task", "photo", "public_media", "media", "plugin", "account", "phone_number", "template",
    "group", "call", "connect_token",
]  # fmt: skip

Document = dict[str, Any]


class Documents:
    """The documents of a store, each of a kind, most of them belonging to a parent."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, kind: Kind, document_id: str) -> Document | None:
        """Find a document."""
        found = self._store.rows("SELECT body FROM document WHERE kind = ? AND id = ?", (kind, document_id))
        return orjson.loads(found[0][0]) if found else None

    def add(self, kind: Kind, document: Document, *, parent: str = "") -> Document:
        """Add a document under its ``id``."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO document (kind, id, parent, body) VALUES (?, ?, ?, ?)",
                (kind, document["id"], parent, orjson.dumps(document).decode()),
            )
        return document

    def replace(self, kind: Kind, document: Document) -> Document:
        """Write a document anew; it keeps its parent and its place."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE document SET body = ? WHERE kind = ? AND id = ?",
                (orjson.dumps(document).decode(), kind, document["id"]),
            )
        return document

    def delete(self, kind: Kind, document_id: str) -> None:
        """Forget a document."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, document_id))

    def all(self, kind: Kind, parent: str | None = None) -> list[Document]:
        """List the documents of a kind, or of one parent, in the order they were added."""
        condition, values = ("", (kind,)) if parent is None else (" AND parent = ?", (kind, parent))
        found = self._store.rows(f"SELECT body FROM document WHERE kind = ?{condition} ORDER BY seq", values)
        return [orjson.loads(body) for (body,) in found]


def numeric_id() -> str:
    """Make an id of the kind Meta uses."""
    return str(secrets.randbelow(9 * 10**14) + 10**14)
