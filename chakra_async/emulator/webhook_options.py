"""What a test may ask of the webhooks it gets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from attrs import field, frozen, validators

from chakra_async.emulator.events import EventKind
from chakra_async.emulator.webhook_bodies import KINDS, WebhookFormat
from chakra_async.emulator.webhook_sender import checked_url


_BY_DEFAULT: Final[frozenset[EventKind]] = frozenset({"message", "status", "template"})


def _span(seconds: float | tuple[float, float]) -> tuple[float, float]:
    least, most = seconds if isinstance(seconds, tuple) else (seconds, seconds)
    if not 0 <= least <= most < float("inf"):
        raise ValueError(f"a delay of {seconds!r}: expected seconds, or the least and the most seconds")
    return least, most


@frozen(kw_only=True)
class WebhookOptions:
    """The arguments of ``Emulator.deliver_webhooks``, checked; they are explained there."""

    url: str = field(converter=checked_url)
    format: WebhookFormat = field(validator=validators.in_(KINDS))
    secret: str | None = field(repr=False, validator=validators.optional(validators.min_len(1)))
    events: Collection[EventKind] | None
    duplicates: float = field(validator=[validators.ge(0), validators.le(1)])
    shuffle: int = field(validator=validators.ge(1))
    delay: tuple[float, float] = field(converter=_span)
    retries: int = field(validator=validators.ge(0))
    retry_wait: float = field(validator=validators.ge(0))
    timeout: float = field(validator=validators.gt(0))
    concurrency: int = field(validator=validators.ge(1))
    bom: bool
    limit: int = field(validator=validators.ge(1))
    seed: int

    def __attrs_post_init__(self) -> None:
        known = KINDS[self.format]
        if not self.kinds or not self.kinds <= known:
            raise ValueError(
                f"events is {self.events!r}: the format {self.format!r} tells of some or all of"
                f" {', '.join(sorted(known))}"
            )

    @property
    def kinds(self) -> frozenset[EventKind]:
        """The kinds of events that are told of."""
        known = KINDS[self.format]
        return _BY_DEFAULT & known if self.events is None else frozenset(self.events)
