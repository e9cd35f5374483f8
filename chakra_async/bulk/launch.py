"""Puts bulk runs, writers and the bodies of bulk requests together; loaded with the first of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any

from attrs import frozen

from chakra_async._codec import UnsendableError
from chakra_async.bulk.courier import BulkCalls
from chakra_async.bulk.dry_run import DryRun
from chakra_async.bulk.encode import (
    Encoder,
    encode_create,
    encode_delete,
    encode_update,
    wrap_creates,
    wrap_updates,
)
from chakra_async.bulk.engine import Engine
from chakra_async.bulk.follow import JobCalls
from chakra_async.bulk.group_commit import GroupCommit
from chakra_async.bulk.journal import Plan
from chakra_async.bulk.lookup import AnyOf, Finder
from chakra_async.bulk.options import BulkOptions
from chakra_async.bulk.polling import AT_ONCE, JobPace
from chakra_async.bulk.review import Review
from chakra_async.bulk.rows import Outcome
from chakra_async.bulk.run import (
    BulkRun,
    CreateRow,
    DeleteRow,
    Source,
    UpdateRow,
    check_source,
    describe,
)
from chakra_async.bulk.writer import Writer
from chakra_async.models.jobs import Job
from chakra_async.models.processes import Process
from chakra_async.settings import Settings


if TYPE_CHECKING:
    from chakra_async.models.config import TeamConfig


@frozen(kw_only=True)
class Service:
    """The calls about one procedure that runs and writers are made of."""

    submit_creates: Callable[[bytes], Awaitable[Job]]
    submit_updates: Callable[[bytes], Awaitable[Job]]
    jobs: JobCalls
    paces: dict[Outcome, JobPace]
    """How long jobs took so far, by what they did; what a run learns the next one knows."""
    any_of: AnyOf
    get: Callable[[str], Awaitable[Process]]
    config: Callable[[], Awaitable[TeamConfig]]
    limit: Callable[[], str]
    """As in :class:`BulkCalls`."""


class Launcher:
    """Makes the runs and writers of one procedure; ``options`` are fields of :class:`BulkOptions`."""

    def __init__(self, procedure: str, settings: Settings, service: Service) -> None:
        self._procedure = procedure
        self._settings = settings
        self._service = service

    def creates(self, source: Source[CreateRow], *, on_unknown: str, **options: Any) -> BulkRun:
        """Make a run of creations."""
        retry = _retry_unknown(on_unknown, options["journal"])
        chosen = self._options(retry_unknown=retry, **options)
        service = self._service
        calls = BulkCalls(
            limit=service.limit,
            submit=service.submit_creates,
            jobs=service.jobs,
            wrap=wrap_creates,
            done="created",
            pace=self._pace("created"),
            lookup=self._finder(),
            review=Review(None, "created", dry_run=self._dry_run("created", chosen)),
        )
        return self._run(calls, source, encode_create, chosen)

    def updates(self, source: Source[UpdateRow], **options: Any) -> BulkRun:
        """Make a run of updates."""
        chosen = self._options(**options)
        return self._run(self._update_calls("updated", chosen), source, encode_update, chosen)

    def deletes(self, source: Source[DeleteRow], **options: Any) -> BulkRun:
        """Make a run of deletions."""
        chosen = self._options(**options)
        return self._run(self._update_calls("deleted", chosen), source, encode_delete, chosen)

    def writer(self, *, linger: float, max_waiting: int, **options: Any) -> Writer:
        """Make a writer."""
        chosen = self._options(**options)
        calls = self._update_calls("updated", chosen)
        timeouts = self._settings.timeouts
        return Writer(GroupCommit(calls, chosen, timeouts, linger=linger, max_waiting=max_waiting))

    def _options(self, *, chunk_size: int | None, max_chunk_bytes: int | None, **others: Any) -> BulkOptions:
        limits = self._settings.limits
        return BulkOptions(
            chunk_size=limits.chunk_size if chunk_size is None else chunk_size,
            max_chunk_bytes=limits.max_chunk_bytes if max_chunk_bytes is None else max_chunk_bytes,
            jobs_in_flight=limits.jobs_in_flight,
            **others,
        )

    def _update_calls(self, done: Outcome, options: BulkOptions) -> BulkCalls:
        service = self._service
        return BulkCalls(
            limit=service.limit,
            submit=service.submit_updates,
            jobs=service.jobs,
            wrap=wrap_updates,
            done=done,
            pace=self._pace(done),
            review=Review(self._finder(), done, options.only_changed, self._dry_run(done, options)),
        )

    def _pace(self, done: Outcome) -> JobPace:
        return self._service.paces.setdefault(done, JobPace(AT_ONCE))

    def _finder(self) -> Finder:
        return Finder(self._service.any_of, self._service.get)

    def _dry_run(self, done: Outcome, options: BulkOptions) -> DryRun | None:
        if not options.dry_run:
            return None
        return DryRun(self._service.config, self._procedure, creates=done == "created")

    def _run(self, calls: BulkCalls, source: Source[Any], encoder: Encoder, options: BulkOptions) -> BulkRun:
        check_source(source)
        # A lazy query of an ORM has a length too, but only by fetching every row; it is no collection.
        expected = len(source) if isinstance(source, Collection) else None
        plan = Plan(
            base_url=self._settings.base_url,
            procedure=self._procedure,
            operation=calls.done,
            source=None if options.journal is None else describe(source),
            options=options.remembered(),
        )
        return BulkRun(Engine(calls, encoder, options, self._settings.timeouts, plan, expected), source)


def body_of_creates(rows: Iterable[Any]) -> bytes:
    """Encode a bulk request of creations.

    Raises:
        ValueError: a row cannot be sent; the message says which.
    """
    return wrap_creates(_encode_all(rows, encode_create))


def body_of_updates(rows: Iterable[Any]) -> bytes:
    """Encode a bulk request of updates.

    Raises:
        ValueError: a row cannot be sent; the message says which.
    """
    return wrap_updates(_encode_all(rows, encode_update))


def _encode_all(rows: Iterable[Any], encoder: Encoder) -> bytes:
    check_source(rows)
    encoded: list[bytes] = []
    for index, row in enumerate(rows):
        try:
            item, _, expected = encoder(row)
        except UnsendableError as error:
            raise ValueError(f"row {index} cannot be sent: {error}") from None
        if expected is not None:
            raise ValueError(f"row {index} cannot be sent: expect is for bulk_update, which looks first")
        encoded.append(item)
    if not encoded:
        raise ValueError("there are no rows to send")
    return b",".join(encoded)


def _retry_unknown(on_unknown: str, journal: str | PathLike[str] | None) -> bool:
    if on_unknown not in {"skip", "retry"}:
        raise ValueError(f"on_unknown is 'skip' or 'retry', not {on_unknown!r}")
    if on_unknown == "retry" and journal is None:
        raise ValueError("on_unknown='retry' is about going on with a journal: give journal as well")
    return on_unknown == "retry"
