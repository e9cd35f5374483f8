"""Run as a program: one bulk run with a journal, killed at a named step, or left to finish.

Arguments: flavour (async, sync), operation (update, create, blind, delete), journal, rows, step or ``-``,
nth call of it. Prints the summary as JSON when it is not killed.
"""

import asyncio
import inspect
import json
import os
import signal
import sys
from functools import wraps

import attrs

from chakra_async import Client, Limits, ProcessCreate, ProcessUpdate, RetryPolicy
from chakra_async.bulk import search
from chakra_async.bulk.courier import Courier
from chakra_async.bulk.journal import Journal
from chakra_async.resources.processes import Processes
from chakra_async.sync import Client as SyncClient


search.PAUSES = (0.1, 0.2, 0.4)
SETTINGS = {"retry": RetryPolicy(wait_initial=0.01, wait_max=0.05), "limits": Limits(jobs_in_flight=3)}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(step, nth):
    """Make the process kill itself before or after the nth call of a method."""
    when, name = step.split(" ")
    owner = next(cls for cls in (Journal, Processes, Courier) if hasattr(cls, name))
    original, calls = getattr(owner, name), 0

    @wraps(original)
    async def deadly(*args, **kwargs):
        nonlocal calls
        calls += 1
        mine = calls
        if when == "before" and mine == nth:
            die()
        result = await original(*args, **kwargs)
        if when == "after" and mine == nth:
            die()
        return result

    @wraps(original)
    def deadly_at_once(*args, **kwargs):
        nonlocal calls
        calls += 1
        if when == "before" and calls == nth:
            die()
        original(*args, **kwargs)
        if when == "after" and calls == nth:
            die()

    setattr(owner, name, deadly if inspect.iscoroutinefunction(original) else deadly_at_once)


def rows_of(operation, rows):
    for n in range(rows):
        key = ("tailnum", f"N{n}")
        match operation:
            case "update":
                # Every seventh row comes back to an aircraft that another row has changed.
                key = ("tailnum", f"N{n - 5}") if n % 7 == 6 else key
                yield ProcessUpdate(key=key, data={"n": n}, state="SCRAPPED" if n % 50 == 49 else None)
            case "create":
                yield ProcessCreate(data={"tailnum": f"X{n}", "n": n}, key=("tailnum", f"X{n}"))
            case "blind":
                yield ProcessCreate(data={"note": f"B{n}"})
            case "delete":
                yield ProcessUpdate(key=key)


def begin(client, operation, journal, rows):
    method = {
        "update": "bulk_update",
        "create": "bulk_create",
        "blind": "bulk_create",
        "delete": "bulk_delete",
    }
    procedure = "note" if operation == "blind" else "aircraft"
    send = getattr(client.processes, method[operation])
    return send(procedure, rows_of(operation, rows), chunk_size=10, journal=journal)


async def run_async(operation, journal, rows):
    async with Client(**SETTINGS) as client:
        return await begin(client, operation, journal, rows).run()


def run_sync(operation, journal, rows):
    with SyncClient(**SETTINGS) as client:
        return begin(client, operation, journal, rows).run()


def main(flavour, operation, journal, rows, step, nth):
    if step != "-":
        kill_at(step, int(nth))
    run = (lambda *args: asyncio.run(run_async(*args))) if flavour == "async" else run_sync
    print(json.dumps(attrs.asdict(run(operation, journal, int(rows)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
