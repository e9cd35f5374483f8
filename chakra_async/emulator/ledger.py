"""The ledger: every effect that was applied, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, overload

from chakra_async.emulator.records import Effect, EffectKind, from_ms
from chakra_async.emulator.store import Store


_SELECT: Final = (
    "SELECT ledger.seq, ledger.at, ledger.kind, procedure.short_id, process.seq, key,"
    " coalesce(ledger.request_id, job.request_id), job.id, item"
    " FROM ledger JOIN process ON process.seq = ledger.process"
    " JOIN procedure ON procedure.seq = process.procedure LEFT JOIN job ON job.seq = ledger.job"
)
_PAGE: Final = 1000


class Ledger:
    """Every effect, in order. Has a length, may be indexed and iterated; grows while the emulator runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __len__(self) -> int:
        # Nothing is ever removed, so the last number is the count.
        return int(self._store.rows("SELECT coalesce(max(seq), 0) FROM ledger")[0][0])

    def __iter__(self) -> Iterator[Effect]:
        last = 0
        while found := self._store.rows(
            f"{_SELECT} WHERE ledger.seq > ? ORDER BY ledger.seq LIMIT {_PAGE}", (last,)
        ):
            yield from map(self._effect, found)
            last = found[-1][0]

    @overload
    def __getitem__(self, index: int) -> Effect: ...
    @overload
    def __getitem__(self, index: slice) -> list[Effect]: ...
    def __getitem__(self, index: int | slice) -> Effect | list[Effect]:
        positions = range(len(self))[index]
        if isinstance(positions, int):
            return self._effect(self._store.rows(f"{_SELECT} WHERE ledger.seq = ?", (positions + 1,))[0])
        if not positions:
            return []
        low, high = sorted((positions[0] + 1, positions[-1] + 1))
        found = self._store.rows(
            f"{_SELECT} WHERE ledger.seq BETWEEN ? AND ? ORDER BY ledger.seq", (low, high)
        )
        return [self._effect(found[position + 1 - low]) for position in positions]

    def count(
        self,
        *,
        kind: EffectKind | None = None,
        procedure: str | None = None,
        process_id: str | None = None,
        key: str | None = None,
        request_id: str | None = None,
        job_id: str | None = None,
    ) -> int:
        """Count the effects that match everything given."""
        wanted = {
            "ledger.kind": kind,
            "procedure.short_id": procedure,
            "process.seq": None if process_id is None else self._store.ids.seq(process_id),
            "key": key,
            "coalesce(ledger.request_id, job.request_id)": request_id,
            "job.id": job_id,
        }
        given = {column: value for column, value in wanted.items() if value is not None}
        condition = " AND ".join(f"{column} = ?" for column in given) or "1"
        found = self._store.rows(f"SELECT count(*) FROM ({_SELECT} WHERE {condition})", tuple(given.values()))
        return int(found[0][0])

    def _effect(self, columns: tuple[Any, ...]) -> Effect:
        seq, at, kind, procedure, process, key, request_id, job_id, index = columns
        return Effect(
            seq=seq,
            at=from_ms(at),
            kind=kind,
            procedure=procedure,
            process_id=self._store.ids.uuid(process),
            key=key,
            request_id=request_id,
            job_id=job_id,
            index=index,
        )
