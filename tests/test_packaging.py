"""The source distribution holds what its own tests need."""

import subprocess
import tomllib
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parent.parent
ALWAYS = {".gitignore", "LICENSE", "README.md", "pyproject.toml"}  # added by the build backend itself


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone")
def test_all_that_is_tracked_goes_into_the_source_distribution():
    command = ["git", "ls-tree", "--name-only", "HEAD"]
    tracked = set(
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    )
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    assert tracked == {path.lstrip("/") for path in build["targets"]["sdist"]["include"]} | ALWAYS
