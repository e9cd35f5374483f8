"""What webhooks tell of, under the same names in whichever format it came."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

from attrs import define, field


WebhookFormat = Literal["meta", "chakra", "delivery_status", "unknown"]
"""Meta's entries as they are passed through, Chakra's ``{event, payload}``, its older ``deliveryStatus``; or
an object that is none of them."""


@define(kw_only=True)
class Event:
    """What every event has."""

    _wire_case: ClassVar[str] = "snake"

    name: str
    """What handlers are registered under: ``message``, ``status``, or what the service calls it."""
    id: str
    """Which event it is: the same however often, and in whichever format, it is delivered."""
    at: datetime | None = None
    """When it happened, as far as the delivery tells."""
    account_id: str | None = None
    """WhatsApp business account (WABA)."""
    phone_number_id: str | None = None
    """The business's phone number, by Meta's id. Chakra's own formats leave it out as a rule."""
    format: WebhookFormat = field(default="unknown", metadata={"wire": False})
    raw: dict[str, Any] = field(repr=False)
    """The part of the delivery that is about this event, as it came."""
    extra: dict[str, Any] = field(factory=dict[str, Any], repr=False)
    """Fields of ``raw`` that have no attribute here."""


@define(kw_only=True)
class EventError:
    """Why something failed, in Meta's words.

    Source: chakra-api 2.1 and 2.2 (seen).
    """

    _wire_case: ClassVar[str] = "snake"

    code: int | None = None
    """Such as 131026, not reachable; 131047, outside the 24 hours; 131049, kept back by Meta."""
    title: str | None = None
    message: str | None = None
    details: str | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class Media:
    """A file in a message. ``chakra.whatsapp.media.show`` fetches it by its id.

    Source: live deliveries (seen).
    """

    _wire_case: ClassVar[str] = "snake"

    id: str | None = None
    mime_type: str | None = None
    sha256: str | None = None
    """Base64, as Meta writes it."""
    filename: str | None = None
    """Of a document."""
    url: str | None = None
    """Meta's own address of it; it passes soon, and Chakra's access token does not open it."""
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class Location:
    """A place in a message, as Meta documents it."""

    _wire_case: ClassVar[str] = "snake"

    latitude: float | None = None
    longitude: float | None = None
    name: str | None = None
    address: str | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class Reaction:
    """An emoji put on a message, or taken away, as Meta documents it."""

    _wire_case: ClassVar[str] = "snake"

    message_id: str | None = None
    """The message it is put on."""
    emoji: str | None = None
    """``None`` when it is taken away."""
    extra: dict[str, Any] = field(factory=dict[str, Any])


@define(kw_only=True)
class _Message(Event):
    message_id: str
    """WhatsApp's id (``wamid.…``), which replies and statuses name."""
    chakra_id: str | None = None
    """The service's own id; in its own formats only."""
    sender: str | None = None
    """Phone number: country code and digits."""
    sender_name: str | None = None
    """The name in the sender's profile."""
    type: str = "unknown"
    """Meta's word: ``text``, ``image``, ``interactive`` and so on; new ones come through."""
    content: Any = field(default=None, repr=False)
    """What stands under the type's own name, whatever it is; for types that have no attribute here."""
    text: str | None = None
    """What was written, or the caption, or the title of the button or row that was chosen."""
    choice: str | None = None
    """Id of the row or reply button, or payload of the template's button, that was chosen."""
    media: Media | None = None
    location: Location | None = None
    reaction: Reaction | None = None
    reply_to: str | None = None
    """The message that this one answers."""
    group_id: str | None = None
    errors: list[EventError] = field(factory=list[EventError])
    """Why the content could not be passed on, when the type is ``unsupported``."""


@define(kw_only=True)
class MessageEvent(_Message):
    """Somebody wrote to the business; ``name`` is ``message``.

    Source: apidocs doc-919167 (documented); Meta's message object was seen live in both formats.
    """


@define(kw_only=True)
class EchoEvent(_Message):
    """The business wrote to somebody; ``name`` is ``message_echo``, or ``smb_message_echo`` from its phone.

    Apart from `MessageEvent`, or a bot would answer itself. Source: client code (seen); that Chakra's format
    has the shape of a message is inferred.
    """

    recipient: str | None = None


@define(kw_only=True)
class StatusEvent(Event):
    """A message of the business was sent, delivered, read, or failed; ``name`` is ``status``.

    Statuses come out of order; `StatusTracker` puts them in order.
    Source: apidocs doc-919167, docs ``/whatsapp/delivery-status-webhook`` (documented).
    """

    message_id: str | None = None
    """WhatsApp's id; ``None`` only where Chakra's format names none, such as for what WhatsApp never took."""
    chakra_id: str | None = None
    status: str
    """``sent``, ``delivered``, ``read``, ``failed``, always in lower case; others come through."""
    recipient: str | None = None
    """Phone number, or the group."""
    participant: str | None = None
    """Whose status it is, when the recipient is a group (inferred)."""
    errors: list[EventError] = field(factory=list[EventError])


@define(kw_only=True)
class TemplateEvent(Event):
    """WhatsApp decided on a template; ``name`` is ``message_template_status_update``.

    Source: Meta's reference; that Chakra passes it through was seen.
    """

    template_id: str
    template_name: str | None = None
    language: str | None = None
    status: str
    """``APPROVED``, ``REJECTED``, ``PAUSED`` and so on, in the case that templates have everywhere."""
    reason: str | None = None
    """Why it was rejected or paused; ``NONE`` else."""


@define(kw_only=True)
class RawEvent(Event):
    """Anything else, untouched.

    ``name`` is Meta's ``field``, such as ``account_update`` or ``calls``, or Chakra's ``event``. It is
    ``unreadable`` for what should be one of the other events but lacks its essence, and ``unknown`` for an
    object that has none of the formats.
    """
