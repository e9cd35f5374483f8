"""What an import costs above an empty interpreter. The target: 40 ms for `import chakra_async`."""

from __future__ import annotations

import statistics
import subprocess
import sys
from functools import partial

from benchmarks.measure import take_turns


STATEMENTS = {
    "an empty interpreter": "pass",
    "import chakra_async": "import chakra_async",
    "from chakra_async import ProcessUpdate": "from chakra_async import ProcessUpdate",
    "from chakra_async import Client": "from chakra_async import Client",
    "a first client (aiohttp comes with it)": "from chakra_async import Client; Client('token')",
    "import aiohttp": "import aiohttp",
}


def run(rounds: int) -> None:
    contenders = {
        name: partial(subprocess.run, [sys.executable, "-c", code], check=True)
        for name, code in STATEMENTS.items()
    }
    times = take_turns(contenders, rounds)
    empty = times.pop("an empty interpreter")
    for name, seconds in times.items():
        above = [(a - b) * 1000 for a, b in zip(seconds, empty, strict=True)]
        low, middle, high = statistics.quantiles(above, n=4)
        print(f"  {name:<40} {middle:6.1f} ms [{low:.1f} to {high:.1f}]")
