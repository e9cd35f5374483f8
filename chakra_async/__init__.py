"""The Python SDK for ChakraHQ: async first, with a sync facade, made for bulk updates.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chakra_async._lazy import loader


if TYPE_CHECKING:
    from chakra_async._version import __version__
    from chakra_async.bulk.rows import Change, Outcome, Progress, RejectedRow, RowResult, SourceLine, Summary
    from chakra_async.bulk.run import BulkRun
    from chakra_async.bulk.writer import Writer
    from chakra_async.client import Client
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
    from chakra_async.paging import Page, Pager
    from chakra_async.settings import AccessToken, Limits, RetryPolicy, Settings, Timeouts


_HOMES = {
    "_version": ("__version__",),
    "bulk.rows": ("Change", "Outcome", "Progress", "RejectedRow", "RowResult", "SourceLine", "Summary"),
    "bulk.run": ("BulkRun",),
    "bulk.writer": ("Writer",),
    "client": ("Client",),
    "errors": (
        "AmbiguousResultError",
        "ApiError",
        "AuthenticationError",
        "BadRequestError",
        "ChakraError",
        "ClientClosedError",
        "ConflictError",
        "ConnectError",
        "DecodeError",
        "IncompleteReadError",
        "JobTimeoutError",
        "JournalError",
        "NotFoundError",
        "PayloadTooLargeError",
        "PaymentRequiredError",
        "PermissionDeniedError",
        "RateLimitError",
        "RequestTimeoutError",
        "ResponseTooLargeError",
        "ServerError",
        "SignatureError",
        "TransportError",
    ),
    "models.accounts": ("Account",),
    "models.calling": (
        "Call",
        "CallAction",
        "CallLimit",
        "CallPermission",
        "CallPermissions",
        "CallingSettings",
        "PhoneNumberSettings",
    ),
    "models.chats": (
        "Chat",
        "ChatMessage",
        "Contact",
        "ContactHandle",
        "MessagePreview",
        "MessageSource",
        "OrderDirection",
    ),
    "models.config": ("Definition", "TeamConfig"),
    "models.flows": ("PublicKey",),
    "models.groups": (
        "Group",
        "GroupParticipant",
        "GroupRequest",
        "JoinRequest",
        "JoinRequestsAnswered",
        "ParticipantsRemoved",
    ),
    "models.jobs": ("Job", "JobEntry"),
    "models.media": ("MediaInfo", "PublicMedia"),
    "models.messages": ("MediaKind", "SentMessage", "TemplateValues"),
    "models.partner": ("ConnectToken", "PluginConfig"),
    "models.phone_numbers": ("PhoneNumber",),
    "models.photos": ("Photo",),
    "models.plugins": ("Plugin",),
    "models.processes": ("Process",),
    "models.reply": ("Reply",),
    "models.rows": ("ProcessCreate", "ProcessUpdate"),
    "models.tasks": ("Task",),
    "models.templates": ("Template",),
    "models.transfers": ("Downloaded", "Transferred"),
    "models.users": ("UpdateMethod", "User"),
    "paging": ("Page", "Pager"),
    "settings": ("AccessToken", "Limits", "RetryPolicy", "Settings", "Timeouts"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

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


if not TYPE_CHECKING:  # or every name would pass for one of ours
    __getattr__ = loader(__name__, _HOME_OF)


def __dir__() -> list[str]:
    return __all__
