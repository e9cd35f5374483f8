"""Background jobs: fetching one, and its entries page by page."""

from __future__ import annotations

from typing import Final

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.job_records import Job
from chakra_async.emulator.refusals import Missing
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.schema import count_in_query
from chakra_async.emulator.shapes import (
    ID,
    INSTANT,
    INTEGER,
    NULL_STRING,
    OBJECT,
    STRING,
    Schema,
    arr,
    obj,
    wrapped,
)


def fetch(call: Call, job_id: str) -> Answer:
    """Fetch a job and the counts of its entries."""
    job = _job(call, job_id)
    shown = job.wire(call.service.store.team, show_status=call.service.job_settings.show_status)
    return success(shown, {"bjEntryCompletionStatusVsCount": job.counts()})


def entries(call: Call, job_id: str) -> Answer:
    """Fetch a page of a job's entries."""
    job = _job(call, job_id)
    settings = call.service.job_settings
    skip = count_in_query(call.query, "skip", 0, minimum=0)
    limit = count_in_query(call.query, "limit", settings.entries_page_size, minimum=1, maximum=1000)
    following = skip + limit
    path = f"/v1/ext/background-job/{job.id}/entries?skip={following}&limit={limit}"
    shift = {"repeat": -limit, "skip": limit, None: 0}[call.jobs.fault_of(job).pages] if skip else 0
    page = call.service.records.entries(job, max(skip + shift, 0), limit, settings)
    meta = {settings.total_name: job.total, settings.next_page_name: path if following < job.total else None}
    return success(page, meta)


def _job(call: Call, job_id: str) -> Job:
    job = call.service.records.find(job_id)
    if job is None:
        raise Missing(f"Background job '{job_id}' not found")
    return job


JOB: Final[Schema] = obj(
    {
        "id": ID,
        "createdAt": INSTANT,
        "updatedAt": INSTANT,
        "startedAt": INSTANT,
        "completedAt": INSTANT,
        "completionStatus": STRING,
        "statusMessage": NULL_STRING,
        "team": ID,
        "type": STRING,
    },
    "id",
    "completedAt",
)
_ENTRY: Final[Schema] = obj(
    {"id": STRING, "completionStatus": STRING, "statusMessage": NULL_STRING}, "id", "completionStatus"
)
_COUNTED: Final = "bjEntryCompletionStatusVsCount"
_COUNTS: Final = obj(dict.fromkeys(("INVALID", "NOT_STARTED", "SUCCESS", "ERROR"), INTEGER))

ROUTES = (
    Route(
        "GET",
        "/v1/ext/background-job/{id}",
        fetch,
        gives=wrapped(JOB, obj({_COUNTED: _COUNTS}, _COUNTED)),
    ),
    Route(
        "GET",
        "/v1/ext/background-job/{id}/entries",
        entries,
        query={
            "skip": {"type": "integer", "minimum": 0, "maximum": 10**15 - 1},
            "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
        },
        gives=wrapped(arr(_ENTRY), OBJECT),
    ),
)
