"""A row is sent exactly as meant, or refused with a sentence."""

from collections import OrderedDict
from datetime import UTC, datetime
from types import MappingProxyType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import ProcessCreate, ProcessUpdate
from chakra_async._process_fields import UnsendableError
from chakra_async.bulk.encode import (
    encode_create,
    encode_delete,
    encode_update,
    wrap_creates,
    wrap_updates,
)


WHEN = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


def test_an_update_names_its_process_beside_what_changes():
    row = ProcessUpdate(
        key=("lead_id", "LEAD-7"),
        data={"city": "Goa", "score": None},
        state="WON",
        status="OPEN",
        assigned_to="john",
        next_action_at=WHEN,
        is_deleted=False,
    )
    item, identity, expected = encode_update(row)
    assert orjson.loads(item) == {
        "lead_id": "LEAD-7",
        "update": {
            "data": {"city": "Goa", "score": None},
            "state": "WON",
            "status": "OPEN",
            "assignedTo": "john",
            "nextActionAt": 1767323045678,
            "isDeleted": False,
        },
    }
    assert identity == ("lead_id", "LEAD-7")
    assert expected is None


def test_an_update_by_id():
    item, identity, _ = encode_update({"id": "3396ea03", "data": {"score": 5}})
    assert orjson.loads(item) == {"id": "3396ea03", "update": {"data": {"score": 5}}}
    assert identity == ("id", "3396ea03")


def test_key_values_are_one_identity_whether_text_or_number():
    rows = [ProcessUpdate(key=key, state="A") for key in (("phone", 77), ("phone", "77"), ["phone", "77"])]
    assert {identity for _, identity, _ in map(encode_update, rows)} == {("phone", "77")}


def test_a_create_carries_its_key_beside_data():
    row = ProcessCreate(data={"a": 1}, record={"data": {"b": 2}}, key=("lead_id", "L1"), state="NEW")
    assert orjson.loads(encode_create(row)[0]) == {
        "lead_id": "L1",
        "data": {"a": 1},
        "record": {"data": {"b": 2}},
        "state": "NEW",
    }


@pytest.mark.parametrize(
    "item",
    ["3396ea03", ProcessUpdate("3396ea03"), {"id": "3396ea03"}, ProcessUpdate("3396ea03", is_deleted=True)],
)
def test_a_deletion_is_an_update_of_is_deleted(item):
    assert orjson.loads(encode_delete(item)[0]) == {"id": "3396ea03", "update": {"isDeleted": True}}


def test_a_deletion_by_key():
    assert orjson.loads(encode_delete(("tailnum", "N1"))[0]) == {
        "tailnum": "N1",
        "update": {"isDeleted": True},
    }


def test_bodies_are_joined_without_being_encoded_again():
    items = [b'{"id":"a","update":{}}', b'{"id":"b","update":{}}']
    joined, plain = b",".join(items), [orjson.loads(item) for item in items]
    assert orjson.loads(wrap_updates(joined)) == {"processes": plain}
    assert orjson.loads(wrap_creates(joined)) == plain


@pytest.mark.parametrize("data", [OrderedDict(a=1), MappingProxyType({"a": 1})])
def test_any_mapping_serves_as_data(data):
    assert orjson.loads(encode_update(ProcessUpdate("x", data=data))[0])["update"] == {"data": {"a": 1}}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (ProcessUpdate(data={"a": 1}), "give either id or key"),
        (ProcessUpdate("x", ("k", "v"), {"a": 1}), "not both"),
        (ProcessUpdate(""), "not empty"),
        (ProcessUpdate("x"), "nothing to change"),
        (ProcessUpdate("x", data={}), "nothing to change"),
        (ProcessUpdate("x", data=["a"]), "data must be a mapping"),
        (ProcessUpdate("x", state=""), "state must be text"),
        (ProcessUpdate("x", state=5), "state must be text"),
        (ProcessUpdate("x", next_action_at=datetime(2026, 1, 1)), "no time zone"),
        (ProcessUpdate("x", next_action_at=1767323045678), "aware datetime"),
        (ProcessUpdate("x", data={"a": float("nan")}), "nan"),
        (ProcessUpdate("x", data={"a": [{"b": float("inf")}]}), "inf"),
        (ProcessUpdate("x", data={"a": WHEN}), "datetime"),
        (ProcessUpdate("x", data={"a": {1, 2}}), "set has no JSON form"),
        (ProcessUpdate("x", data={"a": "\ud800"}), "UTF-8"),
        (ProcessUpdate("x", data={1: "a"}), "str"),
        (ProcessUpdate("x", data={"a": 2**70}), "64-bit"),
        (ProcessUpdate(key="lead_id", state="A"), "pair"),
        (ProcessUpdate(key=("lead_id", None), state="A"), "lead_id"),
        (ProcessUpdate(key=("lead_id", True), state="A"), "lead_id"),
        (ProcessUpdate(key=("lead_id", ""), state="A"), "not empty"),
        (ProcessUpdate(key=("update", "v"), state="A"), "'update'"),
        ({"id": "x", "score": 5}, "no field score"),
        ({"id": "x", 5: "score"}, "no field 5"),
        (MappingProxyType({"id": "x", "score": 5}), "no field score"),
        ("x", "mapping"),
        (None, "mapping"),
    ],
)
def test_an_update_that_cannot_work_is_refused_with_a_reason(item, reason):
    with pytest.raises(UnsendableError, match=reason):
        encode_update(item)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (ProcessCreate(), "empty"),
        (ProcessCreate(key=("data", "v")), "'data'"),
        (ProcessCreate(key=("k", "")), "not empty"),
        (ProcessCreate(data={"a": b"bytes"}), "bytes has no JSON form"),
        ({"name": "x"}, "no field name"),
    ],
)
def test_a_create_that_cannot_work_is_refused_with_a_reason(item, reason):
    with pytest.raises(UnsendableError, match=reason):
        encode_create(item)


def test_a_deletion_that_also_changes_something_is_refused():
    with pytest.raises(UnsendableError, match="nothing else"):
        encode_delete(ProcessUpdate("x", data={"a": 1}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.dictionaries(st.text(min_size=1), json_values, min_size=1, max_size=4))
def test_data_arrives_as_it_was_given_or_the_row_is_refused(data):
    try:
        body, _, _ = encode_update(ProcessUpdate("x", data=data))
    except UnsendableError:
        # Lone surrogates and infinite numbers have no JSON form.
        return
    assert orjson.loads(body)["update"]["data"] == data
