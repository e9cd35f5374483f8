"""The sync facade: the same names and signatures as the async SDK, without ``await``.

Four of the names are its own; all others (models, errors, settings) are those of :mod:`chakra_async`.
Names are loaded when they are first used, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chakra_async._lazy import loader


if TYPE_CHECKING:
    from chakra_async._version import __version__
    from chakra_async.bulk.rows import Change, Outcome, Progress, RejectedRow, RowResult, SourceLine, Summary
    from chakra_async.errors import (
        AmbiguousResultError,
        ApiError,
        AuthenticationError,
        BadRequestError,
        ChakraError,
        ClientClosedError,
        ConflictError,
        ConnectError,
        DecodeError,
        IncompleteReadError,
        JobTimeoutError,
        JournalError,
        NotFoundError,
        PayloadTooLargeError,
        PaymentRequiredError,
        PermissionDeniedError,
        RateLimitError,
        RequestTimeoutError,
        ResponseTooLargeError,
        ServerError,
        SignatureError,
        TransportError,
    )
    from chakra_async.models.accounts import Account
    from chakra_async.models.calling import (
        Call,
        CallAction,
        CallingSettings,
        CallLimit,
        CallPermission,
        CallPermissions,
        PhoneNumberSettings,
    )
    from chakra_async.models.chats import (
        Chat,
        ChatMessage,
        Contact,
        ContactHandle,
        MessagePreview,
        MessageSource,
        OrderDirection,
    )
    from chakra_async.models.config import Definition, TeamConfig
    from chakra_async.models.flows import PublicKey
    from chakra_async.models.groups import (
        Group,
        GroupParticipant,
        GroupRequest,
        JoinRequest,
        JoinRequestsAnswered,
        ParticipantsRemoved,
    )
    from chakra_async.models.jobs import Job, JobEntry
    from chakra_async.models.media import MediaInfo, PublicMedia
    from chakra_async.models.messages import MediaKind, SentMessage, TemplateValues
    from chakra_async.models.partner import ConnectToken, PluginConfig
    from chakra_async.models.phone_numbers import PhoneNumber
    from chakra_async.models.photos import Photo
    from chakra_async.models.plugins import Plugin
    from chakra_async.models.processes import Process
    from chakra_async.models.reply import Reply
    from chakra_async.models.rows import ProcessCreate, ProcessUpdate
    from chakra_async.models.tasks import Task
    from chakra_async.models.templates import Template
    from chakra_async.models.transfers import Downloaded, Transferred
    from chakra_async.models.users import UpdateMethod, User
    from chakra_async.paging import Page
    from chakra_async.settings import AccessToken, Limits, RetryPolicy, Settings, Timeouts
    from chakra_async.sync.bulk import BulkRun
    from chakra_async.sync.client import Client
    from chakra_async.sync.paging import Pager
    from chakra_async.sync.writer import Writer


__all__ = [
    "AccessToken",
    "Account",
    "AmbiguousResultError",
    "ApiError",
    "AuthenticationError",
    "BadRequestError",
    "BulkRun",
    "Call",
    "CallAction",
    "CallLimit",
    "CallPermission",
    "CallPermissions",
    "CallingSettings",
    "ChakraError",
    "Change",
    "Chat",
    "ChatMessage",
    "Client",
    "ClientClosedError",
    "ConflictError",
    "ConnectError",
    "ConnectToken",
    "Contact",
    "ContactHandle",
    "DecodeError",
    "Definition",
    "Downloaded",
    "Group",
    "GroupParticipant",
    "GroupRequest",
    "IncompleteReadError",
    "Job",
    "JobEntry",
    "JobTimeoutError",
    "JoinRequest",
    "JoinRequestsAnswered",
    "JournalError",
    "Limits",
    "MediaInfo",
    "MediaKind",
    "MessagePreview",
    "MessageSource",
    "NotFoundError",
    "OrderDirection",
    "Outcome",
    "Page",
    "Pager",
    "ParticipantsRemoved",
    "PayloadTooLargeError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "PhoneNumber",
    "PhoneNumberSettings",
    "Photo",
    "Plugin",
    "PluginConfig",
    "Process",
    "ProcessCreate",
    "ProcessUpdate",
    "Progress",
    "PublicKey",
    "PublicMedia",
    "RateLimitError",
    "RejectedRow",
    "Reply",
    "RequestTimeoutError",
    "ResponseTooLargeError",
    "RetryPolicy",
    "RowResult",
    "SentMessage",
    "ServerError",
    "Settings",
    "SignatureError",
    "SourceLine",
    "Summary",
    "Task",
    "TeamConfig",
    "Template",
    "TemplateValues",
    "Timeouts",
    "Transferred",
    "TransportError",
    "UpdateMethod",
    "User",
    "Writer",
    "__version__",
]

_SHARED = dict.fromkeys(__all__, ".")  # the package above
_OWN = {"BulkRun": "bulk", "Client": "client", "Pager": "paging", "Writer": "writer"}


if not TYPE_CHECKING:  # or every name would pass for one of ours
    __getattr__ = loader(__name__, _SHARED | _OWN)


def __dir__() -> list[str]:
    return __all__
