"""Every example is run as a reader would run it, against the emulator."""

import asyncio
import hashlib
import os
import re
import sqlite3
import subprocess
import sys
import urllib.request
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from chakra_async import Client as AsyncClient
from chakra_async.sync import Client


ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


@pytest.fixture
def leads(emulator):
    """Three leads, ``LEAD-1`` to ``LEAD-3``."""
    with Client(emulator.token, base_url=emulator.url) as chakra:
        return [
            chakra.processes.create("lead", data={"lead_id": f"LEAD-{n}", "city": "Goa"}) for n in (1, 2, 3)
        ]


@pytest.fixture
def environment(emulator, monkeypatch):
    for name, value in settings_of(emulator).items():
        monkeypatch.setenv(name, value)


def settings_of(emulator):
    return {
        "CHAKRA_BASE_URL": emulator.url,
        "CHAKRA_ACCESS_TOKEN": emulator.token,
        "CHAKRA_PLUGIN_ID": emulator.plugin_id,
        "CHAKRA_PHONE_NUMBER_ID": emulator.phone_number_id,
    }


def run(*arguments, cwd, emulator=None, status=0, text=None):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAKRA_")}
    environment["PYTHONPATH"] = str(ROOT)
    if emulator is not None:
        environment |= settings_of(emulator)
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=cwd,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_every_example_is_run_here():
    others = Path(__file__).parent / "webhooks" / "test_webhook_examples.py"
    text = Path(__file__).read_text(encoding="utf-8") + others.read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        if path.suffix in {".py", ".ipynb"} and path.stem not in {"__init__", "derive_updates"}:
            assert path.stem in text.replace("def test_every_example", ""), f"{path.name} is not run"


def test_demo(tmp_path):
    said = run("-m", "examples.demo", cwd=tmp_path)
    assert re.search(r"3,322 created\n  in \d", said)
    counts = {name: int(count.replace(",", "")) for count, name in re.findall(r"(\d[\d,]*) (\w+)\n", said)}
    # By the rule in derive_updates: 6 unknown tails, 3 not numbers and a broken line; 4 unknown states.
    assert (counts["invalid"], counts["failed"]) == (10, 4)
    assert counts["updated"] == 3322 - 14
    assert "unknown" not in counts
    assert "SCRAPPED" in said
    assert "aircraft as RETIRED; the oldest was built in 1956." in said
    failed = (tmp_path / "build" / "demo" / "failed.csv").read_text().splitlines()
    assert len(failed) == 15


def test_bulk_from_csv(emulator, tmp_path):
    emulator.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "IN_SERVICE", "RETIRED"))
    with Client(emulator.token, base_url=emulator.url) as chakra:
        for name in ("N1", "N2"):
            chakra.processes.create("aircraft", data={"tailnum": name})
    table = "tailnum,state,seats,inspected_on\nN1,IN_SERVICE,100,2026-07-01\nN2,SCRAPPED,90,2026-07-02\n"
    (tmp_path / "updates.csv").write_text(table + "N1,RETIRED,many,2026-07-03\n")
    said = run(EXAMPLES / "bulk_from_csv.py", "updates.csv", cwd=tmp_path, emulator=emulator)
    lines = said.splitlines()
    assert any(line.startswith("line 3, N2: failed: ") for line in lines)
    assert any(line.startswith("line 4, N1: invalid: ") for line in lines)
    assert lines[-1].startswith("3 rows: 1 updated, 1 invalid, 1 failed (1 job")
    assert emulator.process("aircraft", "N1")["data"]["seats"] == 100
    assert len((tmp_path / "failed.csv").read_text().splitlines()) == 3


def test_script(emulator, leads, tmp_path):
    path = tmp_path / "leads.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE lead (lead_id TEXT, city TEXT, score INTEGER, sent INTEGER DEFAULT 0)")
        database.execute("CREATE TABLE failure (lead_id TEXT, reason TEXT)")
        rows = [("LEAD-1", "Pune", 1), ("LEAD-2", "Delhi", 2), ("LEAD-9", "Agra", 9)]
        database.executemany("INSERT INTO lead (lead_id, city, score) VALUES (?, ?, ?)", rows)
    said = run(EXAMPLES / "script.py", path, cwd=tmp_path, emulator=emulator, status=1)
    assert said.startswith("3 rows: 2 updated, 1 invalid (1 job")
    assert emulator.process("lead", "LEAD-2")["data"]["city"] == "Delhi"
    assert database.execute("SELECT lead_id FROM lead WHERE sent").fetchall() == [("LEAD-1",), ("LEAD-2",)]
    [(failed, reason)] = database.execute("SELECT * FROM failure").fetchall()
    assert failed == "LEAD-9"
    assert reason.startswith("invalid: ")
    database.execute("DELETE FROM lead WHERE lead_id = 'LEAD-9'")
    database.commit()
    database.close()
    assert run(EXAMPLES / "script.py", path, cwd=tmp_path, emulator=emulator).startswith("0 rows: none")


def test_flask_app(emulator, leads):
    from examples.flask_app import create_app

    with Client(emulator.token, base_url=emulator.url) as chakra:
        browser = create_app(chakra).test_client()
        shown = browser.get("/leads/LEAD-1")
        assert shown.status_code == 200
        assert shown.get_json()["city"] == "Goa"
        scored = browser.post("/leads/LEAD-1/score", json={"score": 7})
        assert scored.get_json() == {"id": leads[0].id, "score": 7}
        assert emulator.process("lead", "LEAD-1")["data"]["score"] == 7
        missing = browser.get("/leads/LEAD-9")
        assert (missing.status_code, missing.get_json()) == (404, {"error": "There is no lead LEAD-9."})
        assert browser.post("/leads/LEAD-9/score", json={"score": 7}).status_code == 404
        emulator.faults.next("POST", "/list", status=402)
        assert browser.get("/leads/LEAD-1").status_code == 502


def test_flask_app_as_flask_makes_it(emulator, leads, environment):
    from examples.flask_app import create_app

    app = create_app()
    # Closed here: an open connection keeps the context it was made in, and with it the app and its client.
    with app.extensions["chakra"]:
        assert app.test_client().get("/leads/LEAD-2").status_code == 200


def test_django_app(emulator, leads, tmp_path):
    # In a process of its own: Django's settings are the whole process's.
    script = f"""
from examples import django_app
from django.db import connection
from django.test import Client
from examples.django_app import Visit

with connection.schema_editor() as editor:
    editor.create_model(Visit)
for lead_id in ("LEAD-1", "LEAD-2", "LEAD-9"):
    Visit.objects.create(lead_id=lead_id, notes="was there")
browser = Client()
shown = browser.get("/leads/{leads[0].id}")
assert (shown.status_code, shown.json()["data"]["city"]) == (200, "Goa")
assert browser.get("/leads/00000000-0000-0000-0000-000000000000").status_code == 404
assert browser.get("/visits/send").status_code == 405
assert browser.post("/visits/send").json() == {{"sent": 2, "not sent": 1}}
assert list(Visit.objects.filter(sent=False).values_list("lead_id", flat=True)) == ["LEAD-9"]

# A query set can be iterated in both ways; the sync client takes it as it is.
Visit.objects.create(lead_id="LEAD-3", notes="{leads[2].id}")
ids = Visit.objects.filter(lead_id="LEAD-3").values_list("notes", flat=True)
assert django_app.chakra().processes.bulk_delete("lead", ids).run().deleted == 1
print(str(Visit.objects.get(lead_id="LEAD-9")))
"""
    said = run("-c", script, cwd=tmp_path, emulator=emulator)
    assert said == "Visit to LEAD-9\n"
    assert emulator.process("lead", "LEAD-2")["data"]["notes"] == "was there"


def test_asyncio_service(emulator, leads, tmp_path):
    names = [f"LEAD-{n}" for n in range(1, 5)]
    said = run(EXAMPLES / "asyncio_service.py", *names, cwd=tmp_path, emulator=emulator)
    assert sorted(said.splitlines()) == [
        *[f"LEAD-{n}: 20 points" for n in (1, 2, 3)],
        "LEAD-4: There is no lead LEAD-4.",
    ]
    assert emulator.process("lead", "LEAD-3")["data"]["score"] == 20


def test_many_writers(emulator, leads, tmp_path):
    events = "".join(f"LEAD-{n % 4 + 1} {n}\n" for n in range(400))
    said = run(EXAMPLES / "many_writers.py", cwd=tmp_path, emulator=emulator, text=events).splitlines()
    assert len(said) == 101
    assert all(line.startswith("LEAD-4: invalid: ") for line in said[:100])
    assert said[100].startswith("400 rows: 300 updated, 100 invalid (1 job, ")
    assert [lead["data"]["score"] for lead in emulator.processes("lead")] == [396, 397, 398]


def test_whatsapp(emulator, environment, capsys):
    from examples import whatsapp

    asyncio.run(whatsapp.main(["+91 99012 58433"]))
    assert capsys.readouterr().out.startswith("+91 99012 58433: refused by WhatsApp: The service answered 4")
    emulator.add_template("visit_tomorrow", "May we visit you at {{1}}?")
    asyncio.run(whatsapp.main(["+91 99012 58433", "0990"]))
    sent, not_sent = capsys.readouterr().out.splitlines()
    assert sent == f"+91 99012 58433: accepted as {emulator.messages[0].wamid}"
    assert not_sent.startswith("0990: not sent: phone is '0990'")
    assert emulator.messages[0].text == "May we visit you at 10:30?"
    emulator.settings.plan = "free"
    asyncio.run(whatsapp.main(["919901258434"]))
    assert capsys.readouterr().out.startswith("919901258434: refused by Chakra: The service answered 402")

    async def answer():
        async with AsyncClient() as chakra:
            await whatsapp.answer(chakra, "919901258433", came.wamid)

    came = emulator.receive_message("919901258433", text="10:30 is too early.")
    asyncio.run(answer())
    assert emulator.messages[-1].text == "When shall we come?"


def test_new_lead(emulator, tmp_path):
    for phone, name in (("+91 77012-14822", "Asha"), ("0091 7701214822", "Asha Rao")):
        said = run(EXAMPLES / "new_lead.py", name, phone, "call back", cwd=tmp_path, emulator=emulator)
        assert re.fullmatch(rf"{name}: lead \S+, task \S+ is COMPLETED\n", said)
    [lead] = emulator.processes("lead")
    assert lead["data"] == {"name": "Asha Rao", "phone_number": "917701214822"}


def test_team(emulator, tmp_path):
    asha = emulator.add_user("asha@example.com")
    said = run(EXAMPLES / "team.py", cwd=tmp_path, emulator=emulator)
    assert "asha@example.com: Admin\n" in said
    assert re.search(r"^lead is [0-9a-f-]{36}$", said, re.MULTILINE)
    assert asha not in said


def test_chat_history(emulator, tmp_path):
    emulator.receive_message("917701214822", text="Hello")
    emulator.receive_message("918801214822", text="Hi")
    said = run(EXAMPLES / "chat_history.py", "+91 77012-14822", cwd=tmp_path, emulator=emulator).splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d < Hello \(\w+\)", said[0])
    assert said[1:] == ["waiting: 917701214822", "waiting: 918801214822"]


def test_connect_client(emulator, tmp_path):
    example, hook = EXAMPLES / "connect_client.py", "https://example.com/hook"
    said = run(example, hook, cwd=tmp_path, emulator=emulator)
    assert re.fullmatch(r"a token of \d+ characters\n", said)
    plugin = emulator.plugin_id
    twice = [run(example, hook, plugin, cwd=tmp_path, emulator=emulator) for _ in range(2)]
    assert twice == [f"events of {plugin} go to {hook}\n", "nothing to do\n"]


def test_photos(emulator, leads, tmp_path):
    emulator.settings.photo_answer = "redirect"
    (tmp_path / "shop.png").write_bytes(bytes(300_000))
    said = run(EXAMPLES / "photos.py", leads[0].id, "shop.png", cwd=tmp_path, emulator=emulator)
    first, second, third = said.splitlines()
    assert (first, second) == ("262,144 of 300,000 bytes", "300,000 of 300,000 bytes")
    assert third.startswith("copy of shop.png: image/png, SHA-256 ")
    assert (tmp_path / "copy of shop.png").read_bytes() == bytes(300_000)
    assert emulator.process("lead", "LEAD-1")["data"]["photo"]


def test_whatsapp_media_sends_a_file(emulator, tmp_path):
    (tmp_path / "offer.pdf").write_bytes(bytes(300_000))
    arguments = ("send", "+91 99012 58433", "offer.pdf")
    said = run(EXAMPLES / "whatsapp_media.py", *arguments, cwd=tmp_path, emulator=emulator)
    [sent] = emulator.messages
    assert said.splitlines() == [
        "262,144 of 300,000 bytes",
        "300,000 of 300,000 bytes",
        f"accepted as {sent.wamid}",
    ]
    assert (sent.phone, sent.content["document"]["filename"]) == ("919901258433", "offer.pdf")
    with urllib.request.urlopen(sent.content["document"]["link"], timeout=10) as shown:
        assert (shown.headers["Content-Type"], shown.read()) == ("application/pdf", bytes(300_000))


def test_whatsapp_media_keeps_what_came(emulator, tmp_path):
    content = bytes(range(256)) * 1000
    came = emulator.receive_message("919901258433", media=content, mime_type="application/pdf")
    media_id = came.content["document"]["id"]
    address = (
        f"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid={media_id}&ext=99999999999&hash=x"
    )
    for told, path in ((media_id, "by id.pdf"), (address, "by address.pdf")):
        said = run(EXAMPLES / "whatsapp_media.py", "keep", told, path, cwd=tmp_path, emulator=emulator)
        *steps, last = said.splitlines()
        assert ("application/pdf, 256,000 bytes" in steps) == (told == media_id)
        assert steps[-1] == "256,000 of 256,000 bytes"
        assert last == f"{path}: application/pdf, SHA-256 {hashlib.sha256(content).hexdigest()}"
        assert (tmp_path / path).read_bytes() == content


def test_whatsapp_templates(emulator, environment, monkeypatch, capsys, tmp_path):
    from examples import whatsapp_templates

    def publish():
        with Client() as chakra:
            whatsapp_templates.publish(chakra, emulator.waba_id, every=0.01, patience=10)
            found = whatsapp_templates.find(chakra, emulator.waba_id)
        return found, capsys.readouterr().out.splitlines()

    emulator.add_template("visit_tomorrow", "Amanhã?", language="pt_BR")
    first, said = publish()
    assert said == [f"created {first.id}: PENDING", "visit_tomorrow is APPROVED"]
    assert first.components == whatsapp_templates.COMPONENTS
    assert publish() == (first, ["visit_tomorrow is APPROVED"])
    monkeypatch.setattr(whatsapp_templates, "COMPONENTS", [{"type": "BODY", "text": "When, {{1}}?"}])
    second, said = publish()
    assert said == [f"updated {first.id}", "visit_tomorrow is APPROVED"]
    assert (second.id, second.components[0]["text"]) == (first.id, "When, {{1}}?")

    for n in range(100):
        emulator.add_template(f"t{n}")
    script = EXAMPLES / "whatsapp_templates.py"
    pages = run(script, "list", cwd=tmp_path, emulator=emulator).splitlines()
    assert pages[1] == "visit_tomorrow (en, UTILITY): APPROVED"
    cursor = pages[100].removeprefix("-- the next page begins after ")
    rest = run(script, "list", cursor, cwd=tmp_path, emulator=emulator).splitlines()
    assert rest == pages[101:] == ["t98 (en, UTILITY): APPROVED", "t99 (en, UTILITY): APPROVED"]

    assert run(script, "delete", cwd=tmp_path, emulator=emulator) == "deleted visit_tomorrow (en)\n"
    with Client() as chakra:
        left = chakra.whatsapp.templates.list(emulator.waba_id, name="visit_tomorrow")
        assert [one.language for one in left] == ["pt_BR"]


def test_whatsapp_templates_that_are_not_approved(emulator, environment, capsys):
    from examples import whatsapp_templates

    emulator.settings.approve_templates_after = None
    with Client() as chakra:
        whatsapp_templates.publish(chakra, emulator.waba_id, every=0.01, patience=0.05)
        assert capsys.readouterr().out.endswith("visit_tomorrow is PENDING\n")
        template = whatsapp_templates.find(chakra, emulator.waba_id)
        emulator.set_template_status(template.id, "REJECTED", reason="INVALID_FORMAT")
        whatsapp_templates.publish(chakra, emulator.waba_id)
    assert capsys.readouterr().out == "visit_tomorrow is REJECTED INVALID_FORMAT\n"


def test_whatsapp_calls(emulator, environment, capsys, tmp_path):
    from examples import whatsapp_calls

    asyncio.run(whatsapp_calls.main("+91 99012 58433", "v=0 ours", seconds=0))
    [call] = emulator.calls
    assert capsys.readouterr().out.splitlines() == [
        "calls are taken in office hours",
        f"+91 99012 58433 is being called: {call['id']}",
        "hung up",
    ]
    assert (call["person"], call["status"]) == ("919901258433", "ended")
    assert call["content"]["session"] == {"sdp_type": "offer", "sdp": "v=0 ours"}
    emulator.settings.call_permission = "no_permission"
    script = EXAMPLES / "whatsapp_calls.py"
    said = run(script, "919901258433", cwd=tmp_path, emulator=emulator, text="v=0 ours")
    assert said == "919901258433 allows no calls: no_permission\n"
    assert len(emulator.calls) == 1

    async def answer():
        async with AsyncClient() as chakra:
            await whatsapp_calls.answer(chakra, emulator.receive_call("919901258433"), "v=0 ours")
            await whatsapp_calls.answer(chakra, emulator.receive_call("919901258434"), None)
            return (await chakra.whatsapp.calling.get_settings()).calling

    settings = asyncio.run(answer())
    assert [one["status"] for one in emulator.calls[1:]] == ["going", "ended"]
    assert (settings.status, settings.call_hours) == ("ENABLED", whatsapp_calls.HOURS)


def test_whatsapp_groups(emulator, environment, capsys, tmp_path):
    from examples import whatsapp_groups

    def do(*arguments):
        whatsapp_groups.main(*arguments)
        return capsys.readouterr().out

    phones = ("+91 99012 58433", "919901258434")
    with Client() as chakra:
        groups = chakra.whatsapp.groups
        for _ in range(2):
            assert do("open", "Goa", *phones) == "2 people have the link to 'Goa'\n"
        [group] = groups.list()
        link = groups.get_invite_link(group.id)
        assert [one.text for one in emulator.messages] == [f"Join us in 'Goa': {link}"] * 4
        for phone in ("919901258433", "919901258434", "911111111111"):
            emulator.ask_to_join(group.id, phone)
        assert do("admit", "Goa", *phones) == "2 let in, 1 turned away, 0 taken out\n"
        assert do("admit", "Goa", phones[0]) == "0 let in, 0 turned away, 1 taken out\n"
        found = groups.get(group.id)
        assert found.join_approval_mode == "approval_required"
        assert [one.wa_id for one in found.participants] == ["919901258433"]
        assert list(groups.list_join_requests(group.id)) == []
        script = EXAMPLES / "whatsapp_groups.py"
        assert run(script, "close", "Goa", cwd=tmp_path, emulator=emulator) == "'Goa' is no more\n"
        assert list(groups.list()) == []


def test_whatsapp_setup(emulator, environment, tmp_path):
    key = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"
    (tmp_path / "public.pem").write_text(key)

    def do(*arguments, status=0):
        script = EXAMPLES / "whatsapp_setup.py"
        return run(script, *arguments, cwd=tmp_path, emulator=emulator, status=status).splitlines()

    with Client() as chakra:
        plugins = chakra.whatsapp.plugins
        plugins.update(emulator.plugin_id, is_active=False)
        connected = ["account Emulated business: CONNECTED", "+91 80 4567 8900: CONNECTED, quality GREEN"]
        first, *shown = do("check", "public.pem")
        assert first == "WhatsApp was off and is now on"
        assert shown == [*connected, "the key of Flows was set", "ready"]
        assert do("check", "public.pem") == [*connected, "ready"]
        assert plugins.get(emulator.plugin_id).is_active is True
        assert chakra.whatsapp.flows.get_public_key().business_public_key == key
        [line] = do("new", "Second line")
        made = plugins.get(line.split()[4].rstrip(","))
        assert (line, made.name) == (f"Second line is plugin {made.id}, to be connected", "Second line")
        plugins.update(emulator.plugin_id, server_config={"enabledWhatsappPhoneNumbers": []})
    assert do("check", "public.pem", status=1)[-1] == "no phone number is connected yet"


@pytest.mark.fault("C4")
@pytest.mark.filterwarnings("default")  # the kernel's own machinery warns of its own sockets
def test_notebook(tmp_path):
    notebook = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    asyncio.run(
        NotebookClient(
            notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
        ).async_execute()
    )
    outputs = [
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    ]
    shown = "".join(outputs)
    assert "stderr" not in [
        output.get("name") for cell in notebook.cells for output in cell.get("outputs", ())
    ]
    assert "499 rows: 499 created" in shown
    assert "LEAD-501 invalid" in shown
    assert "5 rows: 3 updated, 2 invalid" in shown
    assert re.search(r"Counter\(\{'(Pune|Goa)': 250, '(Pune|Goa)': 250\}\)", shown)
