"""``python -m benchmarks [--quick] [scenario ...]``."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import chart, report, targets
from benchmarks.harness.contest import Scale
from benchmarks.harness.machine import describe
from benchmarks.harness.processes import ContenderError


SCENARIOS = (
    "single_updates",
    "bulk_updates",
    "concurrency",
    "bulk_grid",
    "emulated",
    "paging",
    "sync_calls",
    "sync_bulk",
    "job_entries",
    "codec",
    "json_libraries",
    "imports",
    "memory",
    "rate_limits",
    "job_polls",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="fail where they have become worse")
    parser.add_argument("--chart", action="store_true", help="write the README's chart and tables anew")
    parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(SCENARIOS)}; all if none is named")
    options = parser.parse_args()
    if unknown := set(options.scenarios) - set(SCENARIOS):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")
    if options.chart and (options.quick or options.scenarios):
        parser.error("--chart takes a whole run")
    old = options.compare and report.Report.load(options.compare)
    names = options.scenarios or SCENARIOS
    run = _measure(names, Scale(quick=options.quick))
    _print_targets(run)
    if options.json:
        run.save(options.json)
    whole = len(run.measured) == len(names)
    if options.chart and whole:
        chart.publish(run)
    worse = list(report.regressions(old.measured, run.measured)) if old else []
    for line in worse:
        print(f"worse: {line}")
    return 1 if worse or not whole else 0


def _measure(scenarios: Sequence[str], scale: Scale) -> report.Report:
    environment = describe()
    print(", ".join(f"{name} {value}" for name, value in environment.items()))
    measured = {}
    for name in scenarios:
        print(f"\n{name}", flush=True)
        start = time.monotonic()
        try:
            figures = importlib.import_module(f"benchmarks.scenarios.{name}").run(scale)
        except ContenderError as error:
            print(f"  {error}")
            continue
        measured[name] = {figure.name: figure for figure in figures}
        print(f"  ({time.monotonic() - start:.0f} s)")
    return report.Report(environment, measured)


def _print_targets(run: report.Report) -> None:
    head, *rows = targets.table(run.measured)
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    print("\ntargets")
    for row in (head, *rows):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
