"""Settings, processes, jobs, bulk runs: their objects, as type checkers see them, with all their fields."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, assert_type

from chakra_async import (
    AccessToken,
    Change,
    Job,
    JobEntry,
    Limits,
    Outcome,
    Page,
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
)


def settings(it: Settings) -> None:
    assert_type(it.access_token, AccessToken | None)
    assert_type(it.base_url, str)
    assert_type(it.timeouts, Timeouts)
    assert_type(it.limits, Limits)
    assert_type(it.retry, RetryPolicy)
    assert_type(it.plugin_id, str | None)
    assert_type(it.phone_number_id, str | None)
    assert_type(it.whatsapp_api_version, str)
    assert_type(it.fill(base_url="http://other"), Settings)
    assert_type(Settings.from_env({"CHAKRA_BASE_URL": "http://other"}, defaults=it), Settings)


def timeouts(it: Timeouts) -> None:
    assert_type(it.connect, float)
    assert_type(it.read, float)
    assert_type(it.write, float)
    assert_type(it.total, float)
    assert_type(it.queue, float)
    assert_type(it.job, float)
    assert_type(it.drain, float)


def limits(it: Limits) -> None:
    assert_type(it.connections, int)
    assert_type(it.keepalive, float)
    assert_type(it.max_response_bytes, int)
    assert_type(it.page_size, int)
    assert_type(it.chunk_size, int)
    assert_type(it.max_chunk_bytes, int)
    assert_type(it.jobs_in_flight, int)
    assert_type(it.requests_per_second, float | None)
    assert_type(it.shared_rate, str | None)


def retry_policy(it: RetryPolicy) -> None:
    assert_type(it.attempts, int)
    assert_type(it.wait_initial, float)
    assert_type(it.wait_max, float)
    assert_type(it.retry_after_max, float)
    assert_type(it.budget, float)
    assert_type(it.server_errors_on_writes, bool)


def reply(it: Reply) -> None:
    assert_type(it.status, int)
    assert_type(it.headers, Mapping[str, str])
    assert_type(it.data, Any)
    assert_type(it.meta, Mapping[str, Any])
    assert_type(it.method, str)
    assert_type(it.path, str)
    assert_type(it.repeatable, bool)
    assert_type(it.attempts, int)
    assert_type(it.request_id, str | None)


def page(it: Page[str]) -> None:
    assert_type(it.items, Sequence[str])
    assert_type(it.has_more, bool)
    assert_type(it.meta, Mapping[str, Any])
    assert_type(it.cursor, Any)


def process(it: Process) -> None:
    assert_type(it.id, str)
    assert_type(it.data, dict[str, Any])
    assert_type(it.status, str | None)
    assert_type(it.state, str | None)
    assert_type(it.record, str | dict[str, Any] | None)
    assert_type(it.procedure, str | None)
    assert_type(it.entity, str | None)
    assert_type(it.team, str | None)
    assert_type(it.belongs_to, str | None)
    assert_type(it.assigned_to, str | None)
    assert_type(it.created_by, str | None)
    assert_type(it.next_action_at, datetime | None)
    assert_type(it.created_at, datetime | None)
    assert_type(it.updated_at, datetime | None)
    assert_type(it.is_deleted, bool | None)
    assert_type(it.extra, dict[str, Any])


def process_create(it: ProcessCreate) -> None:
    assert_type(it.data, Mapping[str, Any] | None)
    assert_type(it.record, Mapping[str, Any] | None)
    assert_type(it.state, str | None)
    assert_type(it.status, str | None)
    assert_type(it.assigned_to, str | None)
    assert_type(it.next_action_at, datetime | None)
    assert_type(it.key, tuple[str, str | int] | None)
    assert_type(it.ref, Any)


def process_update(it: ProcessUpdate) -> None:
    assert_type(it.id, str | None)
    assert_type(it.key, tuple[str, str | int] | None)
    assert_type(it.data, Mapping[str, Any] | None)
    assert_type(it.state, str | None)
    assert_type(it.status, str | None)
    assert_type(it.assigned_to, str | None)
    assert_type(it.next_action_at, datetime | None)
    assert_type(it.is_deleted, bool | None)
    assert_type(it.expect, Mapping[str, Any] | None)
    assert_type(it.ref, Any)


def job(it: Job) -> None:
    assert_type(it.id, str)
    assert_type(it.completion_status, str | None)
    assert_type(it.status_message, str | None)
    assert_type(it.type, str | None)
    assert_type(it.team, str | None)
    assert_type(it.created_at, datetime | None)
    assert_type(it.updated_at, datetime | None)
    assert_type(it.started_at, datetime | None)
    assert_type(it.completed_at, datetime | None)
    assert_type(it.counts, dict[str, int])
    assert_type(it.extra, dict[str, Any])
    assert_type(it.all_succeeded(10), bool)
    assert_type(it.finished, bool)
    assert_type(it.has_finished(10), bool)
    assert_type(it.processed, int)
    assert_type(it.seconds, float | None)
    assert_type(it.total, int)


def job_entry(it: JobEntry) -> None:
    assert_type(it.id, str | None)
    assert_type(it.completion_status, str | None)
    assert_type(it.status_message, str | None)
    assert_type(it.index, int | None)
    assert_type(it.process, str | None)
    assert_type(it.created_at, datetime | None)
    assert_type(it.updated_at, datetime | None)
    assert_type(it.extra, dict[str, Any])
    assert_type(it.payload, Mapping[str, Any] | None)


def source_line(it: SourceLine) -> None:
    assert_type(it.line, int)
    assert_type(it.record, Any)


def rejected_row(it: RejectedRow) -> None:
    assert_type(it.errors, tuple[str, ...])
    assert_type(it.key, str | None)
    assert_type(it.ref, Any)


def row_result(it: RowResult) -> None:
    assert_type(it.index, int)
    assert_type(it.item, Any)
    assert_type(it.outcome, Outcome)
    assert_type(it.errors, tuple[str, ...])
    assert_type(it.job_id, str | None)
    assert_type(it.process_id, str | None)
    assert_type(it.changes, tuple[Change, ...])
    assert_type(it.warnings, tuple[str, ...])
    assert_type(it.reason, str)
    assert_type(it.key, str | None)
    assert_type(it.line, int | None)
    assert_type(it.ok, bool)
    assert_type(it.ref, Any)


def change(it: Change) -> None:
    assert_type(it.field, str)
    assert_type(it.attribute, str | None)
    assert_type(it.before, Any)
    assert_type(it.after, Any)
    assert_type(it.name, str)


def summary(it: Summary) -> None:
    assert_type(it.updated, int)
    assert_type(it.created, int)
    assert_type(it.deleted, int)
    assert_type(it.invalid, int)
    assert_type(it.failed, int)
    assert_type(it.unknown, int)
    assert_type(it.unchanged, int)
    assert_type(it.valid, int)
    assert_type(it.jobs, int)
    assert_type(it.retries, int)
    assert_type(it.seconds, float)
    assert_type(it.resumed, int)
    assert_type(it.pace, str)
    assert_type(it.count("updated", 2), None)
    assert_type(it.ok, bool)
    assert_type(it.rows_per_second, float)
    assert_type(it.succeeded, int)
    assert_type(it.total, int)


def progress(it: Progress) -> None:
    assert_type(it.updated, int)
    assert_type(it.created, int)
    assert_type(it.deleted, int)
    assert_type(it.invalid, int)
    assert_type(it.failed, int)
    assert_type(it.unknown, int)
    assert_type(it.unchanged, int)
    assert_type(it.valid, int)
    assert_type(it.jobs, int)
    assert_type(it.retries, int)
    assert_type(it.seconds, float)
    assert_type(it.resumed, int)
    assert_type(it.pace, str)
    assert_type(it.in_flight, int)
    assert_type(it.expected, int | None)
    assert_type(it.count("unknown"), None)
    assert_type(it.ok, bool)
    assert_type(it.rows_per_second, float)
    assert_type(it.seconds_left, float | None)
    assert_type(it.succeeded, int)
    assert_type(it.total, int)
