"""The emulator's webhooks, which share no code with the receiver: out of order, twice, slowly, with a BOM."""

import time
from collections import Counter

import pytest

from chakra_async.sync import Client
from chakra_async.webhooks import MessageEvent, StatusTracker, TemplateEvent, Webhooks
from tests.webhooks.servers import HOST, PATH, SERVERS


pytestmark = pytest.mark.timeout(60)

SECRET = "s3cret"


@pytest.fixture
def chakra(emulator):
    ids = {"plugin_id": emulator.plugin_id, "phone_number_id": emulator.phone_number_id}
    with Client(emulator.token, base_url=emulator.url, **ids) as client:
        yield client


def handled_by(webhooks, *, failing=1):
    """Count what is handled; each event fails so many times before it succeeds."""
    handled, failures = Counter(), Counter()

    @webhooks.on("*")
    async def handle(event):
        if failures[event.id] < failing:
            failures[event.id] += 1
            raise LookupError("not yet")
        handled[event.id] += 1

    return handled


@pytest.mark.parametrize("form", ["chakra", "meta", "delivery_status"])
def test_W3_W4_W5_every_format_in_disorder(emulator, chakra, form):
    webhooks, tracker = Webhooks(SECRET), StatusTracker()
    handled = handled_by(webhooks)
    webhooks.on("status", name="track")(tracker.update)
    emulator.add_template("visit_tomorrow", "May we visit you?")
    with SERVERS["aiohttp"](webhooks) as port:
        hook = emulator.deliver_webhooks(
            f"http://{HOST}:{port}{PATH}",
            format=form,
            secret=SECRET,
            duplicates=0.5,
            shuffle=4,
            delay=(0.0, 0.05),
            retries=50,
            retry_wait=0.01,
            concurrency=4,
            bom=True,
        )
        emulator.faults.next_message(code=131026, title="Message undeliverable")
        came = []
        for number in range(6):
            phone = f"9199012584{number:02}"
            came.append(emulator.receive_message(phone, text="Hello"))
            chakra.whatsapp.messages.send_template(phone, template_name="visit_tomorrow", language="en")
        while {one.status for one in emulator.messages} - {"READ", "FAILED"}:
            time.sleep(0.01)
        hook.flush()
    assert {one.status for one in hook.deliveries} == {200}
    assert set(handled.values()) == {1}
    expected = {
        f"status:{one.wamid}:{status.lower()}" for one in emulator.messages for status in one.statuses
    }
    if form != "delivery_status":
        expected |= {f"message:{one.wamid}" for one in came}
    assert expected == {name for name in handled if not name.startswith("raw:")}
    standing = {one.wamid: tracker.get(one.wamid) for one in emulator.messages}
    assert {wamid: now.status.upper() for wamid, now in standing.items()} == {
        one.wamid: one.status for one in emulator.messages
    }
    [failed] = [now for now in standing.values() if now.status == "failed"]
    # The older webhook gives no reason.
    assert [error.code for error in failed.errors] == ([] if form == "delivery_status" else [131026])


def test_templates_and_media(emulator, chakra):
    webhooks, got = Webhooks(SECRET), []
    webhooks.on("*", name="all")(got.append)
    with SERVERS["aiohttp"](webhooks) as port:
        emulator.deliver_webhooks(f"http://{HOST}:{port}{PATH}", format="meta", secret=SECRET)
        components = [{"type": "BODY", "text": "May we visit you?"}]
        made = chakra.whatsapp.templates.create(
            emulator.waba_id, name="visit_tomorrow", language="en", category="UTILITY", components=components
        )
        emulator.receive_message("919901258433", media=b"%PDF", mime_type="application/pdf", filename="a.pdf")
        while len(got) < 2:
            time.sleep(0.01)
    document, template = sorted(got, key=lambda event: event.name)
    assert isinstance(document, MessageEvent)
    assert (document.media.mime_type, document.media.filename) == ("application/pdf", "a.pdf")
    assert document.media.url
    assert isinstance(template, TemplateEvent)
    assert (template.template_id, template.status, template.language) == (made.id, "APPROVED", "en")
