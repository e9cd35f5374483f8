"""What is sent again after a lost answer and what is not; and texts of exactly the longest length."""

import pytest

from chakra_async import AmbiguousResultError
from tests.raw import RST, RawServer, answer, quick_client


PLUGIN = "1f0c2a4e-9a54-4a5d-8e3a-0b6f0f3f6a11"
TO = "919901258433"
LINK = "https://a.in/b"
KEY = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"
BODY = [{"type": "BODY", "text": "Hello"}]

REPEATED = {
    "mark_read": lambda w: w.messages.mark_read("wamid.A"),
    "templates.list": lambda w: w.templates.list("1").first_page(),
    "templates.delete": lambda w: w.templates.delete("1", name="a"),
    "set_public_key": lambda w: w.flows.set_public_key(KEY),
    "get_public_key": lambda w: w.flows.get_public_key(),
    "get_settings": lambda w: w.calling.get_settings(),
    "update_settings": lambda w: w.calling.update_settings(status="ENABLED"),
    "get_permissions": lambda w: w.calling.get_permissions(TO),
    "groups.list": lambda w: w.groups.list().first_page(),
    "groups.get": lambda w: w.groups.get("g"),
    "groups.delete": lambda w: w.groups.delete("g"),
    "get_invite_link": lambda w: w.groups.get_invite_link("g"),
    "list_join_requests": lambda w: w.groups.list_join_requests("g").first_page(),
    "phone_numbers.list": lambda w: w.phone_numbers.list().first_page(),
    "phone_numbers.get": lambda w: w.phone_numbers.get("1"),
    "accounts.list": lambda w: w.accounts.list().first_page(),
    "plugins.get": lambda w: w.plugins.get(PLUGIN),
    "plugins.update": lambda w: w.plugins.update(PLUGIN, is_active=True),
    "plugins.delete": lambda w: w.plugins.delete(PLUGIN),
}

SENT_ONCE = {
    "send": lambda w: w.messages.send({"to": TO, "text": {"body": "Hi"}}),
    "send_text": lambda w: w.messages.send_text(TO, "Hi"),
    "send_template": lambda w: w.messages.send_template(TO, template_name="t"),
    "send_template_for_process": lambda w: w.messages.send_template_for_process("l", "1", template_name="t"),
    "templates.create": lambda w: w.templates.create(
        "1", name="a", category="UTILITY", language="en", components=BODY
    ),
    "templates.update": lambda w: w.templates.update("1", category="UTILITY"),
    "connect": lambda w: w.calling.connect(TO, sdp="v=0"),
    "pre_accept": lambda w: w.calling.pre_accept("c", sdp="v=0"),
    "accept": lambda w: w.calling.accept("c", sdp="v=0"),
    "reject": lambda w: w.calling.reject("c"),
    "terminate": lambda w: w.calling.terminate("c"),
    "groups.create": lambda w: w.groups.create(subject="A"),
    "groups.update": lambda w: w.groups.update("g", subject="A"),
    "reset_invite_link": lambda w: w.groups.reset_invite_link("g"),
    "approve_join_requests": lambda w: w.groups.approve_join_requests("g", ["j"]),
    "reject_join_requests": lambda w: w.groups.reject_join_requests("g", ["j"]),
    "remove_participants": lambda w: w.groups.remove_participants("g", [TO]),
    "plugins.create": lambda w: w.plugins.create(name="A"),
}

# Something that every call above can be content with.
CONTENT = b'{"id":"1","data":[],"success":true,"invite_link":"https://chat.whatsapp.com/x"}'


def client(server):
    return quick_client(server, plugin_id=PLUGIN, phone_number_id="1")


@pytest.mark.parametrize("name", REPEATED)
async def test_what_is_the_same_when_done_twice_is_repeated(name):
    content = b"[]" if name in {"phone_numbers.list", "accounts.list"} else CONTENT
    async with RawServer(RST, answer(body=content)) as server, client(server) as chakra:
        await REPEATED[name](chakra.whatsapp)
    assert len(server.requests) == 2
    assert server.requests[0].line == server.requests[1].line


@pytest.mark.parametrize("name", SENT_ONCE)
async def test_everything_else_is_sent_once(name):
    async with RawServer(RST, answer(body=CONTENT)) as server, client(server) as chakra:
        with pytest.raises(AmbiguousResultError) as caught:
            await SENT_ONCE[name](chakra.whatsapp)
    assert len(server.requests) == 1
    assert caught.value.retry_safe is False


def rows(count, **changes):
    return [{"id": f"{n:03}", "title": "T", **changes} for n in range(count)]


LONGEST = {
    "text": lambda m, x: m.send_text(TO, x(4096)),
    "text in a body": lambda m, x: m.send({"to": TO, "text": {"body": x(4096)}}),
    "caption": lambda m, x: m.send_media(TO, "image", LINK, caption=x(1024)),
    "question of buttons": lambda m, x: m.send_buttons(TO, x(1024), buttons={"a": "A"}),
    "title of a button": lambda m, x: m.send_buttons(TO, "Q", buttons={"a": x(20)}),
    "id of a button": lambda m, x: m.send_buttons(TO, "Q", buttons={x(256): "A"}),
    "header": lambda m, x: m.send_buttons(TO, "Q", buttons={"a": "A"}, header=x(60)),
    "footer": lambda m, x: m.send_buttons(TO, "Q", buttons={"a": "A"}, footer=x(60)),
    "question of a list": lambda m, x: m.send_list(TO, x(4096), button="B", sections=[{"rows": rows(1)}]),
    "button of a list": lambda m, x: m.send_list(TO, "Q", button=x(20), sections=[{"rows": rows(1)}]),
    "title of a section": lambda m, x: m.send_list(
        TO, "Q", button="B", sections=[{"title": x(24), "rows": rows(1)}]
    ),
    "title of a row": lambda m, x: m.send_list(
        TO, "Q", button="B", sections=[{"rows": rows(1, title=x(24))}]
    ),
    "id of a row": lambda m, x: m.send_list(TO, "Q", button="B", sections=[{"rows": rows(1, id=x(200))}]),
    "description of a row": lambda m, x: m.send_list(
        TO, "Q", button="B", sections=[{"rows": rows(1, description=x(72))}]
    ),
}


@pytest.mark.parametrize("name", LONGEST)
async def test_the_longest_text_is_sent_and_one_character_more_is_not(recorder, messages, name):
    recorder.data({"whatsappMessageId": "wamid.A"})
    await LONGEST[name](messages, lambda most: "ä" * most)
    with pytest.raises(ValueError, match="WhatsApp takes"):
        await LONGEST[name](messages, lambda most: "ä" * (most + 1))
    assert len(recorder.requests) == 1


@pytest.mark.parametrize("count", [1, 10])
async def test_as_many_rows_as_whatsapp_takes(recorder, messages, count):
    recorder.data({"whatsappMessageId": "wamid.A"})
    await messages.send_list(TO, "Q", button="B", sections=[{"rows": rows(count)}])
    assert len(recorder.last.json["interactive"]["action"]["sections"][0]["rows"]) == count


@pytest.mark.parametrize("count", [1, 3])
async def test_as_many_buttons_as_whatsapp_takes(recorder, messages, count):
    recorder.data({"whatsappMessageId": "wamid.A"})
    await messages.send_buttons(TO, "Q", buttons=dict.fromkeys("abc"[:count], "T"))
    shown = [{"type": "reply", "reply": {"id": "a", "title": "T"}}] * count
    await messages.send_interactive(TO, {"type": "button", "action": {"buttons": shown}})
    assert len(recorder.last.json["interactive"]["action"]["buttons"]) == count


@pytest.mark.parametrize(("latitude", "longitude"), [(90, 180), (-90, -180), (0, 0.0)])
async def test_the_ends_of_the_earth(recorder, messages, latitude, longitude):
    recorder.data({"whatsappMessageId": "wamid.A"})
    await messages.send_location(TO, latitude=latitude, longitude=longitude)
    assert recorder.last.json["location"] == {"latitude": latitude, "longitude": longitude}


async def test_the_longest_names_of_groups_and_templates(recorder, chakra):
    recorder.raw({"id": "1"})
    await chakra.whatsapp.groups.create(subject="x" * 128, description="x" * 2048)
    await chakra.whatsapp.templates.create(
        "1", name="x" * 512, category="UTILITY", language="en", components=BODY
    )
    assert len(recorder.requests) == 2
