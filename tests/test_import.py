"""Importing the package costs next to nothing, and gives every public name."""

import ast
import importlib
from pathlib import Path

import pytest

import chakra_async
import chakra_async.sync
from chakra_async.sync import Client as SyncClient


HEAVY = ["aiohttp", "cattrs", "orjson", "stamina", "anyio", "click", "rich", "yarl", "sqlite3", "asyncio"]
LATE = [
    "chakra_async.sync",
    "chakra_async.emulator",
    "chakra_async.cli",
    "chakra_async.client",
    "chakra_async.bulk",
    "chakra_async.webhooks",
]


def test_importing_loads_nothing_that_costs(run_script):
    run_script(
        f"""
import sys
import chakra_async
loaded = [name for name in {HEAVY + LATE} if name in sys.modules]
assert not loaded, loaded
"""
    )


@pytest.mark.parametrize("name", ["ChakraError", "Settings", "Process", "ProcessUpdate", "Client", "BulkRun"])
def test_no_name_loads_aiohttp_before_a_client_is_made(run_script, name):
    run_script(
        f"""
import sys
from chakra_async import {name}
late = ["aiohttp", "stamina", "chakra_async.sync", "chakra_async.emulator", "chakra_async.cli"]
loaded = [name for name in late if name in sys.modules]
assert not loaded, loaded
"""
    )


def test_a_client_loads_neither_facade_nor_emulator_nor_cli(run_script):
    run_script(
        """
import sys
from chakra_async import Client
Client("token")
late = ["stamina", "chakra_async.sync", "chakra_async.emulator", "chakra_async.cli", "click", "rich"]
loaded = [name for name in late if name in sys.modules]
assert not loaded, loaded
"""
    )


NOT_FOR_ONE_CALL = [
    *(
        "cattrs",
        "ctypes",
        "html",
        "sqlite3",
        "stamina",
        "chakra_async._transfer_attempts",
        "chakra_async.bulk.courier",
    ),
    *("chakra_async._transfer.download", "chakra_async.bulk.launch", "chakra_async.bulk.rows"),
    *("chakra_async.models.jobs", "chakra_async.models.transfers", "chakra_async.resources.jobs"),
    "chakra_async.paging",
]
FIRST_CALLS = {
    "chakra_async": """
import asyncio
async def main():
    async with Client() as chakra:
        return (await chakra.processes.get("lead", "{id}")).id
found = asyncio.run(main())
""",
    "chakra_async.sync": """
with Client() as chakra:
    found = chakra.processes.get("lead", "{id}").id
""",
}


@pytest.mark.parametrize("home", FIRST_CALLS)
def test_the_first_answer_waits_for_nothing_that_it_does_not_need(home, run_script, emulator):
    with SyncClient(emulator.token, base_url=emulator.url) as chakra:
        known = chakra.processes.create("lead", data={"lead_id": "L1"}).id
    late = NOT_FOR_ONE_CALL + (["anyio", "chakra_async.sync"] if home == "chakra_async" else [])
    run_script(
        f"""
import sys
from {home} import Client
{FIRST_CALLS[home].format(id=known)}
assert found == {known!r}
loaded = [name for name in {late} if name in sys.modules]
assert not loaded, loaded
""",
        emulator=emulator,
    )


@pytest.mark.parametrize("home", FIRST_CALLS)
def test_every_public_name_resolves_in_a_fresh_interpreter(home, run_script):
    run_script(
        f"""
import {home} as package
for name in package.__all__:
    assert getattr(package, name) is not None, name
    assert name in vars(package), name
"""
    )


def names_for_type_checkers(package):
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.name: node.module
        for node in block.body
        for alias in node.names
        if isinstance(node, ast.ImportFrom)
    }


def test_the_three_lists_of_names_agree():
    lazy = {name: f"chakra_async.{home}" for name, home in chakra_async._HOME_OF.items()}
    assert names_for_type_checkers(chakra_async) == lazy
    assert set(chakra_async.__all__) == set(lazy)
    assert len(chakra_async.__all__) == len(set(chakra_async.__all__))
    assert dir(chakra_async) == sorted(chakra_async.__all__)


OF_SYNC = {"BulkRun": "bulk", "Client": "client", "Pager": "paging", "Writer": "writer"}


def test_the_facade_has_the_same_names():
    assert chakra_async.sync.__all__ == dir(chakra_async.sync) == chakra_async.__all__
    own = {name: f"chakra_async.sync.{home}" for name, home in OF_SYNC.items()}
    assert names_for_type_checkers(chakra_async.sync) == names_for_type_checkers(chakra_async) | own


@pytest.mark.parametrize("name", chakra_async.__all__)
def test_a_name_of_the_facade_is_its_own_or_the_shared_one(name):
    home = importlib.import_module(f"chakra_async.sync.{OF_SYNC[name]}") if name in OF_SYNC else chakra_async
    assert getattr(chakra_async.sync, name) is getattr(home, name)


@pytest.mark.parametrize("name", chakra_async.__all__)
def test_a_name_is_the_very_object_of_its_home(name):
    home = importlib.import_module(f"chakra_async.{chakra_async._HOME_OF[name]}")
    assert getattr(chakra_async, name) is getattr(home, name)


@pytest.mark.parametrize("home", FIRST_CALLS)
def test_star_import_brings_every_name(home):
    space = {}
    exec(f"from {home} import *", space)
    assert set(chakra_async.__all__) <= set(space)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'AsyncClient'"):
        chakra_async.AsyncClient  # noqa: B018
    with pytest.raises(ImportError):
        exec("from chakra_async import AsyncClient")
