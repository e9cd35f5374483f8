"""Lists follow their pages by themselves."""

from functools import partial

import pytest

from chakra_async import BadRequestError, Client, DecodeError, Page, Pager
from tests.raw import RawServer, quick_client, refused, wrapped


def numbers(*pages):
    """A pager over these pages, and the cursors it was asked for."""
    asked = []

    async def fetch(cursor):
        asked.append(cursor)
        return Page(pages[cursor], cursor + 1 < len(pages), {"page": cursor}, cursor + 1)

    return Pager(fetch, 0), asked


async def all_of(pager):
    return [item async for item in pager]


async def test_nothing_is_asked_before_it_is_read():
    _, asked = numbers([1])
    assert asked == []


async def test_iterating_follows_the_pages():
    pager, asked = numbers([1, 2], [3], [], [4])
    assert [item async for item in pager] == [1, 2, 3, 4]
    assert asked == [0, 1, 2, 3]


async def test_awaiting_fetches_the_first_page_only():
    pager, asked = numbers([1, 2], [3])
    page = await pager
    assert (page.items, page.has_more, page.meta) == ([1, 2], True, {"page": 0})
    assert await pager.first_page() == page
    assert asked == [0, 0]


async def test_pages_come_one_by_one_as_they_are_read():
    pager, asked = numbers([1, 2], [3])
    async for page in pager.pages():
        assert page.items == [1, 2]
        break
    assert asked == [0]
    assert [page.items async for page in pager.pages()] == [[1, 2], [3]]


async def test_no_page_is_fetched_before_its_first_item_is_wanted():
    pager, asked = numbers([1, 2], [3])
    items = aiter(pager)
    assert [await anext(items), await anext(items)] == [1, 2]
    assert asked == [0]
    await items.aclose()


async def test_a_pager_may_be_read_again():
    pager, asked = numbers([1], [2])
    assert [item async for item in pager] == [item async for item in pager] == [1, 2]
    assert asked == [0, 1, 0, 1]


async def test_an_error_in_the_middle_comes_after_the_items_before_it():
    script = wrapped([{"id": "1"}], {"hasMore": True}), refused(400, "no")
    async with RawServer(*script) as server, quick_client(server) as chakra:
        processes = aiter(chakra.processes.list("lead"))
        assert (await anext(processes)).id == "1"
        with pytest.raises(BadRequestError):
            await anext(processes)


async def test_a_page_that_promises_more_and_brings_nothing_is_an_error_not_an_endless_loop():
    async with RawServer(wrapped([], {"hasMore": True})) as server, quick_client(server) as chakra:
        with pytest.raises(DecodeError, match="more processes follow"):
            await chakra.processes.list("lead")
    assert len(server.requests) == 1


@pytest.mark.parametrize("said", [{"hasMore": True}, {}])
async def test_a_page_of_processes_that_comes_for_ever_is_an_error_not_an_endless_loop(said):
    page = wrapped([{"id": "1"}, {"id": "2"}], said)
    async with RawServer(page) as server, quick_client(server) as chakra:
        processes = aiter(chakra.processes.list("lead", limit=2))
        assert [(await anext(processes)).id for _ in range(4)] == ["1", "2", "1", "2"]
        with pytest.raises(DecodeError, match="the page at skip=4 is the same as the two before it"):
            await anext(processes)
    assert len(server.requests) == 3


async def test_a_list_that_moves_while_it_is_read_may_repeat_items():
    pages = ["12", "12", "23", "23", "34"]
    script = [wrapped([{"id": one} for one in page], {"hasMore": page != "34"}) for page in pages]
    async with RawServer(*script) as server, quick_client(server) as chakra:
        pager = chakra.processes.list("lead", limit=2)
        assert "".join([process.id async for process in pager]) == "".join(pages)


async def test_a_page_of_processes_may_be_asked_for_again():
    async with RawServer(wrapped([{"id": "1"}], {"hasMore": True})) as server, quick_client(server) as chakra:
        pager = chakra.processes.list("lead", limit=1)
        first = await pager
        for _ in range(4):
            assert (await pager.page_after(first)).items[0].id == "1"


async def test_without_a_word_about_more_a_full_page_may_have_a_successor():
    two = [{"id": "1"}, {"id": "2"}]
    async with RawServer(wrapped(two), wrapped(two[:1])) as server, quick_client(server) as chakra:
        assert len([process async for process in chakra.processes.list("lead", limit=2)]) == 3
    assert len(server.requests) == 2


@pytest.mark.fault("P6")
@pytest.mark.parametrize("more", [True, "true", 1, None, "unreadable", {}])
@pytest.mark.parametrize("none", [False, "false", 0])
async def test_more_may_be_said_in_other_types_or_not_at_all(more, none):
    first, second = [{"id": "1"}, {"id": "2"}], [{"id": "3"}, {"id": "4"}]
    script = wrapped(first, {"hasMore": more}), wrapped(second, {"hasMore": none})
    async with RawServer(*script, *script) as server, quick_client(server) as chakra:
        for list_of in (partial(chakra.processes.list, "lead"), chakra.chats.list):
            assert len(await all_of(list_of(limit=2))) == 4
    assert len(server.requests) == 4


@pytest.mark.parametrize("limit", ["10", 2.5, True])
async def test_a_limit_that_is_no_whole_number_is_refused_at_once(limit):
    chakra = Client("t", plugin_id="p", phone_number_id="1")
    for list_of in (
        partial(chakra.processes.list, "lead"),
        chakra.chats.list,
        partial(chakra.whatsapp.templates.list, "1"),
        chakra.whatsapp.groups.list,
    ):
        with pytest.raises(TypeError, match=r"limit must be a whole number, not (str|float|bool)"):
            list_of(limit=limit)
    with pytest.raises(TypeError, match="skip must be a whole number"):
        chakra.processes.list("lead", skip=limit)
    with pytest.raises(TypeError, match="page must be a whole number"):
        chakra.chats.list(page=limit)


@pytest.mark.parametrize("data", [None, {}, "text", [1], [{"id": None}]])
async def test_a_page_of_another_shape_is_a_decode_error(data):
    async with RawServer(wrapped(data)) as server, quick_client(server) as chakra:
        with pytest.raises(DecodeError):
            await chakra.processes.list("lead")
        with pytest.raises(DecodeError):
            await chakra.processes.list("lead").pages().__anext__()


# Entries of a job, whose next page is a path in _meta


@pytest.mark.parametrize("name", ["nextPage", "next", "nextPagePath", "path"])
async def test_entries_follow_the_path_in_meta_whatever_its_name(name):
    following = "/v1/ext/background-job/j/entries?skip=1&cursor=a%2Fb"
    script = (
        wrapped([{"id": "1"}], {"total": 2, name: following}),
        wrapped([{"id": "2"}], {"total": 2, name: None}),
    )
    async with RawServer(*script) as server, quick_client(server) as chakra:
        assert [entry.id async for entry in chakra.jobs.entries("j")] == ["1", "2"]
    assert [request.target for request in server.requests] == ["/v1/ext/background-job/j/entries", following]


NEXT = "/v1/ext/background-job/j/entries?skip=1"
BEFORE = "/v1/ext/background-job/j/entries?page=1"


@pytest.mark.parametrize(
    "told",
    [
        {"pagination": {"next": NEXT, "previous": BEFORE}},
        {"links": {"self": BEFORE, "first": BEFORE, "next": {"href": NEXT}}},
        {"self": BEFORE, "prevPage": BEFORE, "path": NEXT},
        {"nextPageNumber": "2", "hasNextPage": True, "nextPagePath": NEXT},
        {"nextPage": "2", "path": NEXT},
    ],
)
async def test_the_path_is_found_among_others_and_however_deep(told):
    script = wrapped([{"id": "1"}], {"total": 2, **told}), wrapped([{"id": "2"}], {"total": 2})
    async with RawServer(*script) as server, quick_client(server) as chakra:
        assert [entry.id async for entry in chakra.jobs.entries("j")] == ["1", "2"]
    assert server.requests[1].target == NEXT


@pytest.mark.parametrize(
    "told",
    [
        {"total": 2, "nextPage": 2},
        {"total": "2", "nextPage": "2"},
        {"pagination": {"total": 2, "links": [{"next": NEXT}]}},
        {"total": 2, "next": "/entries?"},
        {"hasMore": True},
        {"totalCount": 2},
        {"pagination": {"totalEntries": "2"}},
        {"entries_total": 2, "total_entries": 2},
        {"count": 1, "Total": 2},
    ],
)
async def test_entries_that_are_missing_are_an_error_after_those_that_came(told):
    async with RawServer(wrapped([{"id": "1"}], told)) as server, quick_client(server) as chakra:
        assert (await chakra.jobs.entries("j")).has_more
        entries = aiter(chakra.jobs.entries("j"))
        assert (await anext(entries)).id == "1"
        with pytest.raises(DecodeError, match="more entries follow the 1 so far"):
            await anext(entries)


@pytest.mark.fault("P5")
@pytest.mark.parametrize("total", [0, 1, 3, True, None, "many", [3]])
async def test_pages_that_repeat_entries_and_a_total_below_them_lose_nothing(total):
    pages = (["1", "2"], ["1", "2"], ["3"])
    script = [
        wrapped([{"id": one} for one in ids], {"total": total, "next": f"/x?page={n}" if n < 4 else None})
        for n, ids in enumerate(pages, 2)
    ]
    async with RawServer(*script) as server, quick_client(server) as chakra:
        assert [entry.id async for entry in chakra.jobs.entries("j")] == ["1", "2", "1", "2", "3"]


@pytest.mark.parametrize("name", ["totalPages", "retryCount", "total_seconds", "accounts", "limit"])
async def test_other_numbers_are_not_taken_for_the_number_of_entries(name):
    async with RawServer(wrapped([{"id": "1"}], {name: 2})) as server, quick_client(server) as chakra:
        assert len(await all_of(chakra.jobs.entries("j"))) == 1


@pytest.mark.parametrize("entries", [[], [{"id": "1"}]])
async def test_pages_that_bring_nothing_new_and_always_name_another_are_no_endless_list(entries):
    script = [wrapped(entries, {"total": 10**12, "next": f"/x?page={n}"}) for n in range(9)]
    async with RawServer(*script) as server, quick_client(server) as chakra:
        with pytest.raises(DecodeError):
            await all_of(chakra.jobs.entries("j"))
    assert len(server.requests) <= 3


async def test_a_page_of_entries_may_be_asked_for_again():
    one, two, three = ([{"id": name}] for name in "123")
    second, third = wrapped(two, {"next": "/x?page=3"}), wrapped(three)
    async with (
        RawServer(wrapped(one, {"next": "/x?page=2"}), second, third, second, third) as server,
        quick_client(server) as chakra,
    ):
        pager = chakra.jobs.entries("j")
        first = await pager
        for _ in range(2):
            after = await pager.page_after(await pager.page_after(first))
            assert (after.items[0].id, after.has_more) == ("3", False)


async def test_a_list_of_entries_ends_with_an_empty_page():
    script = [
        wrapped(entries, {"total": 1, "next": f"/x?a={len(entries)}"}) for entries in ([{"id": "1"}], [])
    ]
    async with RawServer(*script) as server, quick_client(server) as chakra:
        assert len(await all_of(chakra.jobs.entries("j"))) == 1
    assert len(server.requests) == 2


@pytest.mark.fault("S3")
async def test_a_next_page_on_another_host_gets_neither_call_nor_token():
    async with RawServer(wrapped([])) as other:
        for following in (
            f"{other.url}/v1/x?skip=1",
            f"//{other.url[7:]}/x?skip=1",
            "file:///etc/passwd?skip=1",
        ):
            script = wrapped([{"id": "1"}], {"nextPage": following}), wrapped([], {"nextPage": None})
            async with RawServer(*script) as server, quick_client(server) as chakra:
                assert len([entry async for entry in chakra.jobs.entries("j")]) == 1
            assert server.requests[1].target == "/v1/ext/background-job/j/entries?skip=1"
    assert other.connections == 0


@pytest.mark.parametrize("following", ["/entries?skip=1", "//[?skip=1"])
async def test_a_next_page_that_leads_nowhere_is_an_error_not_an_endless_loop(following):
    async with (
        RawServer(wrapped([{"id": "1"}], {"nextPage": following})) as server,
        quick_client(server) as chakra,
    ):
        with pytest.raises(DecodeError):
            await all_of(chakra.jobs.entries("j"))
    assert len(server.requests) <= 2
