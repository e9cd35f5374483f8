"""Encoding and decoding alone: objects to bytes, bytes to objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import cattrs
import orjson
from attrs import define
from pydantic import TypeAdapter

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, time_in_turns
from benchmarks.harness.figures import Figure, Spread
from benchmarks.peers import by_aiohttp, by_httpx, ours
from benchmarks.server.answers import ALL_ENTRIES, ENTRIES
from benchmarks.workload import row_items
from chakra_async._codec import decode_list
from chakra_async.bulk.encode import encode_update
from chakra_async.models.jobs import JobEntry
from chakra_async.models.reply import Reply


ROWS = 1000
OURS = "chakra_async"


@define
class Changes:
    """What is to be set, as attrs has it."""

    data: dict[str, Any] | None = None
    state: str | None = None


@define
class Row:
    """One item of a bulk update, as attrs has it."""

    lead_id: str
    update: Changes


class Entry(by_httpx.Wire):
    """An entry of a job, as pydantic has it."""

    id: str | None = None
    completion_status: str | None = None
    status_message: str | None = None
    index: int | None = None
    process: str | None = None
    created_at: int | None = None
    updated_at: int | None = None


def encoders() -> dict[str, Callable[[], object]]:
    """Encode 1,000 rows that are there as objects."""
    converter = cattrs.Converter()
    dicts, typed, models = (
        list(row_items(ROWS)),
        list(ours.row_updates(ROWS)),
        list(by_httpx.row_models(ROWS)),
    )
    mappings = list(ours.row_mappings(ROWS))
    attrs_rows = [Row(item["lead_id"], Changes(**item["update"])) for item in dicts]
    unset = {"by_alias": True, "exclude_none": True}
    unstructure = converter.unstructure
    return {
        OURS: partial(_each, encode_update, typed),
        f"{OURS}, mappings": partial(_each, encode_update, mappings),
        "dicts, orjson": partial(_each, orjson.dumps, dicts),
        "dicts, json": partial(_each, json.dumps, dicts),
        "default cattrs, orjson": partial(_each, lambda row: orjson.dumps(unstructure(row)), attrs_rows),
        "pydantic, model_dump_json": partial(_each, lambda row: row.model_dump_json(**unset), models),
        "pydantic, model_dump, json": partial(_each, lambda row: json.dumps(row.model_dump(**unset)), models),
    }


def _each(encode: Callable[[Any], object], items: Iterable[Any]) -> None:
    """Encode all items and keep none: small ``bytes`` of orjson cost more to keep than to make."""
    for item in items:
        encode(item)


def decoders() -> dict[str, Callable[[], object]]:
    """Decode a page of 1,000 entries."""
    body = ALL_ENTRIES.partition(b"\r\n\r\n")[2]
    converter, adapter = cattrs.Converter(), TypeAdapter(list[Entry])

    def by_us() -> list[JobEntry]:
        answer = orjson.loads(body)
        return decode_list(Reply(200, {}, answer["_data"], answer["_meta"], "GET", "/", True), JobEntry)

    return {
        OURS: by_us,
        "orjson to dicts": partial(orjson.loads, body),
        "default cattrs": lambda: converter.structure(orjson.loads(body)["_data"], list[by_aiohttp.Entry]),
        "pydantic": lambda: adapter.validate_python(orjson.loads(body)["_data"]),
    }


def run(scale: Scale) -> list[Figure]:
    return [
        *_compare("encode", encoders(), ROWS, "dicts, orjson", scale.rounds(31, 11)),
        *_compare("decode", decoders(), ENTRIES, "default cattrs", scale.rounds(31, 11)),
    ]


def _compare(
    what: str,
    functions: Mapping[str, Callable[[], object]],
    items: int,
    reference: str,
    rounds: Iterable[int],
) -> list[Figure]:
    seconds = time_in_turns(functions, rounds)
    table = {
        name: f"{tables.number(Spread.of(found).middle / items * 1e9)} ns an item"
        for name, found in seconds.items()
    }
    tables.plain(f"{what} {items:,} items", table)
    pairs = zip(seconds[reference], seconds[OURS], strict=True)
    spread = Spread.of(theirs / ours for theirs, ours in pairs)
    return [Figure(name=f"{what}: {OURS} / {reference}", spread=spread, unit="x", better="higher")]
