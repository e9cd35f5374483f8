"""The one converter between wire JSON and our models.

Reading is lenient by one rule: a field that is missing or null takes its default, a value that can be read
as the field's type without guessing is, and anything else is kept in ``extra`` under its wire name, along
with the fields we do not know. Only a required field (documented as always there) can make reading fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
import orjson

from chakra_async._reading import read_whole, reader_of, taker_of, to_instant
from chakra_async._shapes import as_list, as_mapping, as_object
from chakra_async.errors import DecodeError
from chakra_async.models.reply import Reply


if TYPE_CHECKING:
    import cattrs

    from chakra_async.models.jobs import Job

T = TypeVar("T")


class UnsendableError(ValueError):
    """Something cannot be sent; the message says why, in a sentence for the person whose it is."""


def shown(value: Any) -> str:
    """Return a value as a message shows it; Python writes neither very long numbers nor very deep lists."""
    try:
        return repr(value)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} too long to be shown"


def to_milliseconds(instant: datetime, name: str) -> int:
    """An aware datetime to epoch milliseconds.

    Raises:
        TypeError: it is not a datetime.
        ValueError: it is naive, so that nobody can tell which instant is meant.
    """
    if not isinstance(instant, datetime):
        raise TypeError(f"{name} must be an aware datetime, not {type(instant).__name__}")
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError(f"{name} has no time zone; write datetime(..., tzinfo=UTC)")
    return round(instant.timestamp() * 1000)


@cache
def converter() -> cattrs.Converter:
    """Return the converter by which cattrs reads our models as everything else here does."""
    import cattrs  # noqa: PLC0415 - 15 ms, and answers are read without it

    made = cattrs.Converter()
    made.register_structure_hook_factory(_is_model, _hook)
    return made


def _is_model(cls: Any) -> bool:
    return attrs.has(cls) and any(field.name == "extra" for field in attrs.fields(cls))


def _hook(cls: type[T]) -> Callable[[Any, Any], T]:
    read = reader_of(cls)
    return lambda source, _: read(source)


def decode(reply: Reply, cls: type[T]) -> T:
    """Read the payload of an answer as one object.

    Raises:
        DecodeError: it is no object, or lacks a field that is always there.
    """
    return read_object(reply, reply.data, cls)


def decode_list(reply: Reply, cls: type[T]) -> list[T]:
    """Read the payload of an answer as a list of objects, and use it up: what was read is taken out of it.

    Raises:
        DecodeError: it is no list, or one of its items is no such object.
    """
    items: Any = reply.data
    if not isinstance(items, list):
        raise misshapen(reply, f"a list of {cls.__name__} was due, but {_describe(items)} came")
    items = as_list(items)
    try:
        return list(map(taker_of(cls), items))
    except ValueError as error:
        raise misshapen(reply, str(error)) from None
    except (AttributeError, TypeError):
        odd = next(item for item in items if not isinstance(item, dict))
        raise misshapen(reply, f"a {cls.__name__} was due, but {_describe(odd)} came") from None


def decode_job(reply: Reply) -> Job:
    """Read a background job together with the counts that stand in ``_meta``."""
    from chakra_async.models.jobs import Job  # noqa: PLC0415 - needed by jobs alone

    job = decode(reply, Job)
    counts = as_object(reply.meta.get("bjEntryCompletionStatusVsCount"))
    whole = {status: read_whole(count) for status, count in counts.items()}
    job.counts = {status: count for status, count in whole.items() if count is not None}
    return job


def read_object(reply: Reply, source: Any, cls: type[T]) -> T:
    """Read ``source``, a part of ``reply``, as a ``cls``."""
    if not isinstance(source, dict):
        raise misshapen(reply, f"a {cls.__name__} was due, but {_describe(source)} came")
    try:
        return reader_of(cls)(source)
    except ValueError as error:
        raise misshapen(reply, str(error)) from None


def misshapen(reply: Reply, what: str) -> DecodeError:
    """Make the error for an answer that is JSON but not what the call promises."""
    return DecodeError(
        f"The answer ({reply.status}) cannot be read: {what}.",
        status=reply.status,
        request_id=reply.request_id,
        method=reply.method,
        path=reply.path,
        attempts=reply.attempts,
        retry_safe=reply.repeatable,
    )


def _describe(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    return "an object" if isinstance(value, dict) else type(value).__name__


_STRICT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def encode(value: Any) -> bytes:
    """Encode JSON strictly: nothing is guessed, nothing is silently turned into ``null``.

    Raises:
        UnsendableError: a value has no JSON form of its own. The message says why and what to write, and of
            which attribute, where it is one.
    """
    try:
        encoded = orjson.dumps(value, _refuse, _STRICT)
        # orjson writes NaN as null; only a body that holds a null can hide one. (``in`` takes twice the time
        # of ``rfind``, for it asks first whether the text is a number.)
        if encoded.rfind(b"null") >= 0:
            _refuse_nan(value)
    except (orjson.JSONEncodeError, ValueError, RecursionError) as error:
        raise UnsendableError(f"{_attribute(value)}{error.__cause__ or error}") from None
    return encoded


def _attribute(body: Any) -> str:
    """Name the attribute that cannot be encoded, if it is one that the process of a body is given."""
    fields = as_mapping(body) or {}
    fields = as_mapping(fields.get("update")) or fields
    record = as_mapping(fields.get("record")) or {}
    for place, data in (("data", fields.get("data")), ("record['data']", record.get("data"))):
        for name, value in (as_mapping(data) or {}).items():
            try:
                encode([{name: value}])
            except UnsendableError:
                return f"{place}[{shown(name)}]: "
    return ""


def encode_query(where: Any) -> Any:
    """Write the datetimes inside a ``where`` as the ISO 8601 text its filters take.

    Raises:
        ValueError: a datetime is naive, or the nesting is too deep.
    """
    try:
        return _with_iso_texts(where)
    except RecursionError:
        raise ValueError("where is nested too deeply, or holds itself") from None


def _with_iso_texts(where: Any) -> Any:
    if isinstance(where, datetime):
        return to_instant(to_milliseconds(where, "a datetime in where")).isoformat().replace("+00:00", "Z")
    if (mapping := as_mapping(where)) is not None:
        return {key: _with_iso_texts(value) for key, value in mapping.items()}
    if isinstance(where, list | tuple):
        return [_with_iso_texts(value) for value in cast("Sequence[Any]", where)]
    return where


def _refuse(value: Any) -> Any:
    if (mapping := as_mapping(value)) is not None:
        return dict(mapping)
    if isinstance(value, datetime):
        raise TypeError(
            "a datetime inside data could mean two things to the service: write "
            "int(when.timestamp() * 1000) for a datetime attribute, when.isoformat() for datetimeISO8601"
        )
    raise TypeError(f"{type(value).__name__} has no JSON form; convert it first")


def _refuse_nan(value: Any) -> None:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a number JSON can hold; leave the value out, or write None")
    if (mapping := as_mapping(value)) is not None:
        value = list(mapping.values())
    if isinstance(value, list | tuple):
        for item in cast("Sequence[Any]", value):
            _refuse_nan(item)
