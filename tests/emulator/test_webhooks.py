"""Webhooks: their bodies to the letter, the signature over the raw bytes, disorder, receivers that fail."""

from __future__ import annotations

import base64
import gc
import hashlib
import hmac
import json
import re
import socket
import subprocess
import sys
import threading
import time
import warnings
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async.emulator import Emulator
from chakra_async.emulator.cli import main
from chakra_async.emulator.webhook_schedule import QUIET, Schedule
from tests.raw import closed_port
from tests.waiting import until


PHONE = "919812345678"
SECRET = "s3cr3t"


@pytest.fixture
def taking(recorder):
    """A receiver that takes everything."""
    return recorder.send(b"ok", kind="text/plain")


@pytest.fixture
def still(emulator):
    """Messages that are sent stay where they are, until a test moves them."""
    settings = emulator.settings
    settings.sent_after = settings.delivered_after = settings.read_after = None
    return settings


@pytest.fixture
def deaf():
    """A socket that somebody may or may not accept connections from."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


@pytest.fixture
def silent(deaf):
    """A receiver that can be reached and never says anything."""
    return f"http://127.0.0.1:{deaf.getsockname()[1]}/hook"


def write(emulator, *texts):
    return [emulator.receive_message(PHONE, text=text, name="Asha") for text in texts]


def texts(deliveries):
    return [one.json()["payload"]["message"]["text"]["body"] for one in deliveries]


def text(body="hi"):
    return {"messaging_product": "whatsapp", "to": PHONE, "type": "text", "text": {"body": body}}


class TestBodies:
    @pytest.fixture
    def deliver(self, api, emulator, taking):
        """Begin to deliver; calling what is returned gives the only body so far, as it arrived."""

        def begin(form, **options):
            hook = emulator.deliver_webhooks(f"{taking.url}/hook", format=form, **options)

            def only():
                until(lambda: taking.requests)
                hook.wait_until_idle()
                (arrived,) = taking.requests
                assert (arrived.method, arrived.target) == ("POST", "/hook")
                assert arrived.headers["content-type"] == "application/json"
                return json.loads(arrived.body)

            return only

        return begin

    def meta(self, emulator, field, **value):
        metadata = {"display_phone_number": "918045678900", "phone_number_id": emulator.phone_number_id}
        common = {"messaging_product": "whatsapp", "metadata": metadata}
        change = {"field": field, "value": {**common, **value}}
        return {
            "object": "whatsapp_business_account",
            "entry": [{"id": emulator.waba_id, "changes": [change]}],
        }

    def test_meta_message(self, emulator, deliver):
        body = deliver("meta")
        (received,) = write(emulator, "héllo")
        assert body() == self.meta(
            emulator,
            "messages",
            contacts=[{"profile": {"name": "Asha"}, "wa_id": PHONE}],
            messages=[
                {
                    "from": PHONE,
                    "id": received.wamid,
                    "timestamp": str(int(received.at.timestamp())),
                    "type": "text",
                    "text": {"body": "héllo"},
                }
            ],
        )

    def test_meta_media(self, api, emulator, deliver):
        body = deliver("meta")
        received = emulator.receive_message(PHONE, media=b"pixels", mime_type="image/png", text="look")
        value = body()["entry"][0]["changes"][0]["value"]
        assert value["contacts"] == [{"profile": {"name": PHONE}, "wa_id": PHONE}]
        image = value["messages"][0]["image"]
        url = image.pop("url")
        assert image == {
            "id": received.content["image"]["id"],
            "mime_type": "image/png",
            "sha256": base64.b64encode(hashlib.sha256(b"pixels").digest()).decode(),
            "caption": "look",
        }
        path = url.removeprefix(emulator.url)
        query = rf"mid={image['id']}&source=webhook&ext=\d{{10}}&hash=[0-9a-f]{{64}}"
        assert re.fullmatch(rf"/whatsapp_business/attachments/\?{query}", path)
        assert (answer := api("GET", path)).status == 401
        assert answer.errors[0].startswith("(#190)")
        proxied = "/v2/whatsapp/v22.0/media/whatsapp_business/attachments?" + path.partition("?")[2]
        assert api.raw("GET", proxied).body == b"pixels"

    def test_meta_status(self, api, emulator, number, deliver, still):
        still.delivered_after = 0
        body = deliver("meta")
        api("POST", f"{number}/messages", text())
        shown = body()
        at = shown["entry"][0]["changes"][0]["value"]["statuses"][0].pop("timestamp")
        assert abs(int(at) - time.time()) < 5
        status = {"id": emulator.messages[0].wamid, "status": "delivered", "recipient_id": PHONE}
        assert shown == self.meta(emulator, "messages", statuses=[status])

    def test_meta_failure(self, api, emulator, number, deliver, still):
        still.sent_after = 0
        emulator.faults.next_message(131049, "Not delivered")
        body = deliver("meta", events=["status"])
        api("POST", f"{number}/messages", text())
        (status,) = body()["entry"][0]["changes"][0]["value"]["statuses"]
        assert status["status"] == "failed"
        assert status["errors"] == [{"code": 131049, "title": "Not delivered", "message": "Not delivered"}]

    def test_meta_template(self, emulator, deliver):
        body = deliver("meta")
        template = emulator.add_template("welcome", language="en_US", status="PENDING")
        decided = time.time()
        emulator.set_template_status(template, "REJECTED", reason="INCORRECT_CATEGORY")
        value = {
            "event": "REJECTED",
            "message_template_id": int(template),
            "message_template_name": "welcome",
            "message_template_language": "en_US",
            "reason": "INCORRECT_CATEGORY",
        }
        change = {"field": "message_template_status_update", "value": value}
        shown = body()
        assert 0 <= shown["entry"][0].pop("time") - int(decided) <= 5
        entry = {"id": emulator.waba_id, "changes": [change]}
        assert shown == {"object": "whatsapp_business_account", "entry": [entry]}

    def test_a_meta_template_that_is_decided_about_again_and_again(self, emulator, taking):
        hook = emulator.deliver_webhooks(taking.url, format="meta")
        template = emulator.add_template("welcome")
        for status in ["PAUSED", "APPROVED"] * 3:
            emulator.set_template_status(template, status)
        hook.wait_until_idle()
        assert len({one.body for one in hook.deliveries}) == 6

    def test_meta_echo(self, api, emulator, number, deliver, still):
        body = deliver("meta", events=["message_echo"])
        api("POST", f"{number}/messages", text("hello"))
        sent = emulator.messages[0]
        echo = {
            "from": "918045678900",
            "to": PHONE,
            "id": sent.wamid,
            "timestamp": str(int(sent.at.timestamp())),
            "type": "text",
            "text": {"body": "hello"},
        }
        assert body() == self.meta(emulator, "smb_message_echoes", message_echoes=[echo])

    def test_chakra_message(self, emulator, deliver):
        body = deliver("chakra")
        (received,) = write(emulator, "hello")
        shown = body()
        assert abs(shown["payload"].pop("timestamp") - time.time() * 1000) < 5000
        assert shown == {
            "event": "message",
            "payload": {
                "wabaId": emulator.waba_id,
                "messageId": received.id,
                "externalId": received.wamid,
                "message": {
                    "from": PHONE,
                    "id": received.wamid,
                    "timestamp": str(int(received.at.timestamp())),
                    "type": "text",
                    "text": {"body": "hello"},
                },
                "contacts": [{"profile": {"name": "Asha"}, "wa_id": PHONE}],
            },
        }

    @pytest.mark.parametrize(("case", "shown"), [("upper", "READ"), ("lower", "read")])
    def test_chakra_status(self, api, emulator, number, deliver, still, case, shown):
        still.read_after, still.webhook_status_case = 0, case
        body = deliver("chakra")
        api("POST", f"{number}/messages", text())
        status = body()
        assert abs(status["payload"].pop("timestamp") - time.time() * 1000) < 5000
        sent = emulator.messages[0]
        ids = {"id": sent.id, "externalId": sent.wamid, "wabaId": emulator.waba_id}
        assert status == {"event": "status", "payload": {**ids, "deliveryStatus": shown}}

    @pytest.mark.parametrize("place", ["both", "errorContext", "errors"])
    def test_chakra_failure(self, api, emulator, number, deliver, still, place):
        still.sent_after, still.webhook_failure = 0, place
        emulator.faults.next_message(131026, "Message undeliverable")
        body = deliver("chakra")
        api("POST", f"{number}/messages", text())
        payload = body()["payload"]
        assert payload["deliveryStatus"] == "FAILED"
        error = {"code": 131026, "title": "Message undeliverable", "message": "Message undeliverable"}
        places = {"errorContext": {"providerPayload": error}, "errors": [error]}
        expected = places if place == "both" else {place: places[place]}
        assert {name: payload[name] for name in places if name in payload} == expected

    def test_chakra_echo(self, api, emulator, number, deliver, still):
        body = deliver("chakra", events=["message_echo"])
        api("POST", f"{number}/messages", text("hello"))
        shown, sent = body(), emulator.messages[0]
        assert (shown["event"], shown["payload"]["messageId"]) == ("message_echo", sent.id)
        assert shown["payload"]["message"]["to"] == PHONE
        assert shown["payload"]["contacts"] == [{"profile": {"name": PHONE}, "wa_id": PHONE}]

    def test_delivery_status(self, api, emulator, plugin, number, deliver, still):
        still.sent_after = 0
        body = deliver("delivery_status")
        write(emulator, "no message is told of")
        api("POST", f"{number}/messages", text("nor what was passed through"))
        emulator.add_template("hello")
        template = {"whatsappPhoneNumberId": emulator.phone_number_id, "templateName": "hello"}
        sent = api("POST", f"{plugin}/phoneNumber/{PHONE}/send-template-message", template).data
        shown = body()
        assert abs(shown["payload"].pop("timestamp") - time.time() * 1000) < 5000
        assert shown == {
            "event": "deliveryStatus",
            "payload": {
                "id": sent["id"],
                "externalId": sent["externalId"],
                "deliveryStatus": "SENT",
                "recipientId": PHONE,
            },
        }

    def test_odd_content_is_passed_on(self, emulator, deliver):
        body = deliver("chakra")
        emulator.receive_message(PHONE, content={"type": "image", "image": {"id": "unknown"}})
        assert body()["payload"]["message"]["image"] == {"id": "unknown"}

    def test_the_plugin_is_gone(self, api, emulator, number, deliver, still):
        body = deliver("meta")
        phone_number_id, plugin_id = emulator.phone_number_id, emulator.plugin_id
        api("POST", f"{number}/messages", text())
        api("DELETE", f"/plugin/{plugin_id}")
        emulator._service.delivery._advance(emulator.messages[0].id, "SENT", {})
        assert body()["entry"][0]["id"] == ""
        assert body()["entry"][0]["changes"][0]["value"]["metadata"] == {
            "display_phone_number": "",
            "phone_number_id": phone_number_id,
        }


class TestSignature:
    @pytest.mark.parametrize("form", ["chakra", "meta"])
    @pytest.mark.parametrize("bom", [False, True])
    def test_it_is_over_the_raw_bytes(self, emulator, taking, form, bom):
        hook = emulator.deliver_webhooks(taking.url, format=form, secret=SECRET, bom=bom)
        write(emulator, "Grüße 🛫")
        hook.wait_until_idle()
        (arrived,) = taking.requests
        expected = hmac.new(SECRET.encode(), arrived.body, hashlib.sha256).hexdigest()
        assert arrived.headers["x-chakra-signature-256"] == expected
        assert arrived.body.startswith(b"\xef\xbb\xbf") is bom
        (delivery,) = hook.deliveries
        assert (delivery.body, delivery.headers["X-Chakra-Signature-256"]) == (arrived.body, expected)
        assert delivery.json() == json.loads(arrived.body.decode("utf-8-sig"))
        assert SECRET not in repr(delivery) + repr(vars(hook))

    def test_without_a_secret_there_is_none(self, emulator, taking):
        hook = emulator.deliver_webhooks(taking.url)
        write(emulator, "hello")
        hook.wait_until_idle()
        assert not [name for name in taking.last.headers if "signature" in name]


class TestDisorder:
    def test_by_default_there_is_none(self, emulator, taking):
        hook = emulator.deliver_webhooks(taking.url)
        said = [str(number) for number in range(30)]
        write(emulator, *said)
        hook.wait_until_idle()
        assert texts(hook.deliveries) == said
        assert [one.body for one in taking.requests] == [one.body for one in hook.deliveries]
        assert {(one.status, one.attempts, one.error) for one in hook.deliveries} == {(200, 1, "")}

    def test_duplicates_are_the_same_bytes(self, emulator, taking):
        hook = emulator.deliver_webhooks(taking.url, duplicates=1, secret=SECRET)
        write(emulator, "a", "b")
        hook.wait_until_idle()
        assert texts(hook.deliveries) == ["a", "a", "b", "b"]
        assert [one.is_copy for one in hook.deliveries] == [False, True, False, True]
        first, second = taking.requests[:2]
        assert (first.body, first.headers) == (second.body, second.headers)

    def test_a_seed_decides(self, emulator, taking):
        hooks = [
            emulator.deliver_webhooks(taking.url, duplicates=0.5, shuffle=30, seed=seed) for seed in (1, 1, 2)
        ]
        write(emulator, *map(str, range(20)))
        for hook in hooks:
            hook.flush()
        first, again, other = (texts(hook.deliveries) for hook in hooks)
        assert first == again != other
        assert set(first) == set(map(str, range(20)))
        assert 20 < len(first) < 40

    def test_a_group_that_is_not_full_leaves_after_a_while(self, emulator, taking):
        hook = emulator.deliver_webhooks(taking.url, shuffle=1000)
        write(emulator, "a", "b", "c")
        hook.wait_until_idle()
        assert sorted(texts(hook.deliveries)) == ["a", "b", "c"]

    def test_what_is_delayed_can_be_hurried(self, emulator, taking):
        hook = emulator.deliver_webhooks(taking.url, delay=3600)
        write(emulator, "a", "b")
        with pytest.raises(TimeoutError, match="2 webhooks are still on their way"):
            hook.wait_until_idle(0.02)
        assert (taking.requests, hook.pending) == ([], 2)
        hook.flush()
        assert (texts(hook.deliveries), hook.pending) == (["a", "b"], 0)

    def test_a_delay_passes(self, emulator, taking):
        hook = emulator.deliver_webhooks(taking.url, delay=0.7)
        write(emulator, "a")
        assert hook.pending == 1
        hook.wait_until_idle()
        assert texts(hook.deliveries) == ["a"]


delays = st.tuples(st.floats(0, 5), st.floats(0, 5)).map(sorted).map(tuple)
arrivals = st.lists(st.floats(0, 3), max_size=30).map(sorted)


class TestSchedule:
    @given(arrivals, delays, st.integers(1, 7), st.sampled_from([0, 0.4, 1]), st.integers())
    def test_everything_leaves_once_and_not_too_early(self, times, delay, shuffle, duplicates, seed):
        schedule = Schedule(duplicates=duplicates, shuffle=shuffle, delay=delay, seed=seed)
        expected, left = [], []
        times = list(times)
        while times or schedule.next_at() is not None:
            at = schedule.next_at()
            if times and (at is None or times[0] <= at):
                at = times.pop(0)
                copies = schedule.add("message", repr(at).encode(), at)
                expected += [repr(at).encode()] * copies
            left += [(at, outgoing) for outgoing in schedule.take(at)]
        assert sorted(outgoing.body for _, outgoing in left) == sorted(expected)
        for at, outgoing in left:
            begin = float(outgoing.body)
            latest = begin + delay[1] + (shuffle - 1) * QUIET
            assert begin + delay[0] <= at <= latest + 1e-9 or shuffle > 1
            assert at >= begin + delay[0]

    @given(arrivals, st.floats(0, 5))
    def test_the_same_delay_for_all_keeps_the_order(self, times, delay):
        schedule = Schedule(duplicates=0, shuffle=1, delay=(delay, delay), seed=0)
        for number, at in enumerate(times):
            schedule.add("message", b"%d" % number, at)
        left = [int(outgoing.body) for outgoing in schedule.take(float("inf"))]
        assert left == list(range(len(times)))

    @given(st.integers(2, 6), st.integers(0, 40), st.integers())
    def test_shuffling_goes_on_inside_of_groups(self, size, count, seed):
        schedule = Schedule(duplicates=0, shuffle=size, delay=(0, 0), seed=seed)
        left = []
        for number in range(count):
            schedule.add("message", b"%d" % number, 1.0)
            left += [int(outgoing.body) for outgoing in schedule.take(1.0)]
            assert len(left) == (number + 1) // size * size
        assert all(before // size == after // size for before, after in zip(left, range(count), strict=False))
        assert len(left) + len(schedule.take(1.0 + QUIET)) == count

    def test_it_does_shuffle(self):
        schedule = Schedule(duplicates=0, shuffle=20, delay=(0, 0), seed=0)
        for number in range(20):
            schedule.add("message", b"%d" % number, 0.0)
        left = [int(outgoing.body) for outgoing in schedule.take(0.0)]
        assert left != sorted(left) == list(range(20))

    def test_delays_of_their_own_overtake(self):
        schedule = Schedule(duplicates=0, shuffle=1, delay=(0, 60), seed=0)
        for number in range(20):
            schedule.add("message", b"%d" % number, 0.0)
        left = [int(outgoing.body) for outgoing in schedule.take(60.0)]
        assert left != sorted(left) == list(range(20))


class TestReceivers:
    def test_a_refusal_is_final(self, emulator, recorder):
        recorder.send(b"no", 500)
        hook = emulator.deliver_webhooks(recorder.url)
        write(emulator, "a")
        hook.wait_until_idle()
        assert [(one.status, one.attempts) for one in hook.deliveries] == [(500, 1)]
        assert len(recorder.requests) == 1

    def test_it_is_sent_again_on_demand(self, emulator, recorder):
        recorder.send(b"", 503).send(b"", 302, location="/elsewhere").send(b"", 204)
        hook = emulator.deliver_webhooks(recorder.url, retries=5, retry_wait=0, secret=SECRET)
        write(emulator, "a")
        hook.wait_until_idle()
        assert [(one.status, one.attempts) for one in hook.deliveries] == [(204, 3)]
        assert [one.path for one in recorder.requests] == ["/"] * 3
        assert len({(one.body, one.headers["x-chakra-signature-256"]) for one in recorder.requests}) == 1

    def test_nobody_is_there(self, emulator, caplog):
        port = closed_port()
        hook = emulator.deliver_webhooks(f"http://127.0.0.1:{port}/?key=hidden", retries=2, retry_wait=0)
        write(emulator, "a")
        hook.wait_until_idle()
        (delivery,) = hook.deliveries
        assert (delivery.status, delivery.attempts) == (None, 3)
        assert delivery.error.startswith(f"cannot connect to 127.0.0.1:{port}: ")
        assert caplog.messages == [f"A webhook (message) was not taken: {delivery.error}"]
        assert "hidden" not in caplog.text

    def test_nobody_answers(self, emulator, silent):
        hook = emulator.deliver_webhooks(silent, timeout=0.05)
        write(emulator, "a")
        hook.wait_until_idle()
        assert [(one.status, one.error) for one in hook.deliveries] == [(None, "no answer within 0.05 s")]

    def test_a_slow_one_holds_up_nobody_else(self, api, emulator, taking, silent):
        slow = emulator.deliver_webhooks(silent, timeout=60)
        quick = emulator.deliver_webhooks(taking.url)
        write(emulator, *map(str, range(10)))
        quick.wait_until_idle()
        assert api("GET", "/v1/health").status == 200
        assert (len(quick.deliveries), len(slow.deliveries), slow.pending) == (10, 0, 10)

    def test_too_many_wait(self, emulator, silent):
        hook = emulator.deliver_webhooks(silent, timeout=60, limit=3)
        write(emulator, *map(str, range(10)))
        assert (hook.pending, hook.dropped) == (3, 7)

    def test_several_at_the_same_time(self, emulator, deaf, silent):
        emulator.deliver_webhooks(silent, timeout=60, concurrency=4)
        write(emulator, *map(str, range(10)))
        with ExitStack() as open_:
            for _ in range(4):
                open_.enter_context(deaf.accept()[0])
            deaf.settimeout(0.05)
            with pytest.raises(TimeoutError):
                deaf.accept()

    def test_closing_with_a_full_queue_is_quick_and_quiet(self, silent):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Emulator() as emulator:
                hooks = [
                    emulator.deliver_webhooks(silent, timeout=600, concurrency=5, duplicates=1),
                    emulator.deliver_webhooks(f"http://127.0.0.1:{closed_port()}", retries=9, retry_wait=600),
                    emulator.deliver_webhooks(silent, delay=600),
                    emulator.deliver_webhooks(silent, shuffle=600),
                ]
                write(emulator, *map(str, range(50)))
                waiting = threading.Thread(target=hooks[0].wait_until_idle, args=[60])
                waiting.start()
            waiting.join(5)
            gc.collect()
        assert not waiting.is_alive()
        assert [hook.deliveries for hook in hooks] == [[], [], [], []]
        assert not [thread for thread in threading.enumerate() if thread.name == "chakra-emulator"]
        for hook in hooks:
            hook.flush()
            hook.close()

    def test_a_name_server_that_is_silent_does_not_hold_up_the_end(self, monkeypatch, recorder):
        asked, over, look_up = threading.Event(), threading.Event(), socket.getaddrinfo
        answered = []

        def silent(host, *rest, **options):
            if host == "receiver.test":
                asked.set()
                over.wait(3)
                answered.append(host)
            return look_up("127.0.0.1", *rest, **options)

        monkeypatch.setattr(socket, "getaddrinfo", silent)
        with Emulator() as emulator:
            emulator.deliver_webhooks("http://receiver.test/", timeout=600)
            write(emulator, "a")
            assert asked.wait(10)
        assert not answered
        over.set()
        with Emulator() as emulator:
            recorder.send(b"")
            hook = emulator.deliver_webhooks(recorder.url.replace("127.0.0.1", "receiver.test"))
            write(emulator, "b")
            hook.wait_until_idle()
        assert texts(hook.deliveries) == ["b"]
        assert recorder.last.headers["host"].startswith("receiver.test:")

    def test_a_name_that_nobody_has(self, monkeypatch, emulator):
        def unknown(*_, **__):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        hook = emulator.deliver_webhooks("http://receiver.test/")
        write(emulator, "a")
        hook.wait_until_idle()
        assert hook.deliveries[0].error == "cannot connect to receiver.test:80: Name or service not known"

    def test_one_that_is_closed_gets_nothing_more(self, emulator, taking, silent):
        kept = emulator.deliver_webhooks(taking.url)
        closed = emulator.deliver_webhooks(silent, timeout=600)
        write(emulator, "a")
        closed.close()
        closed.close()
        closed.wait_until_idle()
        write(emulator, "b")
        kept.wait_until_idle()
        assert (texts(kept.deliveries), closed.deliveries) == (["a", "b"], [])

    def test_what_happened_before_is_not_told(self, emulator, taking):
        write(emulator, "before")
        hook = emulator.deliver_webhooks(taking.url)
        write(emulator, "after")
        hook.wait_until_idle()
        assert texts(hook.deliveries) == ["after"]

    def test_the_emulator_does_not_run(self):
        with pytest.raises(RuntimeError, match="not running"):
            Emulator().deliver_webhooks("http://127.0.0.1:1")


@pytest.mark.parametrize(
    "options",
    [
        {"url": "127.0.0.1:8000"},
        {"url": "ftp://127.0.0.1/"},
        {"url": "http://[/"},
        {"url": "http:///hook"},
        {"format": "slack"},
        {"secret": ""},
        {"events": []},
        {"events": "message"},
        {"events": ["template"]},
        {"format": "delivery_status", "events": ["message"]},
        {"duplicates": 1.5},
        {"shuffle": 0},
        {"delay": -1},
        {"delay": (2, 1)},
        {"delay": float("nan")},
        {"retries": -1},
        {"timeout": 0},
        {"concurrency": 0},
        {"limit": 0},
    ],
)
def test_options_that_make_no_sense(emulator, options):
    with pytest.raises(ValueError):
        emulator.deliver_webhooks(**{"url": "http://127.0.0.1:1", **options})


def test_a_decision_about_a_template_ends_its_review(api, emulator):
    emulator.settings.approve_templates_after = 0.02
    seen = []
    emulator.subscribe(lambda event: seen.append((event.meta["event"], event.meta["reason"])))
    first = emulator.add_template("first", status="PENDING")
    emulator.set_template_status(first, "REJECTED", reason="ABUSIVE_CONTENT")
    emulator.add_template("second", status="PENDING")
    until(lambda: len(seen) == 2)
    assert seen == [("REJECTED", "ABUSIVE_CONTENT"), ("APPROVED", "NONE")]
    with pytest.raises(LookupError):
        emulator.set_template_status("1", "APPROVED")


def test_the_document_shows_what_works(emulator, taking):
    document = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(def test_.*?)^```", document, re.DOTALL | re.MULTILINE)
    exec(compile(block, "docs/webhooks.md", "exec"), shown := {})
    shown["test_a_question_is_taken"](emulator, taking.url)
    assert taking.last.path == "/webhooks/chakra"


class TestCommand:
    def test_it_delivers(self, taking, make_api):
        command = [sys.executable, "-W", "error", "-m", "chakra_async.emulator", "--webhook", taking.url]
        with subprocess.Popen(
            [
                *command,
                "--webhook-format",
                "meta",
                "--webhook-events",
                "message_echo",
                "--webhook-duplicates",
                "1",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"CHAKRA_WEBHOOK_SECRET": SECRET},
        ) as process:
            try:
                url, token, hooks, export = (process.stdout.readline().strip() for _ in range(4))
                assert hooks.split() == ["hooks", taking.url]
                plugin, number = re.findall(r"_ID=(\S+)", export)
                api = make_api(type("E", (), {"url": url.split()[1], "token": token.split()[1]}))
                api("POST", f"/v1/ext/plugin/whatsapp/{plugin}/api/v22.0/{number}/messages", text("hello"))
                until(lambda: len(taking.requests) == 2)
            finally:
                process.terminate()
                rest = process.communicate(timeout=10)
        assert (rest, process.returncode) == (("", ""), 0)
        assert SECRET not in url + token + export
        body = taking.last.body
        assert json.loads(body)["entry"][0]["changes"][0]["field"] == "smb_message_echoes"
        expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert taking.last.headers["x-chakra-signature-256"] == expected

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["--webhook", "here"], "'here' is no address for webhooks"),
            (["--webhook", "http://127.0.0.1:1", "--webhook-events", "x"], "the format 'chakra' tells of"),
            (["--webhook", "http://127.0.0.1:1", "--webhook-shuffle", "0"], "'shuffle' must be >= 1"),
        ],
    )
    def test_what_it_cannot_do(self, capsys, arguments, reason):
        assert main(arguments) == 1
        assert reason in capsys.readouterr().err
