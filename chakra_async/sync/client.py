"""The sync client: the async one behind a portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from chakra_async import client
from chakra_async._lazy import Lazy
from chakra_async._secrets import Hidden
from chakra_async.models.reply import Reply
from chakra_async.settings import Limits, RetryPolicy, Settings, Timeouts
from chakra_async.sync._portal import Portal


if TYPE_CHECKING:
    from chakra_async.sync.resources.chats import Chats
    from chakra_async.sync.resources.config import Config
    from chakra_async.sync.resources.jobs import Jobs
    from chakra_async.sync.resources.leads import Leads
    from chakra_async.sync.resources.partner import Partner
    from chakra_async.sync.resources.photos import Photos
    from chakra_async.sync.resources.processes import Processes
    from chakra_async.sync.resources.tasks import Tasks
    from chakra_async.sync.resources.users import Users
    from chakra_async.sync.resources.whatsapp_accounts import Accounts
    from chakra_async.sync.resources.whatsapp_calling import Calling
    from chakra_async.sync.resources.whatsapp_flows import Flows
    from chakra_async.sync.resources.whatsapp_groups import Groups
    from chakra_async.sync.resources.whatsapp_media import Media
    from chakra_async.sync.resources.whatsapp_messages import Messages
    from chakra_async.sync.resources.whatsapp_phone_numbers import PhoneNumbers
    from chakra_async.sync.resources.whatsapp_plugins import Plugins
    from chakra_async.sync.resources.whatsapp_templates import Templates


class WhatsApp:
    """Messages, templates, media and all else of WhatsApp."""

    messages: Lazy[Messages] = Lazy("sync.resources.whatsapp_messages:Messages")
    """Sending messages, with and without templates."""
    templates: Lazy[Templates] = Lazy("sync.resources.whatsapp_templates:Templates")
    """Message templates."""
    media: Lazy[Media] = Lazy("sync.resources.whatsapp_media:Media")
    """Pictures, documents and the like: sent and received."""
    flows: Lazy[Flows] = Lazy("sync.resources.whatsapp_flows:Flows")
    """Keys for flows."""
    calling: Lazy[Calling] = Lazy("sync.resources.whatsapp_calling:Calling")
    """Calls."""
    groups: Lazy[Groups] = Lazy("sync.resources.whatsapp_groups:Groups")
    """Groups."""
    phone_numbers: Lazy[PhoneNumbers] = Lazy("sync.resources.whatsapp_phone_numbers:PhoneNumbers")
    """Phone numbers of the team."""
    accounts: Lazy[Accounts] = Lazy("sync.resources.whatsapp_accounts:Accounts")
    """WhatsApp business accounts."""
    plugins: Lazy[Plugins] = Lazy("sync.resources.whatsapp_plugins:Plugins")
    """WhatsApp plugins."""

    def __init__(self, portal: Portal, whatsapp: client.WhatsApp) -> None:
        self._portal = portal
        self._whatsapp = whatsapp

    def _make(self, name: str, cls: Callable[[Portal, Any], Any], /) -> Any:
        return cls(self._portal, getattr(self._whatsapp, name))


class Client:
    """A client of the ChakraHQ API for code that does not await.

    What is not given comes from ``settings``, then from the environment (``CHAKRA_ACCESS_TOKEN``,
    ``CHAKRA_BASE_URL``, ``CHAKRA_PLUGIN_ID``, ``CHAKRA_PHONE_NUMBER_ID``, ``CHAKRA_WHATSAPP_API_VERSION``),
    then from the defaults.

    Nothing is opened before the first call, which starts a thread with an event loop of its own; ``with``,
    :meth:`close`, or dropping the client ends it. One client may serve any number of threads, code inside a
    running event loop (a notebook), and forked children.

    Args:
        access_token: the token, from API Keys in the dashboard.
        base_url: where the API is, ``https://api.chakrahq.com`` by default.
        timeout: time limits; a number is taken as ``Timeouts(total=…)``, seconds for one attempt.
        retry: when a failed attempt is repeated.
        limits: sizes and counts.
        plugin_id: WhatsApp plugin used where a call names none.
        phone_number_id: WhatsApp phone number id used where a call names none.
        whatsapp_api_version: version of Meta's API in the paths of pass-through calls, ``v19.0`` by default.
        settings: all of these at once.

    Raises:
        ValueError: there is no access token, or a setting cannot be used.
    """

    processes: Lazy[Processes] = Lazy("sync.resources.processes:Processes")
    """Leads, tickets, field visits."""
    jobs: Lazy[Jobs] = Lazy("sync.resources.jobs:Jobs")
    """Background jobs."""
    tasks: Lazy[Tasks] = Lazy("sync.resources.tasks:Tasks")
    """What is to be done, or was done, for a process."""
    users: Lazy[Users] = Lazy("sync.resources.users:Users")
    """Users of the team."""
    photos: Lazy[Photos] = Lazy("sync.resources.photos:Photos")
    """Photos, which attributes name by their ids."""
    config: Lazy[Config] = Lazy("sync.resources.config:Config")
    """What the uuids in other objects stand for."""
    leads: Lazy[Leads] = Lazy("sync.resources.leads:Leads")
    """Processes of the procedure ``lead``."""
    chats: Lazy[Chats] = Lazy("sync.resources.chats:Chats")
    """Chats and their messages."""
    partner: Lazy[Partner] = Lazy("sync.resources.partner:Partner")
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
        settings: Settings | None = None,
    ) -> None:
        if isinstance(access_token, str):
            # For crash reports that show the variables of every frame.
            access_token = Hidden(access_token)
        self._client = client.Client(
            access_token,
            base_url=base_url,
            timeout=timeout,
            retry=retry,
            limits=limits,
            plugin_id=plugin_id,
            phone_number_id=phone_number_id,
            whatsapp_api_version=whatsapp_api_version,
            settings=settings,
        )
        self.settings: Settings = self._client.settings
        self._portal = Portal(self._client.close)
        self.whatsapp = WhatsApp(self._portal, self._client.whatsapp)

    def _make(self, name: str, cls: Callable[[Portal, Any], Any], /) -> Any:
        return cls(self._portal, getattr(self._client, name))

    def health(self) -> bool:
        """Tell whether the service is up; that this checks the token too is not known.

        Endpoint: ``GET /v1/health`` (documented in the vendor's n8n node; its body is unknown).

        Raises:
            ChakraError: it is not, or cannot be reached; or what answers is a web page.
        """
        return self._portal.call(self._client.health)

    def request(
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
        return self._portal.call(self._client.request, method, path, json=json, query=query, data=data)

    def close(self) -> None:
        """Close what the client opened. Calls after this raise ``ClientClosedError``."""
        self._portal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if "_portal" not in vars(self):
            # The traceback of a failed construction may show it.
            return "<sync Client that was not made>"
        return f"<sync Client of {self.settings.base_url}{', closed' if self._portal.closed else ''}>"
