"""What the service says no with: a status and one sentence.

Inside a background job the same refusals become entries, so each knows the status its entry gets.
"""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a failure of the emulator
    """A call, or one item of a bulk call, that the service turns down."""

    status: ClassVar[int] = 400
    entry_status: ClassVar[str] = "ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SchemaRefusal(Refusal):
    """The JSON of a request, or of one item, has the wrong shape."""

    entry_status = "INVALID"

    def __init__(self, constraint: str, where: str, detail: str) -> None:
        super().__init__(
            f"Your request has violated JSON schema constraint '{constraint}' at '{where}': {detail}"
        )


class InvalidItem(Refusal):
    """An item of a bulk call that names no process, or none that exists."""

    entry_status = "INVALID"


class Unauthorized(Refusal):
    """No token, or one that is unknown."""

    status = 401


class PaymentRequired(Refusal):
    """Something the plan of the team does not include."""

    status = 402


class Forbidden(Refusal):
    """A token whose role does not reach this far."""

    status = 403


class Missing(Refusal):
    """A procedure, process or job that does not exist."""

    status = 404


class TooLarge(Refusal):
    """A request body above the limit."""

    status = 413


class UnknownRoute(Refusal):
    """No such endpoint. The service answers this one in plain text."""

    status = 404
