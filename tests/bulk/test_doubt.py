"""What is said of rows that a lost answer leaves in doubt: nothing that may be false."""

import asyncio

import pytest

from chakra_async import (
    AmbiguousResultError,
    ChakraError,
    Client,
    NotFoundError,
    ProcessUpdate,
    ServerError,
    Timeouts,
)
from chakra_async.bulk import search
from chakra_async.bulk.courier import MAYBE_BEFORE
from chakra_async.bulk.outcomes import BEHIND
from tests.raw import QUICK, RST, RawServer, quick_client, refused


HTML = {"body": "<html>maintenance</html>", "content_type": "text/html"}
STRANGER = b'{"_data":[{"id":"p","data":{"tailnum":"STRANGER"}}],"_meta":{"hasMore":false}}'


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


def asked(emulator, ending):
    """The requests whose paths end so."""
    return [request for request in emulator.requests if request.path.endswith(ending)]


@pytest.mark.parametrize("lost", [{"reset": "after"}, {"status": 502, "apply": True}])
async def test_creates_whose_answer_is_the_first_and_lost_are_looked_up(chakra_hq, chakra, lost):
    chakra_hq.faults.next("POST", "bulk-create", **lost)
    results, error = await outcomes(
        chakra.processes.bulk_create("aircraft", [new(f"X{n}") for n in range(3)])
    )
    assert error is None
    assert [result.outcome for result in results] == ["created"] * 3
    assert len(chakra_hq.processes("aircraft")) == 3
    assert asked(chakra_hq, "/list")[0].json()["where"] == {"or": [{"tailnum": f"X{n}"} for n in range(3)]}


async def test_none_of_several_creates_with_one_key_is_sent_again_if_it_exists(chakra_hq, chakra):
    rows = [new("X", state="RETIRED"), new("X", state="IN_SERVICE"), new("Y"), new("Z"), new("Z")]
    chakra_hq.faults.next("POST", "bulk-create", reset="after", delay=0.05)
    results, _ = await outcomes(chakra.processes.bulk_create("aircraft", rows))
    assert [result.outcome for result in results] == ["created", "unknown", "created", "unknown", "unknown"]
    assert "other values of state" in results[1].errors[0]
    assert results[3].errors[0].endswith("which of several rows with this key created it")
    assert len(asked(chakra_hq, "bulk-create")) == 1


async def test_creates_whose_first_request_was_not_done_are_sent_again(chakra_hq, chakra):
    chakra_hq.faults.next("POST", "bulk-create", status=502, apply=False)
    summary = await chakra.processes.bulk_create("aircraft", [new("X0"), new("X1")]).run()
    assert (summary.created, len(chakra_hq.processes("aircraft"))) == (2, 2)


@pytest.mark.parametrize("fails", ["the lookup too", "without keys", "creates alone"])
async def test_creates_that_never_worked_end_the_run_with_their_own_error(chakra_hq, fails):
    chakra_hq.faults.next("POST", "bulk-create", times=None, status=502, apply=False)
    if fails == "the lookup too":
        chakra_hq.faults.next("POST", "/list", times=None, status=503)
    rows = [{"data": {"note": n}} if fails == "without keys" else new(f"X{n}") for n in range(3)]
    async with Client(chakra_hq.token, base_url=chakra_hq.url, retry=QUICK) as chakra:
        run = chakra.processes.bulk_create("aircraft", rows, chunk_size=1, concurrency=1)
        results, error = await outcomes(run)
    assert isinstance(error, ServerError)
    assert (error.status, error.may_be_done) == (502, True)
    assert [result.outcome for result in results] == ["unknown"]
    assert ("the lookup failed: The service answered 503" in results[0].errors[0]) is (
        fails == "the lookup too"
    )
    assert len(asked(chakra_hq, "bulk-create")) == (4 if fails == "creates alone" else 1)


async def test_creates_are_not_taken_for_missing_where_others_are_listed(chakra_hq, chakra):
    chakra_hq.faults.next("POST", "bulk-create", reset="after", delay=0.05)
    chakra_hq.faults.next("POST", "/list", times=None, status=200, body=STRANGER)
    results, error = await outcomes(chakra.processes.bulk_create("aircraft", [new("X0"), new("X1")]))
    assert error is None
    assert [result.outcome for result in results] == ["unknown", "unknown"]
    assert "lists other processes" in results[0].errors[0]
    assert len(asked(chakra_hq, "bulk-create")) == 1


async def test_what_a_row_expects_cannot_be_told_where_others_are_listed(chakra_hq, chakra, fleet):
    rows = [update("N0", state="RETIRED", expect={"state": "NEW"})]
    chakra_hq.faults.next("POST", "/list", times=None, status=200, body=STRANGER)
    [result], _ = await outcomes(chakra.processes.bulk_update("aircraft", rows))
    assert result.outcome == "failed"
    assert result.errors == (
        "not sent: the service lists other processes than were asked for, and none with tailnum 'N0'",
    )
    rows = [update("N0", state="RETIRED")]
    [result], _ = await outcomes(chakra.processes.bulk_update("aircraft", rows, only_changed=True))
    assert result.outcome == "updated"


async def test_a_deletion_is_not_called_done_where_others_are_listed(chakra_hq, chakra, fleet, tmp_path):
    rows = [update("N0", is_deleted=True, expect={"state": "NEW"})]
    journal = tmp_path / "run.db"
    effects = effects_from(chakra_hq)
    chakra_hq.faults.next("PATCH", delay=5)
    await break_off(chakra.processes.bulk_update("aircraft", rows, journal=journal), lambda: effects() == 1)
    chakra_hq.faults.next("POST", "/list", times=None, status=200, body=STRANGER)
    [result], _ = await outcomes(chakra.processes.bulk_update("aircraft", rows, journal=journal))
    assert result.outcome == "unknown"


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
    assert results[2].errors == (BEHIND,)
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


def impatient(emulator):
    return Client(emulator.token, base_url=emulator.url, timeout=Timeouts(job=0.3))


async def test_nor_does_one_in_the_other_half_of_a_chunk_that_was_refused(chakra_hq, fleet, tmp_path):
    rows = [update("N0", data={"v": "first"}), update("N1", data={"v": 1}), update("N0", data={"v": "last"})]
    rows.append(update("N2", data={"v": 1}))
    journal = tmp_path / "run.db"
    chakra_hq.faults.next("PATCH", status=413)
    chakra_hq.faults.next_job(ending="stuck")
    async with impatient(chakra_hq) as chakra:
        results, error = await outcomes(chakra.processes.bulk_update("aircraft", rows, journal=journal))
        assert error is None
        assert [result.outcome for result in results] == ["unknown", "unknown", "failed", "updated"]
        assert results[2].errors == (BEHIND,)
        # Nor do they in the next run, as long as it does not know more.
        results, _ = await outcomes(chakra.processes.bulk_update("aircraft", rows, journal=journal))
    assert [(result.index, result.outcome) for result in results] == [
        (0, "unknown"),
        (1, "unknown"),
        (2, "failed"),
    ]
    assert value(chakra_hq, "N0") is None


async def test_once_the_first_half_is_settled_the_next_run_sends_what_was_behind_it(
    chakra_hq, fleet, tmp_path
):
    rows = [update("N0", data={"v": "first"}), update("N0", data={"v": "last"})]
    journal = tmp_path / "run.db"
    chakra_hq.faults.next("PATCH", status=413)
    chakra_hq.faults.next_job(latency=0.8)
    async with impatient(chakra_hq) as chakra:
        results, _ = await outcomes(chakra.processes.bulk_update("aircraft", rows, journal=journal))
        assert [result.outcome for result in results] == ["unknown", "failed"]
        while value(chakra_hq, "N0") is None:
            await asyncio.sleep(0.01)
        summary = await chakra.processes.bulk_update("aircraft", rows, journal=journal).run()
    assert summary.updated == 2
    assert value(chakra_hq, "N0") == "last"


@pytest.mark.parametrize("options", [{}, {"only_changed": True}])
async def test_nor_does_one_that_waited_for_current_values(chakra_hq, fleet, options):
    expect = {"state": "NEW"}
    rows = [update("N0", data={"v": n}, expect=expect) for n in range(3)] + [update("N0", data={"w": 1})]
    rows.append(update("N1", data={"v": 1}, expect=expect))
    chakra_hq.faults.next_job(ending="stuck", after_rows=0)
    async with impatient(chakra_hq) as chakra:
        results, _ = await outcomes(chakra.processes.bulk_update("aircraft", rows, **options))
    assert [result.outcome for result in results] == ["unknown", "failed", "failed", "failed", "unknown"]
    assert {result.errors for result in results[1:4]} == {(BEHIND,)}
    assert len(asked(chakra_hq, "/process")) == len(asked(chakra_hq, "/list")) == 1


async def test_nor_does_a_create_of_which_the_answer_was_lost(chakra_hq):
    rows = [new("A"), new("B"), new("A"), new("C")]
    chakra_hq.faults.next("POST", "bulk-create", reset="before")
    chakra_hq.faults.next("POST", "bulk-create", status=413)
    chakra_hq.faults.next_job(ending="stuck", after_rows=0)
    async with impatient(chakra_hq) as chakra:
        results, _ = await outcomes(chakra.processes.bulk_create("aircraft", rows))
    assert [result.outcome for result in results] == ["unknown", "unknown", "failed", "created"]
    assert results[2].errors == (BEHIND,)


async def test_what_is_not_sent_again_may_have_been_done_by_an_earlier_run(
    chakra_hq, chakra, fleet, tmp_path
):
    rows = [update("N0", data={"v": "first"}), update("N0", data={"v": "last"})]
    journal = tmp_path / "run.db"
    effects = effects_from(chakra_hq)
    chakra_hq.faults.next("PATCH", delay=5)
    await break_off(chakra.processes.bulk_update("aircraft", rows, journal=journal), lambda: effects() == 2)
    chakra_hq.faults.next("PATCH", status=413)
    chakra_hq.faults.next_job(ending="stuck")
    async with impatient(chakra_hq) as client:
        results, _ = await outcomes(client.processes.bulk_update("aircraft", rows, journal=journal))
    assert [result.outcome for result in results] == ["unknown", "unknown"]
    assert results[1].errors == (f"{BEHIND}; {MAYBE_BEFORE}",)


async def test_the_other_half_may_have_been_done_before_too_if_the_run_ends_at_the_first(
    chakra_hq, chakra, fleet, tmp_path
):
    rows = [update("N0", data={"v": 1}), update("N1", data={"v": 1})]
    journal = tmp_path / "run.db"
    effects = effects_from(chakra_hq)
    chakra_hq.faults.next("PATCH", delay=5)
    await break_off(chakra.processes.bulk_update("aircraft", rows, journal=journal), lambda: effects() == 2)
    chakra_hq.faults.next("PATCH", status=413)
    chakra_hq.faults.next("PATCH", status=401)
    results, error = await outcomes(chakra.processes.bulk_update("aircraft", rows, journal=journal))
    assert error is not None
    assert [result.outcome for result in results] == ["unknown", "unknown"]


async def test_rows_of_one_process_are_told_apart_by_what_their_entries_repeat(chakra_hq, chakra, fleet):
    chakra_hq.job_settings.entry_fields = frozenset({"request"})
    chakra_hq.faults.next("PATCH", status=413)
    rows = [update(f"N{n}", data={"v": 1}) for n in (1, 2, 3)]
    rows += [update("N0", data={"v": 1}), update("N0", state="WRONG"), update("N0", data={"v": 3})]
    results, _ = await outcomes(chakra.processes.bulk_update("aircraft", rows))
    assert [result.outcome for result in results] == ["updated"] * 4 + ["failed", "updated"]


async def test_a_create_whose_answer_is_lost_each_time_is_given_up(chakra_hq, chakra):
    chakra_hq.faults.next("POST", "bulk-create", after=1, times=None, status=500, apply=False)
    rows = [new(f"X{n}") for n in range(3)]
    results, error = await outcomes(
        chakra.processes.bulk_create("aircraft", rows, chunk_size=1, concurrency=1)
    )
    assert error is None
    assert [result.outcome for result in results] == ["created", "unknown", "unknown"]
    assert "answered 500" in results[1].errors[0]
    assert len(asked(chakra_hq, "bulk-create")) == 1 + 2 * 4


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


@pytest.mark.parametrize("fault", [{"status": 502, "apply": False}, {"status": 400}])
async def test_rows_without_a_key_are_sent_again_once_a_run(chakra_hq, chakra, tmp_path, fault):
    rows = [{"data": {"note": "blind"}}]
    journal = tmp_path / "run.db"
    chakra_hq.faults.next("POST", "bulk-create", delay=5)
    effects = effects_from(chakra_hq)
    await break_off(
        chakra.processes.bulk_create("aircraft", rows, journal=journal), lambda: effects() == len(rows)
    )
    chakra_hq.faults.next("POST", "bulk-create", times=None, **fault)
    again = chakra.processes.bulk_create("aircraft", rows, journal=journal, on_unknown="retry")
    [result], _ = await outcomes(again)
    assert result.outcome == "unknown"
    assert len(asked(chakra_hq, "bulk-create")) == 2


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
