"""A row is sent exactly as meant, or refused with a sentence."""

from collections import OrderedDict
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import ProcessCreate, ProcessUpdate
from chakra_async._codec import UnsendableError
from chakra_async.bulk.encode import (
    encode_create,
    encode_delete,
    encode_update,
    wrap_creates,
    wrap_updates,
)
from chakra_async.bulk.rows import row_key


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


class Tail(str, Enum):  # noqa: UP042 - not all such classes are a StrEnum, whose members are plain as text
    A = "EA"


class Number(int, Enum):
    ONE = 1


class Labelled(str, Enum):  # noqa: UP042 - as above
    A = ("text", "label")

    def __new__(cls, text, label):
        made = str.__new__(cls, text)
        made._value_ = label
        return made


class Name(str):
    __slots__ = ()

    def __str__(self):
        return "another"


@pytest.mark.parametrize(
    ("given", "plain"), [(Tail.A, "EA"), (Number.ONE, 1), (Labelled.A, "label"), (Name("x"), "x")]
)
def test_a_key_is_known_by_what_is_sent(given, plain):
    update = ProcessUpdate(key=("tail", given), state="A")
    create = ProcessCreate(key=("tail", given), state="A")
    for item, identity, _ in (encode_update(update), encode_create(create), encode_delete(("tail", given))):
        assert orjson.loads(item)["tail"] == plain
        assert identity == ("tail", str(plain))
        assert {type(part) for part in identity} == {str}
    assert row_key(update) == row_key(create) == row_key(("tail", given)) == str(plain)


def test_an_id_and_a_short_id_may_be_members_of_an_enumeration():
    for item in (ProcessUpdate(Tail.A, state="A"), {"id": Tail.A, "state": "A"}):
        text, identity, _ = encode_update(item)
        assert (orjson.loads(text)["id"], identity, row_key(item)) == ("EA", ("id", "EA"), "EA")
    assert encode_delete(Tail.A)[1] == ("id", "EA")
    assert row_key(Tail.A) == "EA"
    assert orjson.loads(encode_update(ProcessUpdate(key=(Tail.A, "v"), state="A"))[0])["EA"] == "v"


def test_a_number_that_json_cannot_hold_is_no_key():
    for number in (2**64, -(2**63) - 1, 10**5000):
        for encode, row in ((encode_update, ProcessUpdate), (encode_create, ProcessCreate)):
            with pytest.raises(UnsendableError, match="key phone is a number of more than 64 bits"):
                encode(row(key=("phone", number), state="A"))
    for most in (2**64 - 1, -(2**63)):
        assert encode_update(ProcessUpdate(key=("phone", most), state="A"))[1] == ("phone", str(most))


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
        (ProcessUpdate("x", data={"a": "\ud800"}), "(?i)utf-8"),
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


def test_what_is_no_row_is_told_what_one_may_be():
    with pytest.raises(
        UnsendableError, match="a row must be a ProcessUpdate or a mapping, not ProcessCreate"
    ):
        encode_update(ProcessCreate())
    with pytest.raises(
        UnsendableError, match=r"an id, a key \(short_id, value\), a ProcessUpdate or a mapping"
    ):
        encode_delete(ProcessCreate())


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
