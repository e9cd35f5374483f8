"""What the config tells of a row is held against it; what it does not tell is not judged."""

import pytest

from chakra_async import TeamConfig
from chakra_async.bulk.checks import Checks
from chakra_async.bulk.duplicates import Duplicates


TYPES = {f"t-{name}": {"shortId": name} for name in ("integer", "decimal", "boolean", "string", "date")}
CONFIG = {
    "procedures": {
        "p-lead": {
            "shortId": "lead",
            "states": [{"id": "s-1", "shortId": "NEW"}, {"id": "s-2", "shortId": "WON"}],
        },
        "p-other": {"shortId": "other"},
    },
    "attribute_types": TYPES,
    "attributes": {
        "a-1": {"shortId": "phone", "procedure": "p-lead", "attributeType": "t-string"},
        "a-2": {"shortId": "score", "procedure": "p-lead", "attributeType": "t-integer"},
        "a-3": {"shortId": "price", "procedure": "p-lead", "attributeType": "decimal"},
        "a-4": {"shortId": "hot", "procedure": "p-lead", "attributeType": "t-boolean"},
        "a-5": {"shortId": "tags", "procedure": "p-lead", "type": "multiStringEnum"},
        "a-6": {"shortId": "born", "procedure": "p-lead", "attributeType": "t-date"},
        "a-7": {"shortId": "blob", "procedure": "p-lead"},
        "a-8": {"shortId": "mine", "procedure": "p-other", "attributeType": "t-string"},
        "a-9": {"shortId": "shared", "attributeType": "t-string"},
    },
    "derived_attributes": {"d-1": {"shortId": "age", "procedure": "p-lead"}},
}


def problems(fields, key="phone", procedure="lead", **config):
    return Checks(TeamConfig(**{**CONFIG, **config}), procedure).problems(key, fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "NEW"},
        {"state": "s-2"},
        {"status": "OPEN"},
        {"data": {"phone": "1", "score": 5, "price": 5, "hot": True, "tags": ["a"], "shared": "x", "age": 3}},
        {"data": {"score": 5.0, "price": 5.5, "hot": None, "a-2": 5}},
        {"data": {"born": 7, "blob": [{}]}},
    ],
)
def test_what_fits(fields):
    assert problems(fields) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"state": "WONN"}, "knows no state 'WONN' of 'lead' (did you mean 'WON'?)"),
        ({"state": "LOST"}, "the team's config knows no state 'LOST' of 'lead'"),
        ({"status": "DONE"}, "status must be one of OPEN, COMPLETED, CANCELLED, not 'DONE'"),
        ({"data": {"scor": 1}}, "knows no attribute 'scor' of 'lead' (did you mean 'score'?)"),
        ({"data": {"mine": "x"}}, "knows no attribute 'mine' of 'lead'"),
        ({"data": {"score": 5.5}}, "attribute 'score' takes a whole number (integer), not 5.5"),
        ({"data": {"score": True}}, "attribute 'score' takes a whole number (integer), not true"),
        ({"data": {"price": "5"}}, "'price' takes a number (decimal), not \"5\"; in a file"),
        ({"data": {"hot": 1}}, "attribute 'hot' takes true or false (boolean), not 1"),
        ({"data": {"phone": 1}}, "attribute 'phone' takes text (string), not 1"),
        ({"data": {"tags": "a"}}, "'tags' takes a list (multiStringEnum), not \"a\"; in a"),
    ],
)
def test_what_does_not(fields, said):
    [problem] = problems(fields)
    assert said in problem


def test_all_that_is_wrong_is_said():
    found = problems({"data": {"x": 1, "score": "y"}, "state": "z", "status": "w"}, key="fone")
    assert [said for said in found if "knows no" in said and "attribute" in said] == found[:2]
    assert len(found) == 5


@pytest.mark.parametrize(
    ("config", "procedure"),
    [
        ({"procedures": None, "attributes": None}, "lead"),
        ({"attributes": {"a-1": {"shortId": "phone", "procedure": "p-lead", "isPrimaryKey": True}}}, "other"),
        ({"attributes": {"a-8": {"shortId": "mine", "procedure": "p-lead"}}}, "other"),
    ],
)
def test_what_is_not_told_is_not_judged(config, procedure):
    fields = {"state": "ANY", "data": {"any": 1, "score": "x"}}
    assert problems(fields, None, procedure, **config) == []


def test_a_procedure_that_is_none_is_said_once_and_nothing_else():
    assert problems({"state": "?"}, procedure="leed") == [
        "the team's config knows no procedure 'leed' (did you mean 'lead'?)"
    ]
    assert problems({"state": "NEW"}, procedure="p-lead") == []


def test_the_place_of_the_first_row_of_a_process_is_found_again():
    known = Duplicates()
    assert all(known.first(("tail", f"N{n}"), n) is None for n in range(20_000))
    assert all(known.first(("tail", f"N{n}"), 7) == n for n in range(20_000))
    assert known.first(("id", "N5"), 1) is None
    assert 16 * len(known._hashes) <= 48 * 20_001
