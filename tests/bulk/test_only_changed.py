"""Only what differs is sent, and the service ends up as if all had been."""

from collections import Counter
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chakra_async import BadRequestError, Client, ProcessUpdate, RetryPolicy, Timeouts
from chakra_async.bulk.journal import read_problems, read_report
from chakra_async.emulator import Emulator
from chakra_async.sync import Client as SyncClient
from tests.bulk.test_compare import VALUES


def seats(names, value):
    return [ProcessUpdate(key=("tailnum", name), data={"tailnum": name, "seats": value}) for name in names]


async def results_of(run):
    async with run:
        return {result.index: result async for result in run}


def sent(emulator):
    """The items of every bulk update, in order."""
    bodies = [request.body for request in emulator.requests if request.method == "PATCH"]
    return [item for body in bodies for item in orjson.loads(body)["processes"]]


async def test_one_row_of_a_hundred_is_sent_alone(chakra_hq, chakra):
    rows = [{"key": ("tailnum", f"N{n}"), "data": {"tailnum": f"N{n}", "n": n}} for n in range(2000)]
    assert (await chakra.processes.bulk_create("aircraft", rows).run()).ok
    before = Counter(request.method for request in chakra_hq.requests)
    for row in rows[::100]:
        row["data"] = {**row["data"], "n": -1}
    summary = await chakra.processes.bulk_update("aircraft", rows, only_changed=True).run()
    assert (summary.updated, summary.unchanged, summary.ok) == (20, 1980, True)
    assert "20 updated, 1,980 unchanged" in str(summary)
    assert sent(chakra_hq) == [
        {"tailnum": f"N{n}", "update": {"data": {"n": -1}}} for n in range(0, 2000, 100)
    ]
    asked = Counter(request.method for request in chakra_hq.requests) - before
    assert (asked["POST"], asked["PATCH"]) == (20, 2)
    again = await chakra.processes.bulk_update("aircraft", rows, only_changed=True).run()
    assert (again.unchanged, again.jobs) == (2000, 0)


async def test_what_differed_is_told(chakra_hq, chakra, fleet):
    await chakra.processes.bulk_update("aircraft", seats(["N1"], 4)).run()
    when = datetime(2026, 1, 2, tzinfo=UTC)
    row = ProcessUpdate(
        key=("tailnum", "N1"), data={"seats": 5, "a": None}, state="RETIRED", next_action_at=when
    )
    results = await results_of(chakra.processes.bulk_update("aircraft", [row], only_changed=True))
    assert results[0].outcome == "updated"
    assert [str(change) for change in results[0].changes] == [
        "seats: 4 -> 5",
        'state: "NEW" -> "RETIRED"',
        'next_action_at: null -> "2026-01-02T00:00:00Z"',
    ]
    assert sent(chakra_hq)[-1]["update"] == {
        "data": {"seats": 5},
        "state": "RETIRED",
        "nextActionAt": 1767312000000,
    }


async def test_processes_named_by_their_ids(chakra_hq, chakra, fleet):
    ids = [process["id"] for process in chakra_hq.processes("aircraft")[:5]]
    rows = [ProcessUpdate(one, state="NEW" if n else "RETIRED") for n, one in enumerate(ids)]
    summary = await chakra.processes.bulk_update("aircraft", rows, only_changed=True).run()
    assert (summary.updated, summary.unchanged) == (1, 4)
    chakra_hq.faults.next("POST", "/list", status=400)
    summary = await chakra.processes.bulk_update("aircraft", rows, only_changed=True).run()
    assert summary.unchanged == 5
    assert [request.path.rpartition("/")[2] for request in chakra_hq.requests[-5:]] == ids


async def test_a_user_cannot_be_compared_so_the_row_is_sent(chakra_hq, chakra, fleet):
    user = await anext(aiter(chakra.users.list()))
    rows = [ProcessUpdate(key=("tailnum", "N1"), assigned_to=name) for name in (user.username, user.username)]
    for row in rows:
        results = await results_of(chakra.processes.bulk_update("aircraft", [row], only_changed=True))
        assert results[0].outcome == "updated"
    by_id = ProcessUpdate(key=("tailnum", "N1"), assigned_to=user.id)
    assert (await chakra.processes.bulk_update("aircraft", [by_id], only_changed=True).run()).unchanged == 1


async def test_a_process_that_is_not_listed_is_left_to_the_service(chakra_hq, chakra, fleet):
    await chakra.processes.delete_by_key("aircraft", "tailnum", "N1")
    rows = [
        ProcessUpdate(key=("tailnum", "NOBODY"), state="NEW"),
        ProcessUpdate(key=("tailnum", "N1"), state="NEW", is_deleted=False),
    ]
    results = await results_of(chakra.processes.bulk_update("aircraft", rows, only_changed=True))
    assert results[0].outcome == "invalid"
    assert "NOBODY" in results[0].errors[0]
    assert results[0].job_id is not None
    assert results[1].outcome == "updated"
    assert chakra_hq.process("aircraft", "N1")["isDeleted"] is False


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
async def test_rows_for_one_process_are_applied_in_their_order(chakra_hq, chakra, fleet, size):
    states = ["RETIRED", "NEW", "NEW", "IN_SERVICE", "NEW"]
    rows = [ProcessUpdate(key=("tailnum", "N1"), state=state) for state in states]
    summary = await chakra.processes.bulk_update("aircraft", rows, only_changed=True, chunk_size=size).run()
    assert summary.ok
    assert chakra_hq.process("aircraft", "N1")["state"] == "NEW"
    assert summary.unchanged == (1 if size < 3 else 0)


async def test_a_row_after_one_that_is_refused_is_not_taken_for_done(chakra_hq, chakra, fleet):
    rows = [
        ProcessUpdate(key=("tailnum", "N1"), data={"seats": 5}, state="SCRAP"),
        ProcessUpdate(key=("tailnum", "N1"), data={"seats": 5}),
    ]
    results = await results_of(chakra.processes.bulk_update("aircraft", rows, only_changed=True))
    assert [results[n].outcome for n in range(2)] == ["failed", "updated"]
    assert chakra_hq.process("aircraft", "N1")["data"]["seats"] == 5


async def test_a_body_that_is_refused_is_halved_as_ever(chakra_hq, chakra, fleet):
    chakra_hq.faults.next("PATCH", status=413, times=3)
    rows = [*seats(fleet[:4], 1), *[ProcessUpdate(key=("tailnum", "N9"), state="NEW")]]
    summary = await chakra.processes.bulk_update("aircraft", rows, only_changed=True).run()
    assert (summary.updated, summary.failed, summary.unchanged) == (3, 1, 1)
    assert all(item["update"] == {"data": {"seats": 1}} for item in sent(chakra_hq))


async def test_what_cannot_be_fetched_ends_the_run(chakra_hq, chakra, fleet):
    chakra_hq.faults.next("POST", "/list", status=400)
    run = chakra.processes.bulk_update("aircraft", seats(fleet, 1), only_changed=True, chunk_size=50)
    with pytest.raises(BadRequestError):
        await run.run()
    assert (run.summary.failed >= 50, run.summary.unknown) == (True, 0)


class TestWithAJournal:
    async def test_unchanged_rows_are_remembered(self, chakra_hq, chakra, fleet, tmp_path):
        rows = [
            *seats(fleet[:9], None),
            *seats(fleet[9:10], 7),
            ProcessUpdate(key=("tailnum", "X"), state="NEW"),
        ]
        path = tmp_path / "run.db"
        for resumed in (0, 11):
            run = chakra.processes.bulk_update("aircraft", rows, only_changed=True, journal=path)
            assert (await run.run()).resumed == resumed
            summary = run.summary
            assert (summary.unchanged, summary.updated, summary.invalid, summary.jobs) == (9, 1, 1, 1)
        assert read_report(path).counts == {"unchanged": 9, "updated": 1, "invalid": 1}
        assert read_report(path).plan.options["only_changed"] is True
        assert [problem.key for problem in read_problems(path)] == ["X"]

    async def test_what_was_under_way_is_compared_again(self, chakra_hq, chakra, fleet, tmp_path):
        path = tmp_path / "run.db"
        rows = seats(fleet[:10], 7)
        # The request is lost with the run: what it did, only the service knows.
        chakra_hq.faults.next("PATCH", reset="after", times=100)
        brief = {"retry": RetryPolicy(attempts=1), "timeout": Timeouts(job=0.2)}
        once = Client(chakra_hq.token, base_url=chakra_hq.url, **brief)
        async with once:
            run = once.processes.bulk_update("aircraft", rows[:9], only_changed=True, journal=path)
            with pytest.raises(Exception, match=r"answer|connection"):
                await run.run()
        assert read_report(path).pending_rows == 9
        chakra_hq.faults.clear()
        await chakra.processes.bulk_update("aircraft", seats(fleet[3:4], 5)).run()
        before = len(sent(chakra_hq))
        run = chakra.processes.bulk_update("aircraft", rows, only_changed=True, journal=path)
        results = await results_of(run)
        # What is as wanted was done by the lost request; one was changed since, and one is new.
        assert {n: results[n].outcome for n in range(10)} == dict.fromkeys(range(10), "updated")
        assert {item["tailnum"] for item in sent(chakra_hq)[before:]} == {"N3", "N9"}
        assert read_report(path).counts == {"updated": 10}
        assert (read_report(path).pending_rows, read_report(path).pending) == (0, [])


class TestExpect:
    async def test_a_row_is_sent_only_if_its_process_is_as_it_was(self, chakra_hq, chakra, fleet):
        await chakra.processes.bulk_update("aircraft", seats(fleet[:4], 4)).run()
        rows = [
            {
                "key": ("tailnum", "N0"),
                "data": {"seats": 5},
                "expect": {"data": {"seats": 4.0}, "state": "NEW"},
            },
            {"key": ("tailnum", "N1"), "data": {"seats": 5}, "expect": {"data": {"seats": 3}}},
            {"key": ("tailnum", "N2"), "data": {"seats": 4}, "expect": {"data": {"seats": 3}}},
            {"key": ("tailnum", "N3"), "data": {"seats": 5, "a": 1}, "expect": {"state": "RETIRED"}},
            {"key": ("tailnum", "X"), "data": {"seats": 5}, "expect": {}},
            {"key": ("tailnum", "N4"), "state": "NEW"},
        ]
        results = await results_of(chakra.processes.bulk_update("aircraft", rows))
        assert [results[n].outcome for n in range(6)] == [
            "updated",
            "invalid",
            "unchanged",
            "invalid",
            "invalid",
            "updated",
        ]
        assert results[1].errors == ("changed meanwhile: seats was 3 and is 4 now",)
        assert results[3].errors == ('changed meanwhile: state was "RETIRED" and is "NEW" now',)
        assert results[4].errors == ("no process with tailnum 'X' was found",)
        assert [chakra_hq.process("aircraft", f"N{n}")["data"]["seats"] for n in range(4)] == [5, 4, 4, 4]

    @pytest.mark.parametrize("journal", [None, "run.db"])
    async def test_rows_for_one_process_see_what_those_before_have_done(
        self, chakra_hq, chakra, fleet, tmp_path, journal
    ):
        def step(before, after):
            expect = {"data": {"seats": before}}
            return ProcessUpdate(key=("tailnum", "N1"), data={"seats": after}, expect=expect)

        rows = [step(None, 1), step(1, 2), step(1, 3), step(2, 4)]
        path = journal and tmp_path / journal
        results = await results_of(chakra.processes.bulk_update("aircraft", rows, journal=path))
        assert [results[n].outcome for n in range(4)] == ["updated", "updated", "invalid", "updated"]
        assert [str(results[n].changes[0]) for n in range(2)] == ["seats: null -> 1", "seats: 1 -> 2"]
        assert chakra_hq.process("aircraft", "N1")["data"]["seats"] == 4
        assert path is None or read_report(path).counts == {"updated": 3, "invalid": 1}

    async def test_a_row_that_expects_nothing_may_come_before(self, chakra_hq, chakra, fleet):
        rows = [
            ProcessUpdate(key=("tailnum", "N1"), data={"seats": 1}),
            ProcessUpdate(key=("tailnum", "N1"), state="RETIRED", expect={"data": {"seats": None}}),
            ProcessUpdate(key=("tailnum", "N1"), state="IN_SERVICE", expect={"data": {"seats": 1}}),
        ]
        results = await results_of(chakra.processes.bulk_update("aircraft", rows))
        assert [results[n].outcome for n in range(3)] == ["updated", "invalid", "updated"]
        assert chakra_hq.process("aircraft", "N1")["state"] == "IN_SERVICE"

    @pytest.mark.parametrize(
        "options", [{}, {"only_changed": True}, {"chunk_size": 2}, {"chunk_size": 3}, {"journal": "run.db"}]
    )
    async def test_no_row_overtakes_one_that_relies_on_current_values(
        self, chakra_hq, chakra, fleet, tmp_path, options
    ):
        def step(after, before=None):
            expect = None if before is None else {"data": {"seats": before}}
            return ProcessUpdate(key=("tailnum", "N1"), data={"seats": after}, expect=expect)

        rows = [step(1), step(2, 1), step(3), *seats(["N2"], 9), step(4, 9), step(5), step(6, 5), step(7)]
        if "journal" in options:
            options = {"journal": tmp_path / options["journal"]}
        results = await results_of(chakra.processes.bulk_update("aircraft", rows, **options))
        assert [results[n].outcome for n in range(8)] == [*["updated"] * 4, "invalid", *["updated"] * 3]
        assert results[4].errors == ("changed meanwhile: seats was 9 and is 3 now",)
        done = [item["update"]["data"]["seats"] for item in sent(chakra_hq) if item["tailnum"] == "N1"]
        assert done == [1, 2, 3, 5, 6, 7]
        assert chakra_hq.process("aircraft", "N1")["data"]["seats"] == 7

    async def test_a_row_behind_one_that_misses_its_process_is_sent_after_it(self, chakra_hq, chakra, fleet):
        key = ("tailnum", "N1")
        rows = [
            ProcessUpdate(key=key, is_deleted=True),
            ProcessUpdate(key=key, state="RETIRED", expect={"state": "NEW"}),
            ProcessUpdate(key=key, is_deleted=False),
        ]
        results = await results_of(chakra.processes.bulk_update("aircraft", rows))
        assert [results[n].outcome for n in range(3)] == ["updated", "invalid", "updated"]
        assert results[1].errors == ("no process with tailnum 'N1' was found",)
        held = chakra_hq.process("aircraft", "N1")
        assert (held["isDeleted"], held["state"]) == (False, "NEW")

    async def test_refusals_are_remembered_by_a_journal(self, chakra_hq, chakra, fleet, tmp_path):
        row = ProcessUpdate(key=("tailnum", "N1"), state="RETIRED", expect={"state": "IN_SERVICE"})
        for _ in range(2):
            run = chakra.processes.bulk_update("aircraft", [row], journal=tmp_path / "run.db")
            assert (await run.run()).invalid == 1
        [problem] = read_problems(tmp_path / "run.db")
        assert problem.errors == ('changed meanwhile: state was "IN_SERVICE" and is "NEW" now',)
        assert sent(chakra_hq) == []

    async def test_the_one_request_form_cannot_look_first(self, chakra, fleet):
        with pytest.raises(ValueError, match="row 0 cannot be sent: expect is for bulk_update"):
            await chakra.processes.start_bulk_update("aircraft", [{"id": "x", "state": "NEW", "expect": {}}])

    @pytest.mark.parametrize(
        ("expect", "said"),
        [
            ("NEW", "expect must be a mapping"),
            ({"data": 5}, "its data one too"),
            ({"seats": 5}, "expect knows no field seats; attributes go into its data"),
            ({"data": {"seats": {1}}}, r"data\['seats'\]: set has no JSON form"),
            ({"next_action_at": datetime(2026, 1, 1)}, "no time zone"),
        ],
    )
    async def test_what_cannot_be_expected(self, chakra, expect, said):
        row = ProcessUpdate("x", state="NEW", expect=expect)
        with pytest.raises(ValueError, match=said):
            await chakra.processes.start_bulk_update("aircraft", [row])


@pytest.fixture(scope="module")
def side():
    with Emulator(rows_per_second=None, job_latency=0.0) as emulator:
        emulator.add_procedure("thing", primary_key="name")
        with SyncClient(emulator.token, base_url=emulator.url) as chakra:
            yield emulator, chakra


DATA = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@settings(max_examples=12)
@given(cases=st.lists(st.tuples(DATA, DATA, st.sampled_from([None, "A", "B"])), min_size=1, max_size=6))
def test_a_diff_applied_leaves_what_the_whole_would_and_no_other_diff(side, cases):
    emulator, chakra = side
    start = emulator.request_count

    def name(twin, n):
        return f"{twin}-{start}-{n}"

    creates = [
        {"key": ("name", name(twin, n)), "data": {"name": name(twin, n), **data}, "state": "A"}
        for twin in ("whole", "part")
        for n, (data, _, _) in enumerate(cases)
    ]
    assert chakra.processes.bulk_create("thing", creates).run().ok

    def rows(twin):
        return [
            ProcessUpdate(key=("name", name(twin, n)), data={"name": name(twin, n), **update}, state=state)
            for n, (_, update, state) in enumerate(cases)
        ]

    assert chakra.processes.bulk_update("thing", rows("whole")).run().ok
    assert chakra.processes.bulk_update("thing", rows("part"), only_changed=True).run().ok
    for n in range(len(cases)):
        whole, part = (emulator.process("thing", name(twin, n)) for twin in ("whole", "part"))
        assert whole["state"] == part["state"]
        for attribute in whole["data"].keys() - {"name"}:
            assert whole["data"].get(attribute) == part["data"].get(attribute)
    second = chakra.processes.bulk_update("thing", rows("part"), only_changed=True, dry_run=True).run()
    assert second.unchanged + second.invalid == len(cases)
    again = chakra.processes.bulk_update("thing", rows("part"), only_changed=True).run()
    assert (again.unchanged, again.jobs) == (len(cases), 0)
