"""WhatsApp on the sync side, as type checkers see it; never run."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import assert_type

from chakra_async import (
    Account,
    Call,
    CallPermissions,
    ChatMessage,
    Downloaded,
    Group,
    GroupRequest,
    JoinRequest,
    JoinRequestsAnswered,
    MediaInfo,
    MediaKind,
    ParticipantsRemoved,
    PhoneNumber,
    PhoneNumberSettings,
    Plugin,
    PublicKey,
    PublicMedia,
    SentMessage,
    Template,
    TemplateValues,
    Transferred,
)
from chakra_async.sync import Client, Pager


def messages(chakra: Client, kind: MediaKind) -> None:
    sent = chakra.whatsapp.messages.send(
        {"to": "1", "type": "text", "text": {"body": "Hello"}},
        plugin_id="p",
        phone_number_id="n",
        api_version="v21.0",
    )
    assert_type(sent, SentMessage)
    sent = chakra.whatsapp.messages.send_text(
        "917701214822",
        "Hello",
        preview_url=True,
        reply_to="wamid",
        plugin_id="p",
        phone_number_id="n",
        api_version="v21.0",
    )
    assert_type(sent, SentMessage)
    sent = chakra.whatsapp.messages.send_media(
        917701214822,
        kind,
        "https://example.com/a.pdf",
        caption="A",
        filename="a.pdf",
        reply_to="wamid",
        plugin_id="p",
        phone_number_id="n",
        api_version="v21.0",
    )
    assert_type(sent, SentMessage)
    chakra.whatsapp.messages.send_media("917701214822", "image", "https://example.com/a.png")
    sent = chakra.whatsapp.messages.send_location(
        "917701214822",
        latitude=15,
        longitude=73.8,
        name="Goa",
        address="India",
        reply_to="wamid",
        plugin_id="p",
        phone_number_id="n",
        api_version="v21.0",
    )
    assert_type(sent, SentMessage)
    sent = chakra.whatsapp.messages.send_contacts(
        "917701214822",
        [{"name": {"formatted_name": "A"}}],
        reply_to="wamid",
        plugin_id="p",
        phone_number_id="n",
        api_version="v21.0",
    )
    assert_type(sent, SentMessage)
    sent = chakra.whatsapp.messages.send_reaction(
        "917701214822", "wamid", "👍", plugin_id="p", phone_number_id="n", api_version="v21.0"
    )
    assert_type(sent, SentMessage)
    assert_type(
        chakra.whatsapp.messages.mark_read(
            "wamid", typing=True, plugin_id="p", phone_number_id="n", api_version="v21.0"
        ),
        None,
    )


def interactive_messages(chakra: Client) -> None:
    sent = chakra.whatsapp.messages.send_buttons(
        "917701214822",
        "Well?",
        buttons={"yes": "Yes", "no": "No"},
        header={"type": "text", "text": "A question"},
        footer="…",
        reply_to="wamid",
        plugin_id="p",
        phone_number_id="n",
        api_version="v21.0",
    )
    assert_type(sent, SentMessage)
    chakra.whatsapp.messages.send_buttons("917701214822", "Well?", buttons={"a": "A"}, header="B")
    sent = chakra.whatsapp.messages.send_list(
        "917701214822",
        "Which?",
        button="Show",
        sections=[{"title": "A", "rows": [{"id": "1", "title": "One"}]}],
        header="A question",
        footer="…",
        reply_to="wamid",
        plugin_id="p",
        phone_number_id="n",
        api_version="v21.0",
    )
    assert_type(sent, SentMessage)
    sent = chakra.whatsapp.messages.send_interactive(
        "917701214822",
        {"type": "cta_url"},
        reply_to="wamid",
        plugin_id="p",
        phone_number_id="n",
        api_version="v21.0",
    )
    assert_type(sent, SentMessage)


def template_messages(chakra: Client, values: TemplateValues) -> None:
    message = chakra.whatsapp.messages.send_template(
        "917701214822",
        template_name="welcome",
        mapping={"name": "A", "points": 7, "rate": 0.5},
        header_mapping=["A", 7, 0.5, {"name": "name", "value": "A"}],
        button_mapping=values,
        image_url="https://example.com/a.png",
        video_url="https://example.com/a.mp4",
        document_url="https://example.com/a.pdf",
        filename="a.pdf",
        location_latitude=15,
        location_longitude=73.8,
        location_name="Goa",
        location_address="India",
        language="en_US",
        otp_code="1234",
        plugin_id="p",
        phone_number_id="n",
    )
    assert_type(message, ChatMessage)
    message = chakra.whatsapp.messages.send_template_for_process(
        "lead",
        7,
        template_name="welcome",
        mapping={"name": "A"},
        header_mapping=["A"],
        button_mapping=values,
        image_url="https://example.com/a.png",
        video_url="https://example.com/a.mp4",
        document_url="https://example.com/a.pdf",
        filename="a.pdf",
        location_latitude=15.5,
        location_longitude=73.8,
        location_name="Goa",
        location_address="India",
        language="en_US",
        otp_code="1234",
        plugin_id="p",
        phone_number_id="n",
    )
    assert_type(message, ChatMessage)


def templates(chakra: Client) -> None:
    pager = chakra.whatsapp.templates.list(
        "1", name="welcome", fields=["name"], limit=5, after="cursor", api_version="v21.0"
    )
    assert_type(pager, Pager[Template])
    template = chakra.whatsapp.templates.create(
        "1",
        name="welcome",
        category="UTILITY",
        language="en_US",
        components=[{"type": "BODY", "text": "Hello"}],
        parameter_format="NAMED",
        fields={"a": 1},
        api_version="v21.0",
    )
    assert_type(template, Template)
    assert_type(
        chakra.whatsapp.templates.update(
            "2", components=({"type": "BODY"},), category="UTILITY", fields={"a": 1}, api_version="v21.0"
        ),
        None,
    )
    assert_type(chakra.whatsapp.templates.delete("1", name="welcome", hsm_id="2", api_version="v21.0"), None)


def tell(transferred: Transferred) -> None:
    assert_type(transferred.total_bytes, int | None)


def pieces() -> Iterator[bytes]:
    yield b"piece"


def media(chakra: Client) -> None:
    published = chakra.whatsapp.media.upload_public(
        "a.png",
        filename="a.png",
        content_type="image/png",
        size_bytes=7,
        plugin_id="p",
        on_progress=tell,
    )
    assert_type(published, PublicMedia)
    chakra.whatsapp.media.upload_public(pieces())
    assert_type(chakra.whatsapp.media.get("id"), MediaInfo)
    assert_type(
        chakra.whatsapp.media.show("id", to=Path("a.png"), sha256="0" * 64, on_progress=tell),
        Downloaded,
    )
    assert_type(
        chakra.whatsapp.media.attachment("mid", to=BytesIO(), sha256="0" * 64, on_progress=tell),
        Downloaded,
    )


def flows(chakra: Client) -> None:
    assert_type(
        chakra.whatsapp.flows.set_public_key(
            "-----BEGIN", plugin_id="p", phone_number_id="n", api_version="v21.0"
        ),
        None,
    )
    key = chakra.whatsapp.flows.get_public_key(plugin_id="p", phone_number_id="n", api_version="v21.0")
    assert_type(key, PublicKey)


def calling(chakra: Client) -> None:
    settings = chakra.whatsapp.calling.get_settings(
        include_sip_credentials=True, phone_number_id="n", api_version="v21.0"
    )
    assert_type(settings, PhoneNumberSettings)
    assert_type(
        chakra.whatsapp.calling.update_settings(
            status="ENABLED",
            call_icon_visibility="DEFAULT",
            callback_permission_status="ENABLED",
            call_hours={"status": "DISABLED"},
            sip={"status": "DISABLED"},
            phone_number_id="n",
            api_version="v21.0",
        ),
        None,
    )
    permissions = chakra.whatsapp.calling.get_permissions(
        "917701214822", recipient="r", phone_number_id="n", api_version="v21.0"
    )
    assert_type(permissions, CallPermissions)
    assert_type(chakra.whatsapp.calling.get_permissions(recipient="r"), CallPermissions)
    call = chakra.whatsapp.calling.connect(
        917701214822,
        sdp="v=0",
        recipient="r",
        biz_opaque_callback_data="7",
        recording={"a": 1},
        transcription={"a": 1},
        phone_number_id="n",
        api_version="v21.0",
    )
    assert_type(call, Call)
    assert_type(
        chakra.whatsapp.calling.pre_accept(
            call.id,
            sdp="v=0",
            biz_opaque_callback_data="7",
            recording={"a": 1},
            transcription={"a": 1},
            phone_number_id="n",
            api_version="v21.0",
        ),
        None,
    )
    assert_type(
        chakra.whatsapp.calling.accept(
            call.id,
            sdp="v=0",
            biz_opaque_callback_data="7",
            recording={"a": 1},
            transcription={"a": 1},
            phone_number_id="n",
            api_version="v21.0",
        ),
        None,
    )
    assert_type(
        chakra.whatsapp.calling.reject(
            call.id, biz_opaque_callback_data="7", phone_number_id="n", api_version="v21.0"
        ),
        None,
    )
    assert_type(
        chakra.whatsapp.calling.terminate(
            call.id, biz_opaque_callback_data="7", phone_number_id="n", api_version="v21.0"
        ),
        None,
    )


def groups(chakra: Client) -> None:
    request = chakra.whatsapp.groups.create(
        subject="A",
        description="B",
        join_approval_mode="auto_approve",
        plugin_id="p",
        phone_number_id="n",
        api_version="v21.0",
    )
    assert_type(request, GroupRequest)
    pager = chakra.whatsapp.groups.list(
        limit=5, after="cursor", plugin_id="p", phone_number_id="n", api_version="v21.0"
    )
    assert_type(pager, Pager[Group])
    group = chakra.whatsapp.groups.get("g", fields=["subject"], plugin_id="p", api_version="v21.0")
    assert_type(group, Group)
    request = chakra.whatsapp.groups.update(
        "g", subject="A", description="B", plugin_id="p", api_version="v21.0"
    )
    assert_type(request, GroupRequest)
    request = chakra.whatsapp.groups.delete("g", plugin_id="p", api_version="v21.0")
    assert_type(request, GroupRequest)
    link = chakra.whatsapp.groups.get_invite_link("g", plugin_id="p", api_version="v21.0")
    assert_type(link, str)
    link = chakra.whatsapp.groups.reset_invite_link("g", plugin_id="p", api_version="v21.0")
    assert_type(link, str)
    waiting = chakra.whatsapp.groups.list_join_requests("g", plugin_id="p", api_version="v21.0")
    assert_type(waiting, Pager[JoinRequest])
    answered = chakra.whatsapp.groups.approve_join_requests("g", ["r"], plugin_id="p", api_version="v21.0")
    assert_type(answered, JoinRequestsAnswered)
    answered = chakra.whatsapp.groups.reject_join_requests("g", ("r",), plugin_id="p", api_version="v21.0")
    assert_type(answered, JoinRequestsAnswered)
    removed = chakra.whatsapp.groups.remove_participants(
        "g", ["+917701214822", 917701214822], plugin_id="p", api_version="v21.0"
    )
    assert_type(removed, ParticipantsRemoved)


def connection(chakra: Client) -> None:
    assert_type(chakra.whatsapp.phone_numbers.list(), Pager[PhoneNumber])
    assert_type(chakra.whatsapp.phone_numbers.get("n"), PhoneNumber)
    assert_type(chakra.whatsapp.accounts.list(plugin_id="p"), Pager[Account])
    assert_type(chakra.whatsapp.plugins.create(name="A"), Plugin)
    assert_type(chakra.whatsapp.plugins.get("p"), Plugin)
    plugin = chakra.whatsapp.plugins.update("p", server_config={"a": 1}, is_active=True)
    assert_type(plugin, Plugin)
    assert_type(chakra.whatsapp.plugins.delete("p"), None)


def mistakes(chakra: Client) -> None:
    """What must not pass: each comment would be reported as needless if the checker found nothing."""
    whatsapp = chakra.whatsapp
    whatsapp.messages.send_text("1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.messages.send_text("1", "Hello", True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.messages.send_media("1", "picture", "https://a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    whatsapp.messages.send_buttons("1", "Well?", buttons=["a"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    whatsapp.messages.send_list("1", "Which?", button="A")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.messages.send_location("1", 15.5, 73.8)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.messages.send_template("1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.messages.send_template("1", template_name="a", mapping={"a": None})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    whatsapp.templates.list()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.templates.create("1", name="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.media.show("x", to=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    whatsapp.media.upload_public(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    whatsapp.flows.set_public_key()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.calling.connect("1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.calling.reject("id", sdp="v=0")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.groups.create("A")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.groups.remove_participants("g", [None])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    whatsapp.phone_numbers.list("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.plugins.create("A")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    whatsapp.nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
