"""Background jobs."""

from __future__ import annotations

import asyncio
import math
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from attrs import field, frozen

from chakra_async._codec import decode_job, decode_list, misshapen
from chakra_async._pages import Place, Repeats, says_more
from chakra_async._paths import segment
from chakra_async._reading import read_whole
from chakra_async._shapes import as_object
from chakra_async._transport import Transport
from chakra_async.bulk.polling import SHORTEST, JobPace, Watch
from chakra_async.errors import DecodeError, JobTimeoutError
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
        there, and are found by their form. A list that would end before the total ends with an error.

        Endpoint: ``GET /v1/ext/background-job/{id}/entries`` (documented in prose).

        Raises:
            DecodeError: entries are missing, and how to ask for them is not told.
            NotFoundError: there is no such job.
        """
        path = f"/v1/ext/background-job/{segment(job_id, 'job_id')}/entries"

        async def fetch(way: _Way | DecodeError) -> Page[JobEntry]:
            if isinstance(way, DecodeError):
                # Not before: the entries that came with the page are good.
                raise way
            reply = await self._transport.call("GET", path, query=way.place.query, repeatable=True)
            entries = decode_list(reply, JobEntry)
            following = way.after(reply, entries)
            return Page(entries, following is not None, reply.meta, following)

        return Pager(fetch, _Way())

    async def wait(self, job_id: str, /, *, timeout: float | None = None) -> Job:
        """Wait until a job has ended.

        When to look is told from the job's counts and from how long others took that this client has waited
        for. Of the first one, whose counts say nothing until it ends, that is noticed within a quarter of its
        duration.

        Whether its rows succeeded is another question: look at ``job.counts`` and at :meth:`entries`.

        Args:
            job_id: the job.
            timeout: seconds to wait at most, ``None`` for ever. The job is looked at once in any case, which
                may take as long as any call.

        Endpoint: as :meth:`get`, as often as needed.

        Raises:
            JobTimeoutError: the time is over; the job goes on, and can be waited for again.
            NotFoundError: there is no such job.
            ValueError: the timeout is nan.
        """
        if timeout is not None and math.isnan(timeout):
            raise ValueError("timeout is no number of seconds: nan")
        now = asyncio.get_running_loop().time
        start = now()
        job = await self.get(job_id)
        begun, before, looks = now(), -1, 1
        end = math.inf if timeout is None else start + timeout
        # Early enough for the answer to come in time.
        last = end - max(begun - start, SHORTEST)
        watch = Watch(self._pace, job.total, job.processed)
        try:
            async with asyncio.timeout_at(None if timeout is None else end):
                # Counts alone are believed only once they stand still: entries may still be filling up.
                while not (job.finished or job.processed == job.total == before > 0):
                    if before >= 0:
                        watch.unfinished(now() - begun, job.processed)
                    before = watch.rows = job.total
                    await _pause(watch, begun, last)
                    asked = now()
                    looks += 1
                    job = await self.get(job_id)
                    self._pace.answered(now() - asked)
        except TimeoutError:
            raise JobTimeoutError(
                f"Job {job_id} has not ended within {timeout:g} s ({job.processed} of {job.total} "
                "entries done). It goes on; jobs.wait can be called again.",
                job_id=job_id,
                method="GET",
                path=f"/v1/ext/background-job/{job_id}",
                attempts=looks,
                retry_safe=True,
            ) from None
        if before >= 0:
            watch.ended(now() - begun, job.seconds)
        return job


async def _pause(watch: Watch, begun: float, last: float) -> None:
    """Sleep until the job should be looked at, and no longer than until ``last``, unless that is over."""
    now = asyncio.get_running_loop().time
    asleep = now()
    while (wait := watch.wait(now() - begun)) and not asleep < last <= now():  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(min(wait, last - now()) if asleep < last else wait)


@frozen
class _Way:
    """Where a list of entries has got to, and what came before."""

    place: Place = field(factory=Place)
    seen: int = 0
    repeats: Repeats = field(factory=Repeats)

    def after(self, reply: Reply, entries: Sequence[JobEntry]) -> _Way | DecodeError | None:
        """Tell how to go on after this page: nowhere if it was the last, or with an error if it was not.

        A page without entries is the last one, whatever it names as the next.
        """
        told = dict(_inside(reply.meta))
        query = _next_query(told) if entries else None
        seen = self.seen + len(entries)
        if query is None:
            totals = (read_whole(value) or 0 for name, value in told.items() if _TOTAL.fullmatch(name))
            if says_more(told) or seen < max(totals, default=0):
                return misshapen(reply, f"it says that more entries follow the {seen} so far, but not where")
            return None
        place = self.place.then(query)
        if place is None:
            return misshapen(reply, "the page of entries names as the next one a page that came before")
        repeats = self.repeats.then(entry.id for entry in entries)
        if repeats is None:
            return misshapen(reply, "the page of entries is the same as the two before it")
        return _Way(place, seen, repeats)


_ELSEWHERE = re.compile("self|current|first|last|prev")
"""In the names of paths that lead to other pages than the next."""
_TOTAL = re.compile(r"(.*\.)?(total_?(count|entries)?|count)", re.IGNORECASE)
"""Names of what may be the number of all entries; that of those on a page does no harm."""


def _next_query(told: Mapping[str, Any]) -> dict[str, str] | None:
    """Find a path for the next page, and keep of it only the query.

    Path and host stay ours, so that no answer can lead the token elsewhere.
    """
    texts = [(name.lower(), value) for name, value in told.items() if isinstance(value, str)]
    named = [value for name, value in texts if "next" in name]
    others = [value for name, value in texts if "/entries?" in value and not _ELSEWHERE.search(name)]
    for value in (*named, *others):
        if query := dict(parse_qsl(value.partition("?")[2].partition("#")[0])):
            return query
    return None


def _inside(meta: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what is in ``_meta``, however deep, with the names that lead to it."""
    waiting = deque(meta.items())
    while waiting:
        name, value = waiting.popleft()
        if isinstance(value, dict):
            waiting.extend((f"{name}.{inner}", one) for inner, one in as_object(value).items())
        else:
            yield name, value
