"""Phone numbers become digits where that needs no guessing, and are refused where it would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async._phones import phone_digits


@pytest.mark.parametrize(
    "text",
    [
        "917701214822",
        "+917701214822",
        "00917701214822",
        "+91 77012 14822",
        "+91-77012-14822",
        "+91 (77012) 14822",
        "(+91) 77012.14822",
        "91\u00a077012\u201114822",
        "\u202a+91 77012 14822\u202c",
        "  +91/77012/14822\n",
        "९१७७०१२१४८२२",
        917701214822,
    ],
)
def test_what_can_be_read_is(text):
    assert phone_digits(text, "phone_number") == "917701214822"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "7 to 15 digits"),
        ("+", "7 to 15 digits"),
        ("123456", "7 to 15 digits"),
        ("1234567890123456", "7 to 15 digits"),
        ("07701214822", "with its country code"),
        ("+07701214822", "with its country code"),
        ("+0044201234567", "with its country code"),
        ("000917701214822", "with its country code"),
        ("+44 (0)20 7946 0000", r"leave out the \(0\)"),
        ("1-800-FLOWERS", "'F' is no part"),
        ("917701214822 ext 4", "'e' is no part"),
        ("tel:+917701214822", "'t' is no part"),
        ("917701214822@g.us", "'@' is no part"),
        ("91+7701214822", "'\\+' is no part"),
        ("++917701214822", "'\\+' is no part"),
        ("91770121482²", "'²' is no part"),
        ("917701214822,918801214822", "',' is no part"),
        ("9177012\n14822", "is no part"),
        (-917701214822, "not negative"),
        (12, "7 to 15 digits"),
    ],
)
def test_what_would_need_guessing_is_refused_with_advice(text, reason):
    with pytest.raises(ValueError, match=f"phone_number is .*({reason})"):
        phone_digits(text, "phone_number")


@pytest.mark.parametrize("value", [None, True, 917701214822.0, b"917701214822", ["917701214822"]])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(TypeError, match="to must be text"):
        phone_digits(value, "to")


@given(st.text(max_size=30))
def test_digits_or_an_error_come_of_anything(text):
    try:
        digits = phone_digits(text, "phone")
    except ValueError:
        return
    assert digits.isascii()
    assert digits.isdigit()
    assert 7 <= len(digits) <= 15
    assert phone_digits(digits, "phone") == digits


@given(
    st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True),
    st.lists(st.tuples(st.integers(0, 15), st.sampled_from(" -.()/\u00a0\u2013\u200e")), max_size=6),
    st.sampled_from(["", "+", "00", "+ ", " 00"]),
)
def test_no_dress_changes_a_number(digits, separators, prefix):
    dressed = digits
    for place, separator in separators:
        dressed = dressed[:place] + separator + dressed[place:]
    if "(0)" not in dressed:
        assert phone_digits(prefix + dressed, "phone") == digits
