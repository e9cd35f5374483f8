"""Lists: the ``where`` language, pages, and the index behind them."""

from __future__ import annotations

import time

import pytest

from chakra_async.emulator.processes import Processes
from chakra_async.emulator.query import compile_where
from chakra_async.emulator.store import Store


AIRCRAFT = "/v1/ext/procedure/aircraft/process"

ROWS = [
    {"tailnum": "N1", "seats": 55, "maker": "EMBRAER", "active": True},
    {"tailnum": "N2", "seats": 182, "maker": "AIRBUS", "active": False},
    {"tailnum": "N3", "seats": 149, "maker": "BOEING", "note": None},
    {"tailnum": 4, "seats": "many", "maker": "BOEING", "a.b c": "odd"},
]


@pytest.fixture
def fleet(api):
    api.create(*ROWS)
    api("PUT", f"{AIRCRAFT}/tailnum/N2", {"state": "IN_SERVICE", "status": "COMPLETED", "assignedTo": "amy"})
    api("PUT", f"{AIRCRAFT}/tailnum/N3", {"nextActionAt": 1000})
    return api


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({}, "1234"),
        ({"tailnum": "N1"}, "1"),
        ({"tailnum": ["N1", "N3", "N9"]}, "13"),
        ({"tailnum": 4}, "4"),
        ({"tailnum": "4"}, "4"),
        ({"tailnum": {"!=": "N1"}}, "234"),
        ({"tailnum": {">": "N1"}}, "23"),
        ({"tailnum": []}, ""),
        ({"seats": 55}, "1"),
        ({"seats": "55"}, ""),
        ({"seats": [55, 149, "many"]}, "134"),
        ({"seats": {">": 55}}, "23"),
        ({"seats": {">=": 55, "<": 182}}, "13"),
        ({"seats": {"<=": 149}}, "13"),
        ({"seats": {"!=": 55}}, "234"),
        ({"seats": {"=": 182}}, "2"),
        ({"seats": {"=": [55, 182]}}, "12"),
        ({"maker": {"!=": ["BOEING", "AIRBUS"]}}, "1"),
        ({"active": True}, "1"),
        ({"active": False}, "2"),
        ({"note": None}, "1234"),
        ({"maker": {">": "B"}}, "134"),
        ({"a.b c": "odd"}, "4"),
        ({"unknown": 1}, ""),
        ({"status": "OPEN"}, "134"),
        ({"status": ["COMPLETED", "CANCELLED"]}, "2"),
        ({"state": "IN_SERVICE"}, "2"),
        ({"assignedTo": "amy"}, "2"),
        ({"assignedTo": None}, "134"),
        ({"nextActionAt": {">": 999}}, "3"),
        ({"createdAt": {">": "2020-01-01T00:00:00Z"}}, "1234"),
        ({"createdAt": {">": "2020-01-01T00:00:00+05:30", "<": "2999-01-01"}}, "1234"),
        ({"createdAt": {"<": "2020-01-01"}}, ""),
        ({"maker": "BOEING", "seats": 149}, "3"),
        ({"or": [{"seats": 55}, {"maker": "AIRBUS"}]}, "12"),
        ({"or": [{"tailnum": "N1"}, {"maker": "BOEING"}]}, "134"),
        ({"and": [{"maker": "BOEING"}, {"tailnum": ["N1", "N3"]}]}, "3"),
        ({"maker": "BOEING", "or": [{"seats": 149}, {"and": [{"seats": 55}]}]}, "3"),
        ({"id": "not-an-id"}, ""),
        ({"note": {"!=": "x"}}, "1234"),
        ({"assignedTo": {"!=": "amy"}}, "134"),
        ({"a.b c": [None, "x"]}, "123"),
        ({"a.b c": {"!=": [None, "x"]}}, "4"),
        ({"maker": {"!=": []}}, "1234"),
        ({"maker": ["AIRBUS", *map(str, range(3000))]}, "2"),
        ({"maker": {"!=": ["AIRBUS", *map(str, range(3000))]}}, "134"),
    ],
)
def test_where(fleet, where, found):
    tails = [str(process["data"]["tailnum"]).removeprefix("N") for process in fleet.list(where).data]
    assert "".join(tails) == found


def test_where_takes_ids(fleet):
    ids = [process["id"] for process in fleet.list().data]
    assert [one["id"] for one in fleet.list({"id": [ids[2], ids[0]]}).data] == [ids[0], ids[2]]
    assert [one["id"] for one in fleet.list({"id": {"!=": ids[0]}}).data] == ids[1:]


@pytest.mark.parametrize(
    "where",
    [
        {"seats": {}},
        {"seats": {"like": 1}},
        {"seats": {">": None}},
        {"seats": {">": [1]}},
        {"seats": [[1]]},
        {"or": {}},
        {"or": []},
        {"or": ["status"]},
        {"and": 1},
        {"createdAt": {">": "yesterday"}},
        {"createdAt": 5},
        {'se"ats': 1},
        {"": 1},
        {"maker": "A\0B"},
        {"maker": ["A", "A\0B"]},
        {"and": [{"and": [{"and": [{"and": [{"and": [{"and": [{"and": [{"seats": {"~": 1}}]}]}]}]}]}]}]},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(fleet, where):
    answer = fleet.list(where)
    assert (answer.status, answer.data) == (400, [])
    assert answer.errors[0].startswith("Invalid query: ")


def test_a_query_without_bottom_is_refused(api):
    where = {"seats": 1}
    for _ in range(100):
        where = {"and": [where]}
    assert "nested" in api.list(where).errors[0]


def _towers(conditions):
    """Nest groups as deep as they may be, all of them long."""
    where = {"seats": {">": 1}}
    for level in range(20):
        word = ("or", "and")[level % 2]
        each = (conditions - 1) // 20 + (level < (conditions - 1) % 20)
        where = {word: [where, *({} for _ in range(each))]}
    return where


@pytest.mark.parametrize(
    "make",
    [
        lambda n: {"or": [{"maker": str(one)} for one in range(n)]},
        lambda n: {"and": [{"maker": {"!=": str(one)}} for one in range(n)]},
        lambda n: {f"a{one}": [None, 1] for one in range(n)},
        lambda n: {f"a{one}": {">": 1, "<": 3} for one in range(n // 2)} | {"b": [1] * (n % 2)},
        lambda n: {"or": [{}] * n},
        _towers,
    ],
)
def test_a_query_has_as_many_conditions_as_can_be_worked_out(fleet, make):
    assert fleet.list(make(499)).status == 200
    refused = fleet.list(make(501))
    assert (refused.status, refused.data) == (400, [])
    assert "more than 500 conditions" in refused.errors[0]


def test_numbers_beyond_sqlite_do_no_harm(fleet):
    assert fleet.list({"seats": 10**30}).data == []
    assert fleet.list({"seats": {"<": 2**64 - 1}}).status == 200


def test_pages_follow_the_order_of_creation(api):
    created = api.create(*({"n": n} for n in range(25)))
    first, second, third = api.list(), api.list(skip=10), api.list(skip=20)
    assert [len(page.data) for page in (first, second, third)] == [10, 10, 5]
    assert [page.meta for page in (first, second, third)] == [
        {"hasMore": True},
        {"hasMore": True},
        {"hasMore": False},
    ]
    assert first.data + second.data + third.data == created
    assert api.list(limit=25).meta == {"hasMore": False}
    assert api.list(limit=24).meta == {"hasMore": True}
    assert api.list(skip=1000).data == []


def test_a_list_shows_only_its_procedure(api):
    api.create({"x": 1})
    api.create({"x": 1}, path="/v1/ext/procedure/lead/process")
    assert len(api.list({"x": 1}).data) == 1


@pytest.mark.parametrize(
    ("where", "by_key"),
    [
        ({"k": "1"}, True),
        ({"k": ["1", "2"], "status": "OPEN"}, True),
        ({"and": [{"k": "1"}]}, True),
        ({"or": [{"k": "1"}]}, True),
        ({"or": [{"k": "1"}, {"k": "2", "status": "OPEN"}]}, True),
        ({"or": [{"k": "1"}, {"and": [{"k": "2"}]}], "status": "OPEN"}, True),
        ({"or": [{"k": "1"}, {"status": "OPEN"}]}, False),
        ({"or": [{"status": "OPEN"}, {"k": "1"}]}, False),
        ({"k": "1", "or": [{"status": "OPEN"}]}, True),
        ({"k": {"!=": "1"}}, False),
        ({"k": None}, False),
        ({"other": "1"}, False),
    ],
)
def test_when_the_key_index_carries_a_query(where, by_key):
    condition = compile_where(where, procedure=1, keys=["k"], seq_of=len)
    assert condition.by_key is by_key
    assert condition.sql.count("?") == len(condition.parameters)


@pytest.mark.parametrize("form", ["array", "or"])
def test_any_of_a_hundred_keys_reads_a_hundred_rows(form):
    store = Store()
    try:
        with store.transaction() as db:
            rows = [(n, 1, "OPEN", "NEW", None, "me", None, 1, 1, 0, "{}", None) for n in range(1, 50_001)]
            db.executemany(f"INSERT INTO process VALUES ({'?, ' * 11}?)", rows)
            keys = [(1, "k", str(n), n) for n in range(1, 50_001)]
            db.executemany("INSERT INTO process_key VALUES (?, ?, ?, ?)", keys)
        wanted = [str(n * 500) for n in range(1, 101)]
        where = {"k": wanted} if form == "array" else {"or": [{"k": key} for key in wanted]}
        condition = compile_where(where, procedure=1, keys=["k"], seq_of=len)
        started = time.process_time()
        found = Processes(store).page(_procedure(), condition, skip=0, limit=100)
        assert [row.seq for row in found] == [int(text) for text in wanted]
        assert time.process_time() - started < 0.02
    finally:
        store.close()


def _procedure():
    from chakra_async.emulator.catalog import Procedure

    return Procedure(1, "uuid", "p", ("k",), None)
