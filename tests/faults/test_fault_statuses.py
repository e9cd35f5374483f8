"""The service says no, or not now: how long is waited, what is repeated, what is told."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest

from chakra_async import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    Client,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RetryPolicy,
    ServerError,
)
from tests.faults.callers import create, read, update
from tests.raw import QUICK, TOKEN, RawServer, answer, refused, wrapped


LEAD = wrapped({"id": "1"})
HEALTH = "http://chakra.test/v1/health"


def between(server):
    """Seconds from one request to the next; only a wait that is too short fails by these clocks."""
    first, second = server.requests
    return second.at - first.at


def waited(virtual_time, mocked, headers, **policy):
    """Seconds between the two attempts of a call that is first answered 429."""
    sent = []

    async def main():
        note = {"callback": lambda *_, **__: sent.append(asyncio.get_running_loop().time())}
        mocked.get(HEALTH, status=429, headers=headers, **note)
        mocked.get(HEALTH, payload={}, **note)
        async with virtual_time.client(retry=RetryPolicy(**policy)) as chakra:
            await chakra.health()

    virtual_time.run(main())
    return sent[1] - sent[0]


FORMS = {
    "seconds": (lambda: "30", 30),
    "a date": (lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=31), usegmt=True), 29),
    "negative": (lambda: "-30", 0),
    "garbage": (lambda: "half past nine", 0),
    "a date that has passed": (lambda: "Thu, 01 Jan 1970 00:00:00 GMT", 0),
}


@pytest.mark.parametrize(("header", "least"), FORMS.values(), ids=FORMS)
def test_H1_a_wait_of_any_form_is_kept_or_falls_back(virtual_time, mocked, header, least):
    wait = waited(virtual_time, mocked, {"Retry-After": header()}, wait_initial=0.5)
    assert least <= wait <= least * 1.2 + 2.5


@pytest.mark.parametrize("header", ["1e9", "86400", "Fri, 01 Jan 2100 00:00:00 GMT"])
async def test_H1_a_wait_beyond_the_cap_is_raised_and_not_begun(flavour, header):
    script = [refused(429, "no", Retry_After=header), LEAD]
    async with RawServer(*script) as server, flavour.client(server.url) as chakra:
        with pytest.raises(RateLimitError) as caught:
            await asyncio.wait_for(chakra(create), 5)
        assert await asyncio.wait_for(chakra(read), 5)
    assert caught.value.retry_after >= 86400


@pytest.mark.parametrize("header", ["inf", "-inf", "nan", "9" * 400, "-1", "0x5"])
async def test_H1_a_wait_that_is_no_number_is_none(flavour, header):
    script = [refused(429, "no", Retry_After=header), LEAD]
    async with RawServer(*script) as server, flavour.client(server.url) as chakra:
        assert (await asyncio.wait_for(chakra(create), 5)).id == "1"


async def test_H1_the_wait_that_was_asked_for_is_never_shortened(flavour):
    script = [refused(429, "no", Retry_After="0.1"), LEAD]
    async with RawServer(*script) as server, flavour.client(server.url) as chakra:
        assert (await chakra(create)).id == "1"
    assert between(server) >= 0.1


@pytest.mark.parametrize(
    "body", [b'{"retry_after_ms":100}', b'{"retryAfter":0.1}', b'{"_errors":["retry after 100 ms"]}']
)
async def test_H2_a_wait_in_the_body_is_kept(flavour, body):
    async with RawServer(answer(429, body), LEAD) as server, flavour.client(server.url) as chakra:
        assert (await chakra(create)).id == "1"
    assert between(server) >= 0.1


async def test_H3_one_429_of_a_hundred_calls_pauses_them_all(flavour, emulator):
    emulator.faults.next(status=429, retry_after=1.2, after=20)
    async with flavour.client(emulator.url, access_token=emulator.token) as chakra:
        await asyncio.gather(*(chakra(lambda client: client.health()) for _ in range(100)))
    requests = sorted(emulator.requests, key=lambda request: request.at)
    limited = next(request.at for request in requests if request.status == 429)
    # What was on its way already may still arrive.
    pause = [request for request in requests if 0.8 <= (request.at - limited).total_seconds() < 1.2]
    assert pause == []
    assert len(requests) == 101


def test_H4_ten_minutes_of_outage_cost_a_fifth_more_requests_at_most(virtual_time, mocked):
    calls, sent, outage = 300, [], 600

    async def main():
        begun = asyncio.get_running_loop().time()

        def answered(*_, **__):
            sent.append(asyncio.get_running_loop().time() - begun)

        mocked.get(HEALTH, status=503, repeat=True, callback=answered)
        async with virtual_time.client() as chakra:

            async def one(at):
                await asyncio.sleep(at)
                with pytest.raises(ServerError):
                    await chakra.health()

            await asyncio.gather(*(one(number * outage / calls) for number in range(calls)))
            mocked.clear()
            mocked.get(HEALTH, payload={})
            await chakra.health()

    virtual_time.run(main())
    assert calls <= len(sent) <= calls * 1.2 + 10
    assert sent[-1] >= outage * 0.9


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504])
async def test_H5_a_create_that_failed_is_not_sent_again_unless_asked(flavour, status):
    script = [refused(status, "down"), LEAD]
    async with RawServer(*script) as server, flavour.client(server.url) as chakra:
        with pytest.raises(ServerError) as caught:
            await chakra(create)
    assert (caught.value.retry_safe, caught.value.attempts, len(server.requests)) == (False, 1, 1)
    asked = RetryPolicy(wait_initial=0.001, server_errors_on_writes=True)
    if status != 501:
        async with RawServer(*script) as server, flavour.client(server.url, retry=asked) as chakra:
            assert (await chakra(create)).id == "1"


@pytest.mark.parametrize("status", [502, 504])
async def test_H6_the_page_of_a_gateway_is_excerpted_and_redacted(flavour, status):
    page = f"<html><h1>Bad gateway</h1><pre>Authorization: Bearer {TOKEN}</pre>".encode()
    script = answer(status, page + b"<p>x</p>" * 20_000, kind="text/html", X_Request_Id="r-1")
    async with RawServer(script) as server, flavour.client(server.url) as chakra:
        with pytest.raises(ServerError, match="Bad gateway") as caught:
            await chakra(create)
    error = caught.value
    assert (error.status, error.request_id) == (status, "r-1")
    assert len(error.body) <= 1000
    assert len(str(error)) < 1500
    assert TOKEN not in f"{error}{vars(error)}"


async def test_H6_errors_without_end_make_a_message_that_ends(flavour):
    many = refused(400, *["x" * 1000] * 1000)
    async with RawServer(many) as server, flavour.client(server.url) as chakra:
        with pytest.raises(BadRequestError) as caught:
            await chakra(create)
    assert len(str(caught.value)) < 1500
    assert caught.value.errors[100:] == ("… and 900 more",)


@pytest.mark.parametrize("depth", [200, 400])
async def test_H6_an_error_that_is_nested_deep_is_still_an_error_of_ours(flavour, depth):
    nested = b'{"_errors":[' + b"[" * depth + b"]" * depth + b"]}"
    for status in (200, 400):
        async with RawServer(answer(status, nested)) as server, flavour.client(server.url) as chakra:
            with pytest.raises(BadRequestError):
                await chakra(create)


CLASSES = {
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
}


@pytest.mark.parametrize("call", [read, update, create])
@pytest.mark.parametrize(("status", "error"), CLASSES.items())
async def test_H7_each_refusal_has_its_class_and_is_final(flavour, status, error, call):
    script = answer(status, b"Not Found" if status == 404 else b'{"_errors":["no"]}', kind="text/plain")
    async with RawServer(script, LEAD) as server, flavour.client(server.url) as chakra:
        with pytest.raises(error) as caught:
            await chakra(call)
    assert (type(caught.value), caught.value.attempts, len(server.requests)) == (error, 1, 1)


async def test_H8_errors_inside_a_success_are_errors(flavour, emulator):
    emulator.faults.next("POST", errors_in_success=["(#131009) Parameter value is not valid"])
    async with flavour.client(emulator.url, access_token=emulator.token) as chakra:
        with pytest.raises(BadRequestError, match="reported errors") as caught:
            await chakra(create)
    assert (caught.value.status, caught.value.whatsapp_code) == (200, 131009)
    assert emulator.request_count == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", [read, update, create])
async def test_H11_no_redirect_is_followed_and_the_other_side_hears_nothing(flavour, status, call):
    async with RawServer(LEAD) as other:
        for target in (other.url + "/x", "/elsewhere", "//other.test/x", "\xff", ""):
            script = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n"
            script %= status, target.encode("latin-1")
            async with RawServer(script) as server, flavour.client(server.url) as chakra:
                with pytest.raises(ApiError, match="never followed") as caught:
                    await chakra(call)
            assert (caught.value.status, len(server.requests)) == (status, 1)
    assert (other.connections, other.requests) == (0, [])


async def test_H11_a_session_of_the_callers_does_not_follow_either():
    async with (
        RawServer(LEAD) as other,
        RawServer(answer(307, Location=other.url)) as server,
        aiohttp.ClientSession() as session,
        Client(TOKEN, base_url=server.url, retry=QUICK, session=session) as chakra,
    ):
        with pytest.raises(ApiError, match="never followed"):
            await create(chakra)
    assert other.connections == 0
