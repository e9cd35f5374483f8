"""Webhooks: events with all their fields, and everything that receives them, as type checkers see it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, assert_type

from aiohttp import web
from django.http import HttpRequest, HttpResponse
from flask import Response as FlaskResponse
from starlette.requests import Request
from starlette.responses import Response

from chakra_async.webhooks import (
    SIGNATURE_HEADER,
    Acknowledge,
    Claim,
    EchoEvent,
    Event,
    EventError,
    Location,
    Media,
    MemoryStore,
    MessageEvent,
    MessageStatus,
    RawEvent,
    Reaction,
    Receipt,
    SigningSecrets,
    SqliteStore,
    StatusEvent,
    StatusTracker,
    Store,
    TemplateEvent,
    Unsigned,
    WebhookFormat,
    Webhooks,
    parse,
    verify_signature,
)
from chakra_async.webhooks import aiohttp as for_aiohttp
from chakra_async.webhooks import django as for_django
from chakra_async.webhooks import flask as for_flask
from chakra_async.webhooks import starlette as for_starlette


def event(it: Event) -> None:
    assert_type(it.name, str)
    assert_type(it.id, str)
    assert_type(it.at, datetime | None)
    assert_type(it.account_id, str | None)
    assert_type(it.phone_number_id, str | None)
    assert_type(it.format, WebhookFormat)
    assert_type(it.raw, dict[str, Any])
    assert_type(it.extra, dict[str, Any])


def raw_event(it: RawEvent) -> None:
    assert_type(
        (it.name, it.id, it.at, it.account_id, it.phone_number_id),
        tuple[str, str, datetime | None, str | None, str | None],
    )
    assert_type((it.format, it.raw, it.extra), tuple[WebhookFormat, dict[str, Any], dict[str, Any]])


def echo_event(it: EchoEvent) -> None:
    assert_type(it.name, str)
    assert_type(it.id, str)
    assert_type(it.at, datetime | None)
    assert_type(it.account_id, str | None)
    assert_type(it.phone_number_id, str | None)
    assert_type(it.format, WebhookFormat)
    assert_type(it.raw, dict[str, Any])
    assert_type(it.extra, dict[str, Any])
    assert_type(it.message_id, str)
    assert_type(it.chakra_id, str | None)
    assert_type(it.sender, str | None)
    assert_type(it.sender_name, str | None)
    assert_type(it.type, str)
    assert_type(it.content, Any)
    assert_type(it.text, str | None)
    assert_type(it.choice, str | None)
    assert_type(it.media, Media | None)
    assert_type(it.location, Location | None)
    assert_type(it.reaction, Reaction | None)
    assert_type(it.reply_to, str | None)
    assert_type(it.group_id, str | None)
    assert_type(it.errors, list[EventError])
    assert_type(it.recipient, str | None)


def event_error(it: EventError) -> None:
    assert_type(it.code, int | None)
    assert_type(it.title, str | None)
    assert_type(it.message, str | None)
    assert_type(it.details, str | None)
    assert_type(it.extra, dict[str, Any])


def location(it: Location) -> None:
    assert_type(it.latitude, float | None)
    assert_type(it.longitude, float | None)
    assert_type(it.name, str | None)
    assert_type(it.address, str | None)
    assert_type(it.extra, dict[str, Any])


def media(it: Media) -> None:
    assert_type(it.id, str | None)
    assert_type(it.mime_type, str | None)
    assert_type(it.sha256, str | None)
    assert_type(it.filename, str | None)
    assert_type(it.url, str | None)
    assert_type(it.extra, dict[str, Any])


def message_event(it: MessageEvent) -> None:
    assert_type(it.name, str)
    assert_type(it.id, str)
    assert_type(it.at, datetime | None)
    assert_type(it.account_id, str | None)
    assert_type(it.phone_number_id, str | None)
    assert_type(it.format, WebhookFormat)
    assert_type(it.raw, dict[str, Any])
    assert_type(it.extra, dict[str, Any])
    assert_type(it.message_id, str)
    assert_type(it.chakra_id, str | None)
    assert_type(it.sender, str | None)
    assert_type(it.sender_name, str | None)
    assert_type(it.type, str)
    assert_type(it.content, Any)
    assert_type(it.text, str | None)
    assert_type(it.choice, str | None)
    assert_type(it.media, Media | None)
    assert_type(it.location, Location | None)
    assert_type(it.reaction, Reaction | None)
    assert_type(it.reply_to, str | None)
    assert_type(it.group_id, str | None)
    assert_type(it.errors, list[EventError])


def message_status(it: MessageStatus) -> None:
    assert_type(it.message_id, str)
    assert_type(it.status, str)
    assert_type(it.times, Mapping[str, datetime | None])
    assert_type(it.errors, tuple[EventError, ...])
    assert_type(it.at, datetime | None)


def reaction(it: Reaction) -> None:
    assert_type(it.message_id, str | None)
    assert_type(it.emoji, str | None)
    assert_type(it.extra, dict[str, Any])


def receipt(it: Receipt) -> None:
    assert_type(it.status, int)
    assert_type(it.text, str)


def status_event(it: StatusEvent) -> None:
    assert_type(it.name, str)
    assert_type(it.id, str)
    assert_type(it.at, datetime | None)
    assert_type(it.account_id, str | None)
    assert_type(it.phone_number_id, str | None)
    assert_type(it.format, WebhookFormat)
    assert_type(it.raw, dict[str, Any])
    assert_type(it.extra, dict[str, Any])
    assert_type(it.message_id, str | None)
    assert_type(it.chakra_id, str | None)
    assert_type(it.status, str)
    assert_type(it.recipient, str | None)
    assert_type(it.participant, str | None)
    assert_type(it.errors, list[EventError])


def template_event(it: TemplateEvent) -> None:
    assert_type(it.name, str)
    assert_type(it.id, str)
    assert_type(it.at, datetime | None)
    assert_type(it.account_id, str | None)
    assert_type(it.phone_number_id, str | None)
    assert_type(it.format, WebhookFormat)
    assert_type(it.raw, dict[str, Any])
    assert_type(it.extra, dict[str, Any])
    assert_type(it.template_id, str)
    assert_type(it.template_name, str | None)
    assert_type(it.language, str | None)
    assert_type(it.status, str)
    assert_type(it.reason, str | None)


class DatabaseStore:
    """A store of the user's own."""

    async def claim(self, key: str, owner: str, seconds: float) -> Claim:
        return "busy"

    async def done(self, key: str, seconds: float) -> None: ...

    async def release(self, key: str, owner: str) -> None: ...


def stores(clock: Callable[[], float]) -> None:
    memorystore = MemoryStore(max_entries=10, clock=clock)
    assert_type(len(memorystore), int)
    assert_type(memorystore.claim("key", "owner", 60.0), Claim)
    assert_type(memorystore.done("key", 60.0), None)
    assert_type(memorystore.release("key", "owner"), None)
    sqlitestore = SqliteStore("handled.db", clock=clock)
    assert_type(sqlitestore.claim("key", "owner", 60.0), Claim)
    assert_type(sqlitestore.done("key", 60.0), None)
    assert_type(sqlitestore.release("key", "owner"), None)
    assert_type(sqlitestore.close(), None)
    every: list[Store] = [memorystore, sqlitestore, DatabaseStore()]
    assert_type(every[0].claim("key", "owner", 60.0), Claim | Awaitable[Claim])


def signatures(body: bytes) -> None:
    header: str = SIGNATURE_HEADER
    signingsecrets = SigningSecrets(["new", "old"])
    assert_type(signingsecrets.sign(body), list[str])
    assert_type(bool(signingsecrets), bool)
    assert_type(verify_signature(body, {header: ""}.get(header), "secret"), None)
    assert_type(verify_signature(body, "signature", ("new", "old")), None)
    assert_type(verify_signature(body, "signature", signingsecrets), None)
    assert_type(parse(body), list[Event])


def tracking(it: StatusEvent) -> None:
    statustracker = StatusTracker(max_messages=10)
    assert_type(statustracker.update(it), MessageStatus | None)
    assert_type(statustracker.get("wamid.A"), MessageStatus | None)


def handlers(webhooks: Webhooks) -> None:
    @webhooks.on("message")
    async def message(it: MessageEvent) -> int:
        return len(it.message_id)

    @webhooks.on("status", name="status of anything")
    def status(it: StatusEvent) -> None: ...

    @webhooks.on("message_echo")
    @webhooks.on("smb_message_echo")
    def echo(it: EchoEvent) -> None: ...

    @webhooks.on("message_template_status_update")
    def template(it: TemplateEvent) -> None: ...

    @webhooks.on("*")
    def everything(it: Event) -> None: ...

    @webhooks.on("account_update")
    async def raw(it: RawEvent) -> None: ...

    webhooks.on("message")(everything)
    assert_type(status, Callable[[StatusEvent], None])
    _ = message, echo, template, raw


async def receiving(body: bytes, headers: Mapping[str, str], pieces: AsyncIterator[bytes]) -> None:
    unsigned: Unsigned = "pass_through"
    acknowledge: Acknowledge = "at_once"
    webhooks = Webhooks(
        "secret",
        unsigned=unsigned,
        store=SqliteStore("handled.db"),
        acknowledge=acknowledge,
        max_body_bytes=1_000,
        max_age=3600,
        lease=60,
        retention=3600,
        max_pending=10,
    )
    Webhooks(["new", "old"])
    Webhooks(SigningSecrets("secret"))
    Webhooks(unsigned="accept")
    webhooks.on("message")
    assert_type(await webhooks.receive(body, headers), Receipt)
    assert_type(await webhooks.receive(pieces, headers), Receipt)
    assert_type(await webhooks.aclose(drain=1.0), None)
    async with webhooks as same:
        assert_type(same, Webhooks)


async def receiving_without_a_loop(
    webhooks: Webhooks, body: bytes, headers: Mapping[str, str], pieces: Iterator[bytes]
) -> None:
    assert_type(webhooks.receive_sync(body, headers), Receipt)
    assert_type(webhooks.receive_sync(pieces, headers), Receipt)
    assert_type(webhooks.close(drain=1.0), None)
    with webhooks as same:
        assert_type(same, Webhooks)


def adapters(it: Webhooks) -> None:
    assert_type(for_aiohttp.endpoint(it), Callable[[web.Request], Awaitable[web.Response]])
    assert_type(for_starlette.endpoint(it), Callable[[Request], Awaitable[Response]])
    assert_type(for_flask.endpoint(it), Callable[[], FlaskResponse])
    assert_type(for_django.endpoint(it), Callable[[HttpRequest], HttpResponse])
    assert_type(for_django.async_endpoint(it), Callable[[HttpRequest], Awaitable[HttpResponse]])


def mistakes(webhooks: Webhooks) -> None:
    """What must not pass: each comment would be reported as needless if the checker found nothing."""

    @webhooks.on("message")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    def wrong(it: StatusEvent) -> None: ...

    Webhooks(unsigned="maybe")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Webhooks("secret", acknowledge="later")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Webhooks("secret", "other")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    Webhooks("secret", store=object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    verify_signature("text", "signature", "secret")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    webhooks.receive_sync("text", {})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    _ = wrong
