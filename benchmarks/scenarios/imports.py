"""What an import costs, and how long it takes to the first answer, both above an empty interpreter."""

from __future__ import annotations

import compileall
import subprocess
import sys
from functools import partial
from pathlib import Path

import chakra_async
from benchmarks.harness import tables
from benchmarks.harness.contest import Scale, time_in_turns
from benchmarks.harness.figures import Figure, Spread
from benchmarks.harness.processes import sink
from benchmarks.workload import IDS, PROCESSES


EMPTY = "an empty interpreter"
FIRST_OURS = "first answer: chakra_async"
FIRST_AIOHTTP = "first answer: aiohttp"
IMPORTS = {
    EMPTY: "pass",
    "import chakra_async": "import chakra_async",
    "from chakra_async import ProcessUpdate": "from chakra_async import ProcessUpdate",
    "from chakra_async import Client": "from chakra_async import Client",
    "a first client (aiohttp comes with it)": "from chakra_async import Client; Client('token')",
    "import aiohttp": "import aiohttp",
    "import httpx": "import httpx",
    "import requests": "import requests",
}
FIRST_ANSWERS = {
    FIRST_OURS: """
import asyncio
from chakra_async import Client
async def main():
    async with Client("token", base_url="{url}") as chakra:
        await chakra.processes.get("lead", "{id}")
asyncio.run(main())
""",
    FIRST_AIOHTTP: """
import asyncio
import aiohttp
async def main():
    async with aiohttp.ClientSession("{url}", headers={{"Authorization": "Bearer token"}}) as session:
        async with session.get("{path}/{id}") as response:
            await response.json()
asyncio.run(main())
""",
    "first answer: chakra_async.sync": """
from chakra_async.sync import Client
with Client("token", base_url="{url}") as chakra:
    chakra.processes.get("lead", "{id}")
""",
    "first answer: requests": """
import requests
requests.get("{url}{path}/{id}", headers={{"Authorization": "Bearer token"}}).json()
""",
}


def run(scale: Scale) -> list[Figure]:
    # As an installation does; where no bytecode may be written, the source would be compiled each time.
    compileall.compile_dir(Path(chakra_async.__file__).parent, quiet=1)
    with sink() as server:
        place = {"url": server.url, "path": PROCESSES, "id": IDS[0]}
        firsts = {name: code.format(**place) for name, code in FIRST_ANSWERS.items()}
        programs = {
            name: partial(subprocess.run, [sys.executable, "-c", code], check=True)
            for name, code in {**IMPORTS, **firsts}.items()
        }
        seconds = time_in_turns(programs, scale.rounds(15, 3))
    empty = seconds.pop(EMPTY)
    above = {
        name: [(one - nothing) * 1000 for one, nothing in zip(found, empty, strict=True)]
        for name, found in seconds.items()
    }
    spreads = {name: Spread.of(found) for name, found in above.items()}
    tables.plain("ms above an empty interpreter", {name: tables.spread(one) for name, one in spreads.items()})
    relative = Spread.of(a / b for a, b in zip(above[FIRST_OURS], above[FIRST_AIOHTTP], strict=True))
    return [
        Figure(name="import chakra_async", spread=spreads["import chakra_async"], unit="ms"),
        Figure(name="first answer: chakra_async / aiohttp", spread=relative, unit="x", better="lower"),
    ]
