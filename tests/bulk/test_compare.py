"""What differs is told by value, and sending only that leads to the same state."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import Process
from chakra_async.bulk.compare import changes, conflicts, reduced, same


WHEN = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
MS = 1767323045678

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([-1.0, 0.0, 1.0, 1.5, "", "1", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
    max_leaves=4,
)
DATA = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
UPDATES = st.fixed_dictionaries(
    {},
    optional={
        "data": DATA,
        "state": st.sampled_from(["NEW", "WON"]),
        "status": st.sampled_from(["OPEN", "COMPLETED"]),
        "assignedTo": st.sampled_from(["john", "mary"]),
        "nextActionAt": st.sampled_from([MS, MS + 1]),
        "isDeleted": st.booleans(),
    },
)
PROCESSES = st.builds(
    Process,
    id=st.just("p"),
    data=DATA,
    state=st.sampled_from([None, "NEW", "WON"]),
    status=st.sampled_from([None, "OPEN"]),
    assigned_to=st.sampled_from([None, "john"]),
    next_action_at=st.sampled_from([None, WHEN]),
    is_deleted=st.sampled_from([None, False, True]),
)


def apply(update, process):
    """What the service does: the fields are set, and data is merged attribute by attribute."""
    fields = {"state": "state", "status": "status", "assignedTo": "assigned_to", "isDeleted": "is_deleted"}
    found = {ours: update[wire] for wire, ours in fields.items() if wire in update}
    if "nextActionAt" in update:
        found["next_action_at"] = datetime.fromtimestamp(update["nextActionAt"] / 1000, UTC)
    kept = {ours: getattr(process, ours) for ours in (*fields.values(), "next_action_at")}
    return Process(id="p", data={**process.data, **update.get("data", {})}, **{**kept, **found})


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1.0, True),
        (2**53 + 1, float(2**53), False),
        (1, True, False),
        (0, False, False),
        (False, False, True),
        ([1, True], [1.0, True], True),
        ([1], [True], False),
        ({"a": [1]}, {"a": [1.0]}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": None}, {}, False),
        ([], {}, False),
        ("1", 1, False),
        (None, None, True),
        (None, False, False),
        (None, 0, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
    ],
)
def test_json_values_are_compared_as_such(one, other, expected):
    assert same(one, other) is expected
    assert same(other, one) is expected


def test_values_nested_deeper_than_the_stack():
    one, other = 1, 1.0
    for _ in range(5000):
        one, other = [one], [other]
    assert same(one, other)
    assert not same(one, [other])


def test_an_absent_attribute_is_null_but_no_other_field_is_guessed():
    process = Process(id="p", data={"a": None}, state="NEW")
    assert changes({"data": {"a": None, "b": None}}, process) == ()
    names = [
        change.name for change in changes({"isDeleted": False, "state": "NEW", "status": "OPEN"}, process)
    ]
    assert names == ["is_deleted", "status"]


def test_instants_are_compared_to_the_millisecond():
    process = Process(id="p", next_action_at=WHEN.replace(microsecond=678_400))
    assert changes({"nextActionAt": MS}, process) == ()
    [change] = changes({"nextActionAt": MS + 1}, process)
    assert (change.field, change.before.microsecond, change.after.microsecond) == (
        "next_action_at",
        678_000,
        679_000,
    )
    assert str(change) == 'next_action_at: "2026-01-02T03:04:05.678000Z" -> "2026-01-02T03:04:05.679000Z"'


def test_a_change_tells_what_it_is_about():
    process = Process(id="p", data={"state": "x", "n": 1}, state="NEW")
    found = changes({"data": {"state": "y", "n": [1]}, "state": "WON"}, process)
    assert [str(change) for change in found] == [
        'data.state: "x" -> "y"',
        "n: 1 -> [1]",
        'state: "NEW" -> "WON"',
    ]


def test_what_was_expected_and_is_not_there():
    process = Process(id="p", data={"a": 1, "b": 2}, state="NEW", next_action_at=WHEN)
    update = {"data": {"a": 5, "b": 6}, "state": "WON"}
    assert (
        conflicts({("data", "a"): 1.0, ("state", None): "NEW", ("nextActionAt", None): MS}, update, process)
        == []
    )
    assert conflicts({("data", "c"): None}, update, process) == []
    said = conflicts({("data", "a"): 0, ("nextActionAt", None): None}, update, process)
    assert said == [
        "a was 0 and is 1 now",
        'next_action_at was null and is "2026-01-02T03:04:05.678000Z" now',
    ]


def test_what_is_as_wanted_already_is_no_conflict():
    process = Process(id="p", data={"a": 5, "b": 3})
    assert conflicts({("data", "a"): 1}, {"data": {"a": 5}}, process) == []
    assert conflicts({("data", "a"): 1}, {"data": {"b": 5}}, process) == ["a was 1 and is 5 now"]


@given(update=UPDATES, process=PROCESSES)
def test_the_part_that_differs_does_all_that_the_whole_does(update, process):
    found = changes(update, process)
    part = reduced(update, found)
    after = apply(part, process)
    assert changes(update, after) == ()
    whole = apply(update, process)
    assert all(same(after.data.get(name), whole.data.get(name)) for name in whole.data)
    assert (after.state, after.status, after.assigned_to, after.next_action_at, after.is_deleted) == (
        whole.state,
        whole.status,
        whole.assigned_to,
        whole.next_action_at,
        whole.is_deleted,
    )
    assert len(found) == sum(len(value) if name == "data" else 1 for name, value in part.items())
    # Every part of it is needed: without any one of its values something would still differ.
    assert all(changes({name: part[name]}, process) for name in part)


@given(update=UPDATES, process=PROCESSES)
def test_undoing_what_changed_leads_back(update, process):
    found = changes(update, process)
    back = {("data", change.attribute): change.before for change in found if change.attribute is not None}
    assert conflicts(back, {}, process) == []
    assert len(conflicts(back, {}, apply(update, process))) == len(back)
