"""Run as a program: create flights and then update them, in a process of its own, and tell what it took."""

import asyncio
import itertools
import json
import sys
from pathlib import Path

from chakra_async import Client
from chakra_async.bulk.sources import Columns, read_creates, read_updates


CREATED = ("carrier", "flight", "tailnum", "origin", "dest")
WHOLE = (
    "year month day dep_time sched_dep_time dep_delay arr_time sched_arr_time arr_delay air_time distance "
    "hour minute"
).split()
UPDATED = (*WHOLE, "time_hour")
KEY = {"key": "chakra_line", "key_id": "flight_id"}


def peak_mib():
    """Return the peak memory of this process; ``ru_maxrss`` would count the parent's at the fork as well."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


async def account(run, rows):
    """Consume a run; return its summary and whether every row had exactly one successful result."""
    seen = bytearray(rows)
    good = 0
    async with run:
        async for result in run:
            seen[result.index] += 1
            good += result.ok
    return run.summary, good == rows and all(count == 1 for count in seen)


async def main(path, rows):
    """Send the first ``rows`` rows of ``path`` to the service named in the environment."""
    report = {}
    async with Client() as chakra:
        steps = {
            "create": (chakra.processes.bulk_create, read_creates, Columns(**KEY, data=CREATED, missing=())),
            "update": (
                chakra.processes.bulk_update,
                read_updates,
                Columns(
                    **KEY, data=UPDATED, types=dict.fromkeys(WHOLE, "int"), missing=("NA",), missing_as="null"
                ),
            ),
        }
        for name, (send, read, columns) in steps.items():
            with read(path, columns=columns) as source:
                summary, each_once = await account(send("flight", itertools.islice(source, rows)), rows)
            report[name] = {"each_once": each_once, "summary": str(summary), "peak_mib": peak_mib()}
    print(json.dumps(report))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
