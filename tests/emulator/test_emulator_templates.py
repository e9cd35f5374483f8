"""Templates: managing them, their review, and sending what is made from them."""

from __future__ import annotations

import pytest

from tests.waiting import until


FIELDS = (
    "id createdAt updatedAt externalId provider dataType body text attachments deliveryStatus direction"
    " timestamp context adhocAgent source team chat plugin contact user procedure process campaign inReplyTo"
).split()
PHONE = "919812345678"
LEAD = "/v1/ext/procedure/lead/process"
NEW = {
    "name": "order_update",
    "language": "en",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Order {{1}} is {{2}}"}],
}


@pytest.fixture
def templates(emulator):
    return f"/v1/ext/plugin/whatsapp/api/v22.0/{emulator.waba_id}/message_templates"


@pytest.fixture
def send(api, emulator, plugin):
    """Send a template to a phone number."""

    def post(name="hello", phone=PHONE, path=None, **rest):
        body = {"whatsappPhoneNumberId": emulator.phone_number_id, "templateName": name, **rest}
        return api("POST", path or f"{plugin}/phoneNumber/{phone}/send-template-message", body)

    return post


def mapping(**values):
    return [
        {"schemaPropertyName": name.lstrip("_"), "schemaPropertyValue": value}
        for name, value in values.items()
    ]


def names(api, path):
    return [one["name"] for one in api.meta("GET", path).json["data"]]


def test_a_template_is_created_and_approved_after_a_while(api, emulator, templates):
    seen = []
    emulator.subscribe(seen.append)
    created = api.meta("POST", templates, NEW).json
    assert created == {"id": created["id"], "status": "PENDING", "category": "UTILITY"}
    (listed,) = api.meta("GET", templates).json["data"]
    assert listed == {
        **NEW,
        "id": created["id"],
        "status": listed["status"],
        "parameter_format": "POSITIONAL",
    }
    until(lambda: api.meta("GET", templates).json["data"][0]["status"] == "APPROVED")
    assert [(event.kind, event.meta["event"]) for event in seen] == [("template", "APPROVED")]
    assert seen[0].subject["id"] == created["id"]


def test_a_review_may_never_end(api, emulator, templates, send):
    emulator.settings.approve_templates_after = None
    api.meta("POST", templates, NEW)
    assert send("order_update").errors == ["(#132001) Template name does not exist in the translation"]
    assert api.meta("GET", templates).json["data"][0]["status"] == "PENDING"


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"name": None}, "constraint 'type' at 'body.name'"),
        ({"name": "Not OK"}, "constraint 'pattern' at 'body.name'"),
        ({"category": "FUN"}, "constraint 'enum' at 'body.category'"),
        ({"language": "english"}, "constraint 'pattern' at 'body.language'"),
        ({"components": []}, "constraint 'minItems' at 'body.components'"),
        ({"components": [{"type": "FOOTER", "text": "x"}]}, "(#100) Invalid parameter"),
        ({"components": ["x"]}, "constraint 'type' at 'body.components[0]'"),
    ],
)
def test_templates_that_are_refused(api, templates, change, detail):
    answer = api("POST", templates, {**NEW, **change})
    assert (answer.status, answer.data) == (400, [])
    assert detail in answer.errors[0]
    assert api.meta("GET", templates).json == {"data": []}


def test_a_name_is_taken_only_within_its_language(api, emulator, templates):
    api.meta("POST", templates, NEW)
    assert "already exists" in api("POST", templates, NEW).errors[0]
    assert api.meta("POST", templates, {**NEW, "language": "pt_BR"}).status == 200
    with pytest.raises(ValueError, match="already"):
        emulator.add_template("order_update")


def test_templates_are_listed_page_by_page(api, emulator, templates):
    for n in range(5):
        emulator.add_template(f"t{n}")
    seen, path = [], f"{templates}?limit=2&fields=name,status"
    while path:
        body = api.meta("GET", path).json
        seen.append([one["name"] for one in body["data"]])
        assert set(body["data"][0]) == {"id", "name", "status"}
        following = body["paging"].get("next")
        assert following is None or following.startswith(emulator.url + templates)
        path = following and following.removeprefix(emulator.url)
    assert seen == [["t0", "t1"], ["t2", "t3"], ["t4"]]
    back = api.meta("GET", f"{templates}?limit=2&before={body['paging']['cursors']['before']}").json
    assert [one["name"] for one in back["data"]] == ["t2", "t3"]
    assert names(api, back["paging"]["previous"].removeprefix(emulator.url)) == ["t0", "t1"]
    assert names(api, f"{templates}?limit=2&before={back['paging']['cursors']['after']}") == ["t1", "t2"]
    assert api("GET", f"{templates}?after=x").errors[0].startswith("(#100)")
    assert "maximum" in api("GET", f"{templates}?limit=5000").errors[0]
    after = body["paging"]["cursors"]["after"]
    assert api.meta("GET", f"{templates}?after={after}").json == {"data": []}


def test_the_next_page_may_be_at_another_host(api, emulator, templates):
    emulator.add_template("a")
    emulator.add_template("b")
    emulator.settings.paging_next_base = "https://graph.test"
    following = api.meta("GET", f"{templates}?limit=1").json["paging"]["next"]
    assert following.startswith(f"https://graph.test{templates}?limit=1&after=")


def test_templates_are_found_by_exact_values(api, emulator, templates):
    for name, language in [("hello", "en"), ("hello", "hi"), ("hello_again", "en")]:
        emulator.add_template(name, language=language)
    assert names(api, f"{templates}?name=hello") == ["hello", "hello"]
    assert names(api, f"{templates}?name=hello&language=hi") == ["hello"]
    assert names(api, f"{templates}?name=hell") == []
    assert len(names(api, f"{templates}?status=APPROVED&category=UTILITY")) == 3


def test_a_template_is_updated_and_reviewed_again(api, emulator, templates):
    emulator.settings.approve_templates_after = 0.03
    template_id = emulator.add_template("hello")
    one = f"/v1/ext/plugin/whatsapp/api/v22.0/{template_id}"
    parts = [{"type": "BODY", "text": "Bye"}]
    assert api.meta("POST", one, {"components": parts, "category": "MARKETING"}).json == {"success": True}
    (listed,) = api.meta("GET", templates).json["data"]
    assert (listed["components"], listed["category"], listed["status"]) == (parts, "MARKETING", "PENDING")
    until(lambda: api.meta("GET", templates).json["data"][0]["status"] == "APPROVED")
    answer = api("POST", "/v1/ext/plugin/whatsapp/api/v22.0/1", {})
    assert (answer.status, answer.errors[0][:6]) == (400, "(#100)")


def test_templates_are_deleted_by_name_or_one_by_its_id(api, emulator, templates):
    emulator.add_template("hello", language="en")
    hindi = emulator.add_template("hello", language="hi")
    emulator.add_template("other")
    assert api("DELETE", f"{templates}?name=hello&hsm_id=1").status == 400
    assert api.meta("DELETE", f"{templates}?name=hello&hsm_id={hindi}").json == {"success": True}
    assert names(api, templates) == ["hello", "other"]
    assert api.meta("DELETE", f"{templates}?name=hello").status == 200
    assert names(api, templates) == ["other"]
    assert api("DELETE", f"{templates}?name=hello").status == 400
    assert api("DELETE", templates).errors == ["(#100) The parameter name is required."]


def test_who_may_manage_templates(api, emulator, templates):
    token = emulator.add_token()
    assert api.meta("GET", templates, token=token).status == 200
    assert api("POST", templates, NEW, token=token).status == 403
    assert api("DELETE", f"{templates}?name=x", token=token).status == 403
    unknown = templates.replace(emulator.waba_id, "1")
    for method in ("GET", "POST", "DELETE"):
        answer = api(method, unknown, NEW if method == "POST" else None)
        assert (answer.status, answer.data, answer.errors[0][:6]) == (400, [], "(#100)")


def test_rejected_templates_say_why(api, emulator, templates):
    emulator.add_template("bad", status="REJECTED")
    (listed,) = api.meta("GET", templates).json["data"]
    assert (listed["status"], listed["rejected_reason"]) == ("REJECTED", "INVALID_FORMAT")


def test_a_template_is_sent_to_a_phone_number(api, emulator, send):
    template_id = emulator.add_template("hello", "Hi {{1}} and {{name}}")
    sent = send(mapping=mapping(_1="Asha", name="Bo"), language="en").data
    (message,) = emulator.messages
    assert (sent["id"], sent["externalId"], sent["chat"]) == (message.id, message.wamid, message.chat_id)
    assert (sent["text"], sent["body"]) == ("Hi Asha and Bo", {"body": "Hi Asha and Bo"})
    assert sent["context"] == {"contactIdentifier": PHONE, "messageTemplateId": template_id}
    assert (sent["direction"], sent["dataType"], sent["provider"]) == ("OUTBOUND", "template", "whatsapp")
    assert (sent["plugin"], sent["process"], sent["attachments"]) == (emulator.plugin_id, None, None)
    assert list(sent) == FIELDS
    (listed,) = api("POST", f"/v1/ext/chat/{sent['chat']}/message", {}).data
    assert listed["id"] == sent["id"]


def test_a_template_is_sent_for_a_process(api, emulator, plugin, send):
    emulator.add_template("hello")
    (lead, lost) = api.create({"lead_id": "L1", "phone_number": PHONE}, {"lead_id": "L2"}, path=LEAD)
    for key in (lead["id"], "L1", PHONE):
        sent = send(path=f"{plugin}/process/lead/{key}/send-template-message").data
        assert (sent["process"], sent["procedure"]) == (lead["id"], lead["procedure"])
        assert sent["context"]["contactIdentifier"] == PHONE
    assert {one.process_id for one in emulator.messages} == {lead["id"]}
    answer = send(path=f"{plugin}/process/lead/{lost['id']}/send-template-message")
    assert (answer.status, "no phone number" in answer.errors[0]) == (400, True)
    assert send(path=f"{plugin}/process/lead/L3/send-template-message").status == 404
    assert send(path=f"{plugin}/process/none/L1/send-template-message").status == 404


def test_headers_media_and_one_time_passwords(api, emulator, send):
    parts = [{"type": "HEADER", "text": "Order {{1}}"}, {"type": "body", "text": "Thanks"}]
    emulator.add_template("order", components=parts)
    assert send("order", headerMapping=mapping(_1="7")).data["text"] == "Thanks"
    assert send("order").errors[0].startswith("(#132000)")
    emulator.add_template("code", "{{1}} is your code", category="AUTHENTICATION")
    assert send("code", otpCode="1234").data["text"] == "1234 is your code"
    emulator.add_template("photo")
    sent = send("photo", imageUrl="https://x.test/a.png").data
    assert sent["attachments"] == [{"type": "image", "link": "https://x.test/a.png"}]


@pytest.mark.parametrize(
    ("rest", "start"),
    [
        ({"name": "none"}, "(#132001) Template name does not exist in the translation"),
        ({"language": "hi"}, "(#132001)"),
        ({}, "(#132000) Number of parameters does not match"),
        ({"mapping": mapping(_2="x")}, "(#132000)"),
        ({"mapping": mapping(_1="x", _2="y")}, "(#132000)"),
        (
            {"mapping": [{"schemaPropertyName": "1"}]},
            "Your request has violated JSON schema constraint 'required'",
        ),
        ({"mapping": {}}, "Your request has violated JSON schema constraint 'type' at 'body.mapping'"),
        ({"whatsappPhoneNumberId": "1"}, "(#100)"),
        ({"whatsappPhoneNumberId": ""}, "Your request has violated JSON schema constraint 'minLength'"),
        ({"name": None}, "Your request has violated JSON schema constraint 'type' at 'body.templateName'"),
        ({"phone": "+919812345678"}, "'+919812345678' is no phone number"),
        ({"phone": "91%2098"}, "'91 98' is no phone number"),
    ],
)
def test_templates_that_are_not_sent(emulator, send, rest, start):
    emulator.add_template("hello", "Hi {{1}}")
    answer = send(**rest)
    assert (answer.status, answer.data, len(answer.errors)) == (400, [], 1)
    assert answer.errors[0].startswith(start)
    assert emulator.messages == []


def test_the_language_is_needed_when_there_are_several(emulator, send):
    emulator.add_template("hello", "Hi", language="en")
    emulator.add_template("hello", "Namaste", language="hi")
    assert "several languages (en, hi)" in send().errors[0]
    assert send(language="hi").data["text"] == "Namaste"


def test_the_free_plan_sends_no_templates(api, emulator, number, send):
    emulator.add_template("hello")
    emulator.settings.plan = "free"
    meta = {"messaging_product": "whatsapp", "to": PHONE, "type": "template"}
    body = {**meta, "template": {"name": "hello", "language": {"code": "en"}}}
    for answer in (send(), api("POST", f"{number}/messages", body)):
        assert (answer.status, answer.data) == (402, [])
        assert answer.errors[0].startswith(
            "Template Message sending is disabled. You need to upgrade to a paid plan. Upgrade link - http"
        )
    text = {"messaging_product": "whatsapp", "to": PHONE, "text": {"body": "hi"}}
    assert api("POST", f"{number}/messages", text).status == 200


def test_a_template_in_the_format_of_meta(api, emulator, number):
    template_id = emulator.add_template("hello", "Hi {{name}}, {{1}}")
    parameters = [{"type": "text", "text": "x"}, {"type": "text", "text": "Asha", "parameter_name": "name"}]
    template = {
        "name": "hello",
        "language": {"policy": "deterministic", "code": "en"},
        "components": [{"type": "body", "parameters": parameters}, {"type": "button", "parameters": []}],
    }
    body = {"messaging_product": "whatsapp", "to": PHONE, "type": "template", "template": template}
    assert api("POST", f"{number}/messages", body).status == 200
    assert emulator.messages[0].text == "Hi Asha, x"
    assert emulator.messages[0].template_id == template_id
    for components in ([], {"type": "body"}, ["x"], [{"type": "body", "parameters": {}}]):
        template["components"] = components
        assert api("POST", f"{number}/messages", body).errors[0].startswith(("(#132000)", "(#131009)"))


def test_what_is_named_in_the_path_must_exist(api, emulator, send):
    emulator.add_template("hello")
    answer = send(path=f"/v1/ext/plugin/whatsapp/none/phoneNumber/{PHONE}/send-template-message")
    assert (answer.status, answer.errors) == (404, ["WhatsApp plugin 'none' not found"])
