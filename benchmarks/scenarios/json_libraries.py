"""orjson or msgspec: on the bodies we write and read, and on input that is not JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

import msgspec
import orjson

from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, time_in_turns
from benchmarks.harness.figures import Figure, Spread
from benchmarks.server.answers import ENTRY


ITEM = {
    "lead_id": "LEAD-000017",
    "update": {
        "data": {"city": "Panaji", "score": 57, "phone_number": "919812345678"},
        "state": "CONVERTED",
        "nextActionAt": 1767225600000,
    },
}
NOT_JSON = {
    "a set": {1},
    "a key that is a number": {1: "a"},
    "a datetime without zone": datetime(2026, 1, 1),  # noqa: DTZ001 - to be refused
    "a whole number of 70 bits": 2**70,
    "not a number": float("nan"),
}


def run(scale: Scale) -> list[Figure]:
    encoder, decoder = msgspec.json.Encoder(), msgspec.json.Decoder()
    entries, job = orjson.dumps([ENTRY] * 1000), orjson.dumps({"_data": ENTRY})
    cases = {
        "encode one update": (2000, partial(orjson.dumps, ITEM), partial(encoder.encode, ITEM)),
        "decode a small answer": (2000, partial(orjson.loads, job), partial(decoder.decode, job)),
        "decode 1,000 entries": (5, partial(orjson.loads, entries), partial(decoder.decode, entries)),
    }
    figures, table = [], {}
    for name, (calls, *functions) in cases.items():
        ours, theirs = _in_turns(functions, calls, scale.rounds(15, 5))
        relative = Spread.of(b / a for a, b in zip(ours, theirs, strict=True))
        time = Spread.of(ours).middle / calls * 1e6
        table[name] = (
            f"orjson {tables.number(time)} us, msgspec takes {tables.spread(relative)} times as long"
        )
        figures.append(Figure(name=f"{name}: msgspec / orjson", spread=relative, unit="x"))
    tables.plain("our bodies", table)
    tables.plain(
        "what is not JSON",
        {
            name: f"orjson {_try(orjson.dumps, value):<28} msgspec {_try(encoder.encode, value)}"
            for name, value in NOT_JSON.items()
        },
    )
    return figures


def _in_turns(
    functions: Sequence[Callable[[], object]], calls: int, rounds: Iterable[int]
) -> list[list[float]]:
    repeated = {str(number): partial(_repeat, function, calls) for number, function in enumerate(functions)}
    return list(time_in_turns(repeated, rounds).values())


def _repeat(function: Callable[[], object], calls: int) -> None:
    for _ in range(calls):
        function()


def _try(encode, value) -> str:
    try:
        return f"writes {encode(value).decode()}"
    except (TypeError, ValueError) as error:
        return f"refuses ({type(error).__name__})"
