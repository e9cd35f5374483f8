"""W5: statuses merge forward, in whatever order they come."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async.webhooks import EventError, StatusEvent, StatusTracker


NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def status(name, minute=0, *, message_id="wamid.A", **more):
    at = None if minute is None else NOON + timedelta(minutes=minute)
    values = {"name": "status", "id": "x", "raw": {}, "status": name, "message_id": message_id}
    return StatusEvent(at=at, **{**values, **more})


def test_W5_a_late_status_moves_nothing_back():
    tracker = StatusTracker()
    moved = [
        tracker.update(status(name, minute)) for name, minute in (("sent", 0), ("read", 2), ("delivered", 1))
    ]
    assert [now and now.status for now in moved] == ["sent", "read", None]
    assert tracker.update(status("sent", 9)) is None
    now = tracker.get("wamid.A")
    assert (now.status, now.at) == ("read", NOON + timedelta(minutes=2))
    assert now.times == {
        "sent": NOON,
        "delivered": NOON + timedelta(minutes=1),
        "read": NOON + timedelta(minutes=2),
    }
    assert tracker.get("wamid.B") is None


def test_W5_a_failure_and_its_reason():
    tracker = StatusTracker()
    tracker.update(status("failed", 1, errors=[EventError(code=131047)]))
    assert tracker.update(status("sent")) is None
    now = tracker.get("wamid.A")
    assert (now.status, [error.code for error in now.errors]) == ("failed", [131047])
    # Delivered after all; the reason is kept.
    assert tracker.update(status("delivered", 3)).status == "delivered"
    assert tracker.get("wamid.A").errors == now.errors


def test_W5_of_several_reasons_every_order_keeps_the_same():
    reasons = [[EventError(code=131047)], [EventError(code=131026)], []]
    kept = []
    for order in itertools.permutations(reasons):
        tracker = StatusTracker()
        for errors in order:
            tracker.update(status("failed", errors=errors))
        kept.append([error.code for error in tracker.get("wamid.A").errors])
    assert kept == [[131026]] * 6


def test_statuses_without_order_or_message_change_nothing():
    tracker = StatusTracker()
    assert tracker.update(status("warning")) is None
    assert tracker.update(status("sent", message_id=None)) is None
    assert len(tracker) == 0
    assert tracker.update(status("failed", message_id=None, chakra_id="5a7e")).message_id == "5a7e"
    assert tracker.update(status("sent", None)).at is None
    assert tracker.update(status("read", None)).at is None
    tracker.update(status("read", 5))
    assert tracker.get("wamid.A").at == NOON + timedelta(minutes=5)


def test_its_memory_is_bounded():
    tracker = StatusTracker(max_messages=3)
    for message in "abca":
        tracker.update(status("sent", message_id=message))
    tracker.update(status("sent", message_id="d"))
    assert len(tracker) == 3
    assert [message for message in "abcd" if tracker.get(message)] == ["a", "c", "d"]
    with pytest.raises(ValueError, match="max_messages"):
        StatusTracker(max_messages=0)


EVENTS = st.builds(
    status,
    st.sampled_from(["sent", "delivered", "read", "failed", "played"]),
    st.none() | st.integers(0, 5),
    message_id=st.sampled_from(["wamid.A", "wamid.B"]),
    errors=st.lists(st.builds(EventError, code=st.integers(1, 3)), max_size=1),
)


@given(data=st.data(), events=st.lists(EVENTS, max_size=8))
def test_W5_every_order_and_any_repetition_ends_the_same(data, events):
    ranks = ["sent", "failed", "delivered", "read"]
    first, second = StatusTracker(), StatusTracker()
    for event in events:
        before = first.get(event.message_id)
        moved = first.update(event)
        after = first.get(event.message_id)
        if before is not None:
            assert ranks.index(after.status) >= ranks.index(before.status)
        assert (moved is not None) == (after != before and (before is None or after.status != before.status))
    for event in data.draw(st.permutations(events + events[: data.draw(st.integers(0, 3))])):
        second.update(event)
    for message in ("wamid.A", "wamid.B"):
        assert first.get(message) == second.get(message)
