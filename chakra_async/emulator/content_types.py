"""Content types of files, when the upload names none."""

from __future__ import annotations

import mimetypes
import re
from typing import Final


_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+( *;[\x20-\x7e]*)?", re.ASCII)
_UNKNOWN: Final = "application/octet-stream"


def content_type_of(given: str | None, filename: str) -> str:
    """Return the type that was given, else one guessed from the name."""
    if given is not None and _TYPE.fullmatch(given):
        return given
    return mimetypes.guess_type(filename)[0] or _UNKNOWN


def extension_of(content_type: str, filename: str | None) -> str:
    """Return the extension for a file, with its dot."""
    _, dot, extension = (filename or "").rpartition(".")
    if dot and extension.isalnum() and extension.isascii():
        return f".{extension}"
    return mimetypes.guess_extension(content_type.partition(";")[0]) or ".bin"
