"""Every setting and every default, frozen."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from attrs import Attribute, evolve, field, frozen
from attrs.validators import optional

from chakra_async._secrets import Blotter, Hidden
from chakra_async._shapes import is_number


__all__ = ["AccessToken", "Limits", "RetryPolicy", "Settings", "Timeouts"]


class Default(str):
    """Text that nobody gave, so that the environment may override it."""

    __slots__ = ()


DEFAULT_BASE_URL: str = Default("https://api.chakrahq.com")
DEFAULT_WHATSAPP_API_VERSION: str = Default("v19.0")


def _positive(_: Any, attribute: Attribute[float], value: float) -> None:
    if not is_number(value) or not value > 0:
        raise ValueError(f"{attribute.name} must be a number of more than 0, not {value!r}")


def _not_negative(_: Any, attribute: Attribute[float], value: float) -> None:
    if not is_number(value) or not value >= 0:
        raise ValueError(f"{attribute.name} must be a number that is not negative, not {value!r}")


def _count(_: Any, attribute: Attribute[int], value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{attribute.name} must be a whole number of at least 1, not {value!r}")


def _page_size(_: Any, attribute: Attribute[int], value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100:
        raise ValueError(f"{attribute.name} must be a whole number of 1 to 100, not {value!r}")


def _flag(_: Any, attribute: Attribute[bool], value: bool) -> None:
    if value is not True and value is not False:
        raise ValueError(f"{attribute.name} must be True or False, not {value!r}")


LEAST_SECRET = 8
"""Characters of the shortest access token that is taken for a secret."""


class AccessToken:
    """An access token that never prints itself."""

    __slots__ = ("_blotter", "_value")

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"the access token must be text, not {type(value).__name__}")
        # Also here, for crash reports may show the variables of every frame.
        value = Hidden(value.strip())
        if not value:
            raise ValueError("the access token is empty; create one in the dashboard under API Keys")
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise ValueError(
                "the access token holds spaces, line breaks or non-ASCII characters; copy it again"
            )
        self._value = value
        self._blotter = Blotter(value, "[access token]")

    def reveal(self) -> str:
        """Return the token itself. Nothing but the Authorization header should need it."""
        return str(self._value)

    def scrub(self, text: str) -> str:
        """Return ``text`` with the token blotted out, for answers that echo what they were sent.

        A word such as ``token``, as stands for one in trials, would be torn out of every sentence.
        """
        return text if len(self._value) < LEAST_SECRET else self._blotter(text)

    def __repr__(self) -> str:
        return "AccessToken('…')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccessToken) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> AccessToken:
        return self

    def __deepcopy__(self, _: Any) -> AccessToken:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("an access token is not pickled: give it to the other process by its environment")


class RedisUrl(Hidden):
    """Where a Redis is. Travels as it is, but shows no password where values are shown."""

    __slots__ = ()

    @property
    def place(self) -> str:
        """Host and port, or the path of a socket."""
        parts = urlsplit(self)
        return parts.path if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]

    def scrub(self, text: str) -> str:
        """Return ``text`` with the password blotted out."""
        parts = urlsplit(self)
        for password in (parts.password, *parse_qs(parts.query).get("password", ())):
            if password:
                text = Blotter(unquote(password), "[password]")(text)
        return text

    def __repr__(self) -> str:
        return repr(f"{urlsplit(self).scheme}://{self.place}")


def _redis_url(value: str | None) -> RedisUrl | None:
    return None if value is None else RedisUrl(value)


@frozen(kw_only=True)
class Timeouts:
    """Time limits, in seconds."""

    connect: float = field(default=10.0, validator=_positive)
    """To make a connection, TLS included."""
    read: float = field(default=30.0, validator=_positive)
    """Between two pieces of an answer, and until its first byte."""
    write: float = field(default=30.0, validator=_positive)
    """For the service to take the next 64 KiB of an upload, or of JSON larger than 256 KiB. How long the
    source takes to give them is its own affair."""
    total: float = field(default=120.0, validator=_positive)
    """For one attempt, from its first byte sent to the last received.

    A transfer that moves may take any time: for an upload, and for JSON over 256 KiB, this limit counts
    from its last byte sent to the answer, and a download is ended by it only if its answer does not begin in
    that time, or brings less than 1 KiB a second over that span."""
    queue: float = field(default=120.0, validator=_positive)
    """For a free place among ``Limits.connections``."""
    job: float = field(default=900.0, validator=_positive)
    """For a background job of a bulk run to make any progress before its rows are called unknown."""
    drain: float = field(default=5.0, validator=_not_negative)
    """For jobs already accepted to end when a bulk run is left early."""


def _shared(limits: Limits, attribute: Attribute[str | None], value: str | None) -> None:
    if value is None:
        return
    wrong = f"{attribute.name} must look like redis://localhost:6379/0"
    try:
        parts = urlsplit(value)
        found = parts.path if parts.scheme == "unix" else parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError(wrong) from None
    if not found or parts.scheme not in {"redis", "rediss", "unix"} or not value.isprintable():
        raise ValueError(wrong)
    if limits.requests_per_second is None:
        raise ValueError(f"{attribute.name} needs requests_per_second: the rate that is shared")


@frozen(kw_only=True)
class Limits:
    """Sizes and counts."""

    connections: int = field(default=100, validator=_count)
    """Requests in flight at once, which is also the size of the connection pool."""
    keepalive: float = field(default=15.0, validator=_positive)
    """Seconds an idle connection is kept."""
    max_response_bytes: int = field(default=64 * 1024 * 1024, validator=_count)
    """Largest answer read, after decompression."""
    page_size: int = field(default=100, validator=_page_size)
    """Items a page of ``list``; the service takes 100 at most."""
    chunk_size: int = field(default=1000, validator=_count)
    """Rows a job in bulk runs."""
    max_chunk_bytes: int = field(default=4 * 1024 * 1024, validator=_count)
    """Encoded bytes a job in bulk runs."""
    jobs_in_flight: int = field(default=32, validator=_count)
    """Jobs at once in a bulk run, at most; how many are worth it, the run finds out by itself."""
    requests_per_second: float | None = field(default=None, validator=optional(_positive))
    """A fixed limit on requests, if one is wanted; what the service allows is found out without it."""
    shared_rate: str | None = field(default=None, converter=_redis_url, validator=_shared)
    """Address of a Redis (``redis://…``) through which all clients of this token, in any number of processes
    and on any number of hosts, keep to ``requests_per_second`` together. Needs the extra ``redis``."""


@frozen(kw_only=True)
class RetryPolicy:
    """When a failed attempt is repeated, and after how long.

    What must not be done twice is not repeated, unless ``server_errors_on_writes`` says so: creates,
    messages and uploads are sent again only when the service refused them unread (429) or nothing had left.
    """

    attempts: int = field(default=6, validator=_count)
    """Attempts in all; 1 switches retries off."""
    wait_initial: float = field(default=0.5, validator=_positive)
    """Upper end, in seconds, of the random wait before the second attempt; doubled each time."""
    wait_max: float = field(default=20.0, validator=_positive)
    """Upper end of any random wait, in seconds."""
    retry_after_max: float = field(default=120.0, validator=_not_negative)
    """Longest ``Retry-After`` obeyed, in seconds; a longer one is raised at once."""
    budget: float = field(default=0.2, validator=_not_negative)
    """Retries a call in the long run, so that an outage does not multiply load; those after a 429, or after a
    wait that the service asked for, do not count."""
    server_errors_on_writes: bool = field(default=False, validator=_flag)
    """Also repeat a create, message or upload after a 5xx. It may then be done twice."""


def _group(_: Any, attribute: Attribute[Any], value: Any) -> None:
    kinds = {"timeouts": Timeouts, "limits": Limits, "retry": RetryPolicy}
    kind = kinds[attribute.name]
    if not isinstance(value, kind):
        raise TypeError(f"{attribute.name} must be a {kind.__name__}(…), not {value!r}")


def _token(value: AccessToken | str | None) -> AccessToken | None:
    return AccessToken(value) if isinstance(value, str) else value


def _without_slash(value: str) -> str:
    # What nobody gave has to stay recognisable, and what is no text is refused afterwards.
    return value.strip().rstrip("/") if isinstance(value, str) and not isinstance(value, Default) else value


def _base_url(_: Any, attribute: Attribute[str], value: str) -> None:
    wrong = f"{attribute.name} must look like {DEFAULT_BASE_URL}, not {value!r}"
    # urlsplit drops line breaks silently; aiohttp would send them.
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(wrong)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError(wrong)
    # An empty query or fragment would swallow the paths of the calls.
    if "@" in parts.netloc or "?" in value or "#" in value:
        raise ValueError(f"{attribute.name} takes no credentials, query or fragment")
    root, found, _ = f"{value}/".partition("/v1/ext/")
    if found:
        raise ValueError(
            f"{attribute.name} must end before /v1/ext, which every call adds by itself: give {root!r}, "
            f"not {value!r}"
        )


def _api_version(_: Any, attribute: Attribute[str], value: str) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"v[0-9]+\.[0-9]+", value):
        raise ValueError(f"{attribute.name} must look like {DEFAULT_WHATSAPP_API_VERSION}, not {value!r}")


@frozen(kw_only=True)
class Settings:
    """All that a client needs to know. Keep one and derive others with :func:`attrs.evolve`."""

    access_token: AccessToken | None = field(default=None, converter=_token)
    base_url: str = field(default=DEFAULT_BASE_URL, converter=_without_slash, validator=_base_url)
    timeouts: Timeouts = field(factory=Timeouts, validator=_group)
    limits: Limits = field(factory=Limits, validator=_group)
    retry: RetryPolicy = field(factory=RetryPolicy, validator=_group)
    plugin_id: str | None = None
    """WhatsApp plugin (a uuid, from the WhatsApp Setup page)."""
    phone_number_id: str | None = None
    """WhatsApp phone number id (Meta's number, shown in WhatsApp Setup)."""
    whatsapp_api_version: str = field(default=DEFAULT_WHATSAPP_API_VERSION, validator=_api_version)
    """Version of Meta's API named in the paths of pass-through calls."""

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] = os.environ, *, defaults: Settings | None = None
    ) -> Settings:
        """Take from ``defaults`` what was given there, else from the environment.

        The variables are ``CHAKRA_ACCESS_TOKEN``, ``CHAKRA_BASE_URL``, ``CHAKRA_PLUGIN_ID``,
        ``CHAKRA_PHONE_NUMBER_ID`` and ``CHAKRA_WHATSAPP_API_VERSION``. Given is what was passed to
        ``Settings(…)`` and is not ``None``, also where it equals the default. All that is returned counts as
        given.

        Raises:
            ValueError: a variable is set to something that cannot be used.
        """
        given = defaults or cls()
        found: dict[str, str | None] = {}
        for name in ("access_token", "base_url", "plugin_id", "phone_number_id", "whatsapp_api_version"):
            value = getattr(given, name)
            if value is None or isinstance(value, Default):
                found[name] = environ.get(f"CHAKRA_{name.upper()}") or (value and str(value))
        # For crash reports that show the variables of every frame.
        del environ
        if found.get("access_token"):
            found["access_token"] = Hidden(found["access_token"])
        return given.fill(**found)

    def fill(self, **given: Any) -> Settings:
        """Return these settings with every given value that is not ``None`` put in."""
        return evolve(self, **{name: value for name, value in given.items() if value is not None})
