"""The objects of the API as attrs classes, one file per area.

Names are loaded when they are first used: most programs need few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING


if TYPE_CHECKING:
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


__all__ = [
    "Account",
    "Call",
    "CallAction",
    "CallLimit",
    "CallPermission",
    "CallPermissions",
    "CallingSettings",
    "Chat",
    "ChatMessage",
    "ConnectToken",
    "Contact",
    "ContactHandle",
    "Definition",
    "Downloaded",
    "Group",
    "GroupParticipant",
    "GroupRequest",
    "Job",
    "JobEntry",
    "JoinRequest",
    "JoinRequestsAnswered",
    "MediaInfo",
    "MediaKind",
    "MessagePreview",
    "MessageSource",
    "OrderDirection",
    "ParticipantsRemoved",
    "PhoneNumber",
    "PhoneNumberSettings",
    "Photo",
    "Plugin",
    "PluginConfig",
    "Process",
    "ProcessCreate",
    "ProcessUpdate",
    "PublicKey",
    "PublicMedia",
    "Reply",
    "SentMessage",
    "Task",
    "TeamConfig",
    "Template",
    "TemplateValues",
    "Transferred",
    "UpdateMethod",
    "User",
]


if not TYPE_CHECKING:  # or every name would pass for one of ours

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # The package itself knows where each name lives.
        value = globals()[name] = getattr(import_module("chakra_async"), name)
        return value


def __dir__() -> list[str]:
    return __all__
