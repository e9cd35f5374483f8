"""Every area hangs on both clients, is loaded when it is first used, and is made once."""

import ast
from pathlib import Path

import pytest

import chakra_async
from chakra_async import Client
from chakra_async._lazy import Lazy
from chakra_async.client import WhatsApp
from chakra_async.sync import Client as SyncClient
from chakra_async.sync.client import WhatsApp as SyncWhatsApp


PACKAGE = Path(chakra_async.__file__).parent
FILES = sorted(path.stem for path in (PACKAGE / "resources").glob("*.py") if path.stem != "__init__")
CLIENTS = [(Client, WhatsApp, "resources"), (SyncClient, SyncWhatsApp, "sync.resources")]


def area(chakra, stem):
    """The attribute for a file of ``resources``."""
    if stem.startswith("whatsapp_"):
        return getattr(chakra.whatsapp, stem.removeprefix("whatsapp_"))
    return getattr(chakra, stem)


def class_of(stem):
    tree = ast.parse((PACKAGE / "resources" / f"{stem}.py").read_text(encoding="utf-8"))
    [name] = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    return name


@pytest.mark.parametrize("stem", FILES)
@pytest.mark.parametrize(("client", "_", "home"), CLIENTS)
def test_every_area_hangs_on_the_client(client, _, home, stem):
    chakra = client("t")
    made = area(chakra, stem)
    assert type(made).__module__ == f"chakra_async.{home}.{stem}"
    assert type(made).__name__ == class_of(stem)
    assert area(chakra, stem) is made
    assert area(client("t"), stem) is not made


@pytest.mark.parametrize(("client", "whatsapp", "home"), CLIENTS)
def test_lazy_areas_are_attributes_like_others(client, whatsapp, home):
    lazy = {name for cls in (client, whatsapp) for name, one in vars(cls).items() if isinstance(one, Lazy)}
    named = {stem.removeprefix("whatsapp_") for stem in FILES}
    assert lazy == named
    assert lazy <= {*dir(client("t")), *dir(client("t").whatsapp)}
    assert isinstance(client.tasks, Lazy)


def test_nothing_is_loaded_that_is_not_used(run_script):
    run_script(
        """
import sys
from chakra_async import Client
from chakra_async.sync import Client as SyncClient

def loaded():
    homes = ("chakra_async.models.", "chakra_async.resources.", "chakra_async.sync.resources.")
    return {name for name in sys.modules if name.startswith(homes)}

for client in (Client, SyncClient):
    chakra = client("t")
areas = {name.rsplit(".", 1)[1] for name in loaded()}
assert areas <= {"processes", "jobs", "reply", "transfers"}, areas
before = loaded()
Client("t").tasks
assert loaded() - before == {"chakra_async.models.tasks", "chakra_async.resources.tasks"}, loaded() - before
"""
    )


def test_a_name_of_the_models_loads_its_area_only(run_script):
    run_script(
        """
import sys
from chakra_async.models import Task
assert "chakra_async.models.tasks" in sys.modules
assert "chakra_async.models.chats" not in sys.modules
assert "aiohttp" not in sys.modules
"""
    )


def test_a_sync_area_outlives_its_client(recorder):
    recorder.data([{"id": "u-1"}])
    users = recorder.sync_client().users
    assert [user.id for user in users.list()] == ["u-1"]
    messages = recorder.sync_client().whatsapp.phone_numbers
    assert len(list(messages.list())) == 1


CALLS = [
    lambda c: c.tasks.create("lead", "1", "call"),
    lambda c: c.users.list().first_page(),
    lambda c: c.users.get("u"),
    lambda c: c.users.update("u", bio="x"),
    lambda c: c.config.get(),
    lambda c: c.leads.create(name="A"),
    lambda c: c.leads.update_by_phone("917701214822", state="WON"),
    lambda c: c.chats.list().first_page(),
    lambda c: c.chats.messages("c").first_page(),
    lambda c: c.chats.messages_for_phone("917701214822").first_page(),
    lambda c: c.partner.create_connect_token(plugin_id="p"),
    lambda c: c.partner.get_plugin_config(plugin_id="p"),
    lambda c: c.partner.update_plugin_config(plugin_id="p", enable_chakra_webhook=True),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
async def test_every_call_carries_the_token_and_says_what_it_sends(recorder, recorded, number):
    a_list = "first_page" in CALLS[number].__code__.co_names
    recorder.data([] if a_list else {"id": "1", "connectToken": "t"})
    await CALLS[number](recorded)
    headers = recorder.last.headers
    assert headers["authorization"] == f"Bearer {recorder.token}"
    assert headers["accept"] == "application/json"
    assert headers["x-chakra-sdk"] == f"chakra-async/{chakra_async.__version__}"
    assert headers.get("content-type") == ("application/json" if recorder.last.body else None)
    assert "cookie" not in headers
    assert recorder.last.query == []


@pytest.mark.parametrize("number", range(len(CALLS)))
@pytest.mark.parametrize(
    ("status", "error"),
    [(401, "AuthenticationError"), (403, "PermissionDeniedError"), (404, "NotFoundError")],
)
async def test_every_call_tells_a_refusal_by_its_kind(recorder, recorded, number, status, error):
    recorder.refuse(status, "no")
    with pytest.raises(getattr(chakra_async, error), match="no"):
        await CALLS[number](recorded)


@pytest.mark.parametrize("number", range(len(CALLS)))
@pytest.mark.parametrize("body", [b"Not Found", b"", b"{}", b"[1]", b'{"_data": 7}', b"null"])
async def test_no_call_fails_but_with_an_error_of_ours(recorder, recorded, number, body):
    recorder.send(body, 200, "application/json")
    try:
        await CALLS[number](recorded)
    except chakra_async.DecodeError as error:
        told = (error.method, error.path)
    else:
        told = (recorder.last.method, recorder.last.path)
    assert told == (recorder.last.method, recorder.last.path)
