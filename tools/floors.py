"""Print the oldest version of each dependency that pyproject.toml allows, as pip takes them."""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path


PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))["project"]

for one in chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
    print(one.replace(">=", "=="))
