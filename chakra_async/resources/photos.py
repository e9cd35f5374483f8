"""Photos: the values of photo attributes."""

from __future__ import annotations

from chakra_async._codec import decode
from chakra_async._paths import segment
from chakra_async._transfer.download import Download
from chakra_async._transfer.upload import Upload
from chakra_async._transport import Transport
from chakra_async.models.photos import Photo
from chakra_async.models.transfers import DownloadTarget, OnTransferred, UploadSource


class Photos:
    """Photos: the values of photo attributes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        photo_id: str,
        /,
        *,
        to: DownloadTarget | None = None,
        on_progress: OnTransferred | None = None,
    ) -> Photo:
        """Fetch a photo.

        What the service answers is not known, so each of these is taken: the bytes, a redirect to them, or an
        object. Bytes are found in ``photo.file``, stored as in ``whatsapp.media.show``; after an object
        ``photo.file`` is ``None``, and nothing was stored.

        Args:
            photo_id: the photo.
            to: path or binary file to store the bytes in; memory if not given.
            on_progress: called with a :class:`Transferred` as bytes arrive, in the client's event loop.

        Endpoint: ``GET /v1/ext/photo/{id}`` (inferred).

        Raises:
            NotFoundError: there is no such photo.
            DecodeError: the answer is neither a photo nor an object.
            ResponseTooLargeError: it is larger than ``Limits.max_response_bytes`` and ``to`` is not given.
            OSError: it cannot be stored.
        """
        path = f"/v1/ext/photo/{segment(photo_id, 'photo_id')}"
        download = Download(to, self._transport.settings, on_progress=on_progress, objects=True)
        async with download:
            reply = await self._transport.call("GET", path, repeatable=True, download=download)
            if not download.taken:
                return decode(reply, Photo)
            file = await download.keep(reply)
        return Photo(id=photo_id, filename=file.filename, filetype=file.content_type, file=file)

    async def upload(
        self,
        source: UploadSource,
        /,
        *,
        photo_id: str | None = None,
        filename: str | None = None,
        content_type: str | None = None,
        size_bytes: int | None = None,
        on_progress: OnTransferred | None = None,
    ) -> Photo:
        """Upload a photo, piece by piece, in little memory.

        With ``photo_id`` (a UUID of your own making) this is idempotent, and repeated after a passing failure
        where the source can be read again: a path, bytes, a seekable file. Without, it is never sent twice.

        Args:
            source: path, bytes, binary file (read from where it stands), or iterable or async iterable of
                bytes.
            photo_id: the id that the photo shall have.
            filename: its name; that of the file if not given. Made safe: no path, no control characters.
            content_type: its type, such as ``image/jpeg``; told from the name if not given.
            size_bytes: its size, for a source that cannot tell. The request then announces its length, which
                some gateways insist on.
            on_progress: called with a :class:`Transferred` as bytes leave, in the client's event loop (the
                sync client has one in a thread of its own). What it raises ends the upload.

        Endpoint: ``POST /v1/ext/photo``, ``POST /v1/ext/photo/{id}`` (documented; that the latter is
        idempotent is inferred).

        Raises:
            AmbiguousResultError: all of it left and no answer came.
            PayloadTooLargeError: it is larger than the service takes.
            ValueError: the source is empty, closed, or not of the size that was announced, or its type cannot
                be told; nothing was stored.
            TypeError: the source gives something else than bytes.
            OSError: the source cannot be read.
        """
        path = "/v1/ext/photo"
        if photo_id is not None:
            path = f"{path}/{segment(photo_id, 'photo_id')}"
        upload = Upload(
            "photo",
            source,
            self._transport.settings.timeouts,
            filename=filename,
            content_type=content_type,
            size_bytes=size_bytes,
            on_progress=on_progress,
            type_field="filetype",
        )
        repeatable = photo_id is not None
        return decode(await self._transport.call("POST", path, repeatable=repeatable, upload=upload), Photo)
