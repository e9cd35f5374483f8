"""Which row of a job each of its entries speaks of. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import orjson

from chakra_async._shapes import as_object
from chakra_async.bulk.encode import Identity
from chakra_async.models.jobs import JobEntry


def process_of(entry: JobEntry) -> str | None:
    """Return the id by which the entry names its process."""
    if entry.process is not None:
        return entry.process
    extra = entry.extra
    told = extra.get("processId") or as_object(extra.get("process")).get("id")
    return None if told is None else str(told)


def matches(
    identities: Sequence[Identity | None],
    known: AbstractSet[Identity],
    entries: Sequence[JobEntry],
    sent: Callable[[int], bytes] | None,
) -> Iterable[tuple[list[int], list[JobEntry]]]:
    """Find the places of the rows that entries speak of; of some rows it may be known only together."""
    names = {name for name, _ in known}
    repeated = [_repeated(entry, names) for entry in entries]
    named = [
        next((one for one in (*told, ("id", entry.id or "")) if one in known), None)
        for told, entry in zip(repeated, entries, strict=True)
    ]
    places = _places(identities, entries, repeated, named)
    taken = set(places)
    rows: dict[Identity | None, list[int]] = {}
    for place, identity in enumerate(identities):
        if place not in taken:
            rows.setdefault(identity, []).append(place)
    told: dict[Identity, list[JobEntry]] = {}
    for told_place, identity, entry in zip(places, named, entries, strict=True):
        if told_place is not None:
            yield [told_place], [entry]
        elif identity is not None and identity in rows:
            told.setdefault(identity, []).append(entry)
    for identity, some in told.items():
        yield from _told_apart(rows[identity], some, sent)


def _places(
    identities: Sequence[Identity | None],
    entries: Sequence[JobEntry],
    repeated: Sequence[Sequence[Identity]],
    named: Sequence[Identity | None],
) -> list[int | None]:
    """Find the place in the request that each entry tells by its index, or by its own place."""

    def agrees(number: int, place: int) -> bool:
        identity = identities[place]
        if identity is None or named[number] is not None:
            return named[number] == identity
        return all(name != identity[0] for name, _ in repeated[number])

    places: list[int | None] = [entry.index for entry in entries]
    in_order = len(entries) == len(identities) == places.count(None)
    if in_order:
        places = list(range(len(identities)))
    taken = {place: number for number, place in enumerate(places) if place is not None}
    distinct = len(taken) + places.count(None) == len(places)
    if not distinct or not all(
        0 <= place < len(identities) and agrees(number, place) for place, number in taken.items()
    ):
        return [None for _ in entries]
    if in_order:
        # Another order of the entries for one process would agree as well.
        rows = Counter(identities)
        return [
            None if one is not None and rows[one] > 1 else place
            for place, one in zip(places, named, strict=True)
        ]
    return places


def _told_apart(
    places: list[int], entries: list[JobEntry], sent: Callable[[int], bytes] | None
) -> Iterable[tuple[list[int], list[JobEntry]]]:
    """Tell rows of one process apart by the items that their entries repeat, as far as these do."""
    if len(places) == 1 or sent is None:
        yield places, entries
        return
    by_item: dict[bytes, list[int]] = {}
    for place in places:
        by_item.setdefault(_canonical(orjson.loads(sent(place))), []).append(place)
    told: dict[int, list[JobEntry]] = {}
    left: list[JobEntry] = []
    for entry in entries:
        same = by_item.get(_canonical(entry.payload), ())
        (told.setdefault(same[0], []) if len(same) == 1 else left).append(entry)
    for place, some in told.items():
        yield [place], some
    rest = [place for place in places if place not in told]
    if rest and left:
        yield rest, left


def _canonical(item: Any) -> bytes:
    return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)


def _repeated(entry: JobEntry, names: Iterable[str]) -> list[Identity]:
    """Return what the entry repeats of its item, of what rows are known by."""
    process = process_of(entry)
    found: list[Identity] = [] if process is None else [("id", process)]
    for item in (entry.payload, entry.extra):
        if item:
            found += [(name, str(value)) for name in names if (value := item.get(name)) is not None]
    return found
