"""The team's config: what is sent, and lookups between uuids and short ids, whatever form it comes in."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import Reply, TeamConfig
from chakra_async._codec import decode


WIRE = {
    "team": {"id": "team-1", "name": "PaisaPay"},
    "entities": {"e-lead": {"id": "e-lead", "shortId": "lead"}},
    "procedures": {
        "p-lead": {
            "id": "p-lead",
            "shortId": "lead",
            "name": "Lead",
            "entity": "e-lead",
            "states": [{"id": "s-1", "shortId": "NEW"}, {"id": "s-2", "shortId": "WON", "name": "Won"}],
        },
        "p-ticket": {
            "id": "p-ticket",
            "shortId": "ticket",
            "states": {"s-3": {"shortId": "NEW"}},
        },
    },
    "attributes": {
        "a-1": {"shortId": "city", "procedure": "p-lead"},
        "a-2": {"shortId": "name", "entity": "e-lead"},
        "a-3": {"shortId": "name", "procedure": "p-ticket"},
    },
    "stateTasks": {"k-1": {"shortId": "call_customer", "name": "Call the customer"}},
    "roles": {"r-1": {"name": "Sales"}, "r-2": "Admin"},
    "pods": {"o-1": {"shortId": "west"}},
    "userProfiles": {"u-1": {"username": "john@paisapay.com", "displayName": "John"}},
    "formFields": None,
    "somethingNew": {"n-1": {"shortId": "new"}},
}


def as_lists(wire):
    """The same with lists of definitions instead of uuids mapped to them."""
    return {
        kind: [{**value, "id": key} if isinstance(value, dict) else value for key, value in kinds.items()]
        if isinstance(kinds, dict) and kind != "team"
        else kinds
        for kind, kinds in wire.items()
    }


def read(wire):
    return decode(Reply(200, {}, copy.deepcopy(wire), {}, "GET", "/p", repeatable=True), TeamConfig)


async def test_get(recorder, recorded):
    recorder.data(WIRE)
    config = await recorded.config.get()
    assert recorder.seen == ("GET", "/v1/ext/config", None)
    assert config.team == {"id": "team-1", "name": "PaisaPay"}
    assert config.procedures["p-lead"]["shortId"] == "lead"
    assert config.form_fields is None
    assert config.extra == {"somethingNew": {"n-1": {"shortId": "new"}}}


PAIRS = [
    ("procedures", "p-lead", "lead"),
    ("procedures", "p-ticket", "ticket"),
    ("attributes", "a-1", "city"),
    ("entities", "e-lead", "lead"),
    ("state_tasks", "k-1", "call_customer"),
    ("roles", "r-1", "Sales"),
    ("pods", "o-1", "west"),
    ("user_profiles", "u-1", "john@paisapay.com"),
    ("states", "s-2", "WON"),
    ("somethingNew", "n-1", "new"),
]


@pytest.mark.parametrize(("kind", "uuid", "short_id"), PAIRS)
@pytest.mark.parametrize("form", [lambda wire: wire, as_lists])
def test_lookups_go_both_ways(form, kind, uuid, short_id):
    config = read(form(WIRE))
    assert config.id_of(kind, short_id) == uuid
    assert config.short_id_of(kind, uuid) == short_id
    assert config.definition(kind, uuid) == config.definition(kind, short_id)
    assert config.definition(kind, uuid).kind == kind


def test_a_role_may_be_no_more_than_a_name():
    assert read(WIRE).id_of("roles", "Admin") == "r-2"


def test_a_definition_keeps_all_that_was_sent():
    found = read(WIRE).definition("state_tasks", "call_customer")
    assert (found.name, found.data) == (
        "Call the customer",
        {"shortId": "call_customer", "name": "Call the customer"},
    )
    assert [one.id for one in read(WIRE).definitions("attributes")] == ["a-1", "a-2", "a-3"]
    assert read(WIRE).definitions("form_fields") == []


def test_where_several_have_one_name_the_procedure_decides():
    config = read(WIRE)
    assert config.id_of("attributes", "name", procedure="lead") == "a-2"
    assert config.id_of("attributes", "name", procedure="p-ticket") == "a-3"
    assert config.id_of("states", "NEW", procedure="lead") == "s-1"
    assert config.id_of("states", "NEW", procedure="ticket") == "s-3"
    assert config.id_of("attributes", "city", procedure="lead") == "a-1"
    assert config.id_of("roles", "Sales", procedure="lead") == "r-1"
    with pytest.raises(LookupError, match="no attributes called 'city' of procedure 'ticket'"):
        config.id_of("attributes", "city", procedure="ticket")
    with pytest.raises(LookupError, match=r"has 2 attributes called 'name' \(a-2, a-3\): name the procedure"):
        config.id_of("attributes", "name")


def test_what_the_config_does_not_know_is_a_lookup_error():
    config = read({**WIRE, "pods": {"o-2": {}}})
    for look, reason in (
        (lambda: config.id_of("procedures", "tickets"), "has no procedures called 'tickets'"),
        (lambda: config.short_id_of("procedures", "x"), "has no procedures called 'x'"),
        (lambda: config.id_of("attributes", "name", procedure="x"), "has no procedures called 'x'"),
        (lambda: config.short_id_of("pods", "o-2"), "tells no short id of pods 'o-2'"),
        (lambda: config.definitions("colours"), "has no kind 'colours'; it has entities, procedures"),
        (lambda: config.definitions("team"), "has no kind 'team'"),
    ):
        with pytest.raises(LookupError, match=reason):
            look()


def test_a_config_copies_and_pickles_after_lookups_too():
    config = read(WIRE)
    before = repr(config)
    config.id_of("procedures", "lead")
    assert repr(config) == before
    assert config == read(WIRE)
    assert pickle.loads(pickle.dumps(config)).id_of("procedures", "lead") == "p-lead"
    assert copy.deepcopy(config) == config


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "shortId", "name", "states", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(["procedures", "attributes", "states"], JSON)))
def test_no_form_of_the_config_makes_a_lookup_fail_otherwise(wire):
    config = read(wire)
    kinds = ["procedures", "attributes", "states", "roles"]
    for kind in kinds:
        for one in config.definitions(kind):
            assert one in config.definitions(kind)
            try:
                found = config.definition(kind, one.id)
            except LookupError:
                continue
            assert one.id in {found.id, found.short_id}
        with pytest.raises(LookupError):
            config.id_of(kind, "nothing is called this")


def test_without_await(recorder):
    recorder.data(WIRE)
    with recorder.sync_client() as chakra:
        assert chakra.config.get().id_of("procedures", "lead") == "p-lead"
