"""An id becomes one encoded segment of the path, or is refused."""

from enum import Enum
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async._paths import absolute, segment
from tests.raw import RawServer, quick_client, wrapped


ONE = "/v1/ext/procedure/lead/process/"


@pytest.mark.fault("S1")
@given(st.text())
def test_any_text_is_one_segment_or_refused(value):
    try:
        encoded = segment(value, "id")
    except ValueError:
        return
    assert unquote(encoded, errors="strict") == value
    assert encoded.isascii()
    assert encoded not in {"", ".", ".."}
    assert not set(encoded) & set("/?#\\ \r\n")


@given(st.integers())
def test_whole_numbers_are_written_plainly(value):
    assert segment(value, "id") == str(value)


@pytest.mark.parametrize(
    "value", ["", " ", "\t", ".", "..", "a\r\nb", "a\x00", "\x7f", "\x85", "\ud800", "\u2003"]
)
def test_values_that_would_name_another_path_are_refused(value):
    with pytest.raises(ValueError, match="process_id"):
        segment(value, "process_id")


@pytest.mark.parametrize("value", [None, True, 1.5, b"x", ["x"], object()])
def test_values_of_other_types_are_refused(value):
    with pytest.raises(TypeError, match="process_id must be text"):
        segment(value, "process_id")


@pytest.mark.fault("S1")
@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("a/b", "a%2Fb"),
        ("../admin", "..%2Fadmin"),
        ("%2e%2e", "%252e%252e"),
        ("%2F", "%252F"),
        ("//h/x", "%2F%2Fh%2Fx"),
        ("http://h/x", "http%3A%2F%2Fh%2Fx"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("a b+c", "a%20b%2Bc"),
        ("a\\..\\b", "a%5C..%5Cb"),
        ("😀", "%F0%9F%98%80"),
        ("...", "..."),
        (";jsessionid=1", "%3Bjsessionid%3D1"),
    ],
)
async def test_the_request_line_holds_one_segment(value, sent):
    async with RawServer(wrapped({"id": "1"})) as server, quick_client(server) as chakra:
        await chakra.processes.get("lead", value)
        await chakra.processes.update_by_key("lead", "phone_number", value, state="WON")
    assert [request.target for request in server.requests] == [ONE + sent, f"{ONE}phone_number/{sent}"]


@pytest.mark.fault("S1")
@pytest.mark.parametrize("value", ["", ".", "..", "\r\nHost: evil", "a\x00"])
async def test_nothing_is_sent_for_a_refused_value(value):
    async with RawServer(wrapped({"id": "1"})) as server, quick_client(server) as chakra:
        for call in (
            chakra.processes.get("lead", value),
            chakra.processes.get(value, "1"),
            chakra.processes.delete_by_key("lead", "lead_id", value),
            chakra.processes.update_by_key("lead", value, "1", state="WON"),
            chakra.jobs.get(value),
        ):
            with pytest.raises(ValueError):
                await call
    assert server.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "v1",
        "//h/x",
        "http://h/x",
        "/v1/../admin",
        "/v1/%2e%2e/admin",
        "/v1/%2E./admin",
        "/./v1",
        "/v1?x=1",
        "/v1#x",
        "/v 1",
        "/v1\r\nX: y",
        "/\\h",
        "/ü",
        "/v1/..",
    ],
)
def test_a_written_path_that_leads_elsewhere_is_refused(path):
    with pytest.raises(ValueError, match="path must"):
        absolute(path)


@pytest.mark.parametrize("path", ["/", "/v1/ext/config", "/v1/a%2Fb/", "/v1/..%2Fadmin", "/plugin/7;x"])
def test_a_written_path_is_left_as_it_is(path):
    assert absolute(path) == path


@pytest.mark.fault("S1")
@given(st.text())
def test_any_written_path_is_kept_or_refused(path):
    try:
        kept = absolute(path)
    except ValueError:
        return
    assert kept == path
    assert ".." not in kept.split("/")


class Word(str, Enum):  # noqa: UP042 - as many write it, and str() of a StrEnum's member is its value
    PROCEDURE = "lead"
    MOVED = "a/b"
    NUMBER = "123"
    VERSION = "v20.0"


class Number(int, Enum):
    FIVE = 5


async def test_of_a_member_of_an_enumeration_its_value_is_sent():
    async with RawServer(wrapped({"id": "1"})) as server, quick_client(server) as chakra:
        await chakra.processes.get(Word.PROCEDURE, Word.MOVED)
        await chakra.processes.update_by_key("lead", "phone_number", Number.FIVE, state="WON")
        await chakra.whatsapp.templates.update(Word.NUMBER, category="UTILITY", api_version=Word.VERSION)
        await chakra.request("GET", "/v1/x", query={Word.PROCEDURE: Word.MOVED, "n": Number.FIVE, "b": True})
    assert [request.target for request in server.requests] == [
        f"{ONE}a%2Fb",
        f"{ONE}phone_number/5",
        "/v1/ext/plugin/whatsapp/api/v20.0/123",
        "/v1/x?lead=a%2Fb&n=5&b=True",
    ]


async def test_a_written_path_arrives_as_written():
    async with RawServer(wrapped([])) as server, quick_client(server) as chakra:
        await chakra.request("get", "/v1/ext/a%2Fb/%E2%82%AC", query={"q": "a b&c=ü/", "n": 7})
    assert server.requests[0].line == "GET /v1/ext/a%2Fb/%E2%82%AC?q=a+b%26c%3D%C3%BC%2F&n=7 HTTP/1.1"
