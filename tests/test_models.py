"""Every model, whatever its area: no optional field can make reading an answer fail, and nothing is lost."""

import copy
import importlib
import math
import pickle
import pkgutil

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chakra_async
from chakra_async import DecodeError, Reply, models
from chakra_async._codec import decode
from chakra_async._reading import camel


AREAS = [
    importlib.import_module(f"chakra_async.models.{area.name}")
    for area in pkgutil.iter_modules(models.__path__)
]
MODELS = sorted(
    {
        cls
        for area in AREAS
        for cls in vars(area).values()
        if isinstance(cls, type) and attrs.has(cls) and "extra" in attrs.fields_dict(cls)
    },
    key=lambda cls: cls.__name__,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def wire_names(cls):
    snake = getattr(cls, "_wire_case", "camel") == "snake"
    return {
        (one.name if snake else camel(one.name)): one
        for one in attrs.fields(cls)
        if one.metadata.get("wire", True) and one.name != "extra"
    }


def required(cls):
    return {name: "text" for name, one in wire_names(cls).items() if one.default is attrs.NOTHING}


def reply(data):
    return Reply(200, {}, data, {}, "GET", "/p", repeatable=True)


@pytest.mark.fault("P5", "P6")
@pytest.mark.parametrize("cls", MODELS)
@settings(max_examples=30)
@given(data=st.data())
def test_no_optional_field_makes_reading_fail(cls, data):
    optional = wire_names(cls).keys() - required(cls).keys()
    fields = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(optional), JSON)))
    unknown = data.draw(st.dictionaries(st.text(max_size=8), JSON, max_size=3))
    source = {**unknown, **fields, **required(cls)}
    before = copy.deepcopy(source)
    read = decode(reply(source), cls)
    assert isinstance(read, cls)
    assert source == before
    assert read.extra.keys() <= source.keys()
    # What is no field of ours is kept, and of our fields what could not be read.
    for name, value in source.items():
        if name not in wire_names(cls):
            assert read.extra[name] == value
        elif name in read.extra:
            assert value is not None
    assert pickle.loads(pickle.dumps(read)) == read or any(map(_is_nan, source.values()))
    assert repr(read).startswith(cls.__name__)


def _is_nan(value):
    return isinstance(value, float) and math.isnan(value)


@pytest.mark.parametrize("cls", MODELS)
def test_a_model_reads_what_is_always_there_and_nothing_more(cls):
    read = decode(reply(required(cls)), cls)
    assert read.extra == {}
    assert read == decode(reply({**dict.fromkeys(wire_names(cls)), **required(cls)}), cls)


@pytest.mark.parametrize("cls", [cls for cls in MODELS if required(cls)])
@pytest.mark.parametrize("wire", ["missing", None, [], {}, True])
def test_what_is_always_there_must_be_there(cls, wire):
    for name in required(cls):
        source = {**required(cls), name: wire}
        if wire == "missing":
            del source[name]
        with pytest.raises(DecodeError, match=f"{cls.__name__}"):
            decode(reply(source), cls)


@pytest.mark.parametrize("cls", MODELS)
@pytest.mark.parametrize("data", [None, [], "text", 7, [{}]])
def test_what_is_no_object_is_refused(cls, data):
    with pytest.raises(DecodeError):
        decode(reply(data), cls)


@pytest.mark.parametrize("cls", MODELS)
def test_models_are_light_and_told_by_keywords(cls):
    assert not hasattr(decode(reply(required(cls)), cls), "__dict__")
    assert all(one.kw_only or not one.init for one in attrs.fields(cls))
    assert chakra_async.__all__.count(cls.__name__) == 1
    assert cls.__doc__
    assert getattr(models, cls.__name__) is cls


def test_the_areas_list_their_names_and_no_others():
    assert dir(models) == sorted(models.__all__)
    assert set(models.__all__) <= set(chakra_async.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Client'"):
        models.Client  # noqa: B018
