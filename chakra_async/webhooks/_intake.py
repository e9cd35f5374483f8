"""What is let in: size, type, signature, age. Nothing here waits, and no handler is near."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Final, Literal

from chakra_async.errors import DecodeError, SignatureError
from chakra_async.webhooks._reading import parse
from chakra_async.webhooks._receipts import Receipt
from chakra_async.webhooks.events import Event
from chakra_async.webhooks.signatures import SIGNATURE_HEADER, SigningSecrets, verify_signature


Unsigned = Literal["refuse", "pass_through", "accept"]
"""Which deliveries without a signature are let in: none, those in Meta's format, or all."""

_TOO_LARGE: Final = Receipt(413, "The body is too large.")
_TOO_OLD: Final = Receipt(400, "Everything in it is too old.")
_UNVERIFIED: Final = Receipt(401, "The signature is absent or wrong.")

_MAX_LENGTH_DIGITS: Final = 15

logger = logging.getLogger("chakra_async")


class Intake:
    """Decides about one delivery after the other; see `Webhooks` for the arguments."""

    def __init__(
        self,
        secrets: SigningSecrets,
        *,
        unsigned: Unsigned,
        max_body_bytes: int,
        max_age: float,
    ) -> None:
        if unsigned not in {"refuse", "pass_through", "accept"}:
            raise ValueError(f"unsigned must be 'refuse', 'pass_through' or 'accept', not {unsigned!r}")
        if not secrets and unsigned != "accept":
            raise ValueError(
                "give the secrets that webhooks are signed with, or say unsigned='accept' to believe anyone"
            )
        if max_body_bytes < 1:
            raise ValueError(f"max_body_bytes must be at least 1, not {max_body_bytes!r}")
        self._secrets = secrets
        self._unsigned = unsigned
        self._max_body_bytes = max_body_bytes
        self._max_age = max_age

    def screen(self, headers: Mapping[str, str]) -> Receipt | None:
        """Refuse what its headers alone condemn, before any of its body is read."""
        length = _header(headers, "Content-Length") or ""
        if length.isdecimal() and (len(length) > _MAX_LENGTH_DIGITS or int(length) > self._max_body_bytes):
            return _refused(_TOO_LARGE)
        kind = (_header(headers, "Content-Type") or "application/json").partition(";")[0].strip().lower()
        if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
            return _refused(Receipt(400, "The content type is not application/json."))
        if (_header(headers, "Content-Encoding") or "identity").lower() != "identity":
            return _refused(Receipt(400, "The body is compressed; webhooks are sent as they are."))
        if self._unsigned == "refuse" and _header(headers, SIGNATURE_HEADER) is None:
            return _refused(_UNVERIFIED, f"there is no {SIGNATURE_HEADER}")
        return None

    def open(self, body: bytes | None, headers: Mapping[str, str]) -> list[Event] | Receipt:
        """Return the events of a delivery that `screen` let pass, or why it is refused after all."""
        if body is None or len(body) > self._max_body_bytes:
            return _refused(_TOO_LARGE)
        signature = _header(headers, SIGNATURE_HEADER)
        is_signed = signature is not None and bool(self._secrets)
        try:
            if is_signed:
                verify_signature(body, signature, self._secrets)
            events = parse(body)
        except SignatureError as error:
            return _refused(_UNVERIFIED, error.message)
        except DecodeError as error:
            return _refused(Receipt(400, error.message))
        if not is_signed and self._unsigned == "pass_through" and any(one.format != "meta" for one in events):
            return _refused(_UNVERIFIED, "without one, only Meta's format is accepted")
        return self._recent(events)

    def _recent(self, events: list[Event]) -> list[Event] | Receipt:
        oldest = time.time() - self._max_age
        recent = [one for one in events if one.at is None or one.at.timestamp() >= oldest]
        if len(recent) < len(events):
            logger.warning("webhook: %d events are too old and left out", len(events) - len(recent))
        return recent if recent or not events else _refused(_TOO_OLD)

    def gather(self, chunks: Iterable[bytes]) -> bytes | None:
        """Return a body that comes in pieces; ``None`` as soon as it is too large."""
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > self._max_body_bytes:
                return None
        return bytes(body)

    async def gather_async(self, chunks: AsyncIterable[bytes]) -> bytes | None:
        """Return a body that comes in pieces; ``None`` as soon as it is too large."""
        body = bytearray()
        async for chunk in chunks:
            body += chunk
            if len(body) > self._max_body_bytes:
                return None
        return bytes(body)


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for given, value in headers.items() if given.lower() == name.lower()), None)


def _refused(receipt: Receipt, why: str = "") -> Receipt:
    logger.warning("webhook refused with %d: %s", receipt.status, why or receipt.text)
    return receipt
