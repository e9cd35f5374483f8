"""Who sent a webhook: the signature over its raw body."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import NoReturn

from chakra_async._secrets import HiddenBytes
from chakra_async.errors import SignatureError


SIGNATURE_HEADER = "X-Chakra-Signature-256"

_DIGEST = re.compile(r"[0-9a-f]{64}")


class SigningSecrets:
    """The HMAC secrets that are in force; they never print themselves.

    Args:
        secrets: one, or several while one takes the place of another.

    Raises:
        ValueError: one is empty.
    """

    __slots__ = ("_keys",)

    def __init__(self, secrets: str | Sequence[str]) -> None:
        if any(not isinstance(one, str) for one in secrets):
            raise TypeError("a webhook secret must be text")
        given = [secrets] if isinstance(secrets, str) else secrets
        self._keys = tuple(HiddenBytes(one.strip().encode()) for one in given)
        if not all(self._keys):
            raise ValueError(
                "a webhook secret is empty; it stands in the dashboard under Admin, Team, Secrets"
            )

    def sign(self, body: bytes) -> list[str]:
        """Return the signature that each secret makes."""
        return [hmac.digest(key, body, "sha256").hex() for key in self._keys]

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __repr__(self) -> str:
        return f"SigningSecrets({len(self._keys)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("webhook secrets are not pickled: give them to the other process by its environment")


def verify_signature(
    body: bytes, signature: str | None, secrets: str | Sequence[str] | SigningSecrets
) -> None:
    """Return if ``signature`` is HMAC-SHA256 of ``body`` under one of the secrets, in lower-case hex.

    Takes the same time wherever the difference is. Source: doc-919167 as clients quote it (seen): header
    ``X-Chakra-Signature-256``, over the raw body, no prefix.

    Args:
        body: the bytes as they arrived. JSON that was read and written again is another body.
        signature: value of the header, ``None`` when there was none.
        secrets: from the dashboard; all that are in force.

    Raises:
        SignatureError: it is absent, in another form, or of another body or secret.
        TypeError: the body is not bytes.
    """
    # From here on no traceback can show them.
    secrets = secrets if isinstance(secrets, SigningSecrets) else SigningSecrets(secrets)
    if not isinstance(body, bytes | bytearray | memoryview):
        raise TypeError(f"the body must be the raw bytes that arrived, not {type(body).__name__}")
    if not signature:
        raise SignatureError(f"The webhook has no {SIGNATURE_HEADER}.")
    given = signature.encode("utf-8", "backslashreplace")
    # Every secret is tried, so that the time does not tell which one it was.
    matches = [hmac.compare_digest(made.encode(), given) for made in secrets.sign(body)]
    if not any(matches):
        raise SignatureError(f"The webhook's signature is wrong: {_likely_cause(signature)}.")


def _likely_cause(signature: str) -> str:
    if _DIGEST.fullmatch(signature):
        return "another secret made it, or the body is not as it was sent (was it read and written again?)"
    if _DIGEST.fullmatch(signature.lower()):
        return "it is in upper case, and Chakra writes lower"
    if "=" in signature.rstrip("="):
        return "it has a prefix such as sha256=, and Chakra writes none"
    return "it is not 64 hexadecimal digits"
