"""What importing loads, and what is said where a framework is missing."""

import pytest


def test_webhooks_need_no_framework(run_script):
    run_script(
        """
import sys
import chakra_async.webhooks
late = ["aiohttp", "starlette", "flask", "django", "chakra_async.sync", "chakra_async.client"]
loaded = [name for name in late if name in sys.modules]
assert not loaded, loaded
"""
    )


@pytest.mark.parametrize("framework", ["Starlette", "Flask", "Django"])
def test_a_missing_framework_is_named(run_script, framework):
    name = framework.lower()
    said = run_script(
        f"""
import sys
sys.modules["{name}"] = None
try:
    import chakra_async.webhooks.{name}
except ImportError as error:
    print(error)
"""
    )
    assert said == f"chakra_async.webhooks.{name} needs {framework}: pip install {name}\n"


@pytest.mark.parametrize("framework", ["aiohttp", "starlette", "flask", "django"])
def test_an_adapter_is_short_and_loads_one_framework(run_script, framework):
    run_script(
        f"""
import sys
from pathlib import Path
from chakra_async.webhooks import {framework} as adapter
assert len(Path(adapter.__file__).read_text(encoding="utf-8").splitlines()) < 60
assert callable(adapter.endpoint)
others = {{"aiohttp", "starlette", "flask", "django"}} - {{"{framework}"}}
loaded = [name for name in others if name in sys.modules]
assert not loaded, loaded
"""
    )
