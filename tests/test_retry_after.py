"""How long the service asks to wait, in every form it may say so."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chakra_async._retry_after import retry_after


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def asked(header=None, body=""):
    return retry_after({} if header is None else {"retry-after": header}, body, NOW)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2),
        (" 2 ", 2),
        ("0", 0),
        ("1.5", 1.5),
        ("1e9", 1e9),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("9" * 400, None),
        ("soon", None),
        ("", None),
        ("2, 3", None),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30),
        ("Fri, 02 Jan 2026 08:34:35 +0530", 30),
        ("Friday, 02-Jan-26 03:04:35 GMT", 30),
        ("Fri, 02 Jan 2026 03:04:00 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Fri, 99 Jan 2026 03:04:35 GMT", None),
        ("Fri, 02 Jan 2026 03:04:35 +99999999999", None),
        (f"Fri, 02 Jan {'9' * 20} 03:04:35 GMT", None),
        (f"Fri, {'9' * 20} Jan 2026 03:04:35 GMT", None),
        (f"Fri, 02 Jan 2026 3.{'9' * 20}.4 GMT", None),
        (f"Fri, 02 Jan 2026 03:04:35 +{'9' * 20}", None),
    ],
)
def test_the_header_is_read_as_seconds_or_as_a_date(header, seconds):
    assert asked(header) == seconds


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"retry_after_ms": 1500}, 1.5),
        ({"retryAfterMs": 250}, 0.25),
        ({"retry_after": 3}, 3),
        ({"retryAfter": 0.5}, 0.5),
        ({"message": "Slow down, retry after 700 ms"}, 0.7),
        ({"_errors": ["Retry after 1200ms please"]}, 1.2),
        ({"retry_after": "3"}, 3),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "soon", "retryAfter": 2}, 2),
        ({"retry_after": [3]}, None),
        ({"retry_after": True}, None),
        ({"retry_after": -3}, None),
        ({"retry_after": 1e300}, 1e300),
        ([], None),
        ("text", None),
    ],
)
def test_the_body_is_read_when_the_header_says_nothing(body, seconds):
    assert asked(body=orjson.dumps(body).decode()) == seconds


def test_the_header_wins_over_the_body():
    assert asked("2", '{"retry_after": 9}') == 2


@pytest.mark.parametrize("header", ["soon", "-1", "nan", "9" * 400])
def test_a_garbled_header_leaves_the_word_to_the_body(header):
    assert asked(header, '{"retry_after": 9}') == 9


@given(header=st.text() | st.binary().map(lambda b: b.decode("latin-1")), body=st.text())
@example("0 0 0 0 0", "")
@example(" 0", "")
@example("Fri, 02 Jan 2026 03:04:35 +9999", "")
def test_garbage_is_none_or_a_finite_wait(header, body):
    wait = asked(header, body)
    assert wait is None or 0 <= wait < float("inf")


@given(
    st.from_regex(
        r"(Mon, )?\d{1,30} (Jan|Foo) \d{1,30} \d{1,3}:\d{1,3}(:\d{1,3})?( [+-]\d{1,30}| GMT| \w{1,5})?",
        fullmatch=True,
    )
)
def test_almost_dates_are_none_or_a_finite_wait(header):
    wait = asked(header)
    assert wait is None or 0 <= wait < float("inf")


@given(st.integers(0, 10**6))
def test_a_date_is_as_far_away_as_it_says(seconds):
    assert asked(format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)) == seconds
