"""Background jobs of the sink: they take time, and it is written down how they were followed."""

from __future__ import annotations

import random
import time

from attrs import define

from benchmarks.server.answers import answer, encode


@define
class Job:
    """One job, its times in seconds of the monotonic clock."""

    rows: int
    start: float
    end: float
    polls: int = 0
    noticed: float | None = None


class Jobs:
    """All jobs of a sink.

    Args:
        seconds: how long a job of 1,000 rows takes, in the middle.
        spread: by how much that differs from job to job, as a share (seeded).
        progress: whether the counts grow while a job runs, or jump at its end.
    """

    def __init__(self, seconds: float, spread: float, *, progress: bool) -> None:
        self._jobs: list[Job] = []
        self._seconds = seconds
        self._spread = spread
        self._progress = progress
        self._dice = random.Random(1)

    def submit(self, rows: int) -> bytes:
        """Take in a job and answer with it."""
        takes = self._seconds * rows / 1000 * self._dice.uniform(1 - self._spread, 1 + self._spread)
        now = time.monotonic()
        self._jobs.append(Job(rows, now, now + takes))
        return answer(encode({"_data": self._wire(len(self._jobs) - 1, 0)}))

    def poll(self, number: int) -> bytes:
        """Answer how far a job is."""
        job, now = self._jobs[number], time.monotonic()
        job.polls += 1
        over = now >= job.end
        if over and job.noticed is None:
            job.noticed = now
        share = (now - job.start) / (job.end - job.start) if not over and self._progress else float(over)
        done = int(job.rows * share)
        counts = {"INVALID": 0, "NOT_STARTED": job.rows - done, "SUCCESS": done, "ERROR": 0}
        ended = int(1000 * (time.time() + job.end - now)) if over else 0
        body = {"_data": self._wire(number, ended), "_meta": {"bjEntryCompletionStatusVsCount": counts}}
        return answer(encode(body))

    def statistics(self) -> list[dict[str, float]]:
        """Tell of each job whose end was noticed how long it took, how often it was asked for, how late."""
        return [
            {"seconds": job.end - job.start, "polls": job.polls, "late": job.noticed - job.end}
            for job in self._jobs
            if job.noticed is not None
        ]

    def _wire(self, number: int, ended: int) -> dict[str, object]:
        job = self._jobs[number]
        began = int(1000 * (time.time() + job.start - time.monotonic()))
        return {
            "id": f"job-{number}",
            "createdAt": began,
            "updatedAt": ended or began,
            "startedAt": began,
            "completedAt": ended,
            "statusMessage": None,
            "team": "0b9c8f6e-6f0c-4c53-9d1e-3a0f2f0a7c11",
            "type": "bulk_api_job",
        }
