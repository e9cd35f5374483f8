"""Switch off one defence after another, and see that the tests notice.

Usage: ``python tools/mutations.py [--list] [NAME ...]``

Each mutation of ``mutations.toml`` names a file, a text that stands in it exactly once, what takes its place,
and the tests that must fail then. The tree is copied; nothing is changed here. Exits with 1 when a mutation
survives, and with 2 when its text is not found, its tests fail by themselves, or are not there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import NamedTuple


ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).with_suffix(".toml")

SECONDS = 180
NEEDED = ("chakra_async", "tests", "examples", "tools", "docs", "pyproject.toml", "README.md")


class MutationError(Exception):
    """A mutation cannot be tried."""


class Mutation(NamedTuple):
    """A defence that is switched off."""

    name: str
    file: str
    old: str
    new: str
    tests: list[str]

    def apply(self, root: Path) -> None:
        """Change the file.

        Raises:
            MutationError: the text is not there, or not only once.
        """
        path = root / self.file
        path.write_text(self.changed(path.read_text(encoding="utf-8")), encoding="utf-8")

    def changed(self, text: str) -> str:
        """Return the text of the file with the defence switched off.

        Raises:
            MutationError: what is to be changed does not stand in it exactly once.
        """
        if (count := text.count(self.old)) != 1:
            raise MutationError(f"{self.name}: the text stands {count} times in {self.file}:\n{self.old}")
        return text.replace(self.old, self.new)


def load() -> list[Mutation]:
    """Read the table."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [Mutation(name, **mutation) for name, mutation in table.items()]


def passes(root: Path, tests: list[str]) -> bool:
    """Say whether tests pass; what hangs does not.

    Raises:
        MutationError: they could not be run.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in {0, 1}:
        raise MutationError(f"the tests could not be run:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def survives(mutation: Mutation, root: Path) -> bool:
    """Try a mutation in a copy of the tree, and put the file back."""
    path = root / mutation.file
    before = path.read_text(encoding="utf-8")
    mutation.apply(root)
    try:
        return passes(root, mutation.tests)
    finally:
        path.write_text(before, encoding="utf-8")


def copy_tree(target: Path) -> None:
    """Copy what the tests need."""
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target / name)


def try_all(mutations: list[Mutation]) -> int:
    """Try mutations one after another, and tell of each."""
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copy_tree(root)
        tests = sorted({test for mutation in mutations for test in mutation.tests})
        if not passes(root, tests):
            raise MutationError("the tests fail without any mutation")
        for mutation in mutations:
            start = time.monotonic()
            survived = survives(mutation, root)
            survivors += survived
            verdict = "SURVIVED" if survived else "killed"
            print(f"{verdict:9} {mutation.name:36} {time.monotonic() - start:5.1f} s", flush=True)
    print(f"{len(mutations) - survivors} of {len(mutations)} killed")
    return 1 if survivors else 0


def main(arguments: list[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="only list the mutations")
    parser.add_argument("names", nargs="*", metavar="NAME", help="try only these")
    options = parser.parse_args(arguments)
    mutations = load()
    if unknown := set(options.names) - {mutation.name for mutation in mutations}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    chosen = [mutation for mutation in mutations if not options.names or mutation.name in options.names]
    if options.list:
        for mutation in chosen:
            print(f"{mutation.name:36} {mutation.file}")
        return 0
    try:
        return try_all(chosen)
    except MutationError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
