"""What cannot work is refused before it is sent, with a sentence that says what to do."""

import pytest

from chakra_async import Settings
from tests.recorder import Recorder


PLUGIN = "1f0c2a4e-9a54-4a5d-8e3a-0b6f0f3f6a11"
NUMBER = "106540352242922"
TO = "919901258433"
LINK = "https://a.in/b.jpg"
WAMID = "wamid.HBgM"
UUID = "3396ea03-cc82-4a52-967b-dc2a94b50f12"
TEXT = {"type": "text", "text": {"body": "Hi"}}


def rows(count):
    return [{"rows": [{"id": str(n), "title": "T"} for n in range(count)]}]


def ask(m, **changes):
    return m.send_list(TO, "Q", **{"button": "B", "sections": rows(2), **changes})


def template(m, **given):
    return m.send_template(TO, **{"template_name": "hello", **given})


REFUSED = {
    # phone numbers
    "no country code": (lambda m: m.send_text("0990125843", "Hi"), "phone is '0990125843'"),
    "no phone number": (lambda m: m.send_text("asha@example.com", "Hi"), "no part of a phone number"),
    "too short": (lambda m: m.send_text("12345", "Hi"), "7 to 15 digits"),
    "no phone in a template": (lambda m: m.send_template("x", template_name="t"), "phone is 'x'"),
    # texts
    "empty text": (lambda m: m.send_text(TO, " "), "text is empty"),
    "long text": (lambda m: m.send_text(TO, "x" * 4097), "4,097 characters; WhatsApp takes 4,096"),
    "no text": (lambda m: m.send_text(TO, 7), "text must be text, not int"),
    "Chakra's id": (lambda m: m.send_text(TO, "Hi", reply_to=UUID), "wamid"),
    # the pass-through
    "no mapping": (lambda m: m.send("Hi"), "body must be a mapping"),
    "nobody": (lambda m: m.send(TEXT), "names nobody to send to"),
    "another product": (
        lambda m: m.send({"to": TO, "messaging_product": "messenger", **TEXT}),
        "must be 'whatsapp'",
    ),
    "read mark": (lambda m: m.send({"status": "read", "message_id": WAMID}), "use mark_read"),
    "no content": (lambda m: m.send({"to": TO, "type": "image"}), "has no field 'image'"),
    "no type": (lambda m: m.send({"to": TO, "image": {"link": LINK}}), "has no field 'text'"),
    "odd type": (lambda m: m.send({"to": TO, "type": ["text"]}), "of type"),
    "media id in a body": (
        lambda m: m.send({"to": TO, "type": "image", "image": {"id": "1013859600285441"}}),
        "image is named by id; media are sent by public link only.*upload_public",
    ),
    "four buttons in a body": (
        lambda m: m.send(
            {
                "to": TO,
                "type": "interactive",
                "interactive": {"type": "button", "action": {"buttons": [{}] * 4}},
            }
        ),
        "1 to 3 reply buttons, not 4",
    ),
    "empty text in a body": (
        lambda m: m.send({"to": TO, "type": "text", "text": {"body": ""}}),
        "text.body is empty",
    ),
    "text alone": (lambda m: m.send({"to": TO, "type": "text", "text": "Hi"}), "text.body must be text"),
    "language in a body": (
        lambda m: m.send(
            {"to": TO, "type": "template", "template": {"name": "t", "language": {"code": "en-GB"}}}
        ),
        "write en_GB",
    ),
    "interactive alone": (
        lambda m: m.send({"to": TO, "type": "interactive", "interactive": "Hi"}),
        "Meta's object",
    ),
    # media
    "media id": (
        lambda m: m.send_media(TO, "image", "1013859600285441"),
        "looks like a media id.*upload_public",
    ),
    "a path": (lambda m: m.send_media(TO, "image", "/tmp/b.jpg"), "no public https:// link"),
    "a file": (lambda m: m.send_media(TO, "image", "file:///tmp/b.jpg"), "no public https:// link"),
    "no host": (lambda m: m.send_media(TO, "image", "https:///b.jpg"), "no public https:// link"),
    "broken link": (lambda m: m.send_media(TO, "image", "https://[a/b.jpg"), "no public https:// link"),
    "spaces": (lambda m: m.send_media(TO, "image", "https://a.in/b c.jpg"), "percent-encoded"),
    "no link": (lambda m: m.send_media(TO, "image", ""), "link is ''"),
    "odd kind": (lambda m: m.send_media(TO, "gif", LINK), "kind must be one of image, video"),
    "audio caption": (lambda m: m.send_media(TO, "audio", LINK, caption="x"), "no caption with audio"),
    "sticker caption": (lambda m: m.send_media(TO, "sticker", LINK, caption="x"), "no caption with sticker"),
    "image name": (lambda m: m.send_media(TO, "image", LINK, filename="x"), "only a document"),
    "long caption": (lambda m: m.send_media(TO, "image", LINK, caption="x" * 1025), "1,024 at most"),
    # buttons
    "four buttons": (
        lambda m: m.send_buttons(TO, "Q", buttons=dict.fromkeys("abcd", "T")),
        "1 to 3 reply buttons, not 4; send_list",
    ),
    "no buttons": (lambda m: m.send_buttons(TO, "Q", buttons={}), "not 0"),
    "buttons in a list": (lambda m: m.send_buttons(TO, "Q", buttons=["Yes"]), "a mapping of ids to titles"),
    "long title": (lambda m: m.send_buttons(TO, "Q", buttons={"a": "x" * 21}), "title of a button"),
    "no title": (lambda m: m.send_buttons(TO, "Q", buttons={"a": ""}), "title of a button is empty"),
    "number as id": (lambda m: m.send_buttons(TO, "Q", buttons={1: "T"}), "id of a button must be text"),
    "long question": (lambda m: m.send_buttons(TO, "x" * 1025, buttons={"a": "T"}), "1,024"),
    "long footer": (lambda m: m.send_buttons(TO, "Q", buttons={"a": "T"}, footer="x" * 61), "footer"),
    "long header": (lambda m: m.send_buttons(TO, "Q", buttons={"a": "T"}, header="x" * 61), "header"),
    # lists
    "eleven rows": (lambda m: ask(m, sections=rows(11)), "1 to 10 rows"),
    "no rows": (lambda m: ask(m, sections=[]), "1 to 10 rows"),
    "empty section": (
        lambda m: ask(m, sections=[{"title": "A", "rows": []}, {"title": "B", **rows(1)[0]}]),
        "section has no rows",
    ),
    "rows alone": (lambda m: ask(m, sections=[{"id": "a", "title": "A"}]), "a section must be"),
    "no section": (lambda m: ask(m, sections="abc"), "sections must be a list"),
    "row as text": (lambda m: ask(m, sections=[{"rows": ["a"]}]), "a row must be"),
    "row without id": (lambda m: ask(m, sections=[{"rows": [{"title": "A"}]}]), "id of a row must be text"),
    "same id twice": (
        lambda m: ask(m, sections=[{"rows": [{"id": "a", "title": "A"}, {"id": "a", "title": "B"}]}]),
        "same id",
    ),
    "untitled sections": (lambda m: ask(m, sections=rows(1) + rows(1)), "each needs a title"),
    "long button": (lambda m: ask(m, button="x" * 21), "button has 21 characters"),
    "header object": (lambda m: ask(m, header={"type": "image"}), "header of a list must be text"),
    "long description": (
        lambda m: ask(m, sections=[{"rows": [{"id": "a", "title": "A", "description": "x" * 73}]}]),
        "description of a row",
    ),
    "no interactive": (lambda m: m.send_interactive(TO, {"body": {}}), "Meta's object"),
    # places, people, reactions
    "latitude": (lambda m: m.send_location(TO, latitude=91, longitude=0), "-90 to 90"),
    "longitude": (lambda m: m.send_location(TO, latitude=0, longitude=float("nan")), "-180 to 180"),
    "latitude as text": (lambda m: m.send_location(TO, latitude="1", longitude=0), "must be a number"),
    "address alone": (
        lambda m: m.send_location(TO, latitude=0, longitude=0, address="Panaji"),
        "give name as well",
    ),
    "no contact": (lambda m: m.send_contacts(TO, []), "no contact to send"),
    "contact alone": (lambda m: m.send_contacts(TO, {"name": {}}), "contacts must be a list"),
    "nameless contact": (lambda m: m.send_contacts(TO, [{"name": "Asha"}]), "contact 0 has no name"),
    "no emoji": (lambda m: m.send_reaction(TO, WAMID, "ok"), "which is none"),
    "emoji None": (lambda m: m.send_reaction(TO, WAMID, None), "write '' to take"),
    "reaction to Chakra's id": (lambda m: m.send_reaction(TO, UUID, "👍"), "wamid"),
    "mark read by Chakra's id": (lambda m: m.mark_read(UUID), "external_id"),
    "mark nothing read": (lambda m: m.mark_read(""), "message_id is empty"),
    # templates
    "no template": (lambda m: template(m, template_name=""), "template_name is empty"),
    "language": (lambda m: template(m, language="en-US"), "write en_US"),
    "language in capitals": (lambda m: template(m, language="PT_br"), "write pt_BR"),
    "language by name": (lambda m: template(m, language="English"), "write it like en, en_US"),
    "mapping as text": (lambda m: template(m, mapping="Asha"), "mapping must be a list, not str"),
    "single MappingType": (
        lambda m: template(m, mapping={"schemaPropertyName": "1", "schemaPropertyValue": "A"}),
        "a single MappingType",
    ),
    "half a MappingType": (lambda m: template(m, mapping=[{"schemaPropertyName": "1"}]), "mapping holds"),
    "empty value": (lambda m: template(m, header_mapping={"1": ""}), "header_mapping '1' is empty"),
    "no value": (
        lambda m: template(m, button_mapping={"1": None}),
        "must be text, int or float, not NoneType",
    ),
    "nested value": (lambda m: template(m, mapping=[["A"]]), "must be text, int or float"),
    "not a number": (lambda m: template(m, mapping=[float("nan")]), "mapping '1' is nan"),
    "two headers": (lambda m: template(m, image_url=LINK, video_url=LINK), "one header"),
    "image and place": (
        lambda m: template(m, image_url=LINK, location_latitude=1, location_longitude=1),
        "one header",
    ),
    "half a place": (lambda m: template(m, location_latitude=1.0), "needs both"),
    "filename alone": (lambda m: template(m, filename="a.pdf"), "give document_url"),
    "image by id": (lambda m: template(m, image_url="1013859600285441"), "image_url looks like a media id"),
    "no process": (lambda m: m.send_template_for_process("lead", "", template_name="t"), "process is empty"),
    # who sends
    "number instead of its id": (
        lambda m: m.send_text(TO, "Hi", phone_number_id="+91 99012"),
        "phone_number_id must be Meta's id, digits only",
    ),
    "number as int": (lambda m: m.send_text(TO, "Hi", phone_number_id=7), "phone_number_id must be text"),
    "version": (lambda m: m.send_text(TO, "Hi", api_version="19"), "must look like 'v19.0'"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(recorder, messages, name):
    call, sentence = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=sentence):
        await call(messages)
    assert recorder.requests == []


@pytest.mark.parametrize(
    ("options", "missing"),
    [({"phone_number_id": NUMBER}, "plugin_id"), ({"plugin_id": PLUGIN}, "phone_number_id")],
)
async def test_a_missing_id_says_where_to_give_and_to_find_it(recorder, options, missing):
    async with recorder.client(**options) as chakra:
        with pytest.raises(ValueError, match="WhatsApp Setup page") as caught:
            await chakra.whatsapp.messages.send_text(TO, "Hi")
    for way in (f"give {missing}=", f"Client({missing}=…)", f"CHAKRA_{missing.upper()}"):
        assert way in str(caught.value)
    assert recorder.requests == []


async def test_ids_and_version_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("CHAKRA_PLUGIN_ID", PLUGIN)
    monkeypatch.setenv("CHAKRA_PHONE_NUMBER_ID", NUMBER)
    monkeypatch.setenv("CHAKRA_WHATSAPP_API_VERSION", "v23.0")
    with Recorder() as recorder:
        recorder.data({"whatsappMessageId": WAMID})
        async with recorder.client() as chakra:
            await chakra.whatsapp.messages.send_text(TO, "Hi")
        assert recorder.last.path == f"/v1/ext/plugin/whatsapp/{PLUGIN}/api/v23.0/{NUMBER}/messages"


def test_the_version_in_the_settings_is_checked():
    assert Settings().whatsapp_api_version == "v19.0"
    for wrong in ("19.0", "v19", "v19.0/../x", ""):
        with pytest.raises(ValueError, match=r"v19\.0"):
            Settings(whatsapp_api_version=wrong)
