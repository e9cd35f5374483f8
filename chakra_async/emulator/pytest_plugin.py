"""A fixture for pytest: ``pytest_plugins = ["chakra_async.emulator.pytest_plugin"]`` in ``conftest.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chakra_async.emulator import Emulator


@pytest.fixture
def chakra_emulator() -> Iterator[Emulator]:
    """Give each test an emulator of its own, empty and on a free port."""
    with Emulator() as emulator:
        yield emulator
