"""The same calls against the emulator, which was written from the documentation alone."""

import pytest

from chakra_async import BadRequestError, Client, NotFoundError, PaymentRequiredError
from tests.raw import QUICK


PHONE = "919901258433"
SDP = "v=0\r\n"
KEY = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"
BODY = [{"type": "BODY", "text": "Hello {{1}}"}]
LINK = "https://example.com/b"


@pytest.fixture(params=["wrapped", "raw"])
async def whatsapp(request, emulator):
    """WhatsApp with either form of the answers whose form is not certain."""
    emulator.settings.message_answer = emulator.settings.inferred_answer = request.param
    options = {"plugin_id": emulator.plugin_id, "phone_number_id": emulator.phone_number_id}
    async with Client(emulator.token, base_url=emulator.url, retry=QUICK, **options) as chakra:
        yield chakra.whatsapp


async def test_every_kind_of_message(emulator, whatsapp):
    emulator.add_template("hello", "Hello {{1}}", language="en_US")
    came = emulator.receive_message(PHONE, text="Anybody there?")
    messages = whatsapp.messages
    await messages.mark_read(came.wamid, typing=True)
    sent = [
        await messages.send_text("+91 99012 58433", "Hi", reply_to=came.wamid, preview_url=True),
        await messages.send_media(PHONE, "image", LINK, caption="Look"),
        await messages.send_media(PHONE, "document", LINK, filename="a.pdf"),
        await messages.send_media(PHONE, "audio", LINK),
        await messages.send_media(PHONE, "video", LINK),
        await messages.send_media(PHONE, "sticker", LINK),
        await messages.send_buttons(PHONE, "Q", buttons={"y": "Yes", "n": "No"}, header="H", footer="F"),
        await messages.send_list(
            PHONE,
            "Q",
            button="Choose",
            sections=[{"rows": [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]}],
        ),
        await messages.send_interactive(
            PHONE,
            {
                "type": "cta_url",
                "body": {"text": "See"},
                "action": {"name": "cta_url", "parameters": {"display_text": "Here", "url": LINK}},
            },
        ),
        await messages.send_location(PHONE, latitude=15.5, longitude=73.8, name="Office", address="Panaji"),
        await messages.send_contacts(PHONE, [{"name": {"formatted_name": "Asha", "first_name": "Asha"}}]),
        await messages.send_reaction(PHONE, came.wamid, "👍"),
        await messages.send(
            {
                "to": PHONE,
                "type": "template",
                "template": {
                    "name": "hello",
                    "language": {"code": "en_US"},
                    "components": [{"type": "body", "parameters": [{"type": "text", "text": "Asha"}]}],
                },
            }
        ),
    ]
    assert [message.wamid for message in emulator.messages] == [one.whatsapp_message_id for one in sent]
    assert {message.phone for message in emulator.messages} == {PHONE}
    assert (emulator.messages[0].text, emulator.messages[-1].text) == ("Hi", "Hello Asha")


async def test_templates_by_name(emulator, client, whatsapp):
    emulator.add_template("hello", "Hello {{1}}, {{2}}", language="en")
    to_phone = await whatsapp.messages.send_template(
        PHONE, template_name="hello", mapping=["Asha", 7], language="en"
    )
    assert (to_phone.text, to_phone.direction) == ("Hello Asha, 7", "OUTBOUND")
    lead = await client.processes.create("lead", data={"lead_id": "L/7", "phone_number": PHONE})
    for process in (lead.id, "L/7"):
        for_process = await whatsapp.messages.send_template_for_process(
            "lead", process, template_name="hello", mapping={"1": "Asha", "2": "8"}
        )
        assert (for_process.process, for_process.text) == (lead.id, "Hello Asha, 8")
    external = [message.wamid for message in emulator.messages]
    assert external[0] == to_phone.external_id
    assert external[-1] == for_process.external_id


async def test_refusals(emulator, whatsapp):
    messages = whatsapp.messages
    with pytest.raises(BadRequestError) as caught:
        await messages.send({"to": PHONE, "type": "location", "location": {"latitude": 1}})
    assert caught.value.whatsapp_code == 131008
    with pytest.raises(NotFoundError):
        await messages.send_template_for_process("lead", "none", template_name="hello")
    for call in (
        messages.send_text(PHONE, "Hi", plugin_id="3396ea03-cc82-4a52-967b-dc2a94b50f12"),
        messages.send_template(PHONE, template_name="unheard_of"),
    ):
        with pytest.raises((BadRequestError, NotFoundError)):
            await call
    emulator.settings.plan = "free"
    with pytest.raises(PaymentRequiredError, match="upgrade to a paid plan"):
        await messages.send_template(PHONE, template_name="hello")
    assert emulator.messages == []


async def test_management_of_templates(emulator, whatsapp):
    emulator.settings.paging_next_base = "https://graph.facebook.com"
    templates, waba = whatsapp.templates, emulator.waba_id
    before = [one.name async for one in templates.list(waba)]
    made = [
        await templates.create(waba, name=f"t{n}", category="UTILITY", language="en", components=BODY)
        for n in range(5)
    ]
    found = [one async for one in templates.list(waba, limit=2)]
    assert [one.name for one in found] == [*before, "t0", "t1", "t2", "t3", "t4"]
    assert found[-1].components == BODY
    [named] = [one async for one in templates.list(waba, name="t3", fields=["name"])]
    assert (named.id, named.name, named.status) == (made[3].id, "t3", None)
    await templates.update(made[0].id, category="MARKETING")
    [changed] = (await templates.list(waba, name="t0")).items
    assert changed.category == "MARKETING"
    await templates.delete(waba, name="t0", hsm_id=made[0].id)
    await templates.delete(waba, name="t1")
    assert [one.name async for one in templates.list(waba)] == [*before, "t2", "t3", "t4"]
    with pytest.raises(BadRequestError) as caught:
        await templates.create(waba, name="t2", category="UTILITY", language="en", components=BODY)
    assert caught.value.whatsapp_code == 100


async def test_calling(emulator, whatsapp):
    calling = whatsapp.calling
    await calling.update_settings(
        status="ENABLED", sip={"status": "ENABLED", "servers": [{"hostname": "a", "sip_user_password": "p"}]}
    )
    assert (await calling.get_settings()).calling.sip["servers"] == [{"hostname": "a"}]
    settings = await calling.get_settings(include_sip_credentials=True)
    assert settings.calling.sip["servers"][0]["sip_user_password"] == "p"
    assert isinstance((await calling.get_permissions(PHONE)).can("start_call"), bool)
    emulator.settings.call_permission = "temporary"
    assert (await calling.get_permissions(PHONE)).can("start_call")
    call = await calling.connect(PHONE, sdp=SDP)
    with pytest.raises(BadRequestError):
        await calling.accept(call.id, sdp=SDP)
    await calling.terminate(call.id)
    comes, unwanted = (emulator.receive_call(PHONE, sdp=SDP) for _ in range(2))
    await calling.pre_accept(comes, sdp=SDP)
    await calling.accept(comes, sdp=SDP)
    await calling.reject(unwanted)
    assert [one["status"] for one in emulator.calls] == ["ended", "going", "ended"]
    emulator.settings.call_permission = "no_permission"
    with pytest.raises(BadRequestError) as caught:
        await calling.connect(PHONE, sdp=SDP)
    assert caught.value.whatsapp_code == 138006


async def test_groups(emulator, whatsapp):
    groups = whatsapp.groups
    for subject in "ABC":
        await groups.create(subject=subject, join_approval_mode="approval_required")
    found = [one async for one in groups.list(limit=2)]
    assert sorted(one.subject for one in found) == ["A", "B", "C"]
    assert all(one.created_at is not None for one in found)
    group_id = found[0].id
    await groups.update(group_id, subject="Z", description="News")
    wanted = [emulator.ask_to_join(group_id, f"9199012584{n}") for n in range(30, 33)]
    asked = [one async for one in groups.list_join_requests(group_id)]
    assert [one.join_request_id for one in asked] == wanted
    approved = await groups.approve_join_requests(group_id, [*wanted[:2], "none"])
    assert approved.approved_join_requests == wanted[:2]
    assert approved.failed_join_requests[0]["join_request_id"] == "none"
    rejected = await groups.reject_join_requests(group_id, wanted[2:])
    assert rejected.rejected_join_requests == wanted[2:]
    group = await groups.get(group_id)
    assert (group.subject, group.description, group.total_participant_count) == ("Z", "News", 2)
    assert (await groups.get(group_id, fields=["subject"])).total_participant_count is None
    removed = await groups.remove_participants(group_id, ["+91 990125-8430", "911111111111"])
    assert removed.removed_participants == [{"user": "919901258430"}]
    assert removed.failed_participants == [{"user": "911111111111"}]
    assert [one.wa_id for one in (await groups.get(group_id)).participants] == ["919901258431"]
    link = await groups.get_invite_link(group_id)
    assert await groups.reset_invite_link(group_id) != link
    sent = await whatsapp.messages.send(
        {"recipient_type": "group", "to": group_id, "type": "text", "text": {"body": "Hi"}}
    )
    assert emulator.messages[-1].wamid == sent.whatsapp_message_id
    await groups.delete(group_id)
    with pytest.raises((BadRequestError, NotFoundError)):
        await groups.get(group_id)


async def test_keys_of_flows(whatsapp):
    assert (await whatsapp.flows.get_public_key()).business_public_key is None
    await whatsapp.flows.set_public_key(KEY)
    found = await whatsapp.flows.get_public_key()
    assert (found.business_public_key, found.business_public_key_signature_status) == (KEY, "VALID")


async def test_numbers_accounts_and_plugins(emulator, whatsapp):
    [number] = [one async for one in whatsapp.phone_numbers.list()]
    assert (number.id, number.waba) == (emulator.phone_number_id, emulator.waba_id)
    assert await whatsapp.phone_numbers.get(number.id) == number
    [account] = [one async for one in whatsapp.accounts.list()]
    assert (account.id, account.chakra_status) == (emulator.waba_id, "CONNECTED")
    plugins = whatsapp.plugins
    plugin = await plugins.get(emulator.plugin_id)
    assert plugin.enabled_phone_numbers == [number.id]
    made = await plugins.create(name="Second")
    assert (made.name, list(made.enabled_phone_numbers)) == ("Second", [])
    assert (await plugins.update(made.id, is_active=False)).is_active is False
    changed = await plugins.update(made.id, server_config={"passThroughWebhookUrl": "https://a.in/x"})
    assert changed.server_config["passThroughWebhookUrl"] == "https://a.in/x"
    with pytest.raises((BadRequestError, NotFoundError)):
        await whatsapp.messages.send_text(PHONE, "Hi", plugin_id=made.id)
    await plugins.delete(made.id)
    with pytest.raises(NotFoundError):
        await plugins.get(made.id)
