"""How a bulk run goes about it."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

from attrs import frozen

from chakra_async.bulk.rows import Progress


@frozen(kw_only=True)
class BulkOptions:
    """What the caller has chosen, or the client's limits."""

    chunk_size: int
    max_chunk_bytes: int
    concurrency: int | None = None
    jobs_in_flight: int
    stop_on_error: bool = False
    on_progress: Callable[[Progress], object] | None = None
    journal: str | PathLike[str] | None = None
    retry_unknown: bool = False
    only_changed: bool = False
    dry_run: bool = False

    def __attrs_post_init__(self) -> None:
        for name in ("chunk_size", "max_chunk_bytes", "concurrency"):
            value = getattr(self, name)
            if value is None and name == "concurrency":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")
        if self.dry_run and self.journal is not None:
            raise ValueError("a dry run sends nothing that a journal could remember: leave one out")

    def remembered(self) -> dict[str, Any]:
        """Return what a journal keeps, for whoever goes on without being told anew."""
        names = ("chunk_size", "max_chunk_bytes", "only_changed")
        return {name: getattr(self, name) for name in names}
