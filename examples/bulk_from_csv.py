"""The main job in twenty lines: update processes from a CSV file, and keep what did not go through.

Needs CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant.
"""

import asyncio
import sys

from chakra_async import Client
from chakra_async.bulk.sources import Columns, read_updates


async def main(path: str) -> None:
    columns = Columns(key="tailnum", state="state", types={"seats": "int", "inspected_on": "date"})
    with read_updates(path, columns=columns) as rows, rows.failures("failed.csv") as failures:
        async with Client() as chakra, chakra.processes.bulk_update("aircraft", rows) as run:
            async for result in run:
                if not result.ok:
                    failures.write(result)
                    print(f"line {result.line}, {result.key}: {result.outcome}: {'; '.join(result.errors)}")
    print(run.summary)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
