"""Every error this package raises, in one tree.

Each one names the call, how many attempts were made and whether it is safe to try again. None of them
ever holds the access token. All of them pickle and copy whole.
"""

from __future__ import annotations

from typing import Any, TypedDict, Unpack


__all__ = [
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
]


# Refusals that a gateway may send while the service behind it goes on with the request.
_BY_A_GATEWAY = frozenset({408, 425})

_EARLIER = "An earlier attempt may have been done."


class _Call(TypedDict, total=False):
    method: str | None
    path: str | None
    attempts: int
    retry_safe: bool | None


class ChakraError(Exception):
    """The root: whatever goes wrong in a call, this catches it.

    Attributes:
        message: what happened, in one sentence.
        method: HTTP method of the call, or ``None`` where no call was involved.
        path: path of the call, without host and query.
        attempts: how many times the request was sent or tried.
        retry_safe: ``True`` when sending the same call again cannot do anything twice, ``False`` when it
            could, ``None`` when the question does not arise.
        may_be_done: whether the call may have been carried out although it failed, by its last attempt or
            by one before, whose answer was lost.
    """

    may_be_done: bool = False

    def __init__(
        self,
        message: str,
        *,
        method: str | None = None,
        path: str | None = None,
        attempts: int = 0,
        retry_safe: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.method = method
        self.path = path
        self.attempts = attempts
        self.retry_safe = retry_safe

    def __str__(self) -> str:
        parts = [self.message]
        if self.method is not None:
            parts.append(f"[{self.method} {self.path}, {counted_attempts(self.attempts)}]")
        if (advice := self._advice()) is not None:
            parts.append(advice)
        return " ".join(parts)

    def _advice(self) -> str | None:
        if self.retry_safe is None:
            return None
        return "Safe to try again." if self.retry_safe else "Not safe to try again blindly."

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__.copy())


def counted_attempts(number: int) -> str:
    """``1 attempt``, ``2 attempts``."""
    return "1 attempt" if number == 1 else f"{number} attempts"


def _rebuild(cls: type[ChakraError], args: tuple[Any, ...], state: dict[str, Any]) -> ChakraError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ApiError(ChakraError):
    """The service answered and said no.

    Attributes:
        status: HTTP status of the answer.
        errors: the texts of ``_errors`` (or of whatever stood in their place), as received; of more than a
            hundred the first, and how many more there were.
        request_id: the id under which the service knows the request, when it gave one.
        whatsapp_code: Meta's error number, taken from a ``(#131009)`` prefix, else ``None``.
        body: the beginning of the answer's body, at most 1,000 characters.
        retry_after: seconds the service asks to wait (with a 429 or 503), or ``None`` when it did not say.
    """

    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        *,
        status: int,
        errors: tuple[str, ...] = (),
        request_id: str | None = None,
        whatsapp_code: int | None = None,
        body: str = "",
        **call: Unpack[_Call],
    ) -> None:
        super().__init__(message, **call)
        self.status = status
        self.errors = errors
        self.request_id = request_id
        self.whatsapp_code = whatsapp_code
        self.body = body
        self.may_be_done: bool = not 400 <= status < 500 or status in _BY_A_GATEWAY

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text} Request id: {self.request_id}." if self.request_id else text

    def _advice(self) -> str | None:
        # After a refusal the same call would only be refused again.
        if not 400 <= self.status < 500 or self.status == 429 or self.status in _BY_A_GATEWAY:
            return super()._advice()
        return _EARLIER if self.may_be_done else "Nothing was done."


class BadRequestError(ApiError):
    """400, 422 and every other 4xx without a class of its own: the request is wrong as it stands."""


class AuthenticationError(ApiError):
    """401: the access token is missing, wrong or revoked."""


class PaymentRequiredError(ApiError):
    """402: the team's plan does not include this."""


class PermissionDeniedError(ApiError):
    """403: the role of the access token does not allow this."""


class NotFoundError(ApiError):
    """404: no such route, procedure, process or job."""


class ConflictError(ApiError):
    """409: the request collides with the present state."""


class PayloadTooLargeError(ApiError):
    """413: the request body is larger than the service takes."""


class RateLimitError(ApiError):
    """429: too many requests. ``retry_after`` says how long to wait, when the service said so."""


class ServerError(ApiError):
    """5xx: the service failed."""


class TransportError(ChakraError):
    """No usable answer came."""

    def __init__(
        self,
        message: str,
        *,
        sent: bool,
        **call: Unpack[_Call],
    ) -> None:
        super().__init__(message, **call)
        self.may_be_done: bool = sent

    @property
    def sent(self) -> bool:
        """Whether bytes of the request may have reached the service, in any of the attempts."""
        return self.may_be_done


class ConnectError(TransportError):
    """No connection could be made (refused, unreachable, unknown host, TLS refused); nothing left by it."""


class RequestTimeoutError(TransportError):
    """A time limit of :class:`chakra_async.Timeouts` passed."""


class IncompleteReadError(TransportError):
    """The connection broke before the whole answer had come."""


class AmbiguousResultError(TransportError):
    """The request left, no answer came, and repeating it could do the thing twice.

    Look whether the thing was done before you try again.

    Attributes:
        fingerprint: the same for the same method, path, query and body, in every process, so that a log can
            tell whether this very request was sent before; ``None`` for an upload.
    """

    fingerprint: str | None = None

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text} Request fingerprint: {self.fingerprint}." if self.fingerprint else text


class DecodeError(ChakraError):
    """The answer was not what the call promises: no JSON, empty, or of another shape.

    Attributes:
        status: HTTP status of the answer.
        request_id: the id under which the service knows the request, when it gave one.
        body: the beginning of the answer's body, at most 1,000 characters.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        body: str = "",
        **call: Unpack[_Call],
    ) -> None:
        super().__init__(message, **call)
        self.status = status
        self.request_id = request_id
        self.body = body
        self.may_be_done: bool = status is not None


class ResponseTooLargeError(ChakraError):
    """The answer, once decompressed, exceeded ``Limits.max_response_bytes``; reading stopped there."""

    may_be_done: bool = True


class ClientClosedError(ChakraError):
    """The client, or the session given to it, was closed: it takes no further call; make a new one."""

    def _advice(self) -> str | None:
        # The message says what to do: with this client it would only end the same way.
        if self.retry_safe:
            return _EARLIER if self.may_be_done else "Nothing was sent."
        return super()._advice()


class JobTimeoutError(ChakraError):
    """A background job did not end in the time given to it. The job itself goes on.

    Attributes:
        job_id: the job; hand it to ``jobs.wait`` to go on waiting.
    """

    def __init__(
        self,
        message: str,
        *,
        job_id: str,
        **call: Unpack[_Call],
    ) -> None:
        super().__init__(message, **call)
        self.job_id = job_id


class SignatureError(ChakraError):
    """A webhook's signature is absent or wrong."""


class JournalError(ChakraError):
    """The journal of a bulk run cannot be used. What was sent before, the run's summary tells."""
