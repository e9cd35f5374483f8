"""The main job, end to end: 3,322 real aircraft into an emulated Chakra, then an update with mistakes in it.

Run it with ``make demo``.
"""

import asyncio
import sys
from collections import defaultdict
from pathlib import Path

from chakra_async import Client, Progress, RowResult, Summary
from chakra_async.bulk.sources import Columns, read_creates, read_updates
from chakra_async.emulator import Emulator
from examples.derive_updates import PLANES, write_updates


FOLDER = Path("build") / "demo"


def show_progress(progress: Progress) -> None:
    """Keep one line of a terminal up to date."""
    if sys.stderr.isatty():
        text = f"  {progress.total:,} rows done, {progress.rows_per_second:,.0f} a second"
        print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


def show_summary(summary: Summary) -> None:
    """Say what became of all the rows."""
    if sys.stderr.isatty():
        print(f"\r{'':<60}\r", end="", file=sys.stderr, flush=True)
    for name in ("created", "updated", "deleted", "invalid", "failed", "unknown"):
        if count := getattr(summary, name):
            print(f"  {count:>6,} {name}")
    print(
        f"  in {summary.seconds:.1f} s ({summary.rows_per_second:,.0f} rows a second, {summary.jobs} jobs)\n"
    )


def show_reasons(failures: list[RowResult]) -> None:
    """Group the rows that did not go through by reason, with their line numbers."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for result in failures:
        groups[result.outcome, result.reason].append(result.line or 0)
    for (outcome, reason), lines in groups.items():
        where = ", ".join(str(line) for line in lines)
        print(f"  {outcome}, line{'s' if len(lines) > 1 else ''} {where}:\n      {reason}")


async def main() -> None:
    """Create, derive, update, report."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    updates, failed = FOLDER / "updates.csv", FOLDER / "failed.csv"
    async with Emulator(rows_per_second=4_000) as emulator:
        emulator.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "IN_SERVICE", "RETIRED"))
        print(f"An emulated ChakraHQ listens on {emulator.url}, with an empty procedure 'aircraft'.\n")
        async with Client(emulator.token, base_url=emulator.url) as chakra:
            print(f"Creating the aircraft of {PLANES.name}:")
            numbers = {"year": "int", "engines": "int", "seats": "int", "speed": "int"}
            columns = Columns(key="tailnum", types=numbers, missing=("NA",))
            with read_creates(PLANES, columns=columns) as planes:
                run = chakra.processes.bulk_create(
                    "aircraft", planes, chunk_size=250, on_progress=show_progress
                )
                show_summary(await run.run())

            write_updates(updates)
            print(f"Updating them from {updates}, in which some rows are wrong on purpose:")
            columns = Columns(key="tailnum", state="state", types={"seats": "int", "inspected_on": "date"})
            bad: list[RowResult] = []
            with (
                read_updates(updates, columns=columns) as rows,
                rows.failures(failed, overwrite=True) as failures,
            ):
                async with chakra.processes.bulk_update(
                    "aircraft", rows, chunk_size=250, on_progress=show_progress
                ) as run:
                    async for result in run:
                        if not result.ok:
                            bad.append(result)
                            failures.write(result)
            show_summary(run.summary)

            print("What did not go through, and why:")
            show_reasons(sorted(bad, key=lambda result: result.index))
            print(f"\nThose rows are in {failed}: mend them there and feed the file straight back in.")
            retired = [plane async for plane in chakra.processes.list("aircraft", where={"state": "RETIRED"})]
            print(
                f"The service now counts {len(retired)} aircraft as RETIRED; the oldest was built in ", end=""
            )
            print(f"{min(plane.data['year'] for plane in retired if 'year' in plane.data)}.")


if __name__ == "__main__":
    asyncio.run(main())
