"""The async client in an asyncio service: many calls at once, one client for all of them.

A queue of leads to be scored is worked off by a few tasks. They share the client, and with it its
connections, its retries, and what one of them learns from a "too many requests": the others wait as well.

Needs CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant::

    python examples/asyncio_service.py LEAD-1 LEAD-2 LEAD-3
"""

import asyncio
import sys

from chakra_async import ChakraError, Client, NotFoundError


async def score(chakra: Client, lead_id: str) -> int:
    """Score one lead by what is known of it, and write the score down."""
    found = await chakra.processes.list("lead", where={"lead_id": lead_id})
    if not found.items:
        raise NotFoundError(f"There is no lead {lead_id}.", status=404)
    lead = found.items[0]
    points = 10 * len([value for value in lead.data.values() if value is not None])
    await chakra.processes.update("lead", lead.id, data={"score": points})
    return points


async def work(chakra: Client, queue: asyncio.Queue[str]) -> None:
    """Score leads until the service ends; one that fails does not stop the others."""
    while True:
        lead_id = await queue.get()
        try:
            print(f"{lead_id}: {await score(chakra, lead_id)} points")
        except ChakraError as error:
            print(f"{lead_id}: {error.message}")
        finally:
            queue.task_done()


async def main(lead_ids: list[str], *, workers: int = 8) -> None:
    """Run the workers until the queue is empty."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    for lead_id in lead_ids:
        queue.put_nowait(lead_id)
    async with Client() as chakra, asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(chakra, queue)) for _ in range(workers)]
        await queue.join()
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
