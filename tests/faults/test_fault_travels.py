"""C8: everything that callers get hold of travels whole: to other processes, and as a copy."""

import copy
import pickle

import attrs
import pytest

import chakra_async
from chakra_async import webhooks
from chakra_async.bulk import sources
from tests.test_errors import TRAVELS, make, whole_tree


PUBLIC = {getattr(home, name) for home in (chakra_async, sources, webhooks) for name in home.__all__}
VALUES = sorted(
    (found for found in PUBLIC if isinstance(found, type) and attrs.has(found)), key=lambda cls: cls.__name__
)


def filled(cls):
    """An instance whose every field holds something of its own that can be changed in place."""
    made = cls.__new__(cls)
    for one in attrs.fields(cls):
        object.__setattr__(made, one.name, [{one.name: ["value", 1, None]}])
    return made


@pytest.mark.parametrize("cls", VALUES)
def test_C8_every_value_travels_whole(cls):
    value = filled(cls)
    names = [one.name for one in attrs.fields(cls)]
    for travel in TRAVELS.values():
        there = travel(value)
        assert type(there) is cls
        assert there is not value
        assert [getattr(there, name) for name in names] == [getattr(value, name) for name in names]


@pytest.mark.parametrize("cls", VALUES)
def test_C8_a_deep_copy_shares_nothing(cls):
    value = filled(cls)
    there = copy.deepcopy(value)
    for one in attrs.fields(cls):
        getattr(there, one.name)[0].clear()
        assert getattr(value, one.name) == [{one.name: ["value", 1, None]}]


@pytest.mark.parametrize("cls", whole_tree())
def test_C8_an_error_travels_with_its_request_id_and_its_notes(cls):
    error = make(cls)
    error.add_note("row 7")
    there = pickle.loads(pickle.dumps(error))
    assert getattr(there, "request_id", None) == getattr(error, "request_id", None)
    assert there.__notes__ == ["row 7"]
