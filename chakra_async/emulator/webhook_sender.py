"""Sending webhooks: the signature, one request, and another one when it was not taken."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
from attrs import frozen

from chakra_async.emulator.webhook_names import Resolver


SIGNATURE: Final = "X-Chakra-Signature-256"
BOM: Final = b"\xef\xbb\xbf"

_TEXT_BYTES: Final = 2048


@frozen(kw_only=True)
class Answered:
    """What came of a webhook.

    Attributes:
        status: the status of the last answer; ``None`` when none came.
        text: the beginning of that answer.
        error: why there was none.
        attempts: how often it was sent.
    """

    status: int | None = None
    text: str = ""
    error: str = ""
    attempts: int = 1

    @property
    def is_taken(self) -> bool:
        """Whether it is a 2xx."""
        return self.status is not None and 200 <= self.status < 300


def headers_of(body: bytes, secret: str | None) -> dict[str, str]:
    """Return the headers of a webhook, signed when there is a secret (seen: hex, without a prefix)."""
    headers = {"Content-Type": "application/json"}
    if secret:
        headers[SIGNATURE] = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return headers


def checked_url(url: str) -> str:
    """Return an address that webhooks can be sent to.

    Raises:
        ValueError: it is none.
    """
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError(
            f"{url!r} is no address for webhooks: expected one such as http://127.0.0.1:8000/hook"
        )
    return url


class Sender:
    """Sends webhooks to one receiver. Use it as an async context manager.

    Args:
        url: the receiver.
        timeout: seconds an answer may take.
        retries: how often to send again what was not answered with a 2xx.
        retry_wait: seconds in between.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        retries: int = 0,
        retry_wait: float = 0.1,
    ) -> None:
        self._url = checked_url(url)
        self._timeout = timeout
        self._retries = retries
        self._retry_wait = retry_wait

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # A connection for each: the receiver may close one that is kept just when it is used again.
            connector=aiohttp.TCPConnector(force_close=True, resolver=Resolver()),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "chakra-emulator"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Send a webhook, and again while it is not taken and retries are left."""
        attempts = 0
        while True:
            attempts += 1
            answered = await self._post(body, headers, attempts)
            if answered.is_taken or attempts > self._retries:
                return answered
            await asyncio.sleep(self._retry_wait)

    async def _post(self, body: bytes, headers: Mapping[str, str], attempts: int) -> Answered:
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                text = b""
                # The status counts, whatever becomes of the rest.
                with suppress(aiohttp.ClientError, TimeoutError):
                    text = await answer.content.read(_TEXT_BYTES)
                return Answered(status=answer.status, text=text.decode("utf-8", "replace"), attempts=attempts)
        except TimeoutError:
            return Answered(error=f"no answer within {self._timeout:g} s", attempts=attempts)
        except aiohttp.ClientConnectorError as error:
            reason = f"cannot connect to {error.host}:{error.port}: {error.os_error.strerror}"
            return Answered(error=reason, attempts=attempts)
        except (aiohttp.ClientError, OSError) as error:
            return Answered(error=str(error) or type(error).__name__, attempts=attempts)
