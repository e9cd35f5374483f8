"""The platform's areas against the emulator, which keeps what it is told."""

import pytest

from chakra_async import Client, NotFoundError, PermissionDeniedError
from chakra_async.sync import Client as SyncClient


@pytest.fixture
async def lead(client):
    return await client.leads.create(name="Asha", phone_number="+91 77012-14822")


async def test_a_task_is_made_for_a_process_by_id_or_by_key(client, lead):
    task = await client.tasks.create("lead", lead.id, "call", data={"note": "x"}, status="COMPLETED")
    assert (task.process, task.status, task.data) == (lead.id, "COMPLETED", {"note": "x"})
    assert task.completed_at is not None
    other = await client.tasks.create("lead", 917701214822, "call")
    assert (other.process, other.status, other.completed_at) == (lead.id, "OPEN", None)
    with pytest.raises(NotFoundError):
        await client.tasks.create("lead", "nobody", "call")


async def test_a_task_is_given_to_a_user(client, lead):
    [user] = [user async for user in client.users.list()]
    task = await client.tasks.create("lead", lead.id, "call", assigned_to=user.username)
    assert task.assigned_to == user.id


async def test_users_are_listed_fetched_and_changed(client):
    [user] = [user async for user in client.users.list()]
    assert await client.users.get(user.id) == user
    assert user.extra == {}
    changed = await client.users.update(user.id, first_name="Asha", fields={"isActive": False})
    assert (changed.first_name, changed.is_active, changed.username) == ("Asha", False, user.username)
    assert (await client.users.update(user.id, last_name="Rao", method="PATCH")).first_name == "Asha"
    # As the documentation prints it, the call fetches and changes nothing.
    assert (await client.users.update(user.id, last_name="X", method="GET")).last_name == "Rao"
    with pytest.raises(NotFoundError):
        await client.users.get("nobody")


async def test_the_humanised_form_names_what_the_other_points_at(client):
    [plain] = [user async for user in client.users.list()]
    [named] = [user async for user in client.users.list(humanised=True)]
    assert named == await client.users.get(plain.id, humanised=True)
    assert named.roles != plain.roles
    assert named.extra == {}


async def test_nobody_is_listed_who_never_wrote(client):
    assert [one async for one in client.chats.list(order_field="createdAt", order_direction="asc")] == []
    assert [one async for one in client.chats.messages_for_phone("+91 77012-14822")] == []
    with pytest.raises(NotFoundError):
        await client.chats.messages("nobody")


async def test_the_messages_of_a_chat_are_listed_by_chat_and_by_phone(client, emulator):
    for number in range(25):
        emulator.receive_message("917701214822", text=f"text {number}", name="Asha")
    emulator.receive_message("918801214822", text="another")
    chats = [
        chat async for chat in client.chats.list(order_field="createdAt", order_direction="asc", limit=1)
    ]
    assert [chat.primary_contact_handle.value for chat in chats] == ["917701214822", "918801214822"]
    assert (chats[0].primary_contact.name, chats[0].latest_message.text) == ("Asha", "text 24")
    assert [chat.extra for chat in chats] == [{}, {}]
    messages = [one async for one in client.chats.messages(chats[0].id, order_direction="asc", limit=10)]
    assert [one.text for one in messages] == [f"text {n}" for n in range(25)]
    assert {one.direction for one in messages} == {"INBOUND"}
    by_phone = [one async for one in client.chats.messages_for_phone("+91 77012-14822", limit=7)]
    assert {one.id for one in by_phone} == {one.id for one in messages}
    found = await client.chats.list(search="another")
    assert len(found.items) <= 1


async def test_the_config_tells_what_the_uuids_of_other_objects_mean(client, lead):
    task = await client.tasks.create("lead", lead.id, "call")
    config = await client.config.get()
    assert config.extra == {}
    assert config.short_id_of("procedures", lead.procedure) == "lead"
    assert config.short_id_of("state_tasks", task.state_task) == "call"
    [user] = [user async for user in client.users.list()]
    assert config.id_of("user_profiles", user.username) == user.id
    assert config.definition("roles", user.roles[0]).name == "Admin"
    assert config.definition("pods", user.pods[0]).name
    assert config.id_of("states", "NEW", procedure="lead") != config.id_of(
        "states", "NEW", procedure="ticket"
    )
    with pytest.raises(LookupError, match="2 states"):
        config.id_of("states", "NEW")


async def test_a_plugin_is_told_where_its_events_go(client, emulator):
    plugin = emulator.plugin_id
    url = "https://example.com/hook"
    await client.partner.update_plugin_config(
        plugin_id=plugin,
        enable_chakra_webhook=True,
        chakra_webhook_url=url,
        which_chakra_webhook_events_to_send=["message"],
    )
    config = await client.partner.get_plugin_config(plugin_id=plugin)
    assert (config.enable_chakra_webhook, config.chakra_webhook_url) == (True, url)
    assert config.which_chakra_webhook_events_to_send == ["message"]
    assert (await client.partner.create_connect_token(plugin_id=plugin)).connect_token
    new = await client.partner.create_connect_token(
        new_plugin_name="Shop", client_reference_id="7", client_name="Asha"
    )
    assert new.connect_token
    with pytest.raises(NotFoundError):
        await client.partner.get_plugin_config(plugin_id="00000000-0000-0000-0000-000000000000")


async def test_a_token_that_may_only_read_is_told_so(emulator, lead):
    async with Client(emulator.add_token("read-only"), base_url=emulator.url) as reader:
        assert [user async for user in reader.users.list()]
        for call in (
            reader.tasks.create("lead", lead.id, "call"),
            reader.leads.create(name="B"),
            reader.leads.update_by_phone("917701214822", state="WON"),
            reader.users.update("u", first_name="B"),
        ):
            with pytest.raises(PermissionDeniedError):
                await call


def test_without_await(emulator):
    with SyncClient(emulator.token, base_url=emulator.url) as chakra:
        lead = chakra.leads.create(phone_number="+917701214822")
        assert chakra.tasks.create("lead", lead.id, "call").process == lead.id
        [user] = chakra.users.list()
        assert chakra.users.update(user.id, bio="x").bio == "x"
        assert list(chakra.chats.list()) == []
        assert chakra.chats.list().first_page().has_more is False
