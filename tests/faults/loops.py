"""Event loops of every kind that a program may run us in."""

import asyncio
import sys

import pytest


KINDS = ["asyncio", "debug", "uvloop", "eager"]


def run_in(kind, main):
    """Run a coroutine function in a loop of one kind; skip the test where there is none."""
    options = {}
    if kind == "debug":
        options = {"debug": True}
    elif kind == "uvloop":
        options = {
            "loop_factory": pytest.importorskip("uvloop", reason="uvloop is not installed").new_event_loop
        }
    elif kind == "eager" and sys.version_info < (3, 12):
        pytest.skip("eager tasks came with Python 3.12")

    async def begin():
        if kind == "eager":
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        return await main()

    with asyncio.Runner(**options) as runner:
        return runner.run(begin())
