"""Users: what is sent, what is read, what is refused."""

import pytest

from chakra_async import DecodeError, NotFoundError, User


USER = {
    "id": "u-1",
    "username": "john@paisapay.com",
    "firstName": "John",
    "phones": ["917701214822"],
    "emails": [{"email": "john@paisapay.com", "isVerified": True}],
    "roles": ["r-1"],
    "isActive": True,
    "createdAt": 1767323045678,
    "deletedAt": None,
    "dob": 0,
    "shoeSize": 9,
}


async def test_list(recorder, recorded):
    recorder.data([USER, {"id": "u-2"}])
    users = [user async for user in recorded.users.list()]
    assert recorder.seen == ("GET", "/v1/ext/users", None)
    assert len(recorder.requests) == 1
    assert [user.id for user in users] == ["u-1", "u-2"]
    assert users[0].emails == [{"email": "john@paisapay.com", "isVerified": True}]
    assert (users[0].roles, users[0].dob, users[0].extra) == (["r-1"], 0, {"shoeSize": 9})
    await recorded.users.list(humanised=True)
    assert recorder.seen == ("GET", "/v2/ext/users", None)


@pytest.mark.parametrize("more", [True, "true"])
async def test_a_list_is_never_cut_short_in_silence(recorder, recorded, more):
    recorder.data([USER], {"hasMore": more})
    page = await recorded.users.list()
    assert (len(page.items), page.has_more) == (1, True)
    with pytest.raises(DecodeError, match="more users follow"):
        [user async for user in recorded.users.list()]


async def test_get(recorder, recorded):
    recorder.data(USER)
    user = await recorded.users.get("u/1")
    assert recorder.seen == ("GET", "/v1/ext/user/u%2F1", None)
    assert (user.first_name, user.is_active) == ("John", True)
    await recorded.users.get("u-1", humanised=True)
    assert recorder.seen == ("GET", "/v2/ext/user/u-1", None)


async def test_the_humanised_form_is_read_alike(recorder, recorded):
    recorder.data({"id": "u-1", "roles": [{"name": "Sales"}], "role": "Sales", "team": {"name": "T"}})
    user = await recorded.users.get("u-1", humanised=True)
    assert user == User(id="u-1", role="Sales", extra={"roles": [{"name": "Sales"}], "team": {"name": "T"}})


async def test_update(recorder, recorded):
    recorder.data(USER)
    user = await recorded.users.update("u-1", first_name="John", last_name="Doe")
    assert recorder.seen == ("PUT", "/v1/ext/user/u-1", {"firstName": "John", "lastName": "Doe"})
    assert user.first_name == "John"
    await recorded.users.update(
        "u-1",
        middle_name="M",
        display_name="J",
        gender="MALE",
        bio="",
        timezone="Asia/Kolkata",
        data={"city": "Goa"},
        fields={"isActive": False},
    )
    assert recorder.last.json == {
        "middleName": "M",
        "displayName": "J",
        "gender": "MALE",
        "bio": "",
        "timezone": "Asia/Kolkata",
        "data": {"city": "Goa"},
        "isActive": False,
    }


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "GET"])
async def test_the_method_of_an_update_can_be_chosen(recorder, recorded, method):
    recorder.data(USER)
    await recorded.users.update("u-1", first_name="John", method=method)
    assert recorder.seen == (method, "/v1/ext/user/u-1", {"firstName": "John"})


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
async def test_an_update_is_repeated_after_an_outage(recorder, recorded, method):
    recorder.refuse(503, "down").data(USER)
    await recorded.users.update("u-1", first_name="John", method=method)
    assert len(recorder.requests) == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "nothing to change"),
        ({"fields": {}}, "nothing to change"),
        ({"first_name": "J", "method": "DELETE"}, "method must be one of PUT, PATCH, POST, GET"),
        ({"first_name": "J", "fields": {"firstName": "K"}}, "firstName is given by name and in fields"),
    ],
)
async def test_what_cannot_work_is_refused_before_it_is_sent(recorder, recorded, options, reason):
    with pytest.raises(ValueError, match=reason):
        await recorded.users.update("u-1", **options)
    assert recorder.requests == []


@pytest.mark.parametrize("given", [{"fields": ["bio"]}, {"fields": []}, {"data": "x"}])
async def test_what_must_be_a_mapping_and_is_none_is_refused(recorder, recorded, given):
    with pytest.raises(TypeError, match=f"{next(iter(given))} must be a mapping, not (list|str)"):
        await recorded.users.update("u-1", **given)
    assert recorder.requests == []


async def test_a_missing_user_is_not_found(recorder, recorded):
    recorder.refuse(404, "no such user")
    with pytest.raises(NotFoundError, match="no such user"):
        await recorded.users.get("nobody")


def test_without_await(recorder):
    recorder.data([USER])
    with recorder.sync_client() as chakra:
        assert [user.id for user in chakra.users.list(humanised=True)] == ["u-1"]
        assert recorder.seen == ("GET", "/v2/ext/users", None)
        recorder.forget().data(USER)
        assert chakra.users.update("u-1", bio="x").id == "u-1"
        assert recorder.seen == ("PUT", "/v1/ext/user/u-1", {"bio": "x"})
