"""Files of recorded deliveries: one a line, a body alone, or an object with headers and body."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from attrs import field, frozen

from chakra_async._json import read_json
from chakra_async._shapes import as_mapping


# The others are about the connection, or may hold what is nobody's business.
_KEPT_HEADERS = ("content-type", "x-chakra-signature-256", "x-hub-signature-256")
_BOM = b"\xef\xbb\xbf"


@frozen
class Recorded:
    """A delivery that arrived once; ``line`` is where it stands in its file."""

    line: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str]


def as_line(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Write a delivery as a line, with the line end."""
    # Servers give stray bytes in headers as lone surrogates, which JSON cannot hold.
    kept = {
        name: value.encode("utf-8", "backslashreplace").decode() for name, value in _kept(headers).items()
    }
    record: dict[str, Any] = {"at": datetime.now(UTC), "headers": kept}
    try:
        record["body"] = body.decode()
    except UnicodeDecodeError:
        record["body_base64"] = base64.b64encode(body).decode()
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def read(lines: Iterable[bytes]) -> Iterator[Recorded]:
    """Read deliveries; empty lines are skipped.

    A line that is no record is a body, and its bytes are the body's.

    Raises:
        ValueError: a line is no JSON object, or its record is damaged.
    """
    for number, line in enumerate(lines, 1):
        # At the beginning of the file it is the file's, elsewhere the body's.
        text = (line.removeprefix(_BOM) if number == 1 else line).strip()
        if text:
            yield _recorded(number, text)


def _recorded(number: int, text: bytes) -> Recorded:
    try:
        found: Any = read_json(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"line {number} is not JSON: {error}; one delivery a line is expected") from None
    record = as_mapping(found)
    if record is None:
        raise ValueError(f"line {number} is no object: neither a body nor a recorded delivery")
    if not record.keys() & {"body", "body_base64"}:
        return Recorded(number, text, {})
    body, headers = _body(record), as_mapping(record.get("headers", {}))
    kept = None if headers is None else _kept(headers)
    if body is None or kept is None or not all(isinstance(value, str) for value in kept.values()):
        raise ValueError(f"line {number} is a damaged record: expected headers and a body, both as text")
    return Recorded(number, body, kept)


def _body(record: Mapping[str, Any]) -> bytes | None:
    if isinstance(record.get("body"), str):
        return str(record["body"]).encode()
    try:
        return base64.b64decode(record["body_base64"], validate=True)
    except (KeyError, TypeError, ValueError):
        return None


def _kept(headers: Mapping[str, Any]) -> dict[str, Any]:
    # Plain text: servers have names of a type of their own.
    return {str(name): value for name, value in headers.items() if name.lower() in _KEPT_HEADERS}
