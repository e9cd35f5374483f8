"""From status, headers and bytes to data and meta, or to the right error."""

import contextlib

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from chakra_async import (
    AccessToken,
    ApiError,
    AuthenticationError,
    BadRequestError,
    ChakraError,
    ConflictError,
    DecodeError,
    Job,
    NotFoundError,
    PayloadTooLargeError,
    PaymentRequiredError,
    PermissionDeniedError,
    Process,
    RateLimitError,
    ServerError,
)
from chakra_async._codec import decode, decode_job, decode_list
from chakra_async._envelope import unwrap
from tests.test_codec import JSON


TOKEN = "s3cr3t-t0ken"
UPGRADE = (
    "Template Message sending is disabled. You need to upgrade to a paid plan. Upgrade link - https://x.test"
)
SCHEMA = "Your request has violated JSON schema constraint 'required' at 'body': messaging_product"


def opened(status=200, body=b"", *, repeatable=True, **headers):
    if not isinstance(body, bytes):
        body = orjson.dumps(body)
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return unwrap(
        status, named, body, method="POST", path="/p", repeatable=repeatable, scrub=AccessToken(TOKEN).scrub
    )


def failure(status, body=b"", **options):
    with pytest.raises(ApiError) as caught:
        opened(status, body, **options)
    assert caught.value.status == status
    return caught.value


def errors(*texts):
    return {"_data": [], "_errors": texts}


# What goes well


@pytest.mark.parametrize(
    ("body", "data", "meta"),
    [
        ({"_data": {"id": "1"}}, {"id": "1"}, {}),
        ({"_data": [], "_meta": {"hasMore": False}, "_errors": []}, [], {"hasMore": False}),
        ({"_data": None}, None, {}),
        ({"_data": 1, "_meta": None, "_errors": None}, 1, {}),
        ({"_data": 1, "_meta": []}, 1, {}),
        ({"data": [{"id": "1"}], "paging": {}}, {"data": [{"id": "1"}], "paging": {}}, {}),
        ({"url": "https://x.test", "error": "none"}, {"url": "https://x.test", "error": "none"}, {}),
        ([1], [1], {}),
        ("text", "text", {}),
        (None, None, {}),
    ],
)
def test_wrapped_and_raw_bodies_are_told_apart(body, data, meta):
    reply = opened(200, body)
    assert (reply.data, reply.meta) == (data, meta)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_empty_body_is_no_data(status):
    assert opened(status).data is None


@pytest.mark.parametrize(
    "read", [lambda r: decode(r, Process), lambda r: decode_list(r, Process), decode_job]
)
def test_an_empty_body_where_something_is_due_is_a_decode_error(read):
    with pytest.raises(DecodeError, match="nothing came"):
        read(opened(204))


def test_a_byte_order_mark_is_tolerated():
    assert opened(200, b'\xef\xbb\xbf{"_data":1}').data == 1


def test_the_request_id_is_kept():
    assert opened(200, {"_data": 1}, X_Request_Id="r-1").request_id == "r-1"


# What the service says no to


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (402, PaymentRequiredError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (413, PayloadTooLargeError),
        (418, BadRequestError),
        (422, BadRequestError),
        (429, RateLimitError),
        (500, ServerError),
        (502, ServerError),
        (503, ServerError),
        (504, ServerError),
        (599, ServerError),
    ],
)
def test_each_status_has_its_class(status, cls):
    error = failure(status, errors("no"), X_Request_Id="r-1")
    assert type(error) is cls
    assert (error.errors, error.request_id, error.method, error.path) == (("no",), "r-1", "POST", "/p")
    assert f"The service answered {status}: no." in str(error)


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (400, "(#131009) Parameter value is not valid", 131009),
        (400, SCHEMA, None),
        (402, UPGRADE, None),
        (400, "WhatsApp plugin with id 7 not found", None),
    ],
)
def test_recorded_bodies_are_read_in_full(status, text, code):
    error = failure(status, errors(text))
    assert error.errors == (text,)
    assert error.whatsapp_code == code
    assert text in str(error)


def test_an_unknown_route_answers_in_plain_text():
    error = failure(404, b"Not Found", Content_Type="text/plain")
    assert (type(error), error.errors, error.body) == (NotFoundError, (), "Not Found")
    assert "Not Found" in str(error)


def test_html_of_a_gateway_is_excerpted():
    page = b"<html>" + b"x" * 5000
    error = failure(502, page, Content_Type="text/html")
    assert type(error) is ServerError
    assert error.body == page[:1000].decode()
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", "Über".encode("latin-1"), b"null", b"[]", b"7", b'"no"']
)
@pytest.mark.parametrize("status", [400, 500])
def test_an_error_needs_no_sound_body(status, body):
    assert failure(status, body).errors == ()


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no", "code": 7}},
        {"error": "no"},
        {"message": "no"},
        {"errors": ["no"]},
        {"errors": [{"message": "no"}]},
        {"_errors": "no"},
        {"_errors": [{"message": "no"}]},
    ],
)
def test_other_shapes_of_errors_are_read_too(body):
    assert failure(400, body).errors == ("no",)


def test_an_error_object_without_a_message_is_shown_as_json():
    assert failure(400, {"_errors": [{"code": 7}, 8, None]}).errors == ('{"code":7}', "8", "null")


@pytest.mark.parametrize("name", ["_errors", "errors"])
def test_of_a_flood_of_errors_the_first_are_kept(name):
    error = failure(400, {name: ["no"] * 1_000_000})
    assert error.errors == (*["no"] * 100, "… and 999,900 more")


def test_of_a_flood_of_long_errors_fewer_are_kept():
    with pytest.raises(BadRequestError) as caught:
        opened(200, {"_data": [], "_errors": ["%41" * 10_000] * 200})
    assert 1 < len(caught.value.errors) < 20
    assert sum(map(len, caught.value.errors)) < 200_000
    assert caught.value.errors[-1].endswith(" more")


@pytest.mark.parametrize("data", [[], {"id": "1"}, None])
def test_errors_inside_a_success_are_raised(data):
    with pytest.raises(BadRequestError, match="answered 200 but reported errors: no") as caught:
        opened(200, {"_data": data, "_errors": ["no"]}, repeatable=False)
    assert caught.value.status == 200
    assert caught.value.retry_safe is False


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_that_names_its_target(status):
    error = failure(status, Location="https://elsewhere.test/x")
    assert type(error) is ApiError
    assert "https://elsewhere.test/x" in str(error)
    assert "never followed" in str(error)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"_data":', "not JSON"),
        (b"<html>", "not JSON"),
        ('{"a":"ü"}'.encode("latin-1"), "not JSON"),
        (b'{"a":"\xf0\x9f', "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b'{"_data":NaN}', "not JSON"),
        ('{"_data":1}'.encode("utf-16"), "not JSON"),
        (b" ", "not JSON"),
    ],
)
def test_a_success_that_is_not_json_is_a_decode_error(body, what):
    with pytest.raises(DecodeError, match=what) as caught:
        opened(200, body, X_Request_Id="r-1", Content_Type="text/html")
    assert (caught.value.status, caught.value.request_id) == (200, "r-1")
    assert "text/html" in str(caught.value)
    assert len(caught.value.body) <= 1000


def test_whether_it_is_safe_to_try_again_follows_from_call_and_status():
    assert failure(400, repeatable=False).retry_safe is True
    assert failure(429, repeatable=False).retry_safe is True
    for status in 408, 425:
        assert failure(status, repeatable=False).retry_safe is False
        assert failure(status, repeatable=True).retry_safe is True
    assert failure(500, repeatable=False).retry_safe is False
    assert failure(500, repeatable=True).retry_safe is True
    assert failure(307, repeatable=False).retry_safe is False


def test_a_wait_in_a_long_body_is_found():
    body = {"_data": [], "_errors": ["x" * 3000], "retry_after_ms": 1500}
    assert failure(429, body).retry_after == 1.5


# What nobody shall read


@pytest.mark.fault("S5")
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, errors(f"Bearer {TOKEN} is unknown")),
        (400, {"_errors": [{"message": f"bad {TOKEN}"}, {"code": TOKEN}]}),
        (500, f"<pre>Authorization: Bearer {TOKEN}</pre>".encode()),
        (500, b"x" * 995 + TOKEN.encode()),
        (500, b"x" * 195 + TOKEN.encode()),
        (200, b"<pre>" + TOKEN.encode()),
        (200, errors(TOKEN)),
        (307, b""),
    ],
)
def test_an_echoed_token_is_blotted_out(status, body):
    with pytest.raises(ChakraError) as caught:
        opened(status, body, Location=f"https://x.test/?t={TOKEN}", Content_Type=TOKEN, X_Request_Id=TOKEN)
    assert TOKEN not in f"{caught.value} {vars(caught.value)}"
    assert TOKEN[:6] not in f"{caught.value} {vars(caught.value)}"


def attempt(status, body, headers):
    try:
        reply = unwrap(
            status,
            CIMultiDict(headers),
            body,
            method="GET",
            path="/p",
            repeatable=True,
            scrub=AccessToken(TOKEN).scrub,
        )
    except ChakraError:
        return
    assert 200 <= status < 300
    for read in (
        lambda: decode(reply, Process),
        lambda: decode(reply, Job),
        lambda: decode_list(reply, Job),
        lambda: decode_job(reply),
    ):
        with contextlib.suppress(DecodeError):
            read()


STATUS = st.integers(100, 599)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "location", "content-type", "x-request-id"]), st.text()
)


@given(STATUS, st.binary(), HEADERS)
@example(200, b"\xef\xbb\xbf", {})
def test_any_bytes_are_an_answer_or_an_error_of_ours(status, body, headers):
    attempt(status, body, headers)


@given(
    STATUS,
    JSON
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["_data", "_meta", "_errors", "error", "message", "retry_after"], JSON)
    ),
    HEADERS,
)
def test_any_json_is_an_answer_or_an_error_of_ours(status, value, headers):
    attempt(status, orjson.dumps(value), headers)
