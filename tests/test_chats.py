"""Chats: what is sent, how pages are followed, what is read, what is refused."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import Chat, Contact, ContactHandle, DecodeError, Limits, MessagePreview, MessageSource
from tests.recorder import Recorder


WHEN = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
MS = 1767323045678
CHAT = {
    "id": "c-1",
    "status": "OPEN",
    "provider": "whatsapp",
    "primaryContact": {"id": "k-1", "name": "Asha", "photo": None, "vip": True},
    "primaryContactHandle": {"value": "917701214822", "type": "phone"},
    "latestMessage": {"text": "Hello", "direction": "INBOUND", "timestamp": MS, "dataType": "text"},
    "latestMessageTs": MS,
    "latestMessageDirection": "INBOUND",
    "startedAt": MS,
    "assignedTo": None,
    "unread": 3,
}
MESSAGE = {
    "id": "m-1",
    "externalId": "wamid.1",
    "direction": "OUTBOUND",
    "deliveryStatus": "READ",
    "body": {"body": "Hello"},
    "text": "Hello",
    "attachments": None,
    "timestamp": MS,
    "context": {"contactIdentifier": "917701214822", "messageTemplateId": "x"},
    "source": {"sourceId": "s", "sourceType": "API"},
    "chat": "c-1",
}
FOR_PHONE = "/v1/ext/plugin/whatsapp/list-chat-messages-for-phone-number"


def rows(*numbers):
    return [{"id": f"c-{number}"} for number in numbers]


async def test_list(recorder, recorded):
    recorder.data([CHAT], {"total": 1})
    pager = recorded.chats.list(
        search="asha", order_field="createdAt", order_direction="asc", limit=20, page=3
    )
    assert recorder.requests == []
    page = await pager
    assert recorder.seen == (
        "POST",
        "/v1/ext/chat",
        {"search": "asha", "orderField": "createdAt", "orderDirection": "asc", "limit": 20, "page": 3},
    )
    assert page.items == [
        Chat(
            id="c-1",
            status="OPEN",
            provider="whatsapp",
            primary_contact=Contact(id="k-1", name="Asha", extra={"vip": True}),
            primary_contact_handle=ContactHandle(value="917701214822", type="phone"),
            latest_message=MessagePreview(
                text="Hello", direction="INBOUND", timestamp=WHEN, data_type="text"
            ),
            latest_message_ts=WHEN,
            latest_message_direction="INBOUND",
            started_at=WHEN,
            extra={"unread": 3},
        )
    ]
    await recorded.chats.list()
    assert recorder.last.json == {"limit": 100, "page": 1}


async def test_messages(recorder, recorded):
    recorder.data([MESSAGE], {"total": 1})
    [message] = [one async for one in recorded.chats.messages("c/1", limit=5)]
    assert recorder.seen == ("POST", "/v1/ext/chat/c%2F1/message", {"limit": 5, "page": 1})
    assert (message.id, message.external_id, message.delivery_status) == ("m-1", "wamid.1", "READ")
    assert (message.body, message.timestamp) == ({"body": "Hello"}, WHEN)
    assert message.source == MessageSource(source_id="s", source_type="API")
    assert message.extra == {}
    await recorded.chats.messages("c", order_field="timestamp", order_direction="desc")
    assert recorder.last.json == {
        "orderField": "timestamp",
        "orderDirection": "desc",
        "limit": 100,
        "page": 1,
    }


@pytest.mark.parametrize("phone", ["917701214822", "+91 77012-14822", 917701214822])
async def test_messages_for_phone(recorder, recorded, phone):
    recorder.data([MESSAGE], {"total": 1})
    page = await recorded.chats.messages_for_phone(phone, limit=5, page=2)
    body = {"customerPhoneNumber": "917701214822", "limit": 5, "page": 2}
    assert recorder.seen == ("POST", FOR_PHONE, body)
    assert page.items[0].id == "m-1"


async def test_pages_are_followed_up_to_the_total(recorder, recorded):
    for numbers in ((1, 2), (3, 4), (5,)):
        recorder.data(rows(*numbers), {"total": 5})
    assert [chat.id async for chat in recorded.chats.list(limit=2)] == [f"c-{n}" for n in range(1, 6)]
    assert [request.json["page"] for request in recorder.requests] == [1, 2, 3]


async def test_without_a_total_pages_are_followed_until_one_is_empty(recorder, recorded):
    # A service that hands out fewer than asked for must not cut the list short.
    recorder.data(rows(1, 2)).data(rows(3)).data([])
    assert [chat.id async for chat in recorded.chats.list(limit=50)] == ["c-1", "c-2", "c-3"]
    assert len(recorder.requests) == 3


async def test_the_word_of_the_service_goes_before_everything(recorder, recorded):
    recorder.data(rows(1), {"hasMore": True, "total": 1}).data(rows(2), {"hasMore": False, "total": 9})
    assert [chat.id async for chat in recorded.chats.list(limit=1)] == ["c-1", "c-2"]


async def test_a_list_may_begin_at_a_later_page(recorder, recorded):
    recorder.data(rows(3, 4), {"total": 5}).data(rows(5), {"total": 5})
    assert [chat.id async for chat in recorded.chats.list(limit=2, page=2)] == ["c-3", "c-4", "c-5"]
    assert [request.json["page"] for request in recorder.requests] == [2, 3]


async def test_a_page_that_comes_for_ever_ends_the_list_with_an_error(recorder, recorded):
    recorder.data(rows(1, 2))
    seen = []
    with pytest.raises(DecodeError, match="page 3 is the same as the two before it"):
        async for chat in recorded.chats.list(limit=2):
            seen.append(chat.id)
    assert seen == ["c-1", "c-2", "c-1", "c-2"]


async def test_a_page_may_come_again_for_new_items_move_the_others_on(recorder, recorded):
    recorder.data(rows(1)).data(rows(1)).data(rows(2)).data(rows(2)).data([])
    assert [chat.id async for chat in recorded.chats.list(limit=1)] == ["c-1", "c-1", "c-2", "c-2"]


async def test_lists_are_reads_and_repeated_although_they_are_posts(recorder, recorded):
    recorder.refuse(503, "down").data([], {"total": 0})
    assert [one async for one in recorded.chats.messages("c")] == []
    assert len(recorder.requests) == 2


async def test_the_page_size_of_the_settings_is_the_default(recorder):
    recorder.data([])
    async with recorder.client(limits=Limits(page_size=7)) as chakra:
        await chakra.chats.list()
        assert recorder.last.json == {"limit": 7, "page": 1}


async def test_what_cannot_work_is_refused_at_once(recorder, recorded):
    chats = recorded.chats
    for call, reason in (
        (lambda: chats.list(order_direction="up"), "order_direction must be 'asc' or 'desc'"),
        (lambda: chats.list(limit=0), "limit must be at least 1"),
        (lambda: chats.list(page=0), "pages are counted from 1"),
        (lambda: chats.messages(""), "chat_id is empty"),
        (lambda: chats.messages("c", order_direction="ASC"), "order_direction must be"),
        (lambda: chats.messages_for_phone("asha"), "is no part of a phone number"),
    ):
        with pytest.raises(ValueError, match=reason):
            call()
    assert recorder.requests == []


@given(
    count=st.integers(0, 23),
    most=st.integers(1, 9),
    limit=st.integers(1, 12),
    first=st.integers(1, 4),
    says=st.sampled_from(["total", "hasMore", "nothing"]),
)
def test_every_item_comes_once_whatever_the_service_makes_of_the_limit(count, most, limit, first, says):
    size = min(most, limit)
    pages = [list(range(start, min(start + size, count))) for start in range(0, count, size)]
    wanted = [n for page in pages[first - 1 :] for n in page]
    with Recorder() as recorder, recorder.sync_client() as chakra:
        for number, page in enumerate([*pages[first - 1 :], []], first):
            meta = {"total": {"total": count}, "hasMore": {"hasMore": number < len(pages)}}.get(says)
            recorder.data(rows(*page), meta)
        found = [chat.id for chat in chakra.chats.list(limit=limit, page=first)]
        sent = [request.json["page"] for request in recorder.requests]
    assert found == [f"c-{n}" for n in wanted]
    assert sent == list(range(first, first + len(sent)))


def test_without_await(recorder):
    recorder.data(rows(1), {"total": 2}).data(rows(2), {"total": 2})
    with recorder.sync_client() as chakra:
        assert [message.id for message in chakra.chats.messages_for_phone("+917701214822")] == ["c-1", "c-2"]
        assert recorder.last.json["page"] == 2
