"""Tasks, users, photos, config, leads, chats and partner on the async side, as type checkers see them."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, assert_type

from chakra_async import (
    Chat,
    ChatMessage,
    Client,
    ConnectToken,
    Downloaded,
    OrderDirection,
    Pager,
    Photo,
    PluginConfig,
    Process,
    Task,
    TeamConfig,
    Transferred,
    UpdateMethod,
    User,
)


async def tasks(chakra: Client) -> None:
    task = await chakra.tasks.create("lead", 7, "call", data={"a": 1}, status="OPEN", assigned_to="john")
    assert_type(task, Task)
    assert_type(await chakra.tasks.create("lead", "id", "call"), Task)


async def users(chakra: Client, method: UpdateMethod) -> None:
    assert_type(chakra.users.list(humanised=True), Pager[User])
    async for user in chakra.users.list():
        assert_type(user, User)
    assert_type(await chakra.users.get("id", humanised=True), User)
    user = await chakra.users.update(
        "id",
        first_name="J",
        middle_name="",
        last_name="D",
        display_name="J D",
        gender="x",
        bio="…",
        timezone="Asia/Kolkata",
        data={"a": 1},
        fields={"isActive": False},
        method=method,
    )
    assert_type(user, User)
    assert_type(await chakra.users.update("id", bio="…", method="PATCH"), User)


def tell(transferred: Transferred) -> None:
    assert_type(transferred.done_bytes, int)


async def pieces() -> AsyncIterator[bytes]:
    yield b"piece"


async def photos(chakra: Client, file: BinaryIO, blocks: Iterable[bytes]) -> None:
    photo = await chakra.photos.upload(
        Path("photo.jpg"),
        photo_id="id",
        filename="photo.jpg",
        content_type="image/jpeg",
        size_bytes=7,
        on_progress=tell,
    )
    assert_type(photo, Photo)
    await chakra.photos.upload("photo.jpg")
    await chakra.photos.upload(b"bytes")
    await chakra.photos.upload(bytearray())
    await chakra.photos.upload(memoryview(b""))
    await chakra.photos.upload(file)
    await chakra.photos.upload(blocks, size_bytes=7)
    await chakra.photos.upload(pieces(), on_progress=print)
    photo = await chakra.photos.get("id", to="photo.jpg", on_progress=tell)
    assert_type(photo, Photo)
    assert_type(photo.file, Downloaded | None)
    await chakra.photos.get("id")
    await chakra.photos.get("id", to=Path("photo.jpg"))
    await chakra.photos.get("id", to=file)
    await chakra.photos.get("id", to=BytesIO())


async def config(chakra: Client) -> None:
    assert_type(await chakra.config.get(), TeamConfig)


async def leads(chakra: Client, when: datetime) -> None:
    lead = await chakra.leads.create(
        name="A",
        phone_number="+91 77012 14822",
        email="a@example.com",
        data={"a": 1},
        state="NEW",
        status="OPEN",
        assigned_to="john",
        next_action_at=when,
    )
    assert_type(lead, Process)
    lead = await chakra.leads.update_by_phone(
        917701214822, data={"a": 1}, state="WON", status="OPEN", assigned_to="john", next_action_at=when
    )
    assert_type(lead, Process)
    assert_type(await chakra.leads.update_by_phone("+917701214822", state="WON"), Process)


async def chats(chakra: Client, direction: OrderDirection) -> None:
    assert_type(
        chakra.chats.list(search="a", order_field="b", order_direction=direction, limit=5, page=2),
        Pager[Chat],
    )
    assert_type(
        chakra.chats.messages("id", order_field="b", order_direction="asc", limit=5, page=2),
        Pager[ChatMessage],
    )
    assert_type(chakra.chats.messages_for_phone(917701214822, limit=5, page=2), Pager[ChatMessage])
    async for chat in chakra.chats.list():
        assert_type(chat, Chat)
    async for message in chakra.chats.messages_for_phone("+917701214822"):
        assert_type(message, ChatMessage)


async def partner(chakra: Client) -> None:
    token = await chakra.partner.create_connect_token(
        plugin_id="p",
        new_plugin_name="n",
        client_reference_id="7",
        client_name="A",
        client_email="a@example.com",
    )
    assert_type(token, ConnectToken)
    assert_type(await chakra.partner.get_plugin_config(plugin_id="p"), PluginConfig)
    assert_type(
        await chakra.partner.update_plugin_config(
            plugin_id="p",
            pass_through_webhook_url="https://example.com",
            enable_message_echoes_for_pass_through_webhook=True,
            enable_send_message_template_event_for_pass_through_webhook=False,
            enable_chakra_webhook=True,
            chakra_webhook_url="https://example.com",
            which_chakra_webhook_events_to_send=["message"],
        ),
        None,
    )


async def mistakes(chakra: Client, pager: Pager[User]) -> None:
    """What must not pass: each comment would be reported as needless if the checker found nothing."""
    await chakra.tasks.create("lead", "id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await chakra.tasks.create("lead", "id", "call", due_by="now")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chakra.users.list(True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await chakra.users.get(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chakra.users.update("x", method="DELETE")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chakra.photos.upload(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chakra.photos.upload(["text"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await chakra.photos.upload(b"", on_progress="tell")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chakra.photos.get("x", to=b"path")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chakra.photos.get("x", "photo.jpg")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    (await chakra.photos.get("x")).file.path  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    (await chakra.config.get()).id_of("states")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await chakra.leads.create("A")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await chakra.leads.create(next_action_at="now")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chakra.leads.update_by_phone(1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.chats.list(order_direction="up")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chakra.chats.messages()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await pager.page_after(await chakra.chats.list())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chakra.partner.create_connect_token("p")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await chakra.partner.update_plugin_config(which_chakra_webhook_events_to_send=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
