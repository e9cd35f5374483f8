"""Client, processes, jobs and bulk runs on the async side, as type checkers see them; never run."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

import aiohttp

import chakra_async
from chakra_async import (
    AccessToken,
    AmbiguousResultError,
    ApiError,
    AuthenticationError,
    BadRequestError,
    BulkRun,
    ChakraError,
    Client,
    ClientClosedError,
    ConflictError,
    ConnectError,
    DecodeError,
    IncompleteReadError,
    Job,
    JobEntry,
    JobTimeoutError,
    JournalError,
    Limits,
    NotFoundError,
    Page,
    Pager,
    PayloadTooLargeError,
    PaymentRequiredError,
    PermissionDeniedError,
    Process,
    ProcessCreate,
    ProcessUpdate,
    Progress,
    RateLimitError,
    RejectedRow,
    Reply,
    RequestTimeoutError,
    ResponseTooLargeError,
    RetryPolicy,
    RowResult,
    ServerError,
    Settings,
    SignatureError,
    SourceLine,
    Summary,
    Timeouts,
    TransportError,
    Writer,
)
from chakra_async.bulk.plans import PlanReader, PlanWriter, read_plan


async def clients(session: aiohttp.ClientSession) -> None:
    settings = Settings(
        access_token="t",
        base_url="http://localhost",
        timeouts=Timeouts(connect=1, read=2.5, total=3, queue=4, job=5, drain=6),
        limits=Limits(connections=5, page_size=50, chunk_size=10, max_chunk_bytes=1000, jobs_in_flight=2),
        retry=RetryPolicy(attempts=2, wait_initial=0.1, wait_max=1, retry_after_max=5, budget=0.1),
        plugin_id="p",
        phone_number_id="n",
        whatsapp_api_version="v21.0",
    )
    assert_type(settings.access_token, AccessToken | None)
    assert_type(settings.timeouts.read, float)
    assert_type(settings.limits.chunk_size, int)
    assert_type(settings.limits.requests_per_second, float | None)
    assert_type(settings.limits.shared_rate, str | None)
    assert_type(settings.retry.attempts, int)
    assert_type(Settings.from_env(), Settings)
    assert_type(settings.fill(base_url="http://other"), Settings)
    Client("t", base_url="http://localhost", timeout=5, session=session)
    Client(timeout=Timeouts(), retry=RetryPolicy(), limits=Limits(), plugin_id="p", phone_number_id="n")
    Client(whatsapp_api_version="v21.0")
    async with Client(settings=settings) as chakra:
        assert_type(chakra, Client)
        assert_type(chakra.settings, Settings)
        assert_type(await chakra.health(), bool)
        reply = await chakra.request("GET", "/v1/x", json={"a": [1]}, query={"b": 2, "c": "d"}, data=b"")
        assert_type(reply, Reply)
        assert_type(reply.status, int)
        assert_type(reply.headers, Mapping[str, str])
        assert_type(reply.data, Any)
        assert_type(reply.meta, Mapping[str, Any])
        assert_type(reply.attempts, int)
        assert_type(reply.request_id, str | None)
        assert_type(await chakra.close(), None)
    assert_type(chakra_async.__version__, str)


async def processes(chakra: Client, when: datetime) -> None:
    lead = await chakra.processes.get("lead", "id")
    assert_type(lead, Process)
    assert_type(lead.id, str)
    assert_type(lead.data, dict[str, Any])
    assert_type(lead.status, str | None)
    assert_type(lead.state, str | None)
    assert_type(lead.record, str | dict[str, Any] | None)
    assert_type(lead.next_action_at, datetime | None)
    assert_type(lead.is_deleted, bool | None)
    assert_type(lead.extra, dict[str, Any])
    made = await chakra.processes.create(
        "lead",
        data={"a": 1},
        record={"data": {}},
        state="S",
        status="OPEN",
        assigned_to="john",
        next_action_at=when,
    )
    assert_type(made, Process)
    changed = await chakra.processes.update(
        "lead", "id", data={}, state="S", status="OPEN", assigned_to="john", next_action_at=when
    )
    assert_type(changed, Process)
    assert_type(await chakra.processes.update_by_key("lead", "phone", "1", data={}), Process)
    changed = await chakra.processes.update_by_key(
        "lead", "phone", 1, data={}, state="S", status="OPEN", assigned_to="john", next_action_at=when
    )
    assert_type(changed, Process)
    assert_type(await chakra.processes.delete("lead", "id"), Process)
    assert_type(await chakra.processes.delete_by_key("lead", "phone", 1), Process)


async def lists(chakra: Client) -> None:
    pager = chakra.processes.list("lead", where={"status": "OPEN", "or": [{"a": 1}]}, skip=1, limit=2)
    assert_type(pager, Pager[Process])
    async for lead in pager:
        assert_type(lead, Process)
    page = await pager
    assert_type(page, Page[Process])
    assert_type(page.items, Sequence[Process])
    assert_type(page.has_more, bool)
    assert_type(page.meta, Mapping[str, Any])
    assert_type(await pager.first_page(), Page[Process])
    assert_type(await pager.page_after(page), Page[Process] | None)
    assert_type(pager.pages(), AsyncIterator[Page[Process]])
    assert_type([lead.id async for lead in pager], list[str])


async def jobs(chakra: Client) -> None:
    updates = [ProcessUpdate("id", data={"a": 1}), ProcessUpdate(key=("phone", 1), state="S", ref=object())]
    job = await chakra.processes.start_bulk_update("lead", updates)
    assert_type(job, Job)
    assert_type(await chakra.processes.start_bulk_update("lead", [{"id": "x", "data": {}}]), Job)
    assert_type(
        await chakra.processes.start_bulk_create("lead", [ProcessCreate({"a": 1}, key=("p", 1))]), Job
    )
    assert_type(await chakra.jobs.get(job.id), Job)
    job = await chakra.jobs.wait(job.id, timeout=60)
    assert_type(job.counts, dict[str, int])
    assert_type(job.finished, bool)
    assert_type(job.completed_at, datetime | None)
    assert_type(chakra.jobs.entries(job.id), Pager[JobEntry])
    async for entry in chakra.jobs.entries(job.id):
        assert_type(entry.completion_status, str | None)
        assert_type(entry.index, int | None)


async def stream() -> AsyncIterator[ProcessUpdate]:
    yield ProcessUpdate("id", data={"a": 1})


def tell(progress: Progress) -> None:
    assert_type(progress.in_flight, int)
    assert_type(progress.expected, int | None)
    assert_type(progress.seconds_left, float | None)
    assert_type(progress.total, int)


async def bulk(chakra: Client, journal: Path) -> None:
    run = chakra.processes.bulk_update(
        "lead",
        stream(),
        chunk_size=100,
        max_chunk_bytes=1000,
        concurrency=2,
        journal=journal,
        stop_on_error=True,
        on_progress=tell,
    )
    assert_type(run, BulkRun)
    async with run as entered:
        assert_type(entered, BulkRun)
        async for result in entered:
            assert_type(result, RowResult)
            if not result.ok:
                assert_type(run.stop("a row was not done"), None)
    assert_type(run.stop(), None)
    assert_type(run.summary, Summary)
    assert_type(run.progress, Progress)
    assert_type(run.exhausted, bool)
    assert_type(run.leftover(), Iterator[RowResult])
    assert_type(await run.run(), Summary)
    rejected = RejectedRow(("not a number",), key="k", ref=SourceLine(3, ["a", "b"]))
    assert_type(await chakra.processes.bulk_update("lead", (row for row in [rejected])).run(), Summary)


async def looking_first(chakra: Client, path: Path) -> None:
    run = chakra.processes.bulk_update("lead", [], only_changed=True, dry_run=True)
    assert_type(run, BulkRun)
    assert_type(chakra.processes.bulk_create("lead", [], dry_run=True), BulkRun)
    assert_type(chakra.processes.bulk_delete("lead", [], dry_run=True), BulkRun)
    with PlanWriter(path, procedure="lead", base_url="http://x", source={}, overwrite=True) as plan:
        assert_type(plan, PlanWriter)
        for result in run.leftover():
            plan.write(result)
    with read_plan(path, even_if_changed=True) as rows:
        assert_type(rows, PlanReader)
        assert_type(rows.header.procedure, str)
        assert_type(await chakra.processes.bulk_update(rows.header.procedure, rows).run(), Summary)
    ProcessUpdate("id", data={"a": 1}, expect={"state": None, "data": {"a": 0}})


async def bulk_create_and_delete(chakra: Client, journal: Path) -> None:
    run = chakra.processes.bulk_create(
        "lead",
        [ProcessCreate(data={}), {"data": {}, "key": ("phone", 1)}],
        chunk_size=100,
        max_chunk_bytes=1000,
        concurrency=2,
        journal=str(journal),
        on_unknown="retry",
        stop_on_error=True,
        on_progress=tell,
    )
    assert_type(run, BulkRun)
    assert_type(chakra.processes.bulk_create("lead", [], on_unknown="skip"), BulkRun)
    run = chakra.processes.bulk_delete(
        "lead",
        ["id", ("phone", 1), {"id": "x"}],
        chunk_size=100,
        max_chunk_bytes=1000,
        concurrency=2,
        journal="run.journal",
        stop_on_error=True,
        on_progress=print,
    )
    assert_type(run, BulkRun)


async def write(chakra: Client, when: datetime) -> None:
    writer = chakra.processes.writer(
        "lead", chunk_size=100, max_chunk_bytes=1000, concurrency=2, linger=0.01, max_waiting=50
    )
    assert_type(writer, Writer)
    async with writer as entered:
        assert_type(entered, Writer)
        updated = await writer.update(
            "id", data={}, state="S", status="OPEN", assigned_to="john", next_action_at=when
        )
        assert_type(updated, RowResult)
        updated = await writer.update_by_key(
            "phone", 1, data={}, state="S", status="OPEN", assigned_to="john", next_action_at=when
        )
        assert_type(updated, RowResult)
        assert_type(await writer.write(ProcessUpdate("id", is_deleted=True)), RowResult)
        assert_type(await writer.write({"id": "x", "expect": {"state": "S"}}), RowResult)
    assert_type(writer.summary, Summary)


def errors(error: Exception) -> None:
    match error:
        case RateLimitError() | ServerError():
            assert_type(error.retry_after, float | None)
        case JobTimeoutError():
            assert_type(error.job_id, str)
        case DecodeError():
            assert_type(error.status, int | None)
            assert_type(error.body, str)
        case ApiError():
            assert_type(error.status, int)
            assert_type(error.errors, tuple[str, ...])
            assert_type(error.request_id, str | None)
            assert_type(error.whatsapp_code, int | None)
        case TransportError():
            assert_type(error.sent, bool)
        case ChakraError():
            assert_type(error.message, str)
            assert_type(error.method, str | None)
            assert_type(error.path, str | None)
            assert_type(error.attempts, int)
            assert_type(error.retry_safe, bool | None)
        case _:
            pass


api_errors: list[type[ApiError]] = [
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    PayloadTooLargeError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
]
transport_errors: list[type[TransportError]] = [
    AmbiguousResultError,
    ConnectError,
    IncompleteReadError,
    RequestTimeoutError,
]
other_errors: list[type[ChakraError]] = [
    ApiError,
    ClientClosedError,
    DecodeError,
    JobTimeoutError,
    JournalError,
    ResponseTooLargeError,
    SignatureError,
    TransportError,
]


async def mistakes(chakra: Client, run: BulkRun, writer: Writer) -> None:
    """What must not pass: each comment would be reported as needless if the checker found nothing."""
    Client(token="t")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await chakra.processes.get("lead")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await chakra.processes.get("lead", 7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chakra.processes.get(procedure="lead", process_id="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await chakra.processes.update("lead", "x", {"a": 1})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await chakra.processes.update("lead", "x", dta={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await chakra.processes.update("lead", "x", next_action_at="now")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.get("lead", "x").data  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    chakra.processes.bulk_update("lead", None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_update("lead", [], chunks=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chakra.processes.bulk_update("lead", [ProcessCreate(data={})])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_update("lead", "rows.csv")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_create("lead", [ProcessUpdate("id")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_delete("lead", chakra.processes.list("lead"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_update("lead", [], on_unknown="retry")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chakra.processes.bulk_create("lead", [], on_unknown="again")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_create("lead", [], journal=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_delete("lead", [], on_progress=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.writer("lead", journal="j")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await writer.update("x", {"a": 1})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await writer.update_by_key("phone", data={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await writer.write("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with writer:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    run.progress()  # type: ignore[operator]  # pyright: ignore[reportCallIssue]
    run.exhausted = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    run.stop(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run.leftover().index  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    ProcessUpdate("id", dta={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ProcessUpdate(key="phone")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with run:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    for _ in run:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    for _ in chakra.processes.list("lead"):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    chakra.nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    Timeouts(5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chakra.settings.timeouts.read = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    chakra_async.Nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
