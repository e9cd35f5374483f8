"""The knobs of the emulator. All may be turned while it runs, from any thread."""

from __future__ import annotations

from typing import Any, Literal

from attrs import define, field, validators


def _positive() -> Any:
    return validators.optional(validators.gt(0))


@define(kw_only=True)
class Settings:
    """How the service treats requests where the real behaviour is not documented.

    Attributes:
        on_existing_key: creating with a primary key value that a process already has: ``"error"`` refuses
            (400, or an ERROR entry in bulk), ``"upsert"`` updates that process.
        max_body_bytes: a larger request body is answered with 413.
    """

    on_existing_key: Literal["error", "upsert"] = field(
        default="error", validator=validators.in_(("error", "upsert"))
    )
    max_body_bytes: int = field(default=16 * 1024 * 1024, validator=validators.ge(0))


@define(kw_only=True)
class JobSettings:
    """How background jobs behave and how they look on the wire.

    Attributes:
        rows_per_second: speed of each job; ``None`` is as fast as possible.
        latency: seconds between the answer to the bulk call and the start of its job.
        concurrency: jobs that run at the same time; the others wait their turn.
        show_status: whether a fetched job carries ``completionStatus``. The documented sample has none.
        entries_page_size: entries on a page when the call does not say.
        entry_fields: which of ``index``, ``request`` and ``process`` an entry carries.
        total_name: name of the total in the ``_meta`` of entries; not documented.
        next_page_name: name of the next page's path in that ``_meta``; not documented.
    """

    rows_per_second: float | None = field(default=50_000.0, validator=_positive())
    latency: float = field(default=0.02, validator=validators.ge(0))
    concurrency: int = field(default=8, validator=validators.ge(1))
    show_status: bool = False
    entries_page_size: int = field(default=100, validator=validators.ge(1))
    entry_fields: frozenset[str] = field(
        default=frozenset({"index", "request", "process"}), converter=frozenset
    )
    total_name: str = "total"
    next_page_name: str = "nextPage"
