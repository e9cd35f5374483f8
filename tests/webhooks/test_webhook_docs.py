"""What docs/webhooks.md shows is run, and says what the code says."""

import re
import textwrap
from pathlib import Path

import pytest

import chakra_async.webhooks
from chakra_async.webhooks import Store
from tests.webhooks import bodies


DOCS = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", DOCS, re.DOTALL | re.MULTILINE)


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """All of the document as one program."""
    monkeypatch.setenv("CHAKRA_WEBHOOK_SECRET", bodies.SECRET)
    monkeypatch.chdir(tmp_path)
    space = {"__name__": "service"}
    for block in BLOCKS:
        exec(compile(block, "docs/webhooks.md", "exec"), space)
    return space


async def test_every_block_runs(shown, capsys):
    message = bodies.meta_messages(bodies.text("wamid.A"))
    assert await shown["handle"](message, bodies.sign(message)) == (200, "OK")
    status = bodies.chakra_status("wamid.S", "READ")
    assert await shown["handle"](status, bodies.sign(status)) == (200, "OK")
    assert await shown["handle"](status, bodies.sign(b"")) == (401, "The signature is absent or wrong.")
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["Asha Rao (919901258433) writes: Hello", "wamid.S was read"]
    assert said[2].startswith("wamid.S read 2026-")
    await shown["webhooks"].aclose()


def test_the_store_is_that_of_the_docstring():
    [store] = [block for block in BLOCKS if block.startswith("class RedisStore")]
    assert store.strip() == textwrap.dedent(Store.__doc__.partition("::\n")[2]).strip()


def test_every_event_is_named():
    named = {name for name in chakra_async.webhooks.__all__ if name.endswith("Event")} - {"Event"}
    assert all(f"`{name}`" in DOCS for name in named)
