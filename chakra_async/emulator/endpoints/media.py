"""Media: uploading what everybody may read, and fetching what people sent."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from chakra_async.emulator.answer import Answer, file, raw, redirect, success
from chakra_async.emulator.content_types import content_type_of, extension_of
from chakra_async.emulator.documents import Document
from chakra_async.emulator.media import fetched, public_path
from chakra_async.emulator.plugins import unknown_object
from chakra_async.emulator.refusals import Missing, Refusal, Unauthorized
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.schema import upload_form
from chakra_async.emulator.shapes import FILE, INTEGER, STRING, Schema, obj, wrapped


def upload_public(call: Call, plugin_id: str) -> Answer:
    """Upload a file to an address that everybody can read."""
    call.service.plugins.get(plugin_id)
    form = upload_form(call.form)
    sent = form.file("file")
    filename = form.fields.get("filename") or sent.filename or ""
    mime_type = content_type_of(sent.content_type, filename)
    day = datetime.now(UTC).date().isoformat()
    path = public_path(call.service.store.team, day, extension_of(mime_type, filename))
    call.service.media.publish(sent.blob, mime_type, path)
    return success({"publicMediaUrl": f"{call.origin}/public-media/{path}"})


def show_public(call: Call, team: str, day: str, name: str) -> Answer:
    """Serve an uploaded file, to everybody."""
    document = call.service.media.published(f"{team}/{day}/{name}")
    if document is None:
        raise Missing(f"File '{name}' not found")
    return file(call.service.media.blob(document), document["mime_type"])


def show_elsewhere(call: Call, kind: str, document_id: str) -> Answer:
    """Serve the bytes of a photo or of media at the end of a redirect, to everybody."""
    document = None
    if kind in ("photo", "media"):
        document = call.service.documents.get("photo" if kind == "photo" else "media", document_id)
    if document is None:
        raise Missing(f"File '{document_id}' not found")
    mime_type = document.get("mime_type") or content_type_of(document["filetype"], document["filename"])
    return file(call.service.media.blob(document), mime_type)


def fetch(call: Call, version: str, media_id: str) -> Answer:
    """Fetch what is known about media, and an address that serves it for a while."""
    media = _media(call, media_id)
    lifetime = call.service.settings.media_url_seconds
    until = "" if lifetime is None else f"&ext={int(time.time() + lifetime)}"
    path = f"{call.origin}/v2/whatsapp/{version}/media/whatsapp_business/attachments"
    return raw(fetched(media, f"{path}?mid={media['id']}{until}"))


def show(call: Call, _version: str, media_id: str) -> Answer:
    """Serve the bytes of media."""
    return _shown(call, _media(call, media_id))


def show_attachment(call: Call, _version: str) -> Answer:
    """Serve the bytes of media at the address that fetching it gave."""
    media_id, until = call.query.get("mid"), call.query.get("ext", "")
    if not media_id:
        raise Refusal("(#100) The parameter mid is required.")
    if until.isascii() and until.isdecimal() and int(until) <= time.time():
        raise Missing("The address of this media has expired")
    return _shown(call, _media(call, media_id))


def show_at_meta(_call: Call) -> Answer:
    """Turn down, as Meta does, whoever follows the address in a webhook: Meta knows no token of Chakra's."""
    raise Unauthorized("(#190) Invalid OAuth access token - Cannot parse access token")


def _shown(call: Call, media: Document) -> Answer:
    if call.service.settings.media_answer == "redirect":
        return redirect(f"{call.origin}/cdn/media/{media['id']}")
    return file(call.service.media.blob(media), media["mime_type"])


def _media(call: Call, media_id: str) -> Document:
    media = call.service.media.get(media_id)
    if media is None:
        raise unknown_object(media_id)
    return media


_FETCHED: Final[Schema] = obj(
    {
        "url": STRING,
        "mime_type": STRING,
        "sha256": STRING,
        "file_size": INTEGER,
        "id": STRING,
        "messaging_product": STRING,
    },
    "url",
    "mime_type",
)
_ONE: Final = "/whatsapp/{version}/media/{mediaId}"
_ATTACHMENTS: Final = "/whatsapp/{version}/media/whatsapp_business/attachments"
_AWAY: Final = {302: "The bytes are elsewhere"}

ROUTES = (
    Route(
        "POST",
        "/v1/ext/plugin/whatsapp/{pluginId}/upload-public-media",
        upload_public,
        writes=True,
        form=obj({"file": FILE, "filename": STRING}, "file"),
        gives=wrapped(obj({"publicMediaUrl": STRING}, "publicMediaUrl")),
    ),
    Route("GET", "/public-media/{team}/{day}/{name}", show_public, public=True, gives=None),
    Route("GET", "/cdn/{kind}/{id}", show_elsewhere, public=True, gives=None),
    Route("GET", "/whatsapp_business/attachments/", show_at_meta, public=True, gives=None),
    Route("GET", "/v1" + _ONE, fetch, gives=_FETCHED),
    *(Route("GET", v + _ONE + "/show", show, gives=None, gives_also=_AWAY) for v in ("/v1", "/v2")),
    *(
        Route(
            "GET",
            v + _ATTACHMENTS,
            show_attachment,
            query={"mid": STRING, "ext": STRING},
            gives=None,
            gives_also=_AWAY,
        )
        for v in ("/v1", "/v2")
    ),
)
