"""Media: what people send in, and what is uploaded to be sent out by its address."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from chakra_async.emulator.blobs import Blob, Blobs
from chakra_async.emulator.documents import Document, Documents, numeric_id
from chakra_async.emulator.store import now_ms


class Media:
    """The media of a store."""

    def __init__(self, documents: Documents, blobs: Blobs) -> None:
        self._documents = documents
        self._blobs = blobs

    def add(self, blob: Blob, mime_type: str) -> Document:
        """Add media that came in."""
        self._blobs.keep(blob.seq)
        media = {
            "id": numeric_id(),
            "mime_type": mime_type,
            "sha256": blob.sha256,
            "file_size": blob.size,
            "blob": blob.seq,
            "createdAt": now_ms(),
        }
        return self._documents.add("media", media)

    def get(self, media_id: str) -> Document | None:
        """Find media that came in."""
        return self._documents.get("media", media_id)

    def publish(self, blob: Blob, mime_type: str, path: str) -> Document:
        """Give a blob an address that everybody can read."""
        self._blobs.keep(blob.seq)
        return self._documents.add("public_media", {"id": path, "mime_type": mime_type, "blob": blob.seq})

    def published(self, path: str) -> Document | None:
        """Find what has this address."""
        return self._documents.get("public_media", path)

    def blob(self, document: Document) -> Blob:
        """Return the bytes."""
        return self._blobs.get(document["blob"])


FETCHED_FIELDS: Final = ("mime_type", "sha256", "file_size", "id")


def fetched(media: Document, url: str) -> dict[str, Any]:
    """Shape media as Meta shows it."""
    shown = {name: media[name] for name in FETCHED_FIELDS}
    return {"messaging_product": "whatsapp", "url": url, **shown}


def attachment_url(origin: str, media: Document, lifetime: float | None) -> str:
    """Make the signed address that webhooks give for media, in the form Meta's own has.

    Args:
        origin: scheme and host, where Meta's is ``https://lookaside.fbsbx.com``.
        media: what it is about: ``id`` and ``sha256``.
        lifetime: seconds it works for; ``None`` is for ever.
    """
    until = {} if lifetime is None else {"ext": int(time.time() + lifetime)}
    digest = hashlib.sha256(f"{media['sha256']} {until}".encode()).hexdigest()
    query = urlencode({"mid": media["id"], "source": "webhook", **until, "hash": digest})
    return f"{origin}/whatsapp_business/attachments/?{query}"


def public_path(team: str, day: str, extension: str) -> str:
    """Make the path of public media, in the form the real addresses have."""
    return f"{team}/{day}/{uuid4()}{extension}"
