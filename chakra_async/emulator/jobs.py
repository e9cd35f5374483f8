"""Background jobs that take time: they wait, run slice by slice, and leave the loop free in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from chakra_async.emulator.bulk import apply_creates, apply_updates
from chakra_async.emulator.catalog import Procedure
from chakra_async.emulator.changes import Cause
from chakra_async.emulator.faults import JobFault
from chakra_async.emulator.job_records import Job, JobKind, record_slice
from chakra_async.emulator.service import Service


_SLICE: Final = 250  # about 4 ms of work
_TICK: Final = 0.02  # seconds between two slices of a slow job

_log = logging.getLogger("chakra_async.emulator")


class JobRunner:
    """Runs the jobs of one service on the current loop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.job_settings
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = 0
        self._freed = asyncio.Condition()
        self._slice = asyncio.Lock()
        self._faults: dict[str, JobFault] = {}

    def submit(
        self, kind: JobKind, procedure: Procedure, cause: Cause, body: bytes, items: Sequence[Any]
    ) -> Job:
        """Store a bulk call as a job and let it start in a while."""
        job = self._service.records.add(kind, procedure, cause, body, items)
        fault = self._service.faults.take_job()
        if fault != JobFault():
            self._faults[job.id] = fault
        self._start(job, fault)
        return job

    def resume(self) -> None:
        """Go on with the jobs that a former run left in the file."""
        for job in self._service.records.unfinished():
            self._start(job, JobFault())

    def fault_of(self, job: Job) -> JobFault:
        """Return the fault a job was hit by."""
        return self._faults.get(job.id) or JobFault()

    async def close(self) -> None:
        """Stop where each job stands."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, job: Job, fault: JobFault) -> None:
        task = asyncio.create_task(self._run(job, fault))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("A background job broke down: this is a bug of the emulator", exc_info=error)

    async def _run(self, job: Job, fault: JobFault) -> None:
        await asyncio.sleep(self._settings.latency if fault.latency is None else fault.latency)
        async with self._turn():
            records = self._service.records
            if not job.started_at:
                records.start(job)
            await self._work(job, fault)
            if fault.ending == "vanish":
                records.vanish(job)
            elif fault.ending != "stuck":
                records.finish(job)

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        async with self._freed:
            await self._freed.wait_for(lambda: self._running < self._settings.concurrency)
            self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            async with self._freed:
                self._freed.notify_all()

    async def _work(self, job: Job, fault: JobFault) -> None:
        items = self._service.records.items(job)
        stop = len(items) if fault.ending is None else min(fault.after_rows, len(items))
        done = job.done
        due = asyncio.get_running_loop().time()
        while done < stop:
            speed = fault.rows_per_second or self._settings.rows_per_second
            size = min(_SLICE if speed is None else max(1, min(_SLICE, int(speed * _TICK))), stop - done)
            # Due times add up, so that a sleep which lasts too long is made good by the next.
            due += 0 if speed is None else size / speed
            await asyncio.sleep(max(0, due - asyncio.get_running_loop().time()))
            # One job at a time, and a breath after each slice: calls are answered between any two.
            async with self._slice:
                self._apply(job, items[done : done + size], done)
                await _breathe()
            done += size

    def _apply(self, job: Job, items: Sequence[Any], first: int) -> None:
        service = self._service
        procedure = service.catalog.procedure_of(job.procedure)
        apply = apply_creates if job.kind == "create" else apply_updates
        with service.store.transaction() as db:
            batch = service.batch(db, procedure, job.cause)
            failures = apply(batch, procedure, items, first)
            record_slice(db, job, range(first, first + len(items)), batch.write(), failures)


async def _breathe() -> None:
    """Let the loop turn as often as it takes to read a request, handle it and answer."""
    for _ in range(4):
        await asyncio.sleep(0)
