"""A dry run tells the fate of every row, and sends nothing."""

import pytest

from chakra_async import AuthenticationError, Client, ProcessCreate, ProcessUpdate, RejectedRow, SourceLine
from chakra_async.sync import Client as SyncClient


@pytest.fixture
def quiet(chakra_hq):
    """What has arrived since the last look."""
    seen = 0

    def since():
        nonlocal seen
        found, seen = chakra_hq.requests[seen:], len(chakra_hq.requests)
        return [(request.method, request.path.rpartition("/")[2]) for request in found]

    return since


async def results_of(run):
    async with run:
        return {result.index: result async for result in run}


async def test_updates(chakra_hq, chakra, fleet, quiet):
    rows = [
        ProcessUpdate(key=("tailnum", "N0"), data={"tailnum": "N0"}, state="RETIRED"),
        ProcessUpdate(key=("tailnum", "N1"), state="RETIERD"),
        ProcessUpdate(key=("tailnum", "N2")),
        RejectedRow(("unreadable",)),
        ProcessUpdate(key=("tailnum", "N3"), status="DONE"),
        ProcessUpdate(key=("tailnum", "NOBODY"), state="NEW"),
    ]
    quiet()
    run = chakra.processes.bulk_update("aircraft", rows, dry_run=True, chunk_size=2)
    results = await results_of(run)
    assert quiet() == [("GET", "config")]
    outcomes = ["valid", "invalid", "invalid", "invalid", "invalid", "valid"]
    assert [results[n].outcome for n in range(6)] == outcomes
    assert "no state 'RETIERD' of 'aircraft' (did you mean 'RETIRED'?)" in results[1].errors[0]
    assert results[2].errors[0].startswith("nothing to change")
    assert (run.summary.valid, run.summary.invalid, run.summary.jobs, run.summary.ok) == (2, 4, 0, False)
    assert "6 rows: 2 valid, 4 invalid (0 jobs" in str(run.summary)
    assert {process["state"] for process in chakra_hq.processes("aircraft")} == {"NEW"}


async def test_two_rows_for_one_process_are_worth_a_word(chakra, fleet, quiet):
    def row(line, name, **fields):
        return ProcessUpdate(key=("tailnum", name), ref=SourceLine(line, ""), **fields)

    rows = [row(3, "N1", state="NEW"), row(4, "N2", state="NEW"), row(7, "N1", state="RETIRED")]
    for options in ({"chunk_size": 1}, {}, {"only_changed": True}):
        results = await results_of(chakra.processes.bulk_update("aircraft", rows, dry_run=True, **options))
        assert all(result.ok for result in results.values())
        assert results[0].warnings == results[1].warnings == ()
        assert results[2].warnings == (
            "line 7 and line 3 concern the same process; both would be sent, in order",
        )
    assert results[2].changes == ()
    assert results[2].outcome == "valid"
    run = chakra.processes.bulk_delete("aircraft", ["x", ("tailnum", "N1"), "x"], dry_run=True)
    deletes = await results_of(run)
    assert "row 2 and row 0 concern the same process" in deletes[2].warnings[0]
    assert run.summary.ok


async def test_creates(chakra_hq, chakra, quiet):
    rows = [
        ProcessCreate(key=("tailnum", "X1"), data={"anything": 1}),
        ProcessCreate(data={"tailnum": "X2"}, state="SCRAP"),
        ProcessCreate(key=("tailnum", "X1"), data={"anything": 2}),
        ProcessCreate(),
    ]
    quiet()
    results = await results_of(chakra.processes.bulk_create("aircraft", rows, dry_run=True))
    assert quiet() == [("GET", "config")]
    assert [results[n].outcome for n in range(4)] == ["valid", "invalid", "invalid", "invalid"]
    assert "row 2 and row 0 concern the same process: whether creating it again" in results[2].errors[0]
    assert chakra_hq.processes("aircraft") == []


async def test_with_the_current_values_it_is_a_diff(chakra, fleet, quiet):
    rows = [
        ProcessUpdate(key=("tailnum", "N0"), data={"tailnum": "N0", "city": None}, state="NEW"),
        ProcessUpdate(key=("tailnum", "N1"), data={"tailnum": "N1"}, state="RETIRED", status="OPEN"),
        ProcessUpdate(key=("tailnum", "NOBODY"), state="NEW"),
    ]
    quiet()
    run = chakra.processes.bulk_update("aircraft", rows, dry_run=True, only_changed=True)
    results = await results_of(run)
    assert quiet() == [("GET", "config"), ("POST", "list")]
    assert [results[n].outcome for n in range(2)] == ["unchanged", "valid"]
    assert [str(change) for change in results[1].changes] == ['state: "NEW" -> "RETIRED"']
    assert results[2].errors == ("no process with tailnum 'NOBODY' was found",)
    assert results[2].reason == "no process with tailnum '…' was found"


async def test_any_number_of_rows_with_one_look_at_the_config(chakra_hq, chakra, quiet):
    def rows():
        for n in range(5000):
            yield {"key": ("tailnum", f"N{n}"), "state": "NEW" if n % 1000 else "OLD"}

    quiet()
    summary = await chakra.processes.bulk_update("aircraft", rows(), dry_run=True, chunk_size=100).run()
    assert (summary.valid, summary.invalid) == (4995, 5)
    assert quiet() == [("GET", "config")]


def test_in_the_sync_client(chakra_hq, quiet):
    with SyncClient(chakra_hq.token, base_url=chakra_hq.url) as chakra:
        rows = [ProcessUpdate(key=("tailnum", "N1"), state="OLD"), ProcessUpdate("x", state="NEW")]
        with chakra.processes.bulk_update("aircraft", rows, dry_run=True) as run:
            assert [result.outcome for result in run] == ["invalid", "valid"]
        assert (
            chakra.processes.bulk_update("aircraft", rows, dry_run=True, only_changed=True).run().invalid == 2
        )
    assert {method for method, path in quiet() if path != "list"} == {"GET"}


async def test_what_cannot_be_looked_up_ends_the_run(chakra_hq):
    async with Client("wrong", base_url=chakra_hq.url) as chakra:
        run = chakra.processes.bulk_update("aircraft", [{"id": "x", "state": "NEW"}], dry_run=True)
        with pytest.raises(AuthenticationError):
            await run.run()
        assert run.summary.failed == 1


def test_a_dry_run_has_nothing_for_a_journal(chakra_hq, tmp_path):
    chakra = Client(chakra_hq.token, base_url=chakra_hq.url)
    with pytest.raises(ValueError, match="leave one out"):
        chakra.processes.bulk_update("aircraft", [], dry_run=True, journal=tmp_path / "run.db")
