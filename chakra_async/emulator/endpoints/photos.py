"""Photos: uploading them, under an id of the caller's choice if wanted, and fetching them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID, uuid4

from chakra_async.emulator.answer import Answer, file, redirect, success
from chakra_async.emulator.content_types import content_type_of
from chakra_async.emulator.documents import Document
from chakra_async.emulator.refusals import Missing, Refusal
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.schema import upload_form
from chakra_async.emulator.shapes import (
    BOOLEAN,
    FILE,
    ID,
    INSTANT,
    NULL_INTEGER,
    NULL_STRING,
    STRING,
    Schema,
    obj,
    wrapped,
)
from chakra_async.emulator.store import now_ms


def upload(call: Call) -> Answer:
    """Upload a photo."""
    return _upload(call, str(uuid4()))


def upload_with_id(call: Call, photo_id: str) -> Answer:
    """Upload a photo under an id made by the caller."""
    try:
        return _upload(call, str(UUID(photo_id)))
    except ValueError as error:
        raise Refusal(f"Photo id '{photo_id}' is not a uuid") from error


def fetch(call: Call, photo_id: str) -> Answer:
    """Fetch a photo: the object, its bytes or a redirect to them, as the settings say."""
    photo = call.service.documents.get("photo", photo_id.lower())
    if photo is None:
        raise Missing(f"Photo '{photo_id}' not found")
    answer = call.service.settings.photo_answer
    if answer == "object":
        return success(_shown(photo))
    if answer == "redirect":
        return redirect(f"{call.origin}/cdn/photo/{photo['id']}")
    return file(call.service.blobs.get(photo["blob"]), content_type_of(photo["filetype"], photo["filename"]))


def _upload(call: Call, photo_id: str) -> Answer:
    form = upload_form(call.form)
    sent = form.file("photo")
    service, now = call.service, now_ms()
    filename = form.fields.get("filename") or sent.filename or "photo"
    photo = {
        "id": photo_id,
        "createdAt": now,
        "updatedAt": now,
        "filetype": form.fields.get("filetype") or content_type_of(sent.content_type, filename),
        "filename": filename,
        "height": None,
        "width": None,
        "isPublic": False,
        "team": service.store.team,
        "user": call.cause.actor,
        "blob": sent.blob.seq,
    }
    with service.store.transaction():
        old = service.documents.get("photo", photo_id)
        if old is None:
            service.documents.add("photo", photo)
        elif service.settings.on_existing_photo == "error":
            raise Refusal(f"A photo with id '{photo_id}' exists already")
        else:
            photo["createdAt"] = old["createdAt"]
            service.documents.replace("photo", photo)
            service.blobs.drop(old["blob"])
        service.blobs.keep(sent.blob.seq)
    return success(_shown(photo))


def _shown(photo: Document) -> dict[str, Any]:
    return {name: value for name, value in photo.items() if name != "blob"}


_PHOTO: Final[Schema] = obj(
    {
        "id": ID,
        "createdAt": INSTANT,
        "updatedAt": INSTANT,
        "filetype": STRING,
        "filename": STRING,
        "height": NULL_INTEGER,
        "width": NULL_INTEGER,
        "isPublic": BOOLEAN,
        "team": ID,
        "user": NULL_STRING,
    },
    "id",
    "filename",
    "filetype",
)
_FORM: Final[Schema] = obj({"photo": FILE, "filename": STRING, "filetype": STRING}, "photo")
_ONE: Final = "/v1/ext/photo/{photoId}"

ROUTES = (
    Route("POST", "/v1/ext/photo", upload, writes=True, form=_FORM, gives=wrapped(_PHOTO)),
    Route("POST", _ONE, upload_with_id, writes=True, form=_FORM, gives=wrapped(_PHOTO)),
    Route("GET", _ONE, fetch, gives=wrapped(_PHOTO), gives_also={302: "The bytes are elsewhere"}),
)
