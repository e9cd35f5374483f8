"""What lets a page of any origin call the emulator from a browser (CORS)."""

from __future__ import annotations

from collections.abc import Mapping

from chakra_async.emulator.answer import TEXT, Answer


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Say whether a browser asks if it may send a request, which it does without the token."""
    return method == "OPTIONS" and "Access-Control-Request-Method" in headers


def preflight(headers: Mapping[str, str]) -> Answer:
    """Allow what a browser asks for. A ``*`` would leave out the header ``Authorization``."""
    allowed = {
        "Access-Control-Allow-Methods": headers["Access-Control-Request-Method"],
        "Access-Control-Allow-Headers": headers.get("Access-Control-Request-Headers", ""),
    }
    return Answer(204, b"", TEXT, allowed)


def readable(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by which the page that sent this request may read the answer."""
    if "Origin" not in headers:
        return {}
    return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*"}
