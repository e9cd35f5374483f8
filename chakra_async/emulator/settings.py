"""The knobs of the emulator. All may be turned while it runs, from any thread."""

from __future__ import annotations

from typing import Any, Literal

from attrs import define, field, validators

from chakra_async.emulator.options import one_of, optional


def _seconds(default: float | None) -> Any:
    return optional(validators.ge(0), default=default)


def _choice(*values: str) -> Any:
    return field(default=values[0], validator=one_of(*values))


@define(kw_only=True)
class Settings:
    """How the service treats requests where the real behaviour is not documented.

    Delays are in seconds from the call that causes the change; ``None`` means it never happens.

    Attributes:
        on_existing_key: creating with a primary key value that a process has, a deleted one included:
            ``"error"`` refuses (400, or an ERROR entry in bulk), ``"upsert"`` updates that process, which
            also brings it back.
        max_body_bytes: a larger request body is answered with 413.
        max_upload_bytes: the same for forms with a file.
        health_needs_token: whether ``/v1/health`` answers 401 without one.
        unknown_assignee: ``assignedTo`` that is no user's id or username: ``"keep"`` stores it as it is,
            ``"error"`` refuses it. A username that exists becomes the user's id in both cases.
        user_update_methods: the methods that update a user. GET always fetches.
        photo_answer: fetching a photo gives the photo ``"object"``, its ``"bytes"``, or a ``"redirect"`` to
            an address where they are served without a token.
        on_existing_photo: uploading with the id of a photo that exists: ``"replace"`` or ``"error"`` (400).
        plan: on the ``"free"`` plan templates cannot be sent (402).
        message_answer: sending a message gives ``"wrapped"``, Chakra's ``_data.whatsappMessageId``, or
            ``"raw"``, Meta's ``messages[0].id``, which older plugins are said to give.
        inferred_answer: the envelope of groups and of the public key: ``"raw"`` or ``"wrapped"``.
        first_delivery_status: ``deliveryStatus`` of a message that was accepted and not yet sent.
        sent_after, delivered_after, read_after: when a message gets those statuses. A status that comes
            after a later one is announced, but does not overwrite it.
        enforce_session: whether a message other than a template fails (131047) unless the person wrote
            within the last 24 hours.
        approve_templates_after: how long a created or updated template is ``PENDING``.
        paging_next_base: scheme and host of ``paging.next``; ``None`` is the emulator's own.
        first_page: number of the first page of chats and of messages, 1 or 0.
        message_order: order of the messages of a chat when the call does not say.
        media_answer: showing media gives ``"bytes"``, or a ``"redirect"`` to an address where they are
            served without a token.
        media_url_seconds: how long the ``url`` of fetched media works.
        call_permission: permission to call anybody: ``"temporary"``, ``"permanent"`` or ``"no_permission"``.
        webhook_status_case: whether webhooks in the format ``chakra`` write ``deliveryStatus`` in ``"upper"``
            or in ``"lower"`` case.
        webhook_failure: where they put the reason of a failure: into ``"errorContext"``, into ``"errors"``,
            or into ``"both"``.
        requests_per_second: the rate allowed to each token; what comes faster is answered 429, before
            anything is done. ``None`` allows any.
        burst_seconds: how many seconds' worth of requests may come at once, where nothing came before.
        rate_algorithm: ``"token_bucket"`` fills up evenly; ``"fixed_window"`` counts in stretches of
            ``burst_seconds`` by the clock; ``"sliding_window"`` in any stretch of that length.
        rate_retry_after: where a 429 says how long to wait: in the ``"header"`` ``Retry-After``, in whole
            seconds; only in the ``"body"``, as ``retry_after_ms``; or ``"nowhere"``.
    """

    on_existing_key: Literal["error", "upsert"] = _choice("error", "upsert")
    max_body_bytes: int = field(default=16 * 1024 * 1024, validator=validators.ge(0))
    max_upload_bytes: int = field(default=100 * 1024 * 1024, validator=validators.ge(0))
    health_needs_token: bool = False
    unknown_assignee: Literal["keep", "error"] = _choice("keep", "error")
    user_update_methods: frozenset[str] = field(default=frozenset({"PUT", "PATCH"}), converter=frozenset)
    photo_answer: Literal["object", "bytes", "redirect"] = _choice("object", "bytes", "redirect")
    on_existing_photo: Literal["replace", "error"] = _choice("replace", "error")
    plan: Literal["paid", "free"] = _choice("paid", "free")
    message_answer: Literal["wrapped", "raw"] = _choice("wrapped", "raw")
    inferred_answer: Literal["raw", "wrapped"] = _choice("raw", "wrapped")
    first_delivery_status: str = "QUEUED"
    sent_after: float | None = _seconds(0.02)
    delivered_after: float | None = _seconds(0.05)
    read_after: float | None = _seconds(0.1)
    enforce_session: bool = False
    approve_templates_after: float | None = _seconds(0.05)
    paging_next_base: str | None = None
    first_page: Literal[0, 1] = field(default=1, validator=validators.in_((0, 1)))
    message_order: Literal["desc", "asc"] = _choice("desc", "asc")
    media_answer: Literal["bytes", "redirect"] = _choice("bytes", "redirect")
    media_url_seconds: float | None = _seconds(300.0)
    call_permission: Literal["temporary", "permanent", "no_permission"] = _choice(
        "temporary", "permanent", "no_permission"
    )
    webhook_status_case: Literal["upper", "lower"] = _choice("upper", "lower")
    webhook_failure: Literal["both", "errorContext", "errors"] = _choice("both", "errorContext", "errors")
    requests_per_second: float | None = optional(validators.gt(0))
    burst_seconds: float = field(default=1.0, validator=validators.gt(0))
    rate_algorithm: Literal["token_bucket", "fixed_window", "sliding_window"] = _choice(
        "token_bucket", "fixed_window", "sliding_window"
    )
    rate_retry_after: Literal["header", "body", "nowhere"] = _choice("header", "body", "nowhere")


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

    rows_per_second: float | None = optional(validators.gt(0), default=50_000.0)
    latency: float = field(default=0.02, validator=validators.ge(0))
    concurrency: int = field(default=8, validator=validators.ge(1))
    show_status: bool = False
    entries_page_size: int = field(default=100, validator=validators.ge(1))
    entry_fields: frozenset[str] = field(
        default=frozenset({"index", "request", "process"}), converter=frozenset
    )
    total_name: str = "total"
    next_page_name: str = "nextPage"
