"""Lists follow their pages by themselves."""

import pytest

from chakra_async import BadRequestError, DecodeError, Page, Pager
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


async def test_without_a_word_about_more_a_full_page_may_have_a_successor():
    two = [{"id": "1"}, {"id": "2"}]
    async with RawServer(wrapped(two), wrapped(two[:1])) as server, quick_client(server) as chakra:
        assert len([process async for process in chakra.processes.list("lead", limit=2)]) == 3
    assert len(server.requests) == 2


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
