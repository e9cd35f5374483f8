"""Ids are data: a value of a path becomes exactly one segment, or is refused; one of a query, one value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlencode

from chakra_async._shapes import as_plain


_PLAIN = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*")
_CONTROL = r"[\x00-\x1f\x7f-\x9f]"


def segment(value: str | int, name: str) -> str:
    """Percent-encode ``value`` whole.

    Raises:
        TypeError: it is neither text nor a whole number.
        ValueError: it is empty, a dot segment, or holds control characters or lone surrogates.
    """
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        # What nearly every value is: nothing to encode, and no dot segment. A member of an enumeration would
        # be its name.
        return str.__str__(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__repr__(value)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{name} is empty")
    if value in {".", ".."}:
        raise ValueError(f"{name} is {value!r}, which would name another path")
    if re.search(_CONTROL, value):
        raise ValueError(f"{name} holds control characters: {value!r}")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise ValueError(f"{name} is not valid Unicode text: {value!r}") from None


def absolute(path: str) -> str:
    """Check a path written by the caller: absolute, on our host, climbing nowhere, printable ASCII.

    Raises:
        ValueError: it is not.
    """
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError(f"path must begin with a single '/', and name no host: {path!r}")
    if not path.isascii() or not path.isprintable() or any(mark in path for mark in " ?#\\"):
        raise ValueError(f"path must be percent-encoded, without query and fragment: {path!r}")
    if any(unquote(part) in {".", ".."} for part in path.split("/")):
        raise ValueError(f"path must not climb: {path!r}")
    return path


def with_query(path: str, query: Mapping[str, str | int] | None) -> str:
    """Return a path with its query, percent-encoded.

    Raises:
        TypeError: a value is neither text nor a number.
    """
    if not query:
        return path
    plain = {as_plain(name): as_plain(value) for name, value in query.items()}
    for name, value in plain.items():
        if not isinstance(value, str | int | float):
            raise TypeError(f"query parameter {name} must be text or a number, not {type(value).__name__}")
    return f"{path}?{urlencode(plain)}"
