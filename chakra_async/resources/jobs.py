"""Background jobs."""

from __future__ import annotations

import asyncio
import math
from urllib.parse import parse_qsl, urlencode, urlsplit

from chakra_async._codec import decode_job, decode_list, misshapen
from chakra_async._paths import segment
from chakra_async._transport import Transport
from chakra_async.bulk.polling import JobPace, Watch
from chakra_async.errors import JobTimeoutError
from chakra_async.models.jobs import Job, JobEntry
from chakra_async.models.reply import Reply
from chakra_async.paging import Page, Pager


class Jobs:
    """Background jobs: how the service carries out bulk requests."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._pace = JobPace()

    async def get(self, job_id: str, /) -> Job:
        """Fetch a job, with the counts of its entries.

        Endpoint: ``GET /v1/ext/background-job/{id}`` (documented).

        Raises:
            NotFoundError: there is no such job.
        """
        path = f"/v1/ext/background-job/{segment(job_id, 'job_id')}"
        return decode_job(await self._transport.call("GET", path, repeatable=True))

    def entries(self, job_id: str, /) -> Pager[JobEntry]:
        """List what became of each item of a bulk request.

        The names inside ``_meta`` are not documented; a total and a path for the next page are known to be
        there, and are found by their form.

        Endpoint: ``GET /v1/ext/background-job/{id}/entries`` (documented in prose).

        Raises:
            NotFoundError: there is no such job.
        """
        path = f"/v1/ext/background-job/{segment(job_id, 'job_id')}/entries"

        async def fetch(cursor: tuple[dict[str, str], set[str]] | None) -> Page[JobEntry]:
            query, seen = cursor or ({}, set[str]())
            reply = await self._transport.call("GET", path, query=query, repeatable=True)
            seen.add(urlencode(query))
            following = _next_query(reply)
            if following is not None and urlencode(following) in seen:
                raise misshapen(reply, "the page of entries names as the next one a page that came before")
            more = following is not None
            return Page(decode_list(reply, JobEntry), more, reply.meta, (following, seen))

        return Pager(fetch)

    async def wait(self, job_id: str, /, *, timeout: float | None = None) -> Job:
        """Wait until a job has ended.

        When to look is told from the job's counts and from how long others took that this client has waited
        for. Of the first one, whose counts say nothing until it ends, that is noticed within a quarter of its
        duration.

        Whether its rows succeeded is another question: look at ``job.counts`` and at :meth:`entries`.

        Args:
            job_id: the job.
            timeout: seconds to wait at most; ``None`` waits for ever.

        Endpoint: as :meth:`get`, as often as needed.

        Raises:
            JobTimeoutError: the time is over; the job goes on, and can be waited for again.
            NotFoundError: there is no such job.
        """
        now = asyncio.get_running_loop().time
        start, limit = now(), math.inf if timeout is None else timeout
        job = await self.get(job_id)
        begun, before = now(), -1
        watch = Watch(self._pace, job.total, job.processed)
        # Counts alone are believed only once they stand still: entries may still be filling up.
        while not (job.finished or job.processed == job.total == before > 0):
            if before >= 0:
                watch.unfinished(now() - begun, job.processed)
            before = watch.rows = job.total
            if now() - start >= limit:
                raise JobTimeoutError(
                    f"Job {job_id} has not ended within {timeout:g} s ({job.processed} of {job.total} "
                    "entries done). It goes on; jobs.wait can be called again.",
                    job_id=job_id,
                    method="GET",
                    path=f"/v1/ext/background-job/{job_id}",
                    retry_safe=True,
                )
            while (left := start + limit - now()) > 0 and (wait := watch.wait(now() - begun)):  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(min(wait, left))
            asked = now()
            job = await self.get(job_id)
            self._pace.answered(now() - asked)
        if before >= 0:
            watch.ended(now() - begun, job.seconds)
        return job


def _next_query(reply: Reply) -> dict[str, str] | None:
    """Find the path for the next page in ``_meta``, and keep of it only the query.

    Path and host stay ours, so that no answer can lead the token elsewhere.
    """
    for name, value in reply.meta.items():
        if isinstance(value, str) and ("next" in name.lower() or "/entries?" in value):
            try:
                query = urlsplit(value).query
            except ValueError:
                raise misshapen(reply, f"{name} names no page") from None
            return dict(parse_qsl(query)) if query else None
    return None
