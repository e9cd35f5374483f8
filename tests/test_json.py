"""Reading JSON that others wrote."""

import json

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chakra_async._json import read_json


WITH_HALVES = st.text(
    st.sampled_from('ab\\u"\n\ud83d\ude00\udbff\U0001f600d8') | st.characters(), max_size=12
)


def whole(text):
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


@given(text=WITH_HALVES)
@example("cut \ud83d")
@example("\ude00\ud83d")
@example("\ud83d\ud83d\ude00")
@example("\\ud83d\ud83d")
@example("\\\\ud83d \\")
def test_half_a_surrogate_pair_is_replaced_and_nothing_else(text):
    written = json.dumps({text: [text]})
    for body in (written, written.upper().replace("\\U", "\\u")):
        try:
            [(key, value)] = json.loads(body).items()
        except json.JSONDecodeError:  # \\N and the like, of which capitals are no escapes
            continue
        assert read_json(body.encode()) == {whole(key): [whole(value[0])]}


@pytest.mark.parametrize(
    "body", [b"", rb'"\ud83d', rb'"\ud83g"', rb'"\ud8"', rb'"\\\ud83x"', rb"\ud83d", b'"\xed\xa0\xbd"']
)
def test_what_is_no_json_is_none_all_the_same(body):
    with pytest.raises(orjson.JSONDecodeError):
        read_json(body)


def test_a_byte_order_mark_is_tolerated():
    assert read_json(b'\xef\xbb\xbf"\\ud83d"') == "\ufffd"
