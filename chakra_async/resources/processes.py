"""Processes: leads, tickets, field visits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from chakra_async._codec import decode, decode_job, decode_list, encode, encode_query, misshapen
from chakra_async._paths import segment
from chakra_async._process_fields import process_fields, to_change
from chakra_async._transport import Transport
from chakra_async.models.processes import Process


if TYPE_CHECKING:
    # Loaded with the first call that needs them: most programs need neither bulk nor lists.
    from chakra_async.bulk.follow import JobCalls
    from chakra_async.bulk.launch import Launcher
    from chakra_async.bulk.polling import JobPace
    from chakra_async.bulk.rows import Outcome, Progress
    from chakra_async.bulk.run import BulkRun, CreateRow, DeleteRow, Source, UpdateRow
    from chakra_async.bulk.writer import Writer
    from chakra_async.models.config import TeamConfig
    from chakra_async.models.jobs import Job
    from chakra_async.models.rows import ProcessCreate, ProcessUpdate
    from chakra_async.paging import Page, Pager


class Processes:
    """Processes: leads, tickets, field visits.

    ``procedure`` is always the short id of a procedure, such as ``lead``. Attributes inside ``data`` are
    named by their short ids, which travel untouched.
    """

    def __init__(self, transport: Transport, jobs: Callable[[], JobCalls]) -> None:
        self._transport = transport
        self._jobs = jobs
        self._paces: defaultdict[str, dict[Outcome, JobPace]] = defaultdict(dict)

    async def get(self, procedure: str, process_id: str, /) -> Process:
        """Fetch a process by its id.

        A deleted process may come back with ``is_deleted`` set, or not at all: that is not documented.

        Endpoint: ``GET /v1/ext/procedure/{procedure}/process/{id}`` (documented).

        Raises:
            NotFoundError: there is no such procedure or process.
        """
        path = f"{_base(procedure)}/{segment(process_id, 'process_id')}"
        return decode(await self._transport.call("GET", path, repeatable=True), Process)

    def list(
        self,
        procedure: str,
        /,
        *,
        where: Mapping[str, Any] | None = None,
        skip: int = 0,
        limit: int | None = None,
    ) -> Pager[Process]:
        """List processes, following the pages by itself.

        Args:
            procedure: short id of the procedure.
            where: conditions by root field (``status``, ``state``, ``createdAt``, ``assignedTo`` as a
                username) or attribute short id. A value is a scalar, a list (any of them; inferred), or an
                object of operators ``= != > >= < <=``. Siblings are joined by *and* (inferred); ``or`` and
                ``and`` take lists of such objects. Aware datetimes are written as ISO 8601.
            skip: processes to leave out at the beginning.
            limit: processes a page, 1 to 100; ``Limits.page_size`` if not given. Not a limit on the whole
                list: stop iterating when you have enough.

        Endpoint: ``POST /v1/ext/procedure/{procedure}/process/list`` (documented).

        Raises:
            BadRequestError: the service does not understand ``where``.
            NotFoundError: there is no such procedure.
            ValueError: ``skip`` or ``limit`` is out of range, or a value in ``where`` cannot be sent.
        """
        # Needed by lists alone.
        from chakra_async._pages import Repeats, page_size, says_more, whole  # noqa: PLC0415
        from chakra_async.paging import Page, Pager  # noqa: PLC0415

        size = page_size(limit, self._transport.settings.limits.page_size, "processes", most=100)
        if whole(skip, "skip") < 0:
            raise ValueError(f"skip must not be negative, not {skip}")
        path = f"{_base(procedure)}/list"
        conditions = {} if where is None else {"where": encode_query(where)}

        async def fetch(place: tuple[int, Repeats]) -> Page[Process]:
            start, repeats = place
            body = encode({**conditions, "skip": start, "limit": size})
            reply = await self._transport.call("POST", path, body=body, repeatable=True)
            items = decode_list(reply, Process)
            more = says_more(reply.meta)
            if more and not items:
                raise misshapen(reply, f"it says that more processes follow, but sent none at skip={start}")
            following = repeats.then(item.id for item in items)
            if following is None:
                raise misshapen(reply, f"the page at skip={start} is the same as the two before it")
            # Should it say nothing, a full page is taken to mean that there may be another.
            more = len(items) == size if more is None else more
            return Page(items, more, reply.meta, (start + len(items), following))

        return Pager(fetch, (skip, Repeats()))

    async def create(
        self,
        procedure: str,
        /,
        *,
        data: Mapping[str, Any] | None = None,
        record: Mapping[str, Any] | None = None,
        state: str | None = None,
        status: str | None = None,
        assigned_to: str | None = None,
        next_action_at: datetime | None = None,
    ) -> Process:
        """Create a process.

        Not idempotent: it is never sent twice. Whether a primary key that exists already makes this fail or
        update is not known.

        Args:
            procedure: short id of the procedure.
            data: attribute values by short id; JSON values only.
            record: ``{"data": {…}}``.
            state: short id of the state to begin in.
            status: ``OPEN``, ``COMPLETED`` or ``CANCELLED``.
            assigned_to: username or user id.
            next_action_at: an aware datetime.

        Endpoint: ``POST /v1/ext/procedure/{procedure}/process`` (documented).

        Raises:
            AmbiguousResultError: the request left and no answer came; look before you create again.
            BadRequestError: the service refuses a value.
            ValueError: a value cannot be sent.
        """
        path = _base(procedure)
        body = process_fields(data, state, status, assigned_to, next_action_at)
        if record:
            body["record"] = record
        reply = await self._transport.call("POST", path, body=encode(body), repeatable=False)
        return decode(reply, Process)

    async def update(
        self,
        procedure: str,
        process_id: str,
        /,
        *,
        data: Mapping[str, Any] | None = None,
        state: str | None = None,
        status: str | None = None,
        assigned_to: str | None = None,
        next_action_at: datetime | None = None,
    ) -> Process:
        """Change a process; what is not given stays as it is.

        Idempotent. That ``data`` is merged attribute by attribute is inferred; ``assigned_to`` is documented
        for the bulk form only.

        Endpoint: ``PUT /v1/ext/procedure/{procedure}/process/{id}`` (documented).

        Raises:
            NotFoundError: there is no such procedure or process.
            BadRequestError: the service refuses a value.
            ValueError: nothing is given to change, or a value cannot be sent.
        """
        path = f"{_base(procedure)}/{segment(process_id, 'process_id')}"
        body = encode(to_change(process_fields(data, state, status, assigned_to, next_action_at)))
        return decode(await self._transport.call("PUT", path, body=body, repeatable=True), Process)

    async def update_by_key(
        self,
        procedure: str,
        key: str,
        value: str | int,
        /,
        *,
        data: Mapping[str, Any] | None = None,
        state: str | None = None,
        status: str | None = None,
        assigned_to: str | None = None,
        next_action_at: datetime | None = None,
    ) -> Process:
        """Change the process whose primary key ``key`` (a short id) has ``value``.

        Idempotent, unless ``data`` gives the process another value of ``key``; otherwise as :meth:`update`.

        Endpoint: ``PUT /v1/ext/procedure/{procedure}/process/{key}/{value}`` (documented).

        Raises:
            AmbiguousResultError: ``data`` holds ``key``, and the answer was lost: by the old value the
                process cannot be found again if it was done.
            NotFoundError: there is no such procedure or process.
            BadRequestError: the service refuses a value.
            ValueError: nothing is given to change, or a value cannot be sent.
        """
        path = f"{_base(procedure)}/{segment(key, 'key')}/{segment(value, 'value')}"
        body = encode(to_change(process_fields(data, state, status, assigned_to, next_action_at)))
        repeatable = key not in (data or {})
        return decode(await self._transport.call("PUT", path, body=body, repeatable=repeatable), Process)

    async def delete(self, procedure: str, process_id: str, /) -> Process:
        """Delete a process; that this is a soft deletion is inferred.

        If so it is no longer listed but keeps its id, and ``is_deleted=False`` in a bulk update brings it
        back. Whether its primary keys are free for a new process is not known; in the emulator they are not.

        Endpoint: ``DELETE /v1/ext/procedure/{procedure}/process/{id}`` (documented).

        Raises:
            NotFoundError: there is no such procedure or process.
        """
        path = f"{_base(procedure)}/{segment(process_id, 'process_id')}"
        return decode(await self._transport.call("DELETE", path, repeatable=True), Process)

    async def delete_by_key(self, procedure: str, key: str, value: str | int, /) -> Process:
        """Delete the process whose primary key ``key`` (a short id) has ``value``.

        As with :meth:`delete` the process is kept, and it is not known whether ``value`` is free afterwards.

        Endpoint: ``DELETE /v1/ext/procedure/{procedure}/process/{key}/{value}`` (documented).

        Raises:
            NotFoundError: there is no such procedure or process.
        """
        path = f"{_base(procedure)}/{segment(key, 'key')}/{segment(value, 'value')}"
        return decode(await self._transport.call("DELETE", path, repeatable=True), Process)

    async def start_bulk_create(
        self, procedure: str, creates: Iterable[ProcessCreate | Mapping[str, Any]], /
    ) -> Job:
        """Create processes by one background job: the endpoint itself, one request.

        Returns as soon as the service has accepted the job; follow it with ``jobs.wait`` and
        ``jobs.entries``. Not idempotent. For any number of rows use :meth:`bulk_create`.

        Endpoint: ``POST /v1/ext/procedure/{procedure}/process/bulk-create`` (documented, "developing"; that
        it answers with a job is inferred).

        Raises:
            AmbiguousResultError: the request left and no answer came.
            ValueError: a row cannot be sent; the message says which.
        """
        from chakra_async.bulk.launch import body_of_creates  # noqa: PLC0415 - most programs send none

        return await self._submit_creates(procedure, body_of_creates(creates))

    async def start_bulk_update(
        self, procedure: str, updates: Iterable[ProcessUpdate | Mapping[str, Any]], /
    ) -> Job:
        """Change processes by one background job: the endpoint itself, one request.

        Returns as soon as the service has accepted the job; follow it with ``jobs.wait`` and
        ``jobs.entries``. Idempotent, for values are absolute. For any number of rows use
        :meth:`bulk_update`.

        Endpoint: ``PATCH /v1/ext/procedure/{procedure}/process`` (documented).

        Raises:
            ValueError: a row cannot be sent; the message says which.
        """
        from chakra_async.bulk.launch import body_of_updates  # noqa: PLC0415 - most programs send none

        return await self._submit_updates(procedure, body_of_updates(updates))

    def bulk_create(
        self,
        procedure: str,
        creates: Source[CreateRow],
        /,
        *,
        chunk_size: int | None = None,
        max_chunk_bytes: int | None = None,
        concurrency: int | None = None,
        journal: str | PathLike[str] | None = None,
        on_unknown: Literal["skip", "retry"] = "skip",
        dry_run: bool = False,
        stop_on_error: bool = False,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> BulkRun:
        """Create any number of processes, and learn the fate of each.

        Never sends twice what may have been done once: when an answer is lost, rows with a key are looked
        up and only the missing ones sent, and rows without one end as ``unknown``.

        Args:
            procedure: short id of the procedure.
            creates: iterable or async iterable of :class:`ProcessCreate` or mappings of its fields.
            chunk_size: rows a job; ``Limits.chunk_size`` if not given.
            max_chunk_bytes: encoded bytes a job; ``Limits.max_chunk_bytes`` if not given.
            concurrency: jobs in flight; if not given, found out, up to ``Limits.jobs_in_flight``.
            journal: file that remembers what was sent, so that the same call goes on after a crash. Rows
                that an earlier run settled are then counted (``summary.resumed``) and not yielded again;
                ``chakra bulk failures JOURNAL -o FILE`` writes those of them that were not done.
            on_unknown: what to do, when going on, with rows whose answer was lost and that have no key to
                look for: leave them ``unknown``, or send them again though they may then exist twice.
            dry_run: send nothing, and check each row against the team's config, which is fetched once; rows
                end as ``valid`` or ``invalid``. Takes 24 to 48 bytes a row, to find rows for one process.
            stop_on_error: send nothing more after the first row that was not done.
            on_progress: called with a :class:`Progress` whenever a job has ended.

        Endpoint: as :meth:`start_bulk_create`, and those of ``jobs``.

        Raises:
            TypeError: ``creates`` is not a source of rows.
            ValueError: an option is out of range.
            JournalError: on entering: the journal is in use, damaged, or belongs to another run; while
                iterating: it cannot be written any more, or a row is not the one it knows.
        """
        return self._launcher(procedure).creates(
            creates,
            on_unknown=on_unknown,
            chunk_size=chunk_size,
            max_chunk_bytes=max_chunk_bytes,
            concurrency=concurrency,
            journal=journal,
            dry_run=dry_run,
            stop_on_error=stop_on_error,
            on_progress=on_progress,
        )

    def bulk_update(
        self,
        procedure: str,
        updates: Source[UpdateRow],
        /,
        *,
        chunk_size: int | None = None,
        max_chunk_bytes: int | None = None,
        concurrency: int | None = None,
        journal: str | PathLike[str] | None = None,
        only_changed: bool = False,
        dry_run: bool = False,
        stop_on_error: bool = False,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> BulkRun:
        """Change any number of processes, and learn the fate of each.

        Rows for one process are applied in the order given: they are never in two jobs at once. A row with
        ``expect`` is sent only if its process still has those values.

        Args:
            procedure: short id of the procedure.
            updates: iterable or async iterable of :class:`ProcessUpdate` or mappings of its fields.
            chunk_size: rows a job; ``Limits.chunk_size`` if not given.
            max_chunk_bytes: encoded bytes a job; ``Limits.max_chunk_bytes`` if not given.
            concurrency: jobs in flight; if not given, found out, up to ``Limits.jobs_in_flight``.
            journal: file that remembers what was sent, so that the same call goes on after a crash. Rows
                that an earlier run settled are then counted (``summary.resumed``) and not yielded again;
                ``chakra bulk failures JOURNAL -o FILE`` writes those of them that were not done.
            only_changed: fetch the current values first, up to 100 processes with a request, and send only
                what differs; a row of which nothing does ends as ``unchanged``. What cannot be compared, such
                as the name of a user with an id, counts as different. ``result.changes`` tells what differed.
            dry_run: send nothing, and check each row against the team's config, which is fetched once; rows
                end as ``valid`` or ``invalid``. Takes 24 to 48 bytes a row, to find rows for one process.
                With ``only_changed`` the current values are fetched too, and the changes told.
            stop_on_error: send nothing more after the first row that was not done.
            on_progress: called with a :class:`Progress` whenever a job has ended.

        Endpoint: as :meth:`start_bulk_update`, and those of ``jobs``; to compare, as :meth:`list` with a list
        of keys (any of them; inferred), and for ids the service does not list, as :meth:`get`.

        Raises:
            TypeError: ``updates`` is not a source of rows.
            ValueError: an option is out of range.
            JournalError: on entering: the journal is in use, damaged, or belongs to another run; while
                iterating: it cannot be written any more, or a row is not the one it knows.
        """
        return self._launcher(procedure).updates(
            updates,
            only_changed=only_changed,
            chunk_size=chunk_size,
            max_chunk_bytes=max_chunk_bytes,
            concurrency=concurrency,
            journal=journal,
            dry_run=dry_run,
            stop_on_error=stop_on_error,
            on_progress=on_progress,
        )

    def bulk_delete(
        self,
        procedure: str,
        processes: Source[DeleteRow],
        /,
        *,
        chunk_size: int | None = None,
        max_chunk_bytes: int | None = None,
        concurrency: int | None = None,
        journal: str | PathLike[str] | None = None,
        dry_run: bool = False,
        stop_on_error: bool = False,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> BulkRun:
        """Delete any number of processes, and learn the fate of each.

        Args:
            procedure: short id of the procedure.
            processes: iterable or async iterable of ids (text), of keys (``(short_id, value)``), or of
                :class:`ProcessUpdate` or mappings that hold nothing but ``id`` or ``key``.
            chunk_size: rows a job; ``Limits.chunk_size`` if not given.
            max_chunk_bytes: encoded bytes a job; ``Limits.max_chunk_bytes`` if not given.
            concurrency: jobs in flight; if not given, found out, up to ``Limits.jobs_in_flight``.
            journal: file that remembers what was sent, so that the same call goes on after a crash. Rows
                that an earlier run settled are then counted (``summary.resumed``) and not yielded again;
                ``chakra bulk failures JOURNAL -o FILE`` writes those of them that were not done.
            dry_run: send nothing, and check each row against the team's config, which is fetched once; rows
                end as ``valid`` or ``invalid``. Takes 24 to 48 bytes a row, to find rows for one process.
            stop_on_error: send nothing more after the first row that was not done.
            on_progress: called with a :class:`Progress` whenever a job has ended.

        Endpoint: as :meth:`start_bulk_update` with ``isDeleted`` (documented; that it deletes softly is
        inferred), and those of ``jobs``.

        Raises:
            TypeError: ``processes`` is not a source of rows.
            ValueError: an option is out of range.
            JournalError: on entering: the journal is in use, damaged, or belongs to another run; while
                iterating: it cannot be written any more, or a row is not the one it knows.
        """
        return self._launcher(procedure).deletes(
            processes,
            chunk_size=chunk_size,
            max_chunk_bytes=max_chunk_bytes,
            concurrency=concurrency,
            journal=journal,
            dry_run=dry_run,
            stop_on_error=stop_on_error,
            on_progress=on_progress,
        )

    def writer(
        self,
        procedure: str,
        /,
        *,
        chunk_size: int | None = None,
        max_chunk_bytes: int | None = None,
        concurrency: int | None = None,
        linger: float = 0.01,
        max_waiting: int = 10_000,
    ) -> Writer:
        """Change processes one by one from any number of tasks or threads, by jobs that carry many.

        An update that is alone is sent at once; while jobs are in flight updates gather for the next. Each
        caller gets the outcome of the caller's own.

        Args:
            procedure: short id of the procedure.
            chunk_size: rows a job; ``Limits.chunk_size`` if not given.
            max_chunk_bytes: encoded bytes a job; ``Limits.max_chunk_bytes`` if not given.
            concurrency: jobs in flight; if not given, found out, up to ``Limits.jobs_in_flight``.
            linger: seconds that rows wait for others to share a job while other jobs are in flight. More
                means fewer jobs.
            max_waiting: rows without an outcome; further calls wait until there are fewer.

        Endpoint: as :meth:`start_bulk_update`, and those of ``jobs``.

        Raises:
            ValueError: an option is out of range.
        """
        return self._launcher(procedure).writer(
            linger=linger,
            max_waiting=max_waiting,
            chunk_size=chunk_size,
            max_chunk_bytes=max_chunk_bytes,
            concurrency=concurrency,
        )

    async def _submit_creates(self, procedure: str, body: bytes) -> Job:
        path = f"{_base(procedure)}/bulk-create"
        return decode_job(await self._transport.call("POST", path, body=body, repeatable=False))

    async def _submit_updates(self, procedure: str, body: bytes) -> Job:
        path = _base(procedure)
        return decode_job(await self._transport.call("PATCH", path, body=body, repeatable=True))

    def _launcher(self, procedure: str) -> Launcher:
        from chakra_async.bulk.launch import Launcher, Service  # noqa: PLC0415 - most programs need none
        from chakra_async.bulk.lookup import MOST  # noqa: PLC0415

        _base(procedure)
        service = Service(
            submit_creates=lambda body: self._submit_creates(procedure, body),
            submit_updates=lambda body: self._submit_updates(procedure, body),
            jobs=self._jobs(),
            paces=self._paces[procedure],
            # That a list of values means any of them is inferred; what "or" means is documented.
            any_of=lambda name, values: self.list(
                procedure, where={"or": [{name: value} for value in values]}, limit=MOST
            ),
            get=lambda process_id: self.get(procedure, process_id),
            config=self._config,
            limit=self._transport.gate.limit,
        )
        return Launcher(procedure, self._transport.settings, service)

    async def _config(self) -> TeamConfig:
        from chakra_async.models.config import TeamConfig  # noqa: PLC0415 - needed by dry runs alone

        return decode(await self._transport.call("GET", "/v1/ext/config", repeatable=True), TeamConfig)


def _base(procedure: str) -> str:
    return f"/v1/ext/procedure/{segment(procedure, 'procedure')}/process"
