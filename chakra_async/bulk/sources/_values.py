"""From a cell or a JSON value to the value that is sent; what does not fit raises ``ValueError``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Literal, TypeAlias

import orjson
from attrs import frozen


ColumnType: TypeAlias = Literal["str", "int", "float", "bool", "date", "datetime", "json"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_MAX_DEPTH_UNCHECKED = 200
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_MAYBE_TOO_LARGE = b"0" * 19
"""Every digit a zero: no shorter number is beyond 64 bits."""


class NumberTooLargeError(ValueError):
    """A whole number of JSON is beyond 64 bits, and would become another one."""


@frozen
class Converter:
    """How one type is read, and what to tell a person whose value does not fit."""

    convert: Callable[[Any], Any]
    expected: str
    mend: str

    def complaint(self, value: object) -> str:
        """Say what is wrong with ``value`` and how to mend it."""
        return f"{shortened(value)} is not {self.expected}; {self.mend}"


def shortened(value: object, limit: int = 60) -> str:
    """Quote a value for an error message, cut to about ``limit`` characters."""
    text = value if isinstance(value, str) else str(value)
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return repr(cut) if isinstance(value, str) else cut


def to_str(value: Any) -> str:
    """Take text as it is and numbers as their digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise ValueError


def to_int(value: Any) -> int:
    """Read a whole number of at most 64 bits; ``2004.0`` is one, as spreadsheets and data frames write it."""
    if isinstance(value, str):
        if len(value) < 19 and value.isascii() and value.isdigit():
            return int(value)
        number = _int_of_text(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    else:
        raise ValueError
    if not -(2**63) <= number < 2**63:  # the JSON encoder takes no more
        raise ValueError
    return number


def _int_of_text(text: str) -> int:
    if not text.isascii() or "_" in text:  # int() takes more than people mean by a number
        raise ValueError
    try:
        return int(text)
    except ValueError:
        whole, _, fraction = text.strip().partition(".")
        if fraction.strip("0"):
            raise
        return int(whole)


def to_float(value: Any) -> float:
    """Read a finite number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError  # noqa: TRY004 - one exception for "does not fit"
    if isinstance(value, str) and (not value.isascii() or "_" in value):
        raise ValueError
    try:
        number = float(value)
    except OverflowError:
        raise ValueError from None
    if not math.isfinite(number):
        raise ValueError
    return number


def to_bool(value: Any) -> bool:
    """Read true, yes, 1, false, no, 0 in any case."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (str, int)):
        answer = _BOOLEANS.get(str(value).strip().casefold())
        if answer is not None:
            return answer
    raise ValueError


def to_date(value: Any) -> str:
    """Read an ISO 8601 date and write it as ``YYYY-MM-DD``."""
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004
    return date.fromisoformat(value.strip()).isoformat()


def to_json(value: Any) -> Any:
    """Parse text as JSON; anything else already is."""
    if not isinstance(value, str):
        return value
    return load_json(value)


def load_json(text: str) -> Any:
    """Parse JSON that can be written again.

    Raises:
        ValueError: It is not JSON, or nested deeper than the encoder will write.
        NumberTooLargeError: It holds a whole number beyond 64 bits.
    """
    value = orjson.loads(text)
    # Each bracket has its other half.
    if len(text) > 2 * _MAX_DEPTH_UNCHECKED and text.count("[") + text.count("{") > _MAX_DEPTH_UNCHECKED:
        try:
            orjson.dumps(value)
        except TypeError:
            raise ValueError("nested too deeply") from None
    if _MAYBE_TOO_LARGE in text.encode().translate(_ZEROS):
        # orjson makes floats of numbers that are too large; digits may as well stand in a text.
        json.loads(text, parse_int=_check_size)
    return value


def _check_size(digits: str) -> None:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        raise NumberTooLargeError(f"{digits[:60]} is a number of more than 64 bits; put it in quotes")


def instant(timezone: tzinfo | None) -> Callable[[Any], datetime]:
    """Make the reader of instants: ISO 8601 with an offset, or epoch milliseconds.

    Epoch milliseconds are taken only with 13 digits (2001 to 2286): fewer are seconds or a bare date such as
    ``20260131``, more are ``20260131120000``, and all of these would become a wrong instant in silence.
    """

    def read(value: Any) -> datetime:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise ValueError  # noqa: TRY004
        text = value.strip()
        if text.isascii() and text.isdigit():
            if len(text) != 13:
                raise ValueError
            return _EPOCH + int(text) * _MILLISECOND
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            if timezone is None:
                raise ValueError
            moment = moment.replace(tzinfo=timezone)
        try:
            return moment.astimezone(UTC)
        except OverflowError:  # year 1 or 9999, pushed over the edge by its offset
            raise ValueError from None

    return read


def instant_converter(timezone: tzinfo | None) -> Converter:
    """Make the converter of root fields that are instants; gives an aware datetime."""
    expected = "an ISO 8601 date and time" if timezone else "an ISO 8601 date and time with an offset"
    mend = (
        "write it as 2026-01-31T09:30:00+05:30 or 2026-01-31T04:00:00Z, or as 13 digits of epoch milliseconds"
    )
    if timezone is None:
        mend += "; give a timezone for times that have no offset"
    return Converter(instant(timezone), expected, mend)


def converters(timezone: tzinfo | None) -> Mapping[str, Converter]:
    """Make the table of converters by type name."""
    moment = instant_converter(timezone)
    read = moment.convert

    def to_milliseconds(value: Any) -> int:
        span: timedelta = read(value) - _EPOCH
        return span // _MILLISECOND

    return {
        "str": Converter(to_str, "text", "put it in quotes, or give the column another type"),
        "int": Converter(to_int, "a whole number of at most 64 bits", "write digits only, such as 42"),
        "float": Converter(to_float, "a finite number", "write it as 3.14 or 1e6"),
        "bool": Converter(to_bool, "true or false", "write true, yes or 1, or false, no or 0"),
        "date": Converter(to_date, "an ISO 8601 date", "write it as 2026-01-31"),
        "datetime": Converter(to_milliseconds, moment.expected, moment.mend),
        "json": Converter(
            to_json, "JSON with numbers of at most 64 bits", 'write it as {"a": 1}, [1, 2] or "text"'
        ),
    }
