"""Every public thing of the async side, as type checkers see it. Checked by mypy and pyright, never run."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
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
    Chat,
    ChatMessage,
    Client,
    ClientClosedError,
    ConflictError,
    ConnectError,
    ConnectToken,
    DecodeError,
    Definition,
    IncompleteReadError,
    Job,
    JobEntry,
    JobTimeoutError,
    JournalError,
    Limits,
    MessageSource,
    NotFoundError,
    Outcome,
    Page,
    Pager,
    PayloadTooLargeError,
    PaymentRequiredError,
    PermissionDeniedError,
    PluginConfig,
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
    Task,
    TeamConfig,
    Timeouts,
    TransportError,
    User,
)


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
    assert_type(settings.retry.attempts, int)
    assert_type(Settings.from_env(), Settings)
    assert_type(settings.fill(base_url="http://other"), Settings)
    Client("t", base_url="http://localhost", timeout=5, session=session)
    Client(timeout=Timeouts(), retry=RetryPolicy(), limits=Limits(), plugin_id="p", phone_number_id="n")
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
    assert_type(await chakra.processes.update_by_key("lead", "phone", 1, state="S"), Process)
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


async def platform(chakra: Client) -> None:
    task = await chakra.tasks.create("lead", 7, "call", data={"a": 1}, status="OPEN", assigned_to="john")
    assert_type(task, Task)
    assert_type(chakra.users.list(humanised=True), Pager[User])
    assert_type(await chakra.users.get("id"), User)
    assert_type(await chakra.users.update("id", first_name="J", fields={"isActive": False}), User)
    config = await chakra.config.get()
    assert_type(config, TeamConfig)
    assert_type(config.definition("roles", "id"), Definition)
    assert_type(config.definitions("roles"), list[Definition])
    assert_type(config.id_of("states", "NEW", procedure="lead"), str)
    assert_type(config.short_id_of("procedures", "id"), str)
    assert_type(await chakra.leads.create(name="A", phone_number="+91 77012 14822"), Process)
    assert_type(await chakra.leads.update_by_phone(917701214822, state="WON"), Process)
    assert_type(chakra.chats.list(search="a", order_direction="asc", page=2), Pager[Chat])
    assert_type(chakra.chats.messages("id", limit=5), Pager[ChatMessage])
    async for message in chakra.chats.messages_for_phone("+917701214822"):
        assert_type(message.delivery_status, str | None)
        assert_type(message.source, MessageSource | None)
    assert_type(await chakra.partner.create_connect_token(plugin_id="p"), ConnectToken)
    assert_type(await chakra.partner.get_plugin_config(), PluginConfig)
    assert_type(await chakra.partner.update_plugin_config(enable_chakra_webhook=True), None)
    await chakra.whatsapp.messages.send_text("917701214822", "Hello")


async def stream() -> AsyncIterator[ProcessUpdate]:
    yield ProcessUpdate("id", data={"a": 1})


def tell(progress: Progress) -> None:
    assert_type(progress.in_flight, int)
    assert_type(progress.expected, int | None)
    assert_type(progress.seconds_left, float | None)
    assert_type(progress.total, int)


async def bulk(chakra: Client) -> None:
    run = chakra.processes.bulk_update(
        "lead",
        stream(),
        chunk_size=100,
        max_chunk_bytes=1000,
        concurrency=2,
        stop_on_error=True,
        on_progress=tell,
    )
    assert_type(run, BulkRun)
    async with run as entered:
        assert_type(entered, BulkRun)
        async for result in entered:
            assert_type(result, RowResult)
            assert_type(result.index, int)
            assert_type(result.item, Any)
            assert_type(result.outcome, Outcome)
            assert_type(result.errors, tuple[str, ...])
            assert_type(result.job_id, str | None)
            assert_type(result.process_id, str | None)
            assert_type(result.ok, bool)
            assert_type(result.key, str | None)
            assert_type(result.ref, Any)
            assert_type(result.line, int | None)
    summary = run.summary
    assert_type(summary, Summary)
    assert_type(summary.updated + summary.created + summary.deleted, int)
    assert_type(summary.invalid + summary.failed + summary.unknown, int)
    assert_type(summary.jobs + summary.retries + summary.total + summary.succeeded, int)
    assert_type(summary.seconds + summary.rows_per_second, float)
    assert_type(summary.ok, bool)
    assert_type(await chakra.processes.bulk_create("lead", [ProcessCreate(data={})]).run(), Summary)
    assert_type(await chakra.processes.bulk_delete("lead", ["id", ("phone", 1), {"id": "x"}]).run(), Summary)
    rejected = RejectedRow(("not a number",), key="k", ref=SourceLine(3, ["a", "b"]))
    assert_type(rejected.errors, tuple[str, ...])
    await chakra.processes.bulk_update("lead", (row for row in [rejected])).run()


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


async def mistakes(chakra: Client, run: BulkRun) -> None:
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
    with run:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    for _ in run:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    for _ in chakra.processes.list("lead"):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    await chakra.chats.list(order_direction="up")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chakra.users.update("x", method="DELETE")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.whatsapp.nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    chakra.nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    Timeouts(5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chakra.settings.timeouts.read = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    chakra_async.Nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
