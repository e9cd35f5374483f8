"""requests by hand, one after another or in threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from benchmarks.workload import PROCESSES, STATE, batches, process_id, row_items, values


@contextmanager
def session(url: str, token: str, connections: int) -> Iterator[requests.Session]:
    """Open a session with enough connections for all threads."""
    with requests.Session() as opened:
        opened.headers["Authorization"] = f"Bearer {token}"
        opened.mount(url, HTTPAdapter(pool_connections=1, pool_maxsize=connections))
        yield opened


@contextmanager
def updates(url: str, token: str, *, threads: int) -> Iterator[Any]:
    """Single updates in so many threads."""
    with session(url, token, threads) as http, ThreadPoolExecutor(threads) as pool:

        def update(number: int) -> dict[str, Any]:
            body = {"data": values(number), "state": STATE}
            response = http.put(f"{url}{PROCESSES}/{process_id(number)}", json=body, timeout=30)
            response.raise_for_status()
            return response.json()["_data"]

        def run(calls: int) -> int:
            for _ in pool.map(update, range(calls)) if threads > 1 else map(update, range(calls)):
                pass
            return calls

        yield run


@contextmanager
def gets(url: str, token: str, *, threads: int = 1) -> Iterator[Any]:
    """Processes fetched one after another, or in threads that share the session."""
    with session(url, token, threads) as http, ThreadPoolExecutor(threads) as pool:

        def get(number: int) -> dict[str, Any]:
            response = http.get(f"{url}{PROCESSES}/{process_id(number)}", timeout=30)
            response.raise_for_status()
            return response.json()["_data"]

        def run(calls: int) -> int:
            for _ in pool.map(get, range(calls)) if threads > 1 else map(get, range(calls)):
                pass
            return calls

        yield run


@contextmanager
def bulk(url: str, token: str) -> Iterator[Any]:
    """One chunk after another; nothing is asked about their jobs."""
    with session(url, token, 1) as http:

        def run(rows: int, chunk_size: int = 1000) -> int:
            for chunk in batches(row_items(rows), chunk_size):
                response = http.patch(f"{url}{PROCESSES}", json={"processes": chunk}, timeout=30)
                response.raise_for_status()
                response.json()
            return rows

        yield run
