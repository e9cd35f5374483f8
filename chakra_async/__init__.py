"""The Python SDK for ChakraHQ: async first, with a sync facade, made for bulk updates.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from chakra_async._version import __version__
    from chakra_async.bulk.rows import Outcome, Progress, RejectedRow, RowResult, SourceLine, Summary
    from chakra_async.bulk.run import BulkRun
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
    from chakra_async.models.jobs import Job, JobEntry
    from chakra_async.models.processes import Process, ProcessCreate, ProcessUpdate
    from chakra_async.models.reply import Reply
    from chakra_async.paging import Page, Pager
    from chakra_async.settings import AccessToken, Limits, RetryPolicy, Settings, Timeouts


_HOMES = {
    "_version": ("__version__",),
    "bulk.rows": ("Outcome", "Progress", "RejectedRow", "RowResult", "SourceLine", "Summary"),
    "bulk.run": ("BulkRun",),
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
    "models.jobs": ("Job", "JobEntry"),
    "models.processes": ("Process", "ProcessCreate", "ProcessUpdate"),
    "models.reply": ("Reply",),
    "paging": ("Page", "Pager"),
    "settings": ("AccessToken", "Limits", "RetryPolicy", "Settings", "Timeouts"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AccessToken",
    "AmbiguousResultError",
    "ApiError",
    "AuthenticationError",
    "BadRequestError",
    "BulkRun",
    "ChakraError",
    "Client",
    "ClientClosedError",
    "ConflictError",
    "ConnectError",
    "DecodeError",
    "IncompleteReadError",
    "Job",
    "JobEntry",
    "JobTimeoutError",
    "JournalError",
    "Limits",
    "NotFoundError",
    "Outcome",
    "Page",
    "Pager",
    "PayloadTooLargeError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "Process",
    "ProcessCreate",
    "ProcessUpdate",
    "Progress",
    "RateLimitError",
    "RejectedRow",
    "Reply",
    "RequestTimeoutError",
    "ResponseTooLargeError",
    "RetryPolicy",
    "RowResult",
    "ServerError",
    "Settings",
    "SignatureError",
    "SourceLine",
    "Summary",
    "Timeouts",
    "TransportError",
    "__version__",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
