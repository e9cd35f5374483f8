"""How the command ends: exit statuses, and errors as one sentence."""

from __future__ import annotations

from chakra_async.cli.text import clean
from chakra_async.errors import (
    ApiError,
    AuthenticationError,
    ChakraError,
    ConnectError,
    JobTimeoutError,
    JournalError,
    NotFoundError,
    PermissionDeniedError,
)


NOT_ALL = 1
"""Some rows or entries did not succeed, or what was asked for does not exist."""
USAGE = 2
"""Arguments, options, token, header or journal cannot be used; nothing was sent."""
BROKEN_OFF = 3
"""The service refused, could not be reached, or a file could not be read on or written."""
TIMED_OUT = 75
"""A job did not end in the time given; it goes on."""
INTERRUPTED = 130
TERMINATED = 143
BROKEN_PIPE = 141

STATUSES = """\b
Exit status:
    0  every row succeeded
    1  some rows did not succeed
    2  options, arguments, token, header or journal cannot be used; nothing
       was sent
    3  the run could not begin or could not go on: the token was refused, the
       service was not reachable, a file could not be read on or written
  130  stopped by Ctrl-C        143  stopped by SIGTERM
"""


def status_of(error: Exception) -> int:
    """Return the exit status for an error that ended the command."""
    if isinstance(error, JobTimeoutError):
        return TIMED_OUT
    if isinstance(error, NotFoundError):
        return NOT_ALL
    # What a call refuses before it sends anything was an argument: an empty id, a dot segment. A journal that
    # fails later, in the middle of a run, is in the report of that run.
    return USAGE if isinstance(error, ValueError | JournalError) else BROKEN_OFF


def sentence(error: BaseException) -> str:
    """Say what went wrong, and what to look at, without a traceback."""
    if isinstance(error, AuthenticationError):
        hint = "Is the token right? It comes from CHAKRA_ACCESS_TOKEN or --token-file."
    elif isinstance(error, PermissionDeniedError):
        hint = "The role of this token does not allow it."
    elif isinstance(error, ConnectError):
        hint = "Is the address right? It comes from CHAKRA_BASE_URL or --base-url."
    else:
        hint = ""
    text = str(error)
    if isinstance(error, ChakraError):
        tries = f" ({error.attempts} attempts)" if error.attempts > 1 else ""
        request_id = (
            f" Request id: {error.request_id}." if isinstance(error, ApiError) and error.request_id else ""
        )
        text = f"{error.message}{tries}{request_id}"
    elif not isinstance(error, ValueError | OSError):
        text = f"{type(error).__name__}: {text} (a defect of this program; -v shows where)"
    return clean(f"{text} {hint}", 1000)
