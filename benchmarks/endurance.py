"""Kill a long bulk run again and again, take it up each time, and compare its report with the ledger.

``python -m benchmarks.endurance --rows 1000000 --kills 10`` updates a million processes (created before) of
an emulator in this process, by a client in a process of its own that is killed at random moments.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness.machine import memory_mib
from chakra_async import Client, ProcessCreate, ProcessUpdate
from chakra_async.emulator import Emulator


def creates(rows: int) -> Iterator[ProcessCreate]:
    return (ProcessCreate({"lead_id": f"L{n}"}, key=("lead_id", f"L{n}")) for n in range(rows))


def updates(rows: int) -> Iterator[ProcessUpdate]:
    return (ProcessUpdate(key=("lead_id", f"L{n}"), data={"city": "Panaji", "score": n}) for n in range(rows))


async def send(rows: int, journal: str | None, *, create: bool = False) -> None:
    """Do one run and print its account; what the client process does."""
    async with Client() as chakra:
        if create:
            summary = await chakra.processes.bulk_create("lead", creates(rows)).run()
        else:
            summary = await chakra.processes.bulk_update("lead", updates(rows), journal=journal).run()
    peak = memory_mib("VmHWM")
    print(
        json.dumps(
            {"text": str(summary), "updated": summary.updated, "total": summary.total, "peak_mib": peak}
        )
    )


def child(url: str, token: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "CHAKRA_BASE_URL": url, "CHAKRA_ACCESS_TOKEN": token}
    command = [sys.executable, "-m", "benchmarks.endurance", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def kill_and_resume(rows: int, kills: int) -> None:
    dice = random.Random(rows + kills)
    with Emulator(rows_per_second=None) as emulator, tempfile.TemporaryDirectory() as folder:
        journal = str(Path(folder) / "run.db")
        made = child(emulator.url, emulator.token, "--client", "--create", "--rows", str(rows))
        print("created:", json.loads(made.communicate()[0])["text"])
        before, start = len(emulator.ledger), time.monotonic()
        for number in range(kills):
            run = child(emulator.url, emulator.token, "--client", "--journal", journal, "--rows", str(rows))
            time.sleep(1.5 + dice.random() * rows / 100_000)
            run.kill()
            run.communicate()
            print(f"killed {number + 1}: {len(emulator.ledger) - before:,} updates applied so far")
        run = child(emulator.url, emulator.token, "--client", "--journal", journal, "--rows", str(rows))
        report = json.loads(run.communicate()[0])
        print(f"finished in {time.monotonic() - start:.0f} s in all: {report['text']}")
        held = {
            process["data"]["lead_id"]: process["data"].get("score") for process in emulator.processes("lead")
        }
        right = sum(held.get(f"L{n}") == n for n in range(rows))
        effects = len(emulator.ledger) - before
        size = Path(journal).stat().st_size / 1e6
        print(f"{right:,} of {rows:,} processes hold their row")
        print(f"{effects - rows:,} updates were applied again after a kill (absolute values: no harm)")
        print(f"journal {size:.1f} MB; client's peak {report['peak_mib']:.0f} MiB")
        if not (right == rows == report["updated"] == report["total"]):
            sys.exit("the report and the service do not agree")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--journal")
    parser.add_argument("--create", action="store_true")
    parser.add_argument("--client", action="store_true", help="be the client")
    arguments = parser.parse_args()
    if arguments.client:
        asyncio.run(send(arguments.rows, arguments.journal, create=arguments.create))
    else:
        kill_and_resume(arguments.rows, arguments.kills)


if __name__ == "__main__":
    main()
