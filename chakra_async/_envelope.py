"""From (status, headers, bytes) to data and meta, or to the right error. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from chakra_async._json import read_json
from chakra_async._retry_after import retry_after
from chakra_async._shapes import as_list, as_object
from chakra_async.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    DecodeError,
    NotFoundError,
    PayloadTooLargeError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from chakra_async.models.reply import Reply, readable, request_id


EXCERPT = 1000

# A server may put any number of any length into its errors and headers.
_MOST_ERRORS = 100
_LONGEST_REASON = 1000
_LONGEST_ERROR = 10_000
_LONGEST_ERRORS = 100_000
_LONGEST_HEADER = 200

_CLASSES: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: PayloadTooLargeError,
    429: RateLimitError,
}

_HINTS: dict[int, str] = {
    401: "Check CHAKRA_ACCESS_TOKEN or the token given to Client.",
    402: "The team's plan does not include this.",
    403: "The role of the access token does not allow this; see API Keys in the dashboard.",
    404: "Check the ids and short ids in the path, and base_url.",
    413: "Send fewer or smaller items at once.",
    429: "Too many requests.",
}

# Meta's error number survives only as a prefix of the text.
# Compiled when it is first needed.
_WHATSAPP_CODE = r"\(#(\d{1,9})\)"

_BOM = b"\xef\xbb\xbf"


def unwrap(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    method: str,
    path: str,
    repeatable: bool,
    scrub: Callable[[str], str],
    any_body: bool = False,
) -> Reply:
    """Open an answer.

    Wrapped (``_data``, ``_meta``, ``_errors``) and raw bodies are told apart by looking, because the
    service's endpoints are not uniform.

    Raises:
        ApiError: the status is not 2xx, or a 2xx carries ``_errors``.
        DecodeError: a 2xx body is not JSON; with ``any_body`` only if it is a web page.
    """
    failed = not 200 <= status < 300
    try:
        value = read_json(body) if body else None
    except orjson.JSONDecodeError as error:
        if not failed and (not any_body or _is_page(body)):
            kind = _header(headers, "content-type", scrub) or "no content type"
            packed = _header(headers, "content-encoding", scrub)
            raise DecodeError(
                f"The answer ({status}, {kind}{packed and ', '}{packed}) is not JSON: {error}.",
                status=status,
                request_id=_request_id(headers, scrub),
                body=_excerpt(body, scrub),
                method=method,
                path=path,
                retry_safe=repeatable,
            ) from None
        value = None
    errors = tuple(scrub(text) for text in error_texts(value, failed=failed))
    if failed or errors:
        raise _api_error(status, headers, body, errors, method, path, repeatable, scrub)
    wrapper = as_object(value)
    if "_data" in wrapper:
        meta = as_object(wrapper.get("_meta"))
        return Reply(status, headers, wrapper["_data"], meta, method, path, repeatable)
    return Reply(status, headers, value, {}, method, path, repeatable)


def _is_page(body: bytes) -> bool:
    """Tell whether a body is a web page, by which something else answers in the service's place.

    The content type does not tell: some frameworks call plain text HTML.
    """
    return body.removeprefix(_BOM).lstrip().startswith(b"<")


def _api_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    errors: tuple[str, ...],
    method: str,
    path: str,
    repeatable: bool,
    scrub: Callable[[str], str],
) -> ApiError:
    excerpt = _excerpt(body, scrub)
    reason = _cut("; ".join(errors), _LONGEST_REASON) or excerpt[:200].strip() or "no reason given"
    if 200 <= status < 300:
        message = f"The service answered {status} but reported errors: {reason}"
        cls: type[ApiError] = BadRequestError
    elif 300 <= status < 400:
        target = _header(headers, "location", scrub) or "nowhere"
        message = (
            f"The service answered {status}, and redirects ({target}) are never followed. Check base_url."
        )
        cls = ApiError
    elif status < 200:
        message = f"The service answered {status}, which is the answer to no call. Check base_url."
        cls = ApiError
    else:
        message = f"The service answered {status}: {reason}"
        cls = _CLASSES.get(status) or (ServerError if status >= 500 else BadRequestError)
    message = message if message.endswith(".") else f"{message}."
    # Where the service itself says what it did not find, nothing can be added.
    if (hint := _HINTS.get(status)) and not (status == 404 and errors):
        message = f"{message} {hint}"
    code = next((int(match[1]) for text in errors if (match := re.search(_WHATSAPP_CODE, text))), None)
    failure = cls(
        message,
        status=status,
        errors=errors,
        request_id=_request_id(headers, scrub),
        whatsapp_code=code,
        body=excerpt,
        method=method,
        path=path,
    )
    failure.retry_safe = repeatable or not failure.may_be_done
    failure.retry_after = retry_after(headers, _beginning(body), datetime.now(UTC))
    return failure


def error_texts(value: Any, *, failed: bool) -> list[str]:
    """Return the errors that an object carries; ``failed`` if it is known to, and may name them loosely."""
    wrapper = as_object(value)
    if found := wrapper.get("_errors"):
        return _texts(as_list(found))
    # No proof that these shapes come from the service itself; gateways in front of it use them.
    for name in ("error", "errors", "message") if failed else ():
        if found := wrapper.get(name):
            return _texts(as_list(found))
    return []


def _texts(items: Sequence[Any]) -> list[str]:
    texts: list[str] = []
    room = _LONGEST_ERRORS
    for item in items[:_MOST_ERRORS]:
        if room <= 0:
            break
        texts.append(_cut(_text(item), _LONGEST_ERROR))
        room -= len(texts[-1])
    more = len(items) - len(texts)
    return [*texts, f"… and {more:,} more"] if more else texts


def _text(item: Any) -> str:
    text = as_object(item).get("message", item)
    if isinstance(text, str):
        return text
    try:
        return orjson.dumps(item).decode()
    except orjson.JSONEncodeError:
        # It reads what is nested deeper than it writes.
        return "an error nested too deep to be shown"


def _request_id(headers: Mapping[str, str], scrub: Callable[[str], str]) -> str | None:
    found = request_id(headers)
    return None if found is None else scrub(found)


def _header(headers: Mapping[str, str], name: str, scrub: Callable[[str], str]) -> str:
    return _cut(scrub(readable(headers.get(name, ""))), _LONGEST_HEADER)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def _beginning(body: bytes) -> str:
    return body[: 16 * EXCERPT].decode("utf-8", "replace")


def _excerpt(body: bytes, scrub: Callable[[str], str]) -> str:
    # Scrubbed before it is cut, or a piece of a token could stand at the end.
    return scrub(_beginning(body)[: 2 * EXCERPT])[:EXCERPT]
