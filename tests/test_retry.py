"""What is tried again, after how long, and what never is."""

import asyncio
import itertools
import sys
from types import ModuleType

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import (
    AmbiguousResultError,
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConnectError,
    DecodeError,
    IncompleteReadError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ResponseTooLargeError,
    RetryPolicy,
    ServerError,
    Timeouts,
)
from chakra_async._retry import RetryBudget, is_transient, wait_before_retry, waits_are_off
from tests.raw import FIN, QUICK, RST, STALL, RawServer, answer, quick_client, refused, wrapped


LEAD = {"id": "1"}
POLICIES = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 100),
    wait_initial=st.floats(0.001, 10),
    wait_max=st.floats(0.001, 100),
    retry_after_max=st.floats(0, 1000),
)


def limited(seconds):
    error = RateLimitError("no", status=429, retry_safe=True)
    error.retry_after = seconds
    return error


def broken():
    return IncompleteReadError("no", sent=True, retry_safe=True)


# How long


@given(POLICIES, st.integers(1, 10**6))
def test_a_wait_is_between_nothing_and_an_upper_end_that_doubles(policy, attempt):
    wait = wait_before_retry(broken(), attempt, policy)
    assert 0 <= wait <= policy.wait_max
    assert wait <= policy.wait_initial * 2.0 ** min(attempt - 1, 1000)


def test_the_jitter_is_full():
    waits = [wait_before_retry(broken(), 3, RetryPolicy(wait_initial=1, wait_max=60)) for _ in range(2000)]
    assert min(waits) < 0.2
    assert max(waits) > 3.8
    assert 1.8 < sum(waits) / len(waits) < 2.2


@given(POLICIES, st.integers(1, 100), st.floats(0, 2000))
def test_a_wait_that_was_asked_for_is_never_shortened_nor_much_longer(policy, attempt, asked):
    wait = wait_before_retry(limited(asked), attempt, policy)
    if asked > policy.retry_after_max:
        assert wait is None
    else:
        assert asked <= wait <= asked * 1.1 + 0.0501


@given(POLICIES, st.integers(1, 100))
def test_a_limit_without_a_wait_falls_back_to_the_usual_one(policy, attempt):
    assert 0 <= wait_before_retry(limited(None), attempt, policy) <= policy.wait_max


# What


SAFE = {"retry_safe": True}
UNSAFE = {"retry_safe": False}


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RateLimitError("", status=429, **UNSAFE), True),
        *((ServerError("", status=status, **SAFE), True) for status in (500, 502, 503, 504)),
        *((ServerError("", status=status, **UNSAFE), False) for status in (500, 502, 503, 504)),
        (ServerError("", status=501, **SAFE), False),
        (BadRequestError("", status=408, **SAFE), True),
        (BadRequestError("", status=400, **SAFE), False),
        (BadRequestError("", status=200, **SAFE), False),
        (AuthenticationError("", status=401, **SAFE), False),
        (PaymentRequiredError("", status=402, **SAFE), False),
        (PermissionDeniedError("", status=403, **SAFE), False),
        (NotFoundError("", status=404, **SAFE), False),
        (ApiError("", status=307, **SAFE), False),
        (ConnectError("", sent=False, **SAFE), True),
        (ConnectError("", sent=False), False),
        (RequestTimeoutError("", sent=True, **SAFE), True),
        (RequestTimeoutError("", sent=True, **UNSAFE), False),
        (IncompleteReadError("", sent=True, **SAFE), True),
        (AmbiguousResultError("", sent=True, **UNSAFE), False),
        (DecodeError("", **SAFE), False),
        (ResponseTooLargeError("", **SAFE), False),
    ],
)
def test_only_what_may_pass_and_does_no_harm_is_tried_again(error, again):
    assert is_transient(error, RetryPolicy()) is again
    assert (wait_before_retry(error, 1, RetryPolicy()) is not None) is again


def test_a_failed_write_is_tried_again_only_on_request():
    policy = RetryPolicy(server_errors_on_writes=True)
    assert is_transient(ServerError("", status=500, **UNSAFE), policy)
    assert not is_transient(AmbiguousResultError("", sent=True, **UNSAFE), policy)


def test_errors_of_others_are_not_ours_to_repeat():
    assert wait_before_retry(ValueError(), 1, RetryPolicy()) is None


# The budget


def test_a_budget_gives_its_reserve_then_a_share_of_each_call():
    budget = RetryBudget(0.2, reserve=3)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    spent = 0
    for _ in range(100):
        budget.earn()
        spent += budget.spend()
    assert 19 <= spent <= 20


def test_a_budget_never_saves_more_than_its_reserve():
    budget = RetryBudget(0.7, reserve=2.9)
    assert budget.spend()
    for _ in range(100):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == 2


@pytest.mark.parametrize("fault", [refused(503, "down"), RST], ids=["503", "reset"])
async def test_an_outage_is_not_multiplied(fault):
    calls = 200
    async with RawServer(fault) as server, quick_client(server) as chakra:
        results = await asyncio.gather(*(chakra.health() for _ in range(calls)), return_exceptions=True)
    assert all(isinstance(result, ServerError | IncompleteReadError) for result in results)
    assert calls < len(server.requests) <= calls * 1.2 + 10


def test_requests_that_came_too_soon_are_made_again_whatever_is_left_of_the_budget(virtual_time, mocked):
    calls, url = 40, "http://chakra.test/v1/health"

    async def main():
        for _ in range(30):
            mocked.get(url, status=429)
        mocked.get(url, payload={}, repeat=True)
        async with virtual_time.client(retry=RetryPolicy(budget=0)) as chakra:
            await asyncio.gather(*(chakra.health() for _ in range(calls)))

    virtual_time.run(main())


def test_requests_that_always_come_too_soon_end_by_the_number_of_attempts(virtual_time, mocked):
    async def main():
        mocked.get("http://chakra.test/v1/health", status=429, repeat=True)
        async with virtual_time.client(retry=RetryPolicy(attempts=15)) as chakra:
            with pytest.raises(RateLimitError) as caught:
                await chakra.health()
        assert caught.value.attempts == 15

    virtual_time.run(main())


# On the wire: calls that may be repeated, and calls that must not


def keyed(chakra):
    return chakra.processes.update("lead", "1", data={"score": 5})


def unkeyed(chakra):
    return chakra.processes.create("lead", data={"score": 5})


SHORT = [answer(body=b'{"_data":{', length=1000), FIN]
CUT = [b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"_da\r\n', FIN]
HALF_HEAD = [b"HTTP/1.1 200 OK\r\nContent-Le", FIN]
NOT_GZIP = [answer(body=b"plain", Content_Encoding="gzip"), FIN]
NOT_HTTP = [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", FIN]
BROKEN = {
    "rst": RST,
    "fin": FIN,
    "short": SHORT,
    "cut": CUT,
    "head": HALF_HEAD,
    "gzip": NOT_GZIP,
    "ssh": NOT_HTTP,
}


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
async def test_a_repeatable_call_is_repeated_with_the_same_bytes(fault):
    async with RawServer(fault, wrapped(LEAD)) as server, quick_client(server) as chakra:
        assert (await keyed(chakra)).id == "1"
    first, second = server.requests
    assert (first.line, first.body) == (second.line, second.body)
    assert first.body


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
async def test_a_create_whose_answer_is_lost_is_sent_once(fault):
    async with RawServer(fault, wrapped(LEAD)) as server, quick_client(server) as chakra:
        with pytest.raises(AmbiguousResultError, match="may or may not have been done") as caught:
            await unkeyed(chakra)
    error = caught.value
    assert len(server.requests) == 1
    assert (error.sent, error.attempts, error.retry_safe) == (True, 1, False)
    assert (error.method, error.path) == ("POST", "/v1/ext/procedure/lead/process")


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
async def test_a_call_that_keeps_breaking_ends_in_an_error_that_counts_the_attempts(fault):
    policy = RetryPolicy(attempts=3, wait_initial=0.001)
    async with RawServer(fault) as server, quick_client(server, retry=policy) as chakra:
        with pytest.raises(IncompleteReadError) as caught:
            await keyed(chakra)
    assert (caught.value.attempts, len(server.requests)) == (3, 3)
    assert caught.value.sent
    assert caught.value.retry_safe


async def test_silence_is_repeated_for_a_read_and_ambiguous_for_a_create():
    quick = {"timeout": Timeouts(read=1)}
    async with RawServer(STALL, wrapped(LEAD)) as server, quick_client(server, **quick) as chakra:
        assert (await chakra.processes.get("lead", "1")).id == "1"
    assert len(server.requests) == 2
    async with RawServer(STALL) as server, quick_client(server, **quick) as chakra:
        with pytest.raises(AmbiguousResultError):
            await unkeyed(chakra)
    assert len(server.requests) == 1


async def test_a_create_that_was_refused_unread_is_repeated():
    async with (
        RawServer(refused(429, "slow", Retry_After="0"), wrapped(LEAD)) as server,
        quick_client(server) as chakra,
    ):
        assert (await unkeyed(chakra)).id == "1"
    assert server.requests[0].body == server.requests[1].body
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [408, 425])
async def test_what_a_gateway_says_of_a_create_does_not_repeat_it(status):
    async with RawServer(refused(status, "no"), wrapped(LEAD)) as server, quick_client(server) as chakra:
        with pytest.raises(BadRequestError) as caught:
            await unkeyed(chakra)
    assert (caught.value.attempts, caught.value.retry_safe, len(server.requests)) == (1, False, 1)
    async with RawServer(refused(status, "no"), wrapped(LEAD)) as server, quick_client(server) as chakra:
        assert (await keyed(chakra)).id == "1"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_create_that_failed_is_not_repeated_unless_asked(status):
    script = refused(status, "down"), wrapped(LEAD)
    async with RawServer(*script) as server, quick_client(server) as chakra:
        with pytest.raises(ServerError) as caught:
            await unkeyed(chakra)
    assert caught.value.retry_safe is False
    assert len(server.requests) == 1
    asked = RetryPolicy(wait_initial=0.001, server_errors_on_writes=True)
    async with RawServer(*script) as server, quick_client(server, retry=asked) as chakra:
        assert (await unkeyed(chakra)).id == "1"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 422])
async def test_a_refusal_is_final(status):
    async with RawServer(refused(status, "no")) as server, quick_client(server) as chakra:
        with pytest.raises(ApiError) as caught:
            await keyed(chakra)
    assert (caught.value.attempts, len(server.requests)) == (1, 1)


@pytest.mark.parametrize("header", ["1e9", "86400", "Fri, 01 Jan 2100 00:00:00 GMT"])
async def test_a_wait_beyond_the_cap_is_raised_at_once(header):
    async with RawServer(refused(429, "slow", Retry_After=header)) as server, quick_client(server) as chakra:
        with pytest.raises(RateLimitError) as caught:
            await asyncio.wait_for(keyed(chakra), 5)
    assert caught.value.retry_after >= 86400
    assert len(server.requests) == 1


@pytest.mark.parametrize("header", ["-5", "soon", "nan", "Thu, 01 Jan 1970 00:00:00 GMT"])
async def test_a_wait_that_makes_no_sense_falls_back_to_the_usual_one(header):
    script = refused(429, "slow", Retry_After=header), wrapped(LEAD)
    async with RawServer(*script) as server, quick_client(server) as chakra:
        await asyncio.wait_for(keyed(chakra), 5)
    assert len(server.requests) == 2


def waits(virtual_time, mocked, *answers, **policy):
    """The waits between the attempts of one call that meets these answers."""
    sent = []

    async def main():
        url = "http://chakra.test/v1/health"
        for one in answers:
            mocked.get(url, callback=lambda *_, **__: sent.append(asyncio.get_running_loop().time()), **one)
        async with virtual_time.client(retry=RetryPolicy(**policy)) as chakra:
            await chakra.health()

    virtual_time.run(main())
    return [after - before for before, after in itertools.pairwise(sent)]


@pytest.mark.parametrize(
    "says",
    [
        {"headers": {"Retry-After": "30"}},
        {"payload": {"_errors": ["slow"], "retry_after_ms": 30000}},
        {"payload": {"_errors": ["Retry after 30000 ms"]}},
    ],
)
def test_a_wait_that_was_asked_for_is_kept(virtual_time, mocked, says):
    (wait,) = waits(virtual_time, mocked, {"status": 429, **says}, {"payload": {}})
    assert 30 <= wait <= 37


def test_waits_grow_and_stay_under_the_maximum(virtual_time, mocked):
    failing = [{"status": 500}] * 7
    found = waits(virtual_time, mocked, *failing, {"payload": {}}, attempts=8, wait_initial=1, wait_max=4)
    assert len(found) == 7
    assert all(wait <= upper + 0.2 for wait, upper in zip(found, [1, 2, 4, 4, 4, 4, 4], strict=True))


# stamina


async def test_stamina_is_what_waits_and_its_hooks_see_every_retry():
    seen = []
    stamina.instrumentation.set_on_retry_hooks([seen.append])
    try:
        async with RawServer(RST, RST, wrapped(LEAD)) as server, quick_client(server) as chakra:
            await keyed(chakra)
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
    assert [details.retry_num for details in seen] == [1, 2]
    assert isinstance(seen[0].caused_by, IncompleteReadError)
    assert all(details.wait_for <= QUICK.wait_max for details in seen)


async def test_in_staminas_test_mode_nothing_waits_and_its_attempts_count():
    slow = RetryPolicy(wait_initial=1000, wait_max=1000)
    with stamina.set_testing(True, attempts=3):
        for fault in (RST, refused(429, "slow", Retry_After="100"), refused(503, "down")):
            async with RawServer(fault) as server, quick_client(server, retry=slow) as chakra:
                with pytest.raises((IncompleteReadError, ApiError)) as caught:
                    await asyncio.wait_for(keyed(chakra), 5)
            assert (caught.value.attempts, len(server.requests)) == (3, 3)


def test_while_another_thread_imports_stamina_waits_are_on(monkeypatch):
    monkeypatch.setitem(sys.modules, "stamina", ModuleType("stamina"))
    assert not waits_are_off()


async def test_switching_stamina_off_switches_retries_off():
    stamina.set_active(False)
    try:
        async with RawServer(RST) as server, quick_client(server) as chakra:
            with pytest.raises(IncompleteReadError) as caught:
                await keyed(chakra)
    finally:
        stamina.set_active(True)
    assert (caught.value.attempts, len(server.requests)) == (1, 1)


async def test_one_attempt_means_no_retry():
    async with RawServer(RST) as server, quick_client(server, retry=RetryPolicy(attempts=1)) as chakra:
        with pytest.raises(IncompleteReadError):
            await keyed(chakra)
    assert len(server.requests) == 1


def test_a_call_that_succeeds_at_once_does_not_even_import_stamina(emulator, run_script):
    run_script(
        """
import asyncio, sys
from chakra_async import Client

async def main():
    async with Client() as chakra:
        await chakra.health()

asyncio.run(main())
assert "stamina" not in sys.modules
assert "tenacity" not in sys.modules
""",
        emulator=emulator,
    )
