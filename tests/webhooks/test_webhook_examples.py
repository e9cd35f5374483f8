"""The examples, run as a reader would run them; the emulator delivers the webhooks."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from tests.raw import closed_port


pytestmark = pytest.mark.timeout(60)

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "s3cret"


class Running:
    """An example that serves, and the emulator's webhooks on their way to it."""

    def __init__(self, port, process, emulator):
        self.port, self.process, self.emulator = port, process, emulator

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, orjson.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None

    def deliver(self, **options):
        url = f"http://127.0.0.1:{self.port}/webhooks/chakra"
        return self.emulator.deliver_webhooks(
            url, **{"secret": SECRET, "retries": 20, "retry_wait": 0.02, **options}
        )

    def wait_until_up(self):
        while self.process.poll() is None:
            try:
                return self.get("/")
            except OSError:
                time.sleep(0.02)
        raise AssertionError(self.process.communicate())


@pytest.fixture
def serve(emulator, tmp_path):
    @contextmanager
    def serve(*command):
        port = closed_port()
        settings = {
            "PYTHONPATH": str(ROOT),
            "CHAKRA_BASE_URL": emulator.url,
            "CHAKRA_ACCESS_TOKEN": emulator.token,
            "CHAKRA_PLUGIN_ID": emulator.plugin_id,
            "CHAKRA_PHONE_NUMBER_ID": emulator.phone_number_id,
            "CHAKRA_WEBHOOK_SECRET": SECRET,
        }
        with subprocess.Popen(
            [sys.executable, "-W", "error", *command, str(port)],
            cwd=tmp_path,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                running = Running(port, process, emulator)
                running.wait_until_up()
                yield running
                process.send_signal(signal.SIGINT)
                running.said, running.complained = process.communicate(timeout=20)
            finally:
                process.kill()

    return serve


def test_webhooks_aiohttp(serve, emulator):
    with serve(ROOT / "examples" / "webhooks_aiohttp.py") as running:
        hook = running.deliver(duplicates=1.0)
        came = emulator.receive_message("919901258433", text="Hello", name="Asha Rao")
        hook.wait_until_idle()
        [answered] = emulator.messages
        assert (answered.phone, answered.text) == ("919901258433", "Hello Asha Rao, we have your message.")
        assert answered.content["context"] == {"message_id": came.wamid}
        while len([one for one in hook.deliveries if one.kind == "status"]) < 6:
            time.sleep(0.02)
        hook.wait_until_idle()
    assert sorted(running.said.splitlines()) == sorted(
        f"{answered.wamid}: {status}" for status in ("sent", "delivered", "read")
    )
    assert (running.complained, running.process.returncode) == ("", 0)


def test_webhooks_fastapi(serve, emulator):
    from chakra_async.sync import Client

    with serve(
        "-m", "uvicorn", "--factory", "examples.webhooks_fastapi:create_app", "--log-level", "error", "--port"
    ) as running:
        hooks = [
            running.deliver(format=name, secret=secret, shuffle=3)
            for name, secret in (("chakra", SECRET), ("meta", None))
        ]
        with Client(
            emulator.token,
            base_url=emulator.url,
            plugin_id=emulator.plugin_id,
            phone_number_id=emulator.phone_number_id,
        ) as chakra:
            sent = chakra.whatsapp.messages.send_text("919901258433", "Hello").whatsapp_message_id
        place = f"/messages/{quote(sent, safe='')}"
        while (running.get(place)[1] or {}).get("status") != "read":
            time.sleep(0.02)
        for hook in hooks:
            hook.flush()
        assert running.get(place)[1]["status"] == "read"
        assert running.get("/messages/wamid.none")[0] == 404
        assert {one.status for hook in hooks for one in hook.deliveries} == {200}
    assert (running.complained, running.said) == ("", "")


def test_webhooks_flask(serve, emulator):
    with serve("-m", "flask", "--app", "examples.webhooks_flask", "run", "--port") as running:
        hook = running.deliver(events=["message"], duplicates=1.0)
        emulator.faults.next("PUT", "phone_number", status=402)  # the first delivery fails
        for text in ("Hello", "Are you there?"):
            emulator.receive_message("919901258433", text=text, name="Asha Rao")
        hook.wait_until_idle()
        assert [lead["data"] for lead in emulator.processes("lead")] == [
            {"name": "Asha Rao", "phone_number": "919901258433"}
        ]
        assert 2 <= max(one.attempts for one in hook.deliveries) <= 20
    assert running.complained.count("Asha Rao is lead") == 1
    assert "PaymentRequiredError" in running.complained


def test_webhooks_django(serve, emulator):
    with serve(ROOT / "examples" / "webhooks_django.py", "runserver", "--noreload") as running:
        assert running.get("/messages") == (200, {"messages": []})
        hook = running.deliver(format="meta", duplicates=1.0, concurrency=2)
        for text in ("Hello", "Are you there?"):
            emulator.receive_message("919901258433", text=text)
            hook.wait_until_idle()
        shown = {"messages": ["919901258433: Hello", "919901258433: Are you there?"]}
        assert running.get("/messages") == (200, shown)
        assert running.get("/webhooks/chakra")[0] == 405
