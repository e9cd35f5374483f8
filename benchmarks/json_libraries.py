"""orjson or msgspec: on the bodies we write and read, and on input that is not JSON."""

from __future__ import annotations

from datetime import datetime

import msgspec
import orjson

from benchmarks.measure import microseconds, ratio, take_turns


ITEM = {
    "lead_id": "LEAD-000017",
    "update": {
        "data": {"city": "Panaji", "score": 57, "phone_number": "919812345678"},
        "state": "CONVERTED",
        "nextActionAt": 1767225600000,
    },
}
ENTRY = {
    "id": "3396ea03-cc82-4a52-967b-dc2a94b50f12",
    "createdAt": 1767225600000,
    "completionStatus": "SUCCESS",
    "statusMessage": None,
    "index": 17,
    "process": "3396ea03-cc82-4a52-967b-dc2a94b50f12",
}
NOT_JSON = {
    "a set": {1},
    "a key that is a number": {1: "a"},
    "a datetime without zone": datetime(2026, 1, 1),  # noqa: DTZ001
    "a whole number of 70 bits": 2**70,
    "not a number": float("nan"),
}


def run(rounds: int) -> None:
    encoder, decoder = msgspec.json.Encoder(), msgspec.json.Decoder()
    entries, job = orjson.dumps([ENTRY] * 1000), orjson.dumps({"_data": ENTRY})
    cases = {
        "encode one update": (2000, lambda: orjson.dumps(ITEM), lambda: encoder.encode(ITEM)),
        "decode a small answer": (2000, lambda: orjson.loads(job), lambda: decoder.decode(job)),
        "decode 1,000 entries": (5, lambda: orjson.loads(entries), lambda: decoder.decode(entries)),
    }
    for name, (calls, ours, theirs) in cases.items():
        times = take_turns(
            {"orjson": lambda f=ours, n=calls: [f() for _ in range(n)],
             "msgspec": lambda f=theirs, n=calls: [f() for _ in range(n)]},
            rounds,
        )  # fmt: skip
        print(f"  {name:<24} orjson {microseconds(times['orjson'], calls):>10}   "
              f"msgspec takes {ratio(times['msgspec'], times['orjson'])}")  # fmt: skip
    for name, value in NOT_JSON.items():
        print(f"  {name:<26} orjson: {_try(orjson.dumps, value):<28} msgspec: {_try(encoder.encode, value)}")


def _try(encode, value) -> str:
    try:
        return f"writes {encode(value).decode()}"
    except (TypeError, ValueError) as error:
        return f"refuses ({type(error).__name__})"
