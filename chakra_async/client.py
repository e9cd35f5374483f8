"""The client: builds the transport and the resources, and owns the sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from chakra_async._codec import encode
from chakra_async._lazy import Lazy
from chakra_async._paths import absolute
from chakra_async._secrets import Hidden
from chakra_async.models.reply import Reply
from chakra_async.settings import AccessToken, Limits, RetryPolicy, Settings, Timeouts


if TYPE_CHECKING:
    import aiohttp

    from chakra_async._transport import Transport
    from chakra_async.resources.chats import Chats
    from chakra_async.resources.config import Config
    from chakra_async.resources.jobs import Jobs
    from chakra_async.resources.leads import Leads
    from chakra_async.resources.partner import Partner
    from chakra_async.resources.photos import Photos
    from chakra_async.resources.processes import Processes
    from chakra_async.resources.tasks import Tasks
    from chakra_async.resources.users import Users
    from chakra_async.resources.whatsapp_accounts import Accounts
    from chakra_async.resources.whatsapp_calling import Calling
    from chakra_async.resources.whatsapp_flows import Flows
    from chakra_async.resources.whatsapp_groups import Groups
    from chakra_async.resources.whatsapp_media import Media
    from chakra_async.resources.whatsapp_messages import Messages
    from chakra_async.resources.whatsapp_phone_numbers import PhoneNumbers
    from chakra_async.resources.whatsapp_plugins import Plugins
    from chakra_async.resources.whatsapp_templates import Templates

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class WhatsApp:
    """Messages, templates, media and all else of WhatsApp."""

    messages: Lazy[Messages] = Lazy("resources.whatsapp_messages:Messages")
    """Sending messages, with and without templates."""
    templates: Lazy[Templates] = Lazy("resources.whatsapp_templates:Templates")
    """Message templates."""
    media: Lazy[Media] = Lazy("resources.whatsapp_media:Media")
    """Pictures, documents and the like: sent and received."""
    flows: Lazy[Flows] = Lazy("resources.whatsapp_flows:Flows")
    """Keys for flows."""
    calling: Lazy[Calling] = Lazy("resources.whatsapp_calling:Calling")
    """Calls."""
    groups: Lazy[Groups] = Lazy("resources.whatsapp_groups:Groups")
    """Groups."""
    phone_numbers: Lazy[PhoneNumbers] = Lazy("resources.whatsapp_phone_numbers:PhoneNumbers")
    """Phone numbers of the team."""
    accounts: Lazy[Accounts] = Lazy("resources.whatsapp_accounts:Accounts")
    """WhatsApp business accounts."""
    plugins: Lazy[Plugins] = Lazy("resources.whatsapp_plugins:Plugins")
    """WhatsApp plugins."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _make(self, _: str, cls: Callable[[Transport], Any], /) -> Any:
        return cls(self._transport)


class Client:
    """A client of the ChakraHQ API.

    What is not given comes from ``settings``, then from the environment (``CHAKRA_ACCESS_TOKEN``,
    ``CHAKRA_BASE_URL``, ``CHAKRA_PLUGIN_ID``, ``CHAKRA_PHONE_NUMBER_ID``, ``CHAKRA_WHATSAPP_API_VERSION``),
    then from the defaults.

    Nothing is opened before the first call. One client may serve any number of tasks, several event loops
    one after another, and forked children; close it with ``async with`` or :meth:`close`.

    Args:
        access_token: the token, from API Keys in the dashboard.
        base_url: where the API is, ``https://api.chakrahq.com`` by default.
        timeout: time limits; a number is taken as ``Timeouts(total=…)``, seconds for one attempt.
        retry: when a failed attempt is repeated.
        limits: sizes and counts.
        plugin_id: WhatsApp plugin used where a call names none.
        phone_number_id: WhatsApp phone number id used where a call names none.
        whatsapp_api_version: version of Meta's API in the paths of pass-through calls, ``v19.0`` by default.
        session: an ``aiohttp.ClientSession`` of yours to send through; it is never closed by the client. One
            with credentials of its own, or with ``auto_decompress=False``, is refused.
        settings: all of these at once.

    Raises:
        ValueError: there is no access token, or a setting or the session cannot be used.
    """

    processes: Lazy[Processes] = Lazy("resources.processes:Processes")
    """Leads, tickets, field visits."""
    jobs: Lazy[Jobs] = Lazy("resources.jobs:Jobs")
    """Background jobs."""
    tasks: Lazy[Tasks] = Lazy("resources.tasks:Tasks")
    """What is to be done, or was done, for a process."""
    users: Lazy[Users] = Lazy("resources.users:Users")
    """Users of the team."""
    photos: Lazy[Photos] = Lazy("resources.photos:Photos")
    """Photos, which attributes name by their ids."""
    config: Lazy[Config] = Lazy("resources.config:Config")
    """What the uuids in other objects stand for."""
    leads: Lazy[Leads] = Lazy("resources.leads:Leads")
    """Processes of the procedure ``lead``."""
    chats: Lazy[Chats] = Lazy("resources.chats:Chats")
    """Chats and their messages."""
    partner: Lazy[Partner] = Lazy("resources.partner:Partner")
    """Connecting clients' WhatsApp accounts, and where plugins send their events."""
    whatsapp: WhatsApp
    """Messages, templates, media and all else of WhatsApp."""

    def __init__(
        self,
        access_token: str | None = None,
        *,
        base_url: str | None = None,
        timeout: Timeouts | float | None = None,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        plugin_id: str | None = None,
        phone_number_id: str | None = None,
        whatsapp_api_version: str | None = None,
        session: aiohttp.ClientSession | None = None,
        settings: Settings | None = None,
    ) -> None:
        if isinstance(access_token, str):
            # For crash reports that show the variables of every frame.
            access_token = Hidden(access_token)
        # aiohttp takes most of the import time; whoever makes no client need not pay for it.
        from chakra_async._transport import Transport  # noqa: PLC0415

        self.settings: Settings = Settings.from_env(defaults=settings).fill(
            access_token=None if access_token is None else AccessToken(access_token),
            base_url=base_url,
            timeouts=Timeouts(total=timeout) if isinstance(timeout, int | float) else timeout,
            retry=retry,
            limits=limits,
            plugin_id=plugin_id,
            phone_number_id=phone_number_id,
            whatsapp_api_version=whatsapp_api_version,
        )
        if self.settings.access_token is None:
            raise ValueError(
                "no access token: set CHAKRA_ACCESS_TOKEN or call Client('…'); tokens are made in the "
                "dashboard under API Keys"
            )
        self._transport = Transport(self.settings, self.settings.access_token, session)
        self.whatsapp = WhatsApp(self._transport)

    def _make(self, name: str, cls: Callable[..., Any], /) -> Any:
        if name == "processes":
            return cls(self._transport, partial(_jobs, self._transport))
        return cls(self._transport)

    async def health(self) -> bool:
        """Tell whether the service is up; that this checks the token too is not known.

        Endpoint: ``GET /v1/health`` (documented in the vendor's n8n node; its body is unknown).

        Raises:
            ChakraError: it is not, or cannot be reached; or what answers is a web page.
        """
        await self._transport.call("GET", "/v1/health", repeatable=True, any_body=True)
        return True

    async def request(
        self,
        method: str,
        path: str,
        /,
        *,
        json: Any = None,
        query: Mapping[str, str | int] | None = None,
        data: bytes | None = None,
    ) -> Reply:
        """Call anything this package does not model, with the same guarantees as everything it does.

        ``GET``, ``HEAD``, ``PUT`` and ``DELETE`` are repeated after a passing failure; ``POST`` and
        ``PATCH`` only if they were refused unread (429) or never left.

        Args:
            method: HTTP method.
            path: absolute path, percent-encoded where needed, without host and query.
            json: body, as JSON values.
            query: query parameters.
            data: body, as encoded JSON bytes.

        Returns:
            Status, headers, data (``_data`` of a wrapped answer, else the whole value; ``None`` for an
            empty body) and meta.

        Raises:
            ChakraError: as in every other call.
            TypeError: ``data`` is not bytes, or a query parameter is neither text nor a number.
            ValueError: the path names another host or climbs, the method is unknown, two bodies are given, or
                a value in ``json`` cannot be sent.
        """
        method = method.upper()
        if method not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(sorted(_METHODS))}, not {method!r}")
        if json is not None and data is not None:
            raise ValueError("give json or data, not both")
        if data is not None and not isinstance(data, bytes):
            raise TypeError(f"data must be JSON encoded as bytes, not {type(data).__name__}; or give json")
        body = data if json is None else encode(json)
        return await self._transport.call(
            method, absolute(path), body=body, query=query, repeatable=method in _REPEATABLE
        )

    async def close(self) -> None:
        """Close what the client opened. Calls after this raise ``ClientClosedError``."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        if "_transport" not in vars(self):
            # The traceback of a failed construction may show it.
            return "<Client that was not made>"
        return f"<Client of {self.settings.base_url}{', closed' if self._transport.closed else ''}>"


def _jobs(transport: Transport) -> Jobs:
    from chakra_async.resources.jobs import Jobs  # noqa: PLC0415 - processes need them in bulk only

    return Jobs(transport)
