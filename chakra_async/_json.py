"""JSON that others wrote, read from bytes."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson


_BOM: Final = b"\xef\xbb\xbf"

# Escaped backslashes and whole pairs are passed over; what is left, the group, is half a pair.
_SURROGATES: Final = (
    rb"(?:\\\\)+"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u([dD][89a-fA-F][0-9a-fA-F]{2})"
)


def read_json(body: bytes) -> Any:
    """Return the value of a JSON text, which may begin with a byte order mark.

    Half a surrogate pair, as JavaScript writes it for a text that was cut inside an emoji, becomes U+FFFD.

    Raises:
        orjson.JSONDecodeError: it is no JSON.
    """
    text = body.removeprefix(_BOM)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        mended = _without_halves(text)
        if mended == text:
            raise
        return orjson.loads(mended)


def _without_halves(text: bytes) -> bytearray:
    mended = bytearray(text)
    for found in re.finditer(_SURROGATES, text):
        if found[1]:
            mended[found.start(1) : found.end(1)] = b"fffd"
    return mended
