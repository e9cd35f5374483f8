"""Many tasks that each write one process: their updates share jobs, and each learns what became of its own.

Every event, a line such as ``LEAD-7 20`` on standard input, is handled by a task of its own, as the messages
of a queue or the requests to a web service would be. Thousands may come at once: a few jobs carry them all.

Needs CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant::

    seq 1000 | sed 's/.*/LEAD-& 20/' | python examples/many_writers.py
"""

import asyncio
import sys
from collections.abc import Iterable

from chakra_async import Client, Writer


async def handle(event: str, leads: Writer) -> None:
    """Write down one score; whoever sent the event can be told how that went."""
    lead_id, points = event.split()
    result = await leads.update_by_key("lead_id", lead_id, data={"score": int(points)})
    if not result.ok:
        print(f"{lead_id}: {result.outcome}: {result.reason}")


async def main(events: Iterable[str]) -> None:
    """Handle all events at once."""
    async with Client() as chakra, chakra.processes.writer("lead") as leads, asyncio.TaskGroup() as tasks:
        for event in events:
            tasks.create_task(handle(event, leads))
    print(leads.summary)


if __name__ == "__main__":
    asyncio.run(main(sys.stdin))
