"""What differs between the run of a journal and another that would go on with it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from chakra_async._shapes import as_list, as_object
from chakra_async.bulk.journal._records import Plan
from chakra_async.errors import JournalError


_OPERATIONS = {"updated": "an update", "created": "a creation", "deleted": "a deletion"}


def compare(path: Path, was: Plan, now: Plan) -> None:
    """Refuse to go on with another plan, and say what differs.

    Raises:
        JournalError: something does.
    """
    differences = [*_of_plans(was, now), *_of_sources(was.source, now.source)]
    if differences:
        raise JournalError(
            f"{path} belongs to another run: {'; '.join(differences)}. Restore what changed, or begin "
            "anew with another journal."
        )


def _of_plans(was: Plan, now: Plan) -> Iterator[str]:
    if was.base_url != now.base_url:
        yield f"it went to {was.base_url}, and this one would go to {now.base_url}"
    if was.procedure != now.procedure:
        yield f"it was about the procedure {was.procedure!r}, and this one is about {now.procedure!r}"
    if was.operation != now.operation:
        before, after = (_OPERATIONS.get(plan.operation, plan.operation) for plan in (was, now))
        yield f"it was {before}, and this one is {after}"


def _of_sources(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Iterator[str]:
    old, new = as_object(was), as_object(now)
    if ("size" in old) != ("size" in new):
        before, after = ("a file" if "size" in source else "no file" for source in (old, new))
        yield f"its rows came from {before}, and now they come from {after}"
    elif old.get("size") != new.get("size"):
        yield f"the file has changed: it had {old['size']:,} bytes, and has {new['size']:,}"
    else:
        for name, place in (("head", "beginning"), ("tail", "end")):
            if old.get(name) != new.get(name):
                yield f"the file has changed at its {place}"
    yield from _of_columns(as_object(old.get("columns")), as_object(new.get("columns")))
    for name in sorted((old.keys() | new.keys()) - _SAID):
        if old.get(name) != new.get(name):
            yield f"{_WORDS.get(name, name)} was {_shown(old.get(name))} and is {_shown(new.get(name))}"


_SAID = {"path", "size", "head", "tail", "columns", "plan", "creates"}

_WORDS = {"even_if_changed": "even-if-changed"}


def _of_columns(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Say which options about columns differ, and of those that hold several, which of them."""
    for name in sorted(was.keys() | now.keys()):
        old, new = was.get(name), now.get(name)
        if old == new or _same_names(old, new):
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            before, after = as_object(old), as_object(new)
            for column in sorted(before.keys() | after.keys()):
                if before.get(column) != after.get(column):
                    values = f"{_shown(before.get(column))} and is {_shown(after.get(column))}"
                    yield f"{name} of the column {column!r} was {values}"
        else:
            yield f"the columns' {name} was {_shown(old)} and is {_shown(new)}"


def _same_names(old: Any, new: Any) -> bool:
    """Whether both are lists of the same: their order, in the options about columns, has no meaning."""
    if not (isinstance(old, list) and isinstance(new, list)):
        return False
    return set(map(repr, as_list(old))) == set(map(repr, as_list(new)))


def _shown(value: Any) -> str:
    if value is None or value in ([], {}):
        return "not given"
    if isinstance(value, dict):
        return ", ".join(f"{name}={inner}" for name, inner in as_object(value).items())
    if isinstance(value, list):
        return ", ".join(map(str, as_list(value)))
    return value if isinstance(value, str) else orjson.dumps(value).decode()
