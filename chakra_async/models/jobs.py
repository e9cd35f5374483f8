"""Background jobs: how the service carries out bulk requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import define, field

from chakra_async._shapes import as_mapping


# Statuses of a job or an entry that mean "not yet". Only IN_PROGRESS and NOT_STARTED are documented; the
# others are what such services call the same thing, so that a job is never taken for done too early.
UNFINISHED = frozenset(
    {"NOT_STARTED", "IN_PROGRESS", "PENDING", "QUEUED", "RUNNING", "STARTED", "PROCESSING"}
)


@define(kw_only=True)
class Job:
    """A background job.

    Source: docs ``/fetch-background-job``, apidocs api-11531337 (documented). The documented sample of
    the fetch endpoint carries no status, so :attr:`finished` looks at the counts as well.
    """

    id: str
    completion_status: str | None = None
    """``IN_PROGRESS`` while it runs; the final words are not documented."""
    status_message: str | None = None
    type: str | None = None
    team: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    """``None`` until the job is done (``0`` on the wire)."""
    counts: dict[str, int] = field(factory=dict[str, int])
    """Entries by completion status: ``SUCCESS``, ``ERROR``, ``INVALID``, ``NOT_STARTED``.

    From ``_meta.bjEntryCompletionStatusVsCount``; empty where an answer carries none."""
    extra: dict[str, Any] = field(factory=dict[str, Any])

    @property
    def total(self) -> int:
        """How many entries the counts speak of."""
        return sum(self.counts.values())

    @property
    def processed(self) -> int:
        """How many entries have been dealt with, whether well or badly."""
        return sum(count for status, count in self.counts.items() if status not in UNFINISHED)

    @property
    def seconds(self) -> float | None:
        """How long the job took by the service's clock, waiting included; ``None`` until that is known."""
        if self.completed_at is None or self.created_at is None:
            return None
        return max(0.0, (self.completed_at - self.created_at).total_seconds())

    @property
    def finished(self) -> bool:
        """Whether the job says, by its time of completion or its status, that it has ended."""
        if self.completed_at is not None:
            return True
        return self.completion_status is not None and self.completion_status.upper() not in UNFINISHED

    def has_finished(self, rows: int) -> bool:
        """Whether a job of ``rows`` entries has ended, told by its own word or by its counts alone."""
        return self.finished or (self.processed >= rows > 0)

    def all_succeeded(self, rows: int) -> bool:
        """Whether the counts show that each of ``rows`` entries succeeded."""
        return self.counts.get("SUCCESS", 0) == rows == self.total


@define(kw_only=True)
class JobEntry:
    """One entry of a background job: what became of one item of a bulk request.

    The entry object is not documented beyond its existence, so everything but its status is optional and
    whatever else arrives is kept in ``extra`` under its wire name.
    Source: apidocs api-11531427 (documented in prose).
    """

    id: str | None = None
    completion_status: str | None = None
    """``SUCCESS``, ``ERROR``, ``INVALID`` (not processed) or ``NOT_STARTED``."""
    status_message: str | None = None
    index: int | None = None
    """Position in the request, from 0, where the service tells it (inferred)."""
    process: str | None = None
    """Id of the process concerned, where the service tells it (inferred)."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])

    @property
    def payload(self) -> Mapping[str, Any] | None:
        """The item as it was sent, if the entry repeats it under one of the usual names."""
        for name in ("request", "payload", "input", "data", "item"):
            if (item := as_mapping(self.extra.get(name))) is not None:
                return item
        return None
