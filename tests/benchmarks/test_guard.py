"""What a call and a row cost, counted; see ``benchmarks/guard.py``."""

import gc
import json
import subprocess
import sys

import pytest

from benchmarks.guard import AIOHTTP, FILE, PYTHON, exceeded
from benchmarks.harness.processes import sink
from benchmarks.harness.worker import hold
from benchmarks.peers.ours import bulk


ROOT = FILE.parent.parent


def test_nothing_costs_more_than_before():
    if PYTHON not in json.loads(FILE.read_text()):
        pytest.skip(f"nothing is kept for Python {PYTHON}")
    command = [sys.executable, "-m", "benchmarks.guard"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert found.returncode == 0, found.stdout + found.stderr


def test_rows_come_and_go_with_hardly_any_work_for_the_garbage_collector():
    rows = 20_000
    with sink() as server, hold(bulk, "asyncio", {"url": server.url, "token": server.token}) as run:
        run(rows=5000, concurrency=4)
        before = gc.get_stats()[0]["collections"]
        run(rows=rows, concurrency=4)
        assert gc.get_stats()[0]["collections"] - before < rows / 1000


def kept(aiohttp=AIOHTTP, **figures):
    return {"aiohttp": aiohttp, "figures": {"single update": figures}}


def counted(**figures):
    return {"single update": figures}


def test_what_costs_more_is_named():
    found = list(exceeded(kept(requests=1.0, bytes=400.0), counted(requests=1.0, bytes=500.0)))
    assert found == ["single update: 500 bytes where 400 were enough (+25%)"]


def test_a_little_more_is_let_pass_and_less_is_welcome():
    assert not list(exceeded(kept(bytes=400.0, requests=2.0), counted(bytes=410.0, requests=1.0)))


def test_what_aiohttp_does_is_compared_only_with_the_same_aiohttp():
    now = {"single update": {"all calls": 600.0, "our calls": 95.0}}
    before = {"all calls": 500.0, "our calls": 95.0}
    assert list(exceeded(kept(**before), now))
    assert not list(exceeded(kept("3.0.0", **before), now))


def test_a_scenario_that_is_new_is_let_pass():
    assert not list(exceeded(kept(), counted(bytes=500.0)))
