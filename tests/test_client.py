"""The client: where its settings come from, and the calls it makes itself."""

import asyncio
import copy
import pickle

import pytest

from chakra_async import (
    AmbiguousResultError,
    Client,
    DecodeError,
    Limits,
    NotFoundError,
    PaymentRequiredError,
    Reply,
    RetryPolicy,
    Settings,
    Timeouts,
)
from tests.raw import RST, TOKEN, RawServer, answer, quick_client, refused, wrapped


def test_without_a_token_it_says_where_to_get_one():
    with pytest.raises(ValueError, match="CHAKRA_ACCESS_TOKEN"):
        Client()


@pytest.mark.parametrize("token", ["", " ", "a b"])
def test_a_token_that_cannot_be_one_is_refused(token, monkeypatch):
    monkeypatch.setenv("CHAKRA_ACCESS_TOKEN", "good")
    with pytest.raises(ValueError, match="access token"):
        Client(token)


def test_given_values_win_over_settings_and_those_over_the_environment(monkeypatch):
    for name, value in {
        "ACCESS_TOKEN": "env",
        "BASE_URL": "http://env",
        "PLUGIN_ID": "env",
        "PHONE_NUMBER_ID": "env",
    }.items():
        monkeypatch.setenv(f"CHAKRA_{name}", value)
    settings = Client(
        "given", settings=Settings(base_url="http://settings", plugin_id="settings", access_token="settings")
    ).settings
    assert settings.access_token.reveal() == "given"
    assert settings.base_url == "http://settings"
    assert settings.plugin_id == "settings"
    assert settings.phone_number_id == "env"


def test_a_client_of_the_settings_of_another_talks_to_the_same_service(monkeypatch):
    given = Client(TOKEN, base_url="https://api.chakrahq.com").settings
    left_out = Client(TOKEN).settings
    monkeypatch.setenv("CHAKRA_BASE_URL", "http://env")
    for settings in (given, left_out, Settings(access_token=TOKEN, base_url="https://api.chakrahq.com")):
        assert Client(settings=settings).settings.base_url == "https://api.chakrahq.com"
    assert Client(settings=Settings(access_token=TOKEN)).settings.base_url == "http://env"


def test_defaults_are_those_of_the_settings():
    settings = Client(TOKEN).settings
    assert settings == Settings(access_token=TOKEN)
    assert settings.base_url == "https://api.chakrahq.com"


def test_a_number_is_a_time_limit_for_one_attempt():
    assert Client(TOKEN, timeout=7).settings.timeouts == Timeouts(total=7)
    assert Client(TOKEN, timeout=Timeouts(read=7)).settings.timeouts == Timeouts(read=7)
    with pytest.raises(ValueError, match="total"):
        Client(TOKEN, timeout=0)


def test_limits_and_retry_are_taken():
    settings = Client(TOKEN, limits=Limits(connections=3), retry=RetryPolicy(attempts=2)).settings
    assert (settings.limits.connections, settings.retry.attempts) == (3, 2)


def test_it_can_be_made_without_a_loop_and_thrown_away():
    Client(TOKEN)


@pytest.mark.fault("S5")
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_client_is_not_pickled(protocol):
    with pytest.raises(TypeError):
        pickle.dumps(Client(TOKEN), protocol)


async def test_its_repr_tells_the_host_and_whether_it_is_closed():
    chakra = Client(TOKEN, base_url="http://chakra.test")
    assert repr(chakra) == "<Client of http://chakra.test>"
    await chakra.close()
    assert repr(chakra) == "<Client of http://chakra.test, closed>"


async def test_health_asks_the_documented_endpoint(client, emulator):
    assert await client.health() is True
    assert [(request.method, request.path) for request in emulator.requests] == [("GET", "/v1/health")]


@pytest.mark.parametrize(("body", "kind"), [(b"OK", "text/plain"), (b"OK", "text/html"), (b"", None)])
async def test_health_may_answer_anything_that_is_no_web_page(body, kind):
    async with RawServer(answer(body=body, kind=kind)) as server, quick_client(server) as chakra:
        assert await chakra.health() is True
    page = answer(body=b"\n<!doctype html><title>Sign in</title>", kind="text/html")
    async with RawServer(page) as server, quick_client(server) as chakra:
        with pytest.raises(DecodeError, match="is not JSON"):
            await chakra.health()


async def test_a_base_url_may_have_a_path():
    async with (
        RawServer(wrapped({})) as server,
        Client(TOKEN, base_url=f"{server.url}/chakra/") as chakra,
    ):
        await chakra.health()
    assert server.requests[0].target == "/chakra/v1/health"


async def test_mocked_answers_by_value(mocked):
    mocked.get(
        "https://api.chakrahq.com/v1/health", status=402, payload={"_data": [], "_errors": ["Upgrade"]}
    )
    async with Client(TOKEN) as chakra:
        with pytest.raises(PaymentRequiredError, match="Upgrade"):
            await chakra.health()


# Anything that is not modelled


async def test_a_request_returns_status_headers_data_and_meta():
    async with RawServer(wrapped([1], {"hasMore": False})) as server, quick_client(server) as chakra:
        reply = await chakra.request("GET", "/v1/ext/users")
    assert (reply.status, reply.data, reply.meta, reply.attempts) == (200, [1], {"hasMore": False}, 1)
    assert reply.headers["Content-TYPE"] == "application/json"


@pytest.mark.fault("C8")
async def test_a_reply_travels_whole():
    async with RawServer(answer(body=b"{}", X_Request_Id="r-1")) as server, quick_client(server) as chakra:
        reply = await chakra.request("GET", "/v1/x")
    assert isinstance(reply, Reply)
    assert pickle.loads(pickle.dumps(reply)) == copy.deepcopy(reply) == reply
    assert pickle.loads(pickle.dumps(reply)).request_id == "r-1"


async def test_raw_bodies_come_as_they_are():
    raw = b'{"data":[{"id":"1"}],"paging":{"cursors":{"after":"x"}}}'
    async with RawServer(answer(body=raw)) as server, quick_client(server) as chakra:
        reply = await chakra.request("GET", "/v1/ext/plugin/whatsapp/api/v19.0/1/message_templates")
    assert reply.data == {"data": [{"id": "1"}], "paging": {"cursors": {"after": "x"}}}
    assert reply.meta == {}


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({}, b""),
        ({"json": {"a": [1, None]}}, b'{"a":[1,null]}'),
        ({"json": []}, b"[]"),
        ({"json": 0}, b"0"),
        ({"data": b'{"a": 1}'}, b'{"a": 1}'),
        ({"data": b""}, b""),
    ],
)
async def test_a_body_is_sent_as_given(options, body):
    async with RawServer(wrapped({})) as server, quick_client(server) as chakra:
        await chakra.request("post", "/v1/x", **options)
    assert server.requests[0].line == "POST /v1/x HTTP/1.1"
    assert server.requests[0].body == body


async def test_what_cannot_be_sent_is_refused_before_anything_is():
    async with RawServer(wrapped({})) as server, quick_client(server) as chakra:
        for wrong in (
            chakra.request("TRACE", "/v1/x"),
            chakra.request("GET\r\nX: y", "/v1/x"),
            chakra.request("GET", "http://elsewhere.test/x"),
            chakra.request("GET", "//elsewhere.test/x"),
            chakra.request("GET", "/v1/../admin"),
            chakra.request("POST", "/v1/x", json={}, data=b"{}"),
            chakra.request("POST", "/v1/x", json=float("nan")),
            chakra.request("POST", "/v1/x", json={"a": {1}}),
        ):
            with pytest.raises(ValueError):
                await wrong
        for wrong in (
            chakra.request("POST", "/v1/x", data="{}"),
            chakra.request("GET", "/v1/x", query={"a": None}),
            chakra.request("GET", "/v1/x", query={"a": ["b"]}),
        ):
            with pytest.raises(TypeError, match=r"data must be JSON encoded|query parameter a must be"):
                await wrong
    assert server.connections == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_repeatable_methods_are_repeated(method):
    async with RawServer(RST, answer()) as server, quick_client(server) as chakra:
        assert (await chakra.request(method, "/v1/x")).attempts == 2
    assert len(server.requests) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_other_methods_are_sent_once(method):
    async with RawServer(RST, wrapped({})) as server, quick_client(server) as chakra:
        with pytest.raises(AmbiguousResultError):
            await chakra.request(method, "/v1/x", json={})
    assert len(server.requests) == 1


async def test_an_unknown_route_is_not_found(client):
    with pytest.raises(NotFoundError) as caught:
        await client.request("GET", "/v1/ext/nothing")
    assert caught.value.body == "Not Found"


async def test_many_calls_at_once_all_get_their_own_answer(client, emulator):
    made = await asyncio.gather(
        *(client.processes.create("ticket", data={"ticket_id": f"T{n}"}) for n in range(150))
    )
    found = await asyncio.gather(*(client.processes.get("ticket", one.id) for one in made))
    assert [one.data["ticket_id"] for one in found] == [f"T{n}" for n in range(150)]
    assert emulator.request_count == 300


async def test_a_refused_token_is_told_apart_from_a_role_that_may_not(emulator):
    from chakra_async import AuthenticationError, PermissionDeniedError

    async with Client("wr0ng", base_url=emulator.url) as chakra:
        with pytest.raises(AuthenticationError, match="CHAKRA_ACCESS_TOKEN"):
            await chakra.processes.get("lead", "1")
    async with Client(emulator.add_token("read-only"), base_url=emulator.url) as chakra:
        with pytest.raises(PermissionDeniedError, match="role"):
            await chakra.processes.create("lead", data={"name": "A"})


async def test_errors_name_the_call(client):
    with pytest.raises(NotFoundError) as caught:
        await client.processes.get("lead", "none")
    error = caught.value
    assert (error.method, error.path) == ("GET", "/v1/ext/procedure/lead/process/none")
    assert (error.attempts, error.retry_safe, error.status) == (1, True, 404)
    assert error.request_id
    assert "[GET /v1/ext/procedure/lead/process/none, 1 attempt]" in str(error)


async def test_a_limit_is_an_error_with_its_wait_once_attempts_run_out():
    from chakra_async import RateLimitError

    once = RetryPolicy(attempts=1)
    async with (
        RawServer(refused(429, "slow", Retry_After="2")) as server,
        quick_client(server, retry=once) as chakra,
    ):
        with pytest.raises(RateLimitError) as caught:
            await chakra.health()
    assert caught.value.retry_after == 2
