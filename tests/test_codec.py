"""Reading is lenient by one rule, writing is strict."""

import copy
import enum
import math
import pickle
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from types import MappingProxyType

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import DecodeError, Job, JobEntry, Process, ProcessCreate, ProcessUpdate, Reply
from chakra_async._codec import (
    UnsendableError,
    decode,
    decode_job,
    decode_list,
    encode,
    encode_query,
    read_object,
    to_milliseconds,
)
from chakra_async._reading import camel, to_instant
from chakra_async.models import PhoneNumber


WHEN = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
MS = 1767323045678

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=12,
)


def reply(data, **meta):
    return Reply(200, {"x-request-id": "r-1"}, data, meta, "GET", "/p", repeatable=True)


def read(cls=Process, **wire):
    return decode(reply({"id": "p-1", **wire}), cls)


# Reading


def test_a_process_is_read_with_every_field():
    process = read(
        data={"phone_number": "1", "nextActionAt": 5},
        status="OPEN",
        state="NEW",
        record={"data": {}},
        assignedTo="john",
        nextActionAt=MS,
        createdAt=MS,
        isDeleted=False,
    )
    assert process == Process(
        id="p-1",
        data={"phone_number": "1", "nextActionAt": 5},
        status="OPEN",
        state="NEW",
        record={"data": {}},
        assigned_to="john",
        next_action_at=WHEN,
        created_at=WHEN,
        is_deleted=False,
    )


@pytest.mark.fault("P5")
def test_missing_and_null_fields_take_their_defaults():
    assert read() == read(data=None, state=None, nextActionAt=None, isDeleted=None) == Process(id="p-1")


@pytest.mark.fault("P5")
def test_unknown_fields_are_kept_under_their_wire_names():
    assert read(newThing={"a": 1}, extra=2, next_action_at=3).extra == {
        "newThing": {"a": 1},
        "extra": 2,
        "next_action_at": 3,
    }


@pytest.mark.fault("P5")
def test_unknown_enum_members_pass_through():
    assert read(status="ARCHIVED").status == "ARCHIVED"


@pytest.mark.parametrize(
    "wire", [MS, str(MS), float(MS), "2026-01-02T03:04:05.678Z", "2026-01-02T08:34:05.678+05:30"]
)
def test_instants_are_read_from_numbers_and_from_text(wire):
    process = read(nextActionAt=wire)
    assert process.next_action_at == WHEN
    assert process.next_action_at.tzinfo is not None
    assert process.extra == {}


@pytest.mark.parametrize("wire", [0, "0", 0.0])
def test_zero_means_not_yet(wire):
    job = read(Job, completedAt=wire)
    assert job.completed_at is None
    assert job.extra == {}


def test_a_naive_instant_is_taken_as_utc():
    assert read(createdAt="2026-01-02T03:04:05.678").created_at == WHEN


def test_instants_before_1970_are_read():
    assert read(createdAt=-1000).created_at == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.fault("P6")
@pytest.mark.parametrize(
    ("field", "wire"),
    [
        ("nextActionAt", "tomorrow"),
        ("nextActionAt", ""),
        ("nextActionAt", "-"),
        ("nextActionAt", True),
        ("nextActionAt", False),
        ("nextActionAt", []),
        ("nextActionAt", {}),
        ("nextActionAt", 10**18),
        ("nextActionAt", 1e308),
        ("nextActionAt", "9" * 5000),
        ("status", True),
        ("status", ["OPEN"]),
        ("status", {}),
        ("data", "text"),
        ("data", [1]),
        ("record", True),
        ("isDeleted", "perhaps"),
        ("isDeleted", 2),
        ("isDeleted", []),
    ],
)
def test_a_value_that_cannot_be_read_is_kept_and_the_field_takes_its_default(field, wire):
    process = read(**{field: wire})
    assert process.extra == {field: wire}
    assert attrs.evolve(process, extra={}) == Process(id="p-1")


@pytest.mark.fault("P6")
@pytest.mark.parametrize(
    ("cls", "wire", "name", "value"),
    [
        (Process, {"id": 7}, "id", "7"),
        (Process, {"state": 3}, "state", "3"),
        (Process, {"isDeleted": "true"}, "is_deleted", True),
        (Process, {"isDeleted": "FALSE"}, "is_deleted", False),
        (Process, {"isDeleted": 0}, "is_deleted", False),
        (Process, {"data": []}, "data", {}),
        (Process, {"record": "uuid"}, "record", "uuid"),
        (PhoneNumber, {"waba": 7}, "waba", "7"),
        (JobEntry, {"index": "7"}, "index", 7),
        (JobEntry, {"index": 7.0}, "index", 7),
    ],
)
def test_a_value_that_can_be_read_without_guessing_is(cls, wire, name, value):
    found = read(cls, **wire)
    assert getattr(found, name) == value
    assert found.extra == {}


@pytest.mark.parametrize("wire", [7.5, "7.5", "x", True, 1e400, [], {}])
def test_a_number_that_is_not_whole_is_no_index(wire):
    entry = read(JobEntry, index=wire)
    assert entry.index is None
    assert entry.extra == {"index": wire}


@pytest.mark.parametrize("source", [{}, {"id": None}, {"id": []}, {"id": True}, [], [1], None, "text", 7])
def test_what_is_no_such_object_is_a_decode_error(source):
    with pytest.raises(DecodeError) as caught:
        decode(reply(source), Process)
    assert (caught.value.status, caught.value.request_id, caught.value.path) == (200, "r-1", "/p")
    assert caught.value.retry_safe is True


@pytest.mark.parametrize("source", [{}, None, "text", [None], [[]], [{"id": "1"}, 7]])
def test_what_is_no_list_of_such_objects_is_a_decode_error(source):
    with pytest.raises(DecodeError):
        decode_list(reply(source), Process)


@pytest.mark.parametrize("cls", [Process, Job, JobEntry])
@given(source=st.dictionaries(st.text(max_size=8), JSON) | JSON, wire=st.data())
def test_any_json_is_read_or_a_decode_error_and_loses_nothing(cls, source, wire):
    names = [camel(field.name) for field in attrs.fields(cls) if field.name != "extra"]
    if isinstance(source, dict):
        source |= wire.draw(st.dictionaries(st.sampled_from(names), JSON))
    before = copy.deepcopy(source)
    try:
        found = decode(reply(source), cls)
    except DecodeError:
        return
    assert source == before
    assert {name for name in source if name not in names} <= set(found.extra)
    for name in names:
        own = next(field.name for field in attrs.fields(cls) if camel(field.name) == name)
        # 0 is the one value that means nothing.
        if source.get(name) not in (None, 0, "0", "00", "-0") and name not in found.extra:
            assert getattr(found, own) is not None


@given(meta=st.dictionaries(st.just("bjEntryCompletionStatusVsCount"), JSON))
def test_counts_of_a_job_are_whole_numbers_whatever_comes(meta):
    job = decode_job(reply({"id": "j"}, **meta))
    assert all(isinstance(count, int) for count in job.counts.values())
    assert isinstance(job.total, int)


def test_counts_of_a_job_come_from_meta():
    job = decode_job(
        reply({"id": "j"}, bjEntryCompletionStatusVsCount={"SUCCESS": "3", "ERROR": 1, "X": None})
    )
    assert job.counts == {"SUCCESS": 3, "ERROR": 1}
    assert (job.total, job.processed, job.finished) == (4, 4, False)


@pytest.mark.parametrize(
    "model",
    [
        Process(id="1", data={"a": [1]}, next_action_at=WHEN, extra={"x": 1}),
        ProcessUpdate(key=("lead_id", "L"), data={"a": None}, ref=object),
        ProcessCreate(data={"a": 1}, record={"data": {}}),
        Job(id="1", counts={"SUCCESS": 3}),
        JobEntry(id="1", extra={"request": {"id": "1"}}),
        reply({"a": 1}, hasMore=True),
    ],
)
def test_every_model_pickles_and_copies(model):
    assert pickle.loads(pickle.dumps(model)) == copy.copy(model) == copy.deepcopy(model) == model


# Writing


class Duck(Mapping):
    def __init__(self, items):
        self.items_ = items

    def __getitem__(self, key):
        return self.items_[key]

    def __iter__(self):
        return iter(self.items_)

    def __len__(self):
        return len(self.items_)


class Colour(enum.Enum):
    RED = "red"
    ODD = math.nan


class Level(enum.IntEnum):
    LOW = 1


@given(JSON)
def test_json_values_are_written_as_they_are(value):
    assert orjson.loads(encode(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": None}, b'{"a":null}'),
        (OrderedDict(a=1), b'{"a":1}'),
        (MappingProxyType({"a": {"b": "null"}}), b'{"a":{"b":"null"}}'),
        (Duck({"a": [1, (2,)]}), b'{"a":[1,[2]]}'),
        ({"a": Colour.RED, "b": Level.LOW}, b'{"a":"red","b":1}'),
        ({"a": uuid.UUID(int=1)}, b'{"a":"00000000-0000-0000-0000-000000000001"}'),
        ({"ключ": "😀"}, '{"ключ":"😀"}'.encode()),
    ],
)
def test_values_with_one_obvious_form_are_written(value, text):
    assert encode(value) == text


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "around",
    [
        lambda x: x,
        lambda x: {"a": x},
        lambda x: [[{"a": (x,)}]],
        lambda x: MappingProxyType({"a": x}),
        lambda x: Duck({"a": Duck({"b": x})}),
        lambda x: {"a": "null", "b": x},
    ],
)
def test_numbers_that_json_cannot_hold_are_refused(number, around):
    with pytest.raises(ValueError, match="not a number JSON can hold"):
        encode(around(number))


def test_an_enum_does_not_hide_such_a_number():
    with pytest.raises(ValueError, match="not a number JSON can hold"):
        encode({"a": Colour.ODD})


@attrs.define
class Lead:
    name: str


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (WHEN, r"when\.timestamp\(\) \* 1000"),
        (date(2026, 1, 1), "date has no JSON form"),
        (time(1), "time has no JSON form"),
        ({1, 2}, "set has no JSON form"),
        (b"bytes", "bytes has no JSON form"),
        (1j, "complex has no JSON form"),
        (object(), "object has no JSON form"),
        (iter([1]), "list_iterator has no JSON form"),
        (Lead("a"), "Lead has no JSON form"),
        ({1: "a"}, "key must be str"),
        ({None: "a"}, "key must be str"),
        ("\ud800", "surrogates"),
        ({"\ud800": 1}, "surrogates"),
        (2**64, "64-bit"),
    ],
)
def test_values_without_a_form_of_their_own_are_refused(value, words):
    with pytest.raises(UnsendableError, match=words):
        encode({"data": {"a": value}} if not isinstance(value, dict) else value)


@pytest.mark.parametrize("value", [WHEN, float("nan"), {1, 2}, "\ud800", 2**64, {"x": [date(2026, 1, 1)]}])
@pytest.mark.parametrize(
    ("around", "place"),
    [
        (lambda data: {"state": "WON", "data": data}, "data['due']: "),
        (lambda data: {"update": {"data": data}, "data": "a key"}, "data['due']: "),
        (lambda data: {"data": {"a": 1}, "record": {"data": Duck(data)}}, "record['data']['due']: "),
    ],
)
def test_an_attribute_that_cannot_be_sent_is_named(around, place, value):
    with pytest.raises(UnsendableError) as caught:
        encode(around({"name": "A", "due": value, "city": None}))
    assert str(caught.value).startswith(place)
    assert str(caught.value).count("due") == 1


@pytest.mark.parametrize(
    "body", [{"data": {"a": 1}, "state": {1}}, {"data": [{1}]}, [{1}], {1}, {"update": {1}}]
)
def test_what_is_no_attribute_is_refused_all_the_same(body):
    with pytest.raises(UnsendableError, match=r"^set has no JSON form"):
        encode(body)


def nested(depth, kind):
    value = 1
    for _ in range(depth):
        value = kind(value)
    return value


KINDS = [lambda x: [x], lambda x: {"a": x}, lambda x: {"and": [x]}, lambda x: Duck({"a": x})]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", [300, 5000])
def test_nesting_that_is_too_deep_is_refused(kind, depth):
    with pytest.raises(UnsendableError):
        encode(nested(depth, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_condition_that_is_too_deep_is_refused(kind):
    with pytest.raises((TypeError, ValueError)):
        encode(encode_query(nested(5000, kind)))


def test_a_value_that_holds_itself_is_refused():
    value = {}
    value["a"] = value
    for write in (encode, encode_query):
        with pytest.raises((TypeError, ValueError)):
            write(value)


def test_datetimes_in_a_condition_become_iso_text():
    where = {"createdAt": {">": WHEN, "<": [WHEN.astimezone(timezone(timedelta(hours=5, minutes=30)))]}}
    text = "2026-01-02T03:04:05.678000Z"
    assert encode_query(where) == {"createdAt": {">": text, "<": [text]}}


def test_a_naive_datetime_is_refused_because_nobody_knows_which_instant_it_is():
    for write in (
        lambda when: encode_query({"createdAt": when}),
        lambda when: to_milliseconds(when, "next_action_at"),
    ):
        with pytest.raises(ValueError, match="has no time zone"):
            write(datetime(2026, 1, 1))


@pytest.mark.parametrize("value", [7, "2026-01-01", date(2026, 1, 1), None])
def test_only_a_datetime_is_an_instant(value):
    with pytest.raises(TypeError, match="next_action_at must be an aware datetime"):
        to_milliseconds(value, "next_action_at")


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_instants_come_back_to_the_millisecond(when):
    assert abs(to_instant(to_milliseconds(when, "w")) - when) <= timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("snake", "wire"), [("id", "id"), ("next_action_at", "nextActionAt"), ("is_deleted", "isDeleted")]
)
def test_names_travel_in_camel_case(snake, wire):
    assert camel(snake) == wire


def test_epoch_seconds_are_told_from_milliseconds_by_their_size():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for written in (1767225600, "1767225600", 1767225600000, "1767225600000"):
        assert read(createdAt=written).created_at == moment


@given(st.lists(st.tuples(st.sampled_from([0, MS, MS + 1]), st.sampled_from([MS, MS + 2])), max_size=6))
def test_instants_that_come_again_are_told_apart_by_their_fields(pairs):
    items = [{"id": "e", "createdAt": a, "updatedAt": b} for a, b in pairs]
    found = decode_list(reply(items), JobEntry)
    assert [(one.created_at, one.updated_at) for one in found] == [
        tuple(None if moment == 0 else to_instant(moment) for moment in pair) for pair in pairs
    ]


def test_an_object_that_is_read_stays_as_it_is_and_one_of_a_list_is_used_up():
    source = {"id": "e", "index": 3, "unknown": [1]}
    before = dict(source)
    assert read_object(reply(source), source, JobEntry).extra == {"unknown": [1]}
    assert source == before
    assert decode_list(reply([source]), JobEntry)[0].index == 3
    assert "index" not in source


@pytest.mark.parametrize("odd", [None, 7, "text", [], ["id"], True])
def test_a_list_says_which_item_is_no_object(odd):
    with pytest.raises(DecodeError, match="a JobEntry was due"):
        decode_list(reply([{"id": "e"}, odd]), JobEntry)
