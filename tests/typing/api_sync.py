"""Client, processes, jobs and bulk runs on the sync side, as type checkers see them; never run."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

from chakra_async.bulk.plans import PlanReader, PlanWriter, read_plan
from chakra_async.sync import (
    BulkRun,
    Client,
    Job,
    JobEntry,
    Limits,
    Page,
    Pager,
    Process,
    ProcessCreate,
    ProcessUpdate,
    Progress,
    RejectedRow,
    Reply,
    RetryPolicy,
    RowResult,
    Settings,
    SourceLine,
    Summary,
    Timeouts,
    Writer,
)


def clients() -> None:
    Client("t", base_url="http://localhost", timeout=5)
    Client(timeout=Timeouts(), retry=RetryPolicy(), limits=Limits(), plugin_id="p", phone_number_id="n")
    Client(whatsapp_api_version="v21.0")
    with Client(settings=Settings(access_token="t")) as chakra:
        assert_type(chakra, Client)
        assert_type(chakra.settings, Settings)
        assert_type(chakra.health(), bool)
        reply = chakra.request("GET", "/v1/x", json={"a": [1]}, query={"b": 2, "c": "d"}, data=b"")
        assert_type(reply, Reply)
        assert_type(reply.data, Any)
        assert_type(chakra.close(), None)


def processes(chakra: Client, when: datetime) -> None:
    assert_type(chakra.processes.get("lead", "id"), Process)
    made = chakra.processes.create(
        "lead",
        data={"a": 1},
        record={"data": {}},
        state="S",
        status="OPEN",
        assigned_to="john",
        next_action_at=when,
    )
    assert_type(made, Process)
    changed = chakra.processes.update(
        "lead", "id", data={}, state="S", status="OPEN", assigned_to="john", next_action_at=when
    )
    assert_type(changed, Process)
    assert_type(chakra.processes.update_by_key("lead", "phone", "1", data={}), Process)
    changed = chakra.processes.update_by_key(
        "lead", "phone", 1, data={}, state="S", status="OPEN", assigned_to="john", next_action_at=when
    )
    assert_type(changed, Process)
    assert_type(chakra.processes.delete("lead", "id"), Process)
    assert_type(chakra.processes.delete_by_key("lead", "phone", "1"), Process)


def lists(chakra: Client) -> None:
    pager = chakra.processes.list("lead", where={"status": "OPEN"}, skip=1, limit=2)
    assert_type(pager, Pager[Process])
    for lead in pager:
        assert_type(lead, Process)
    page = pager.first_page()
    assert_type(page, Page[Process])
    assert_type(page.items, Sequence[Process])
    assert_type(page.meta, Mapping[str, Any])
    assert_type(pager.page_after(page), Page[Process] | None)
    assert_type(pager.pages(), Iterator[Page[Process]])
    assert_type([lead.id for lead in pager], list[str])
    assert_type(next(iter(pager)), Process)


def jobs(chakra: Client) -> None:
    job = chakra.processes.start_bulk_update("lead", [ProcessUpdate("id", data={"a": 1}), {"id": "x"}])
    assert_type(job, Job)
    assert_type(chakra.processes.start_bulk_create("lead", [ProcessCreate({"a": 1})]), Job)
    assert_type(chakra.jobs.get(job.id), Job)
    assert_type(chakra.jobs.wait(job.id, timeout=60), Job)
    assert_type(chakra.jobs.entries(job.id), Pager[JobEntry])


def tell(progress: Progress) -> None:
    assert_type(progress.in_flight, int)


def bulk(chakra: Client, journal: Path) -> None:
    run = chakra.processes.bulk_update(
        "lead",
        (ProcessUpdate(str(n), data={}) for n in range(3)),
        chunk_size=100,
        max_chunk_bytes=1000,
        concurrency=2,
        journal=journal,
        stop_on_error=True,
        on_progress=tell,
    )
    assert_type(run, BulkRun)
    with run as entered:
        assert_type(entered, BulkRun)
        for result in entered:
            assert_type(result, RowResult)
            if not result.ok:
                assert_type(run.stop("a row was not done"), None)
    assert_type(run.stop(), None)
    assert_type(run.summary, Summary)
    assert_type(run.progress, Progress)
    assert_type(run.exhausted, bool)
    assert_type(run.leftover(), Iterator[RowResult])
    assert_type(run.run(), Summary)
    rejected = RejectedRow(("not a number",), key="k", ref=SourceLine(3, ["a", "b"]))
    assert_type(chakra.processes.bulk_update("lead", (row for row in [rejected])).run(), Summary)


def looking_first(chakra: Client, path: Path) -> None:
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
        assert_type(chakra.processes.bulk_update(rows.header.procedure, rows).run(), Summary)
    ProcessUpdate("id", data={"a": 1}, expect={"state": None, "data": {"a": 0}})


def bulk_create_and_delete(chakra: Client, journal: Path) -> None:
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


def write(chakra: Client, when: datetime) -> None:
    writer = chakra.processes.writer(
        "lead", chunk_size=100, max_chunk_bytes=1000, concurrency=2, linger=0.01, max_waiting=50
    )
    assert_type(writer, Writer)
    with writer as entered:
        assert_type(entered, Writer)
        updated = writer.update(
            "id", data={}, state="S", status="OPEN", assigned_to="john", next_action_at=when
        )
        assert_type(updated, RowResult)
        updated = writer.update_by_key(
            "phone", 1, data={}, state="S", status="OPEN", assigned_to="john", next_action_at=when
        )
        assert_type(updated, RowResult)
        assert_type(writer.write(ProcessUpdate("id", is_deleted=True)), RowResult)
        assert_type(writer.write({"id": "x", "expect": {"state": "S"}}), RowResult)
    assert_type(writer.summary, Summary)


async def stream() -> AsyncIterator[ProcessUpdate]:
    yield ProcessUpdate("id", data={"a": 1})


async def mistakes(chakra: Client, run: BulkRun, writer: Writer) -> None:
    """What must not pass: each comment would be reported as needless if the checker found nothing."""
    Client(session=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chakra.processes.get("lead")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chakra.processes.update("lead", "x", {"a": 1})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chakra.processes.bulk_update("lead", stream())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_update("lead", [ProcessCreate(data={})])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_update("lead", "rows.csv")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_create("lead", [ProcessUpdate("id")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_delete("lead", chakra.processes.list("lead"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_update("lead", [], on_unknown="retry")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chakra.processes.bulk_create("lead", [], on_unknown="again")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_create("lead", [], journal=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.bulk_delete("lead", [], on_progress=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run.progress()  # type: ignore[operator]  # pyright: ignore[reportCallIssue]
    run.exhausted = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    run.stop(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run.leftover().index  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    ProcessUpdate("id", dta={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ProcessUpdate(key="phone")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.processes.writer("lead", journal="j")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    writer.update("x", {"a": 1})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    writer.update_by_key("phone", data={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    writer.write("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await writer.update("x", data={})  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    await chakra.processes.get("lead", "x")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    await chakra.processes.list("lead")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    async with chakra:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    async with run:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    async for _ in run:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
