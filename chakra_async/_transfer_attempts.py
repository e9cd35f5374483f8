"""Attempts of calls that carry a body or a file piece by piece; loaded with the first of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping

import aiohttp
from yarl import URL

from chakra_async._connections import drop_ended
from chakra_async._exchange import Answer, client_timeout, finite, gather, read
from chakra_async._sessions import LoopState
from chakra_async._transfer.body import Body
from chakra_async._transfer.download import Download, Paced
from chakra_async._transfer.unpack import Unpacked
from chakra_async._transfer.upload import Upload
from chakra_async._transfer.wire import MOST_REDIRECTS, REDIRECTS, UploadBody, redirect_target, refused
from chakra_async.errors import AmbiguousResultError, DecodeError, ResponseTooLargeError
from chakra_async.settings import Settings


class Transfers:
    """Makes the attempts of one client's transfers; all else about a call is the transport's."""

    def __init__(self, settings: Settings, headers: Mapping[str, str]) -> None:
        self._settings = settings
        self._headers = headers
        times = settings.timeouts
        # What moves may take any time; see Upload.deadline and Download.take.
        self._upload_timeout = aiohttp.ClientTimeout(
            total=None, connect=finite(times.connect), ceil_threshold=math.inf
        )
        self._download_timeout = aiohttp.ClientTimeout(
            total=None,
            connect=client_timeout(times).connect,
            sock_read=finite(times.read),
            ceil_threshold=math.inf,
        )

    async def send(self, here: LoopState, method: str, target: str, upload: Body) -> Answer:
        """Make one attempt of a call whose body is sent piece by piece."""
        body: UploadBody | None = None
        answered = False
        try:
            await upload.begin()
            body = UploadBody(upload)
            drop_ended(here.session)
            async with asyncio.timeout(None) as upload.deadline:
                async with here.session.request(
                    method,
                    self._url(target),
                    data=body,
                    headers={**self._headers, "Content-Type": upload.content_type},
                    timeout=self._upload_timeout if isinstance(upload, Upload) else self._download_timeout,
                    allow_redirects=False,
                    raise_for_status=False,
                    middlewares=here.middlewares,
                ) as response:
                    answered = True
                    received = await read(response, self._settings.limits.max_response_bytes)
        finally:
            if body is not None and not (answered and upload.complete):
                body.abort()
            await upload.finish()
        if 200 <= response.status < 300 and not upload.complete:
            raise AmbiguousResultError(
                f"The service answered {response.status} before it had the whole upload "
                f"({upload.describe()}). Look what became of it.",
                sent=True,
                retry_safe=None,
            )
        return Answer(response.status, response.headers.copy(), received)

    async def receive(self, here: LoopState, target: str, download: Download) -> Answer:
        """Make one attempt of a download; what became of a 2xx answer is told by ``download.taken``."""
        # What is announced for ever (103), or begins for ever, is never silent.
        async with asyncio.timeout(finite(self._settings.timeouts.total)) as deadline:
            return await self._receive(here, target, download, deadline)

    async def _receive(
        self, here: LoopState, target: str, download: Download, deadline: asyncio.Timeout
    ) -> Answer:
        asked = download.headers()
        headers = {**self._headers, **asked}
        url = self._url(target)
        session, home, download.host = here.session, url.origin(), None
        status = 0
        for _ in range(MOST_REDIRECTS + 1):
            async with session.request(
                "GET",
                url,
                headers=headers,
                timeout=self._download_timeout,
                allow_redirects=False,
                raise_for_status=False,
                auto_decompress=False,
                middlewares=here.middlewares if session is here.session else None,
            ) as response:
                status = response.status
                if status not in REDIRECTS:
                    if 200 <= status < 300:
                        deadline.reschedule(None)
                    received = await self._take(response, download, ranged="Range" in asked)
                    return Answer(status, response.headers.copy(), received)
                url = redirect_target(url, status, response.headers)
            # Whoever has left does not come back with the token.
            if url.origin() != home or download.host is not None:
                session = await here.outside(home.host or "", self._settings.limits)
                download.host = url.host
                headers = {**asked, "User-Agent": self._headers["User-Agent"]}
        raise refused(status, f"is one of more than {MOST_REDIRECTS}")

    async def _take(self, response: aiohttp.ClientResponse, download: Download, *, ranged: bool) -> bytes:
        """Hand the body of an answer to its download, or return it when it is something else."""
        if response.status == 416 and ranged:
            raise download.give_up_range()
        packed = ", ".join(response.headers.getall("Content-Encoding", ()))
        try:
            unpacked = Unpacked(response.content.iter_any(), packed)
        except ValueError as error:
            if response.status >= 300:
                # What matters of a refusal is its status.
                return b""
            raise DecodeError(
                f"The answer ({response.status}) cannot be read: {error}.", status=response.status
            ) from None
        pieces = Paced(unpacked, self._settings.timeouts.total)
        # A part is of a file, whatever its type; whole JSON may be about one.
        if response.status == 206 or (response.status == 200 and "json" not in response.content_type):
            await download.take(response.status, response.headers, pieces)
            return b""
        try:
            body = await gather(pieces, response.status, self._settings.limits.max_response_bytes)
        except ResponseTooLargeError:
            response.close()
            raise
        if response.status != 200 or not download.is_file(body):
            return body
        await download.take(200, response.headers, _only(body))
        return b""

    def _url(self, target: str) -> URL:
        return URL(self._settings.base_url + target, encoded=True)


async def _only(body: bytes) -> AsyncIterator[bytes]:
    yield body
