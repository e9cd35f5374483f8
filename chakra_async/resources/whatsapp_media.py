"""Media: files that WhatsApp messages carry."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from chakra_async._codec import decode, misshapen
from chakra_async._paths import segment
from chakra_async._transfer.download import Download
from chakra_async._transfer.upload import Upload
from chakra_async._transport import Transport
from chakra_async._whatsapp import plugin_id_of
from chakra_async.models.media import MediaInfo, PublicMedia
from chakra_async.models.transfers import Downloaded, DownloadTarget, OnTransferred, UploadSource


class Media:
    """Media: files that WhatsApp messages carry.

    Files travel piece by piece, in little memory whatever their size.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def upload_public(
        self,
        source: UploadSource,
        /,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        size_bytes: int | None = None,
        plugin_id: str | None = None,
        on_progress: OnTransferred | None = None,
    ) -> PublicMedia:
        """Upload a file, to be sent in a message by its address. Anyone who knows the address can fetch it.

        Not idempotent: it is never sent twice. The content type matters: WhatsApp refuses media that are
        served under another type than theirs.

        Args:
            source: path, bytes, binary file (read from where it stands), or iterable or async iterable of
                bytes.
            filename: its name; that of the file if not given. Made safe: no path, no control characters.
            content_type: its type, such as ``audio/ogg``; told from the name if not given.
            size_bytes: its size, for a source that cannot tell. The request then announces its length, which
                some gateways insist on.
            plugin_id: the WhatsApp plugin; that of the settings if not given.
            on_progress: called with a :class:`Transferred` as bytes leave, in the client's event loop (the
                sync client has one in a thread of its own). What it raises ends the upload.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/{plugin}/upload-public-media`` (documented; limits unknown).

        Raises:
            AmbiguousResultError: all of it left and no answer came.
            PayloadTooLargeError: it is larger than the service takes.
            ValueError: no plugin is named, here or in the settings; or the source is empty, closed, or not of
                the size that was announced, or its type cannot be told; nothing was stored.
            TypeError: the source gives something else than bytes.
            OSError: the source cannot be read.
        """
        plugin = segment(plugin_id_of(self._transport.settings, plugin_id), "plugin_id")
        path = f"/v1/ext/plugin/whatsapp/{plugin}/upload-public-media"
        upload = Upload(
            "file",
            source,
            self._transport.settings.timeouts,
            filename=filename,
            content_type=content_type,
            size_bytes=size_bytes,
            on_progress=on_progress,
        )
        return decode(await self._transport.call("POST", path, repeatable=False, upload=upload), PublicMedia)

    async def get(self, media_id: str, /) -> MediaInfo:
        """Fetch what is known of a file somebody sent: type, size, hash.

        Endpoint: ``GET /v1/whatsapp/{version}/media/{id}`` (documented path, seen body).

        Raises:
            NotFoundError: there is no such file, or no longer.
        """
        path = f"{self._base(1)}/{segment(media_id, 'media_id')}"
        return decode(await self._transport.call("GET", path, repeatable=True), MediaInfo)

    async def show(
        self,
        media_id: str,
        /,
        *,
        to: DownloadTarget | None = None,
        sha256: str | None = None,
        on_progress: OnTransferred | None = None,
    ) -> Downloaded:
        """Download a file somebody sent.

        To a path it is written beside it and put in its place at the end, so that there is never half a
        file. A file that is replaced leaves its mode, and a link stays; what is no regular file, as a device
        or a pipe, is not replaced but refused: open it, and give the open file. A download that breaks goes
        on where it broke if the service can do that, and tells by ``ETag`` or date that the file is still the
        same; else it begins anew.
        Redirects (3 at most) are followed: to other hosts without the access token, and never to private
        addresses unless the service itself is at one.

        Args:
            media_id: the id in a message's ``image``, ``audio``, ``video``, ``document`` or ``sticker``.
            to: path, or binary file (written from where it stands; cut there again when it fails, unless it
                is a pipe or the like); memory if not given, up to ``Limits.max_response_bytes``.
            sha256: what the bytes must hash to, in hex as in :meth:`get` or in base64 as in webhooks.
            on_progress: called with a :class:`Transferred` as bytes arrive, in the client's event loop (the
                sync client has one in a thread of its own). What it raises ends the download.

        Endpoint: ``GET /v2/whatsapp/{version}/media/{id}/show`` (seen, live).

        Raises:
            NotFoundError: there is no such file, or no longer.
            ResponseTooLargeError: it is larger than ``Limits.max_response_bytes`` and ``to`` is not given.
            DecodeError: it is not what ``sha256`` says, or no file came.
            OSError: it cannot be stored.
        """
        path = f"{self._base(2)}/{segment(media_id, 'media_id')}/show"
        return await self._fetch(path, None, to, sha256, on_progress)

    async def attachment(
        self,
        mid: str,
        /,
        *,
        to: DownloadTarget | None = None,
        sha256: str | None = None,
        on_progress: OnTransferred | None = None,
    ) -> Downloaded:
        """Download a file somebody sent, by the ``mid`` in the address that a webhook gave.

        Otherwise as :meth:`show`.

        Args:
            mid: the ``mid``, or the whole lookaside address, of which only the query is used.
            to: path or binary file; memory if not given.
            sha256: what the bytes must hash to, in hex or base64.
            on_progress: called with a :class:`Transferred` as bytes arrive, in the client's event loop.

        Endpoint: ``GET /v2/whatsapp/{version}/media/whatsapp_business/attachments?mid=…`` (seen).

        Raises:
            NotFoundError: there is no such file, or no longer.
            ResponseTooLargeError: it is larger than ``Limits.max_response_bytes`` and ``to`` is not given.
            DecodeError: it is not what ``sha256`` says, or no file came.
            ValueError: the address holds no ``mid``.
            OSError: it cannot be stored.
        """
        path = f"{self._base(2)}/whatsapp_business/attachments"
        return await self._fetch(path, _attachment_query(mid), to, sha256, on_progress)

    async def _fetch(
        self,
        path: str,
        query: dict[str, str] | None,
        to: DownloadTarget | None,
        sha256: str | None,
        on_progress: OnTransferred | None,
    ) -> Downloaded:
        download = Download(to, self._transport.settings, sha256=sha256, on_progress=on_progress)
        async with download:
            reply = await self._transport.call("GET", path, query=query, repeatable=True, download=download)
            if not download.taken:
                came = "nothing" if reply.data is None else "JSON"
                raise misshapen(reply, f"a file was due, but {came} came")
            return await download.keep(reply)

    def _base(self, generation: int) -> str:
        return f"/v{generation}/whatsapp/{self._transport.settings.whatsapp_api_version}/media"


def _attachment_query(mid: str) -> dict[str, str]:
    if not isinstance(mid, str) or not mid.strip():
        raise ValueError("mid is empty")
    if not mid.startswith(("https://", "http://")):
        return {"mid": mid}
    pairs = dict(parse_qsl(urlsplit(mid).query))
    if not pairs.get("mid"):
        raise ValueError("the address holds no mid")
    return {name: pairs[name] for name in ("mid", "ext", "hash") if name in pairs}
