"""The typing tests leave nothing out. What they say is checked by mypy and pyright (``make types``)."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import chakra_async
import chakra_async.sync


HERE = Path(__file__).parent


def words(name: str) -> set[str]:
    """Return all names in a file."""
    return set(re.findall(r"\w+", (HERE / name).read_text(encoding="utf-8")))


def methods(thing: object) -> Iterator[str]:
    """Find the public methods of a client and of the resources on it."""
    for name, _ in inspect.getmembers(type(thing), inspect.isfunction):
        if not name.startswith("_"):
            yield name
    for name, value in vars(thing).items():
        if not name.startswith("_") and type(value).__module__.startswith("chakra_async.resources"):
            yield name
            yield from methods(value)


def test_every_public_name_is_used() -> None:
    assert set(chakra_async.__all__) <= words("api_async.py")
    assert set(chakra_async.sync.__all__) <= words("api_sync.py")


@pytest.mark.parametrize("name", ["api_async.py", "api_sync.py"])
def test_every_public_method_is_used(name: str) -> None:
    assert set(methods(chakra_async.Client("token"))) <= words(name)
