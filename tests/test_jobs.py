"""Background jobs: fetching, listing entries, waiting."""

import asyncio

import pytest
from aioresponses import CallbackResult

from chakra_async import Client, JobTimeoutError, NotFoundError, ProcessUpdate
from tests.raw import STALL, TOKEN, RawServer, quick_client, refused, wrapped


URL = "http://chakra.test/v1/ext/background-job/j"


async def started(client, rows=3):
    updates = [ProcessUpdate(key=("lead_id", f"L{n}"), state="WON") for n in range(rows)]
    return await client.processes.start_bulk_update("lead", updates)


async def filled(client, rows):
    job = await client.processes.start_bulk_create(
        "lead", [{"data": {"lead_id": f"L{n}"}} for n in range(rows)]
    )
    assert (await client.jobs.wait(job.id, timeout=10)).all_succeeded(rows)


async def test_a_job_is_fetched_with_its_counts(client, emulator):
    await filled(client, 2)
    job = await started(client)
    await client.jobs.wait(job.id, timeout=10)
    found = await client.jobs.get(job.id)
    assert found.id == job.id
    assert found.counts["SUCCESS"] == 2
    assert found.counts["INVALID"] == 1
    assert (found.total, found.processed) == (3, 3)
    assert found.finished
    assert (emulator.requests[-1].method, emulator.requests[-1].path) == (
        "GET",
        f"/v1/ext/background-job/{job.id}",
    )


async def test_entries_tell_what_became_of_each_row(client, emulator):
    await filled(client, 2)
    job = await started(client)
    await client.jobs.wait(job.id, timeout=10)
    entries = [entry async for entry in client.jobs.entries(job.id)]
    assert [entry.completion_status for entry in entries] == ["SUCCESS", "SUCCESS", "INVALID"]
    assert [entry.index for entry in entries] == [0, 1, 2]
    assert entries[0].payload["lead_id"] == "L0"
    assert entries[0].process == emulator.process("lead", "L0")["id"]
    assert entries[2].status_message


async def test_entries_follow_their_pages(client, emulator):
    emulator.job_settings.entries_page_size = 10
    await filled(client, 25)
    job = await started(client, 25)
    await client.jobs.wait(job.id, timeout=10)
    before = emulator.request_count
    assert [entry.index async for entry in client.jobs.entries(job.id)] == list(range(25))
    assert [request.query for request in emulator.requests[before:]] == [
        "",
        "skip=10&limit=10",
        "skip=20&limit=10",
    ]
    page = await client.jobs.entries(job.id)
    assert (len(page.items), page.has_more, page.meta["total"]) == (10, True, 25)


async def test_a_missing_job_is_not_found(client):
    for call in (client.jobs.get("none"), client.jobs.wait("none"), client.jobs.entries("none").first_page()):
        with pytest.raises(NotFoundError):
            await call


@pytest.mark.fault("B5")
async def test_a_job_that_is_stuck_ends_the_wait_and_can_be_waited_for_again(client, emulator):
    emulator.faults.next_job("stuck", after_rows=1)
    await client.processes.create("lead", data={"lead_id": "L0"})
    job = await started(client)
    for _ in range(2):
        with pytest.raises(JobTimeoutError) as caught:
            await client.jobs.wait(job.id, timeout=0.1)
        assert caught.value.job_id == job.id
        assert caught.value.retry_safe is True
    assert "1 of 3 entries done" in str(caught.value)


async def test_a_wait_without_time_still_looks_once():
    done = wrapped({"id": "j", "completedAt": 5})
    async with RawServer(done) as server, quick_client(server) as chakra:
        assert (await chakra.jobs.wait("j", timeout=0)).finished
    running = wrapped({"id": "j", "completionStatus": "IN_PROGRESS"})
    async with RawServer(running) as server, quick_client(server) as chakra:
        with pytest.raises(JobTimeoutError):
            await chakra.jobs.wait("j", timeout=0)


@pytest.mark.parametrize("fault", [STALL, refused(503, "down"), refused(429, "slow", Retry_After="60")])
@pytest.mark.parametrize("timeout", [0.1, 0])
async def test_no_poll_goes_on_for_longer_than_the_wait_may(fault, timeout):
    running = wrapped({"id": "j"}, {"bjEntryCompletionStatusVsCount": {"NOT_STARTED": 5}})
    async with RawServer(running, fault) as server, Client(TOKEN, base_url=server.url) as chakra:
        async with asyncio.timeout(5):
            with pytest.raises(JobTimeoutError, match="0 of 5 entries done") as caught:
                await chakra.jobs.wait("j", timeout=timeout)
    assert caught.value.attempts == (2 if timeout else 1)
    assert caught.value.__cause__ is None


def polls(virtual_time, mocked, *answers, timeout=None):
    """The outcome of a wait whose polls meet these answers, the seconds it took, how many there were."""
    sent = []

    async def main():
        for number, one in enumerate(answers):
            last = number == len(answers) - 1
            mocked.get(URL, callback=lambda *_, **__: sent.append(1), payload=one, repeat=last)
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with virtual_time.client() as chakra:
            try:
                return await chakra.jobs.wait("j", timeout=timeout), loop.time() - start, len(sent)
            except JobTimeoutError as error:
                return error, loop.time() - start, len(sent)

    return virtual_time.run(main())


def seen(done, total=100, **job):
    counts = {"SUCCESS": done, "NOT_STARTED": total - done}
    return {"_data": {"id": "j", **job}, "_meta": {"bjEntryCompletionStatusVsCount": counts}}


def test_an_hour_of_waiting_takes_few_polls(virtual_time, mocked):
    error, seconds, count = polls(virtual_time, mocked, seen(1), timeout=3600)
    assert isinstance(error, JobTimeoutError)
    assert 3600 <= seconds < 3601
    assert 100 < count < 500
    assert error.attempts == count


def test_a_job_that_ends_just_before_the_time_is_over_is_seen(virtual_time, mocked):
    looks = []

    async def main():
        loop = asyncio.get_running_loop()
        start = loop.time()

        def told(*_, **__):
            looks.append(loop.time() - start)
            return CallbackResult(payload=seen(0, completedAt=5 if looks[-1] > 95 else 0))

        mocked.get(URL, callback=told, repeat=True)
        async with virtual_time.client() as chakra:
            return await chakra.jobs.wait("j", timeout=96)

    assert virtual_time.run(main()).finished
    assert looks[-2] < 90
    assert 95 < looks[-1] < 96


def test_a_job_without_a_status_is_done_when_its_counts_stand_still(virtual_time, mocked):
    job, _, count = polls(virtual_time, mocked, seen(50), seen(100), seen(100))
    assert job.processed == 100
    assert count <= 3


def test_counts_that_are_still_filling_up_are_not_taken_for_done(virtual_time, mocked):
    job, _, _ = polls(virtual_time, mocked, seen(50, 50), seen(70, 70), seen(100, 100), seen(100, 100))
    assert job.total == 100


@pytest.mark.parametrize("word", ["COMPLETED", "DONE", "FAILED", "completed"])
def test_a_final_word_ends_the_wait_at_once(virtual_time, mocked, word):
    job, seconds, count = polls(virtual_time, mocked, seen(0, completionStatus=word))
    assert (job.completion_status, count) == (word, 1)
    assert seconds < 0.1


@pytest.mark.parametrize("word", ["IN_PROGRESS", "NOT_STARTED", "PENDING", "QUEUED", "in_progress"])
def test_a_word_that_means_not_yet_does_not(virtual_time, mocked, word):
    job, _, count = polls(virtual_time, mocked, seen(0, completionStatus=word), seen(9, completedAt=5))
    assert (job.finished, count) == (True, 2)


def test_a_poll_that_fails_is_repeated_as_a_read(virtual_time, mocked):
    mocked.get(URL, status=503)
    job, _, _ = polls(virtual_time, mocked, seen(0), seen(9, completedAt=5))
    assert job.finished


async def test_a_wait_of_no_number_of_seconds_is_refused(client, emulator):
    before = emulator.request_count
    with pytest.raises(ValueError, match="no number of seconds"):
        await client.jobs.wait("j", timeout=float("nan"))
    assert emulator.request_count == before
