"""``python -m benchmarks [--quick] [scenario ...]``."""

from __future__ import annotations

import argparse
import importlib
import platform


SCENARIOS = {"json_libraries": 15, "imports": 15, "sync_calls": 15, "bulk_flavours": 9}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the rounds")
    parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(SCENARIOS)}; all if none is named")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenarios) - SCENARIOS.keys():
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")
    print(f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}")
    for name in arguments.scenarios or SCENARIOS:
        print(f"{name}:", flush=True)
        rounds = SCENARIOS[name]
        importlib.import_module(f"benchmarks.{name}").run(max(3, rounds // 3) if arguments.quick else rounds)


if __name__ == "__main__":
    main()
