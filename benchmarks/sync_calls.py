"""One small GET after another over one kept connection. Targets: 1.0x of httpx, 1.5x of requests."""

from __future__ import annotations

import httpx
import requests

from benchmarks.measure import microseconds, ratio, take_turns
from benchmarks.sink import sink
from chakra_async.sync import Client


CALLS = 200
ID = "3396ea03-cc82-4a52-967b-dc2a94b50f12"
PATH = f"/v1/ext/procedure/lead/process/{ID}"


def run(rounds: int) -> None:
    headers = {"Authorization": "Bearer token"}
    with (
        sink() as url,
        Client("token", base_url=url) as ours,
        httpx.Client(base_url=url, headers=headers) as by_httpx,
        requests.Session() as by_requests,
    ):
        by_requests.headers.update(headers)
        times = take_turns(
            {
                "chakra_async.sync": lambda: [ours.processes.get("lead", ID) for _ in range(CALLS)],
                "httpx.Client": lambda: [by_httpx.get(PATH).json() for _ in range(CALLS)],
                "requests.Session": lambda: [by_requests.get(url + PATH).json() for _ in range(CALLS)],
            },
            rounds,
        )
    ours_times = times["chakra_async.sync"]
    for name, seconds in times.items():
        print(f"  {name:<20} {microseconds(seconds, CALLS):>10} a call", end="")
        print("" if seconds is ours_times else f"   {ratio(seconds, ours_times)} of ours")
