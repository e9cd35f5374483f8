"""The statuses of messages that were sent: in order, late, missing, failed."""

from __future__ import annotations

import threading
import time

from chakra_async.emulator import Emulator, Event
from tests.waiting import until


PHONE = "919812345678"


def text(body="hi", **rest):
    return {"messaging_product": "whatsapp", "to": PHONE, "type": "text", "text": {"body": body}, **rest}


def template(name):
    body = {"messaging_product": "whatsapp", "to": PHONE, "type": "template"}
    return {**body, "template": {"name": name, "language": {"code": "en"}}}


def test_statuses_follow_one_after_the_other(api, emulator, number):
    emulator.settings.sent_after, emulator.settings.delivered_after, emulator.settings.read_after = (
        0,
        0.02,
        0.04,
    )
    seen = []
    emulator.subscribe(seen.append)
    api("POST", f"{number}/messages", text())
    first = emulator.messages[0]
    assert first.status in ("QUEUED", "SENT")
    until(lambda: emulator.messages[0].status == "READ")
    assert emulator.messages[0].statuses == ("SENT", "DELIVERED", "READ")
    (listed,) = api("POST", f"/v1/ext/chat/{first.chat_id}/message", {}).data
    assert (listed["deliveryStatus"], listed["id"], listed["externalId"]) == ("READ", first.id, first.wamid)
    until(lambda: len(seen) == 4)
    echo = seen.pop(0)
    assert (echo.kind, echo.meta["to"], echo.meta["text"]) == ("message_echo", PHONE, {"body": "hi"})
    assert [(event.kind, event.meta["status"]) for event in seen] == [
        ("status", "sent"),
        ("status", "delivered"),
        ("status", "read"),
    ]
    assert {(event.meta["id"], event.meta["recipient_id"]) for event in seen} == {(first.wamid, PHONE)}
    assert isinstance(seen[0], Event)
    assert seen[0].plugin_id == emulator.plugin_id


def test_a_status_that_is_late_overwrites_nothing(api, emulator, number):
    emulator.settings.sent_after, emulator.settings.delivered_after, emulator.settings.read_after = (
        0.03,
        None,
        0,
    )
    api("POST", f"{number}/messages", text())
    until(lambda: len(emulator.messages[0].statuses) == 2)
    assert emulator.messages[0].statuses == ("READ", "SENT")
    assert emulator.messages[0].status == "READ"


def test_messages_may_stay_where_they_are(api, emulator, number):
    settings = emulator.settings
    settings.sent_after = settings.delivered_after = settings.read_after = None
    settings.first_delivery_status = "PENDING"
    api("POST", f"{number}/messages", text())
    time.sleep(0.03)
    assert (emulator.messages[0].status, emulator.messages[0].statuses) == ("PENDING", ())


def test_a_message_may_fail_after_it_was_accepted(api, emulator, number):
    seen = []
    emulator.subscribe(seen.append)
    planned = emulator.faults.next_message(131049, "Not delivered", after=1)
    for _ in range(2):
        assert api("POST", f"{number}/messages", text()).status == 200
    until(lambda: [one.status for one in emulator.messages] == ["READ", "FAILED"])
    failed = emulator.messages[1]
    assert (failed.statuses, failed.error) == (("FAILED",), {"code": 131049, "title": "Not delivered"})
    assert planned.fired == 1
    errors = [event.meta["errors"] for event in seen if event.error]
    assert errors == [[{"code": 131049, "title": "Not delivered", "message": "Not delivered"}]]
    emulator.faults.next_message(times=None)
    emulator.faults.clear()
    api("POST", f"{number}/messages", text())
    until(lambda: emulator.messages[2].status == "READ")


def test_outside_of_the_session_only_templates_arrive(api, emulator, number):
    emulator.settings.enforce_session = True
    emulator.add_template("hello")
    api("POST", f"{number}/messages", text())
    api("POST", f"{number}/messages", template("hello"))
    emulator.receive_message(PHONE, text="now you may")
    api("POST", f"{number}/messages", text())
    until(lambda: [one.status for one in emulator.messages] == ["FAILED", "READ", "READ"])
    assert emulator.messages[0].error["code"] == 131047


def test_many_at_once(api, emulator, number, make_api):
    threads = [
        threading.Thread(
            target=lambda: [make_api(emulator)("POST", f"{number}/messages", text()) for _ in range(20)]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for n in range(20):
        emulator.receive_message(PHONE, text=str(n))
    for thread in threads:
        thread.join()
    assert len({one.wamid for one in emulator.messages}) == 80
    assert api("POST", "/v1/ext/chat", {}).meta == {"total": 1}
    until(lambda: {one.status for one in emulator.messages} == {"READ"})


def test_messages_on_their_way_go_on_in_a_file(tmp_path, make_api):
    file = str(tmp_path / "chakra.db")
    with Emulator(db=file) as emulator:
        emulator.settings.sent_after = emulator.settings.delivered_after = emulator.settings.read_after = 30
        path = f"/v1/ext/plugin/whatsapp/{emulator.plugin_id}/api/v22.0/{emulator.phone_number_id}/messages"
        make_api(emulator)("POST", path, text())
        emulator.add_template("hello", status="PENDING")
    with Emulator(db=file) as emulator:
        until(lambda: emulator.messages[0].status == "READ")
        sending = template("hello")
        until(lambda: make_api(emulator)("POST", path, sending).status == 200)
