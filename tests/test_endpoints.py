"""Every endpoint that is known has a method, every method names its endpoint, and the table says so."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "tools" / "endpoints.py"
TABLE = ROOT / "docs" / "endpoints.md"

PASS_THROUGH = "/v1/ext/plugin/whatsapp/{}/api/{}/{}"
KNOWN = f"""
POST /v1/ext/plugin/whatsapp/{{}}/process/{{}}/{{}}/send-template-message
POST /v1/ext/plugin/whatsapp/{{}}/phoneNumber/{{}}/send-template-message
POST {PASS_THROUGH}/messages
GET POST DELETE /v1/ext/plugin/whatsapp/api/{{}}/{{}}/message_templates
POST /v1/ext/plugin/whatsapp/api/{{}}/{{}}
POST /v1/ext/plugin/whatsapp/{{}}/upload-public-media
GET /v2/whatsapp/{{}}/media/{{}}/show
GET /v1/whatsapp/{{}}/media/{{}}
GET /v2/whatsapp/{{}}/media/whatsapp_business/attachments
GET POST {PASS_THROUGH}/whatsapp_business_encryption
GET POST {PASS_THROUGH}/groups
GET POST DELETE {PASS_THROUGH}
GET POST {PASS_THROUGH}/invite_link
GET POST DELETE {PASS_THROUGH}/join_requests
DELETE {PASS_THROUGH}/participants
GET POST /v1/whatsapp/{{}}/{{}}/settings
GET /v1/whatsapp/{{}}/{{}}/call_permissions
POST /v1/whatsapp/{{}}/{{}}/calls
POST /v1/ext/procedure/lead/process
PUT /v1/ext/procedure/lead/process/phone_number/{{}}
POST /v1/ext/chat
POST /v1/ext/chat/{{}}/message
POST /v1/ext/plugin/whatsapp/list-chat-messages-for-phone-number
POST /v1/ext/whatsapp-partner/create-connect-token
GET /v1/ext/plugin/whatsapp/{{}}/config
POST /v1/ext/plugin/whatsapp/{{}}/update-config
GET PUT DELETE /v1/ext/procedure/{{}}/process/{{}}
POST /v1/ext/procedure/{{}}/process/list
POST PATCH /v1/ext/procedure/{{}}/process
PUT DELETE /v1/ext/procedure/{{}}/process/{{}}/{{}}
POST /v1/ext/procedure/{{}}/process/bulk-create
POST /v1/ext/p/{{}}/{{}}/task/{{}}
GET /v1/ext/users
GET /v2/ext/users
GET PUT /v1/ext/user/{{}}
GET /v2/ext/user/{{}}
POST /v1/ext/photo
GET POST /v1/ext/photo/{{}}
GET /v1/ext/background-job/{{}}
GET /v1/ext/background-job/{{}}/entries
GET /v1/ext/config
GET /v1/health
GET /v1/ext/whatsapp-phone-number
GET /v1/ext/whatsapp-phone-number/{{}}
GET /v1/ext/whatsapp-business-account
POST /plugin
GET PUT DELETE /plugin/{{}}
"""


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("endpoints", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPT.parent)
        spec.loader.exec_module(module)
    return module


def rows(tool):
    return [(area, one, methods) for area, found in tool.read().items() for one, methods in found.items()]


def test_the_table_is_fresh(tool):
    assert TABLE.read_text(encoding="utf-8") == tool.generate()


def test_every_known_endpoint_is_modelled_and_no_other(tool):
    known = {(verb, line.split()[-1]) for line in KNOWN.strip().splitlines() for verb in line.split()[:-1]}
    modelled = {(one.verb, re.sub(r"\{[^}]*\}", "{}", one.path)) for _, one, _ in rows(tool)}
    assert modelled == known


def test_every_endpoint_says_how_well_it_is_known(tool):
    for _, one, _ in rows(tool):
        assert re.match(r"documented|seen|inferred", one.confidence), one


def test_every_method_of_the_table_is_there(tool):
    from chakra_async import Client

    chakra = Client("t")
    named = set()
    for area, _, methods in rows(tool):
        for method in methods:
            place = chakra
            for name in (tool._attribute(area) + method).split("."):
                place = getattr(place, name)
            assert callable(place)
            named.add((area, method))
    for area in tool.AREAS:
        if area == "client":
            continue
        resource = chakra
        for name in tool._attribute(area).rstrip(".").split("."):
            resource = getattr(resource, name)
        public = {name for name in dir(resource) if not name.startswith("_")}
        assert {(area, name) for name in public} <= named


def test_what_cannot_be_called_is_told_with_a_way_out(tool):
    text = TABLE.read_text(encoding="utf-8")
    for name in tool.NOT_MODELLED:
        assert name in text
    assert "request(method, path" in text


def test_a_method_without_an_endpoint_stops_the_tool(tool, tmp_path):
    path = tmp_path / "things.py"
    path.write_text(
        'class Things:\n    async def get(self) -> int:\n        """Get it."""\n', encoding="utf-8"
    )
    with pytest.raises(tool.NoEndpointError, match=r"things\.py:2: get does not say which endpoint it calls"):
        tool._area(path)


def test_what_several_methods_call_stands_in_one_row(tool, tmp_path):
    path = tmp_path / "things.py"
    path.write_text(
        '''class Things:
    def a(self):
        """A.

        Endpoint: ``GET /x?y=``, or ``GET /z`` (seen; the latter live).
        """

    def b(self):
        """B.

        Endpoint: as :meth:`a` (inferred).
        """
''',
        encoding="utf-8",
    )
    assert tool._area(path) == {("GET", "/x", "seen"): ["a", "b"], ("GET", "/z", "seen"): ["a", "b"]}


def test_check_tells_by_its_exit_status(tool, tmp_path, monkeypatch, capsys):
    done = subprocess.run([sys.executable, SCRIPT, "--check"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    monkeypatch.setattr(tool, "TARGET", tool.ROOT / "docs" / "no-such-file.md")
    assert tool.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().err
    assert tool.main(["--help"]) == 2
    monkeypatch.setattr(tool, "TARGET", tmp_path / "endpoints.md")
    assert tool.main([]) == 0
    assert (tmp_path / "endpoints.md").read_text(encoding="utf-8") == TABLE.read_text(encoding="utf-8")
