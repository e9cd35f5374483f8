"""What is said of rows that a lost answer leaves in doubt: nothing that may be false."""

import asyncio

import pytest

from chakra_async import AmbiguousResultError, ChakraError, Client, NotFoundError, ProcessUpdate, Timeouts
from chakra_async.bulk import search
from chakra_async.bulk.courier import MAYBE_BEFORE
from tests.raw import RST, RawServer, quick_client, refused


HTML = {"body": "<html>maintenance</html>", "content_type": "text/html"}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(search, "PAUSES", (0.01,) * 5)


def update(name, **fields):
    return ProcessUpdate(key=("tailnum", name), **fields)


def new(name, **fields):
    return {"key": ("tailnum", name), "data": {"tailnum": name}, **fields}


def value(emulator, name):
    return emulator.process("aircraft", name)["data"].get("v")


async def outcomes(run):
    """Outcome and reasons of each row, and the error that ended the run."""
    found = {}
    try:
        async with run:
            async for result in run:
                found[result.index] = result
    except ChakraError as error:
        return [found[index] for index in sorted(found)], error
    return [found[index] for index in sorted(found)], None


async def break_off(run, done):
    """Drive a run until its request was carried out, and end it as the end of the process would."""

    async def drive():
        async with run:
            async for _ in run:
                pass

    task = asyncio.create_task(drive())
    while not done():
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])


async def leave_when_asked(server):
    """Take no further connection once a request has come."""
    while not server.requests:
        await asyncio.sleep(0)
    server._server.close()


def effects_from(emulator):
    """Count the effects from here on."""
    before = len(emulator.ledger)
    return lambda: len(emulator.ledger) - before


async def test_a_create_that_was_answered_with_errors_in_a_success_is_not_sent_again(chakra_hq, chakra):
    chakra_hq.faults.next("POST", "bulk-create", after=1, errors_in_success=("slow today",))
    rows = [{"data": {"note": n}} for n in range(3)]
    results, error = await outcomes(
        chakra.processes.bulk_create("aircraft", rows, chunk_size=1, concurrency=1)
    )
    assert error is None
    assert [result.outcome for result in results] == ["created", "unknown", "created"]
    assert len(chakra_hq.processes("aircraft")) == 3


async def test_a_create_that_was_redirected_is_in_doubt(chakra_hq, chakra):
    chakra_hq.faults.next("POST", "bulk-create", after=1, status=302, apply=True)
    rows = [{"data": {"note": n}} for n in range(2)]
    results, _ = await outcomes(chakra.processes.bulk_create("aircraft", rows, chunk_size=1, concurrency=1))
    assert [result.outcome for result in results] == ["created", "unknown"]


@pytest.mark.parametrize("ending", ["gone", "revoked", "bad"])
async def test_what_was_sent_and_then_refused_is_in_doubt(ending):
    then = {"gone": [], "revoked": [refused(401, "revoked")], "bad": [refused(400, "bad")]}[ending]
    async with RawServer(RST, *then) as server, quick_client(server) as chakra:
        goes = asyncio.create_task(leave_when_asked(server)) if not then else None
        run = chakra.processes.bulk_update("lead", [ProcessUpdate("a", data={"x": 1})])
        [result], error = await outcomes(run)
        if goes is not None:
            await goes
    assert result.outcome == "unknown"
    if ending == "bad":
        assert result.errors == ("bad", MAYBE_BEFORE)
    else:
        assert error is not None
        assert error.may_be_done


async def test_a_row_that_changes_its_own_key_is_in_doubt_after_a_lost_answer(chakra_hq, chakra, fleet):
    chakra_hq.faults.next("PATCH", reset="after")
    rows = [update("N1", data={"tailnum": "B2"}), update("none", data={"v": 1}), update("N2", data={"v": 1})]
    results, _ = await outcomes(chakra.processes.bulk_update("aircraft", rows))
    assert [result.outcome for result in results] == ["unknown", "invalid", "updated"]
    assert results[0].errors[-1] == MAYBE_BEFORE
    assert chakra_hq.process("aircraft", "B2") is not None


async def test_a_later_row_does_not_overtake_one_that_is_not_settled(chakra_hq, chakra, fleet, tmp_path):
    rows = [update("N1", data={"v": 0}), update("N0", data={"v": "first"}), update("N0", data={"v": "last"})]
    journal = tmp_path / "run.db"

    def run():
        return chakra.processes.bulk_update("aircraft", rows, journal=journal, chunk_size=1, concurrency=1)

    chakra_hq.faults.next("PATCH", after=1, apply=False, **HTML)
    results, _ = await outcomes(run())
    assert [result.outcome for result in results] == ["updated", "unknown", "failed"]
    assert results[2].errors == ("not sent: an earlier row for this process may still be under way",)
    assert value(chakra_hq, "N0") is None
    results, _ = await outcomes(run())
    assert [result.outcome for result in results] == ["updated", "updated"]
    assert value(chakra_hq, "N0") == "last"


async def test_nor_does_one_that_comes_after_a_job_was_given_up(chakra_hq, fleet):
    chakra_hq.faults.next_job(ending="stuck")
    rows = [update("N0", data={"v": "first"}), update("N0", data={"v": "last"}), update("N1", data={"v": 1})]
    async with Client(chakra_hq.token, base_url=chakra_hq.url, timeout=Timeouts(job=0.3)) as chakra:
        run = chakra.processes.bulk_update("aircraft", rows, chunk_size=1, concurrency=1)
        results, _ = await outcomes(run)
    assert [result.outcome for result in results] == ["unknown", "failed", "updated"]


async def test_a_create_whose_answer_is_lost_each_time_is_given_up(chakra_hq, chakra):
    chakra_hq.faults.next("POST", "bulk-create", after=1, times=None, status=500, apply=False)
    rows = [new(f"X{n}") for n in range(3)]
    results, error = await outcomes(
        chakra.processes.bulk_create("aircraft", rows, chunk_size=1, concurrency=1)
    )
    assert error is None
    assert [result.outcome for result in results] == ["created", "unknown", "unknown"]
    assert "answered 500" in results[1].errors[0]
    asked = [request for request in chakra_hq.requests if request.path.endswith("bulk-create")]
    assert len(asked) == 1 + 2 * 4


@pytest.mark.parametrize("refusal", ["token", "connection"])
async def test_rows_of_an_earlier_run_are_not_called_undone(chakra_hq, chakra, fleet, tmp_path, refusal):
    rows = [update("N0", data={"v": 1}), update("N1", data={"v": 1})]
    journal = tmp_path / "run.db"
    effects = effects_from(chakra_hq)
    chakra_hq.faults.next("PATCH", delay=5)
    run = chakra.processes.bulk_update("aircraft", rows, journal=journal)
    await break_off(run, lambda: effects() == 2)
    if refusal == "token":
        chakra_hq.faults.next("PATCH", status=401)
    else:
        chakra_hq.faults.next("PATCH", times=None, status=404)
    results, _ = await outcomes(chakra.processes.bulk_update("aircraft", rows, journal=journal))
    assert [result.outcome for result in results] == ["unknown", "unknown"]
    assert MAYBE_BEFORE in results[0].errors[0]
    chakra_hq.faults.clear()
    results, _ = await outcomes(chakra.processes.bulk_update("aircraft", rows, journal=journal))
    assert [result.outcome for result in results] == ["updated", "updated"]


@pytest.mark.parametrize("then", ["somebody else", "a later row", "itself"])
async def test_what_a_row_expects_may_be_gone_because_it_was_done(chakra_hq, chakra, fleet, tmp_path, then):
    expect = {"state": "NEW"}
    rows = {
        "somebody else": [update("N0", state="RETIRED", expect=expect)],
        "a later row": [update("N0", state="RETIRED", expect=expect), update("N0", state="IN_SERVICE")],
        "itself": [update("N0", is_deleted=True, expect=expect)],
    }[then]
    journal = tmp_path / "run.db"
    effects = effects_from(chakra_hq)
    chakra_hq.faults.next("PATCH", delay=5)
    await break_off(
        chakra.processes.bulk_update("aircraft", rows, journal=journal), lambda: effects() == len(rows)
    )
    if then == "somebody else":
        await chakra.processes.update_by_key("aircraft", "tailnum", "N0", state="IN_SERVICE")
    results, _ = await outcomes(chakra.processes.bulk_update("aircraft", rows, journal=journal))
    assert results[0].outcome == ("updated" if then == "itself" else "unknown")
    assert effects() == len(rows) + (then != "itself")


async def test_a_process_with_the_key_and_another_state_is_not_taken_for_ours(chakra_hq, chakra):
    await chakra.processes.create("aircraft", data={"tailnum": "OLD"})
    chakra_hq.faults.next("POST", "bulk-create", after=1, reset="before")
    rows = [new("X"), {**new("OLD"), "state": "RETIRED"}]
    results, _ = await outcomes(chakra.processes.bulk_create("aircraft", rows, chunk_size=1, concurrency=1))
    assert [result.outcome for result in results] == ["created", "unknown"]
    assert "other values of state" in results[1].errors[0]


async def test_rows_without_a_key_are_sent_again_on_request_beside_rows_with_one(chakra_hq, chakra, tmp_path):
    rows = [new("B"), {"data": {"note": "blind"}}]
    journal = tmp_path / "run.db"
    chakra_hq.faults.next("POST", "bulk-create", delay=5)
    effects = effects_from(chakra_hq)
    await break_off(
        chakra.processes.bulk_create("aircraft", rows, journal=journal), lambda: effects() == len(rows)
    )
    again = chakra.processes.bulk_create("aircraft", rows, journal=journal, on_unknown="retry")
    results, _ = await outcomes(again)
    assert [result.outcome for result in results] == ["created", "created"]
    assert effects() == 3


async def test_a_single_update_of_its_own_key_is_not_repeated(chakra_hq, chakra, fleet):
    chakra_hq.faults.next("PUT", reset="after")
    with pytest.raises(AmbiguousResultError):
        await chakra.processes.update_by_key("aircraft", "tailnum", "N0", data={"tailnum": "B0"})
    chakra_hq.faults.next("PUT", reset="after")
    assert await chakra.processes.update_by_key("aircraft", "tailnum", "N1", data={"v": 1})


async def test_a_refusal_does_not_say_that_an_earlier_attempt_did_nothing(chakra_hq, chakra, fleet):
    chakra_hq.faults.next("DELETE", reset="after")
    chakra_hq.faults.next("DELETE", status=404)
    with pytest.raises(NotFoundError, match=r"An earlier attempt may have been done\.") as caught:
        await chakra.processes.delete_by_key("aircraft", "tailnum", "N0")
    assert caught.value.may_be_done
    with pytest.raises(NotFoundError, match=r"Nothing was done\.") as caught:
        await chakra.processes.delete_by_key("aircraft", "tailnum", "nobody")
    assert not caught.value.may_be_done
