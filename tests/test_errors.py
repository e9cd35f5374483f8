"""The error tree: its shape, its messages, and that every error travels whole."""

import builtins
import copy
import pickle

import pytest

import chakra_async
from chakra_async import (
    ApiError,
    ChakraError,
    ClientClosedError,
    JobTimeoutError,
    RateLimitError,
    TransportError,
    errors,
)


API = [
    "BadRequestError",
    "AuthenticationError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "NotFoundError",
    "ConflictError",
    "PayloadTooLargeError",
    "RateLimitError",
    "ServerError",
]
TRANSPORT = ["ConnectError", "RequestTimeoutError", "IncompleteReadError", "AmbiguousResultError"]
OTHERS = [
    "DecodeError",
    "ResponseTooLargeError",
    "ClientClosedError",
    "JobTimeoutError",
    "SignatureError",
    "JournalError",
]
CALL = {"method": "PUT", "path": "/v1/ext/x", "attempts": 3, "retry_safe": True}


def whole_tree(cls=ChakraError):
    return [cls, *(found for child in cls.__subclasses__() for found in whole_tree(child))]


def make(cls):
    """An error with every attribute set to something that is not its default."""
    special = {}
    if issubclass(cls, ApiError):
        special = {
            "status": 429,
            "errors": ("(#131009) no",),
            "request_id": "r-1",
            "whatsapp_code": 131009,
            "body": "{}",
        }
    elif issubclass(cls, TransportError):
        special = {"sent": True}
    elif cls is errors.DecodeError:
        special = {"status": 200, "request_id": "r-1", "body": "<html>"}
    elif cls is JobTimeoutError:
        special = {"job_id": "job-1"}
    error = cls("It went wrong.", **CALL, **special)
    if isinstance(error, ApiError):
        error.retry_after = 2.5
    return error


TRAVELS = {
    **{
        f"pickle {n}": lambda e, n=n: pickle.loads(pickle.dumps(e, n))
        for n in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def test_the_tree_is_the_documented_one():
    names = {name: getattr(chakra_async, name) for name in errors.__all__}
    assert {cls.__name__ for cls in whole_tree()} == set(names)
    assert set(names) == {"ChakraError", "ApiError", "TransportError", *API, *TRANSPORT, *OTHERS}
    for children, parent in [
        (API, "ApiError"),
        (TRANSPORT, "TransportError"),
        ([*OTHERS, "ApiError", "TransportError"], "ChakraError"),
    ]:
        assert {names[child].__base__ for child in children} == {names[parent]}


def test_no_error_shadows_a_builtin():
    assert not {cls.__name__ for cls in whole_tree()} & set(vars(builtins))


@pytest.mark.fault("C8")
@pytest.mark.parametrize("travel", TRAVELS.values(), ids=TRAVELS)
@pytest.mark.parametrize("cls", whole_tree())
def test_every_error_travels_whole(cls, travel):
    error = make(cls)
    error.add_note("row 7")
    there = travel(error)
    assert type(there) is cls
    assert vars(there) == vars(error)
    assert there.args == error.args
    assert str(there) == str(error)


def test_retry_after_and_request_id_survive_pickling():
    there = pickle.loads(pickle.dumps(make(RateLimitError)))
    assert (there.retry_after, there.request_id) == (2.5, "r-1")


@pytest.mark.parametrize("cls", whole_tree())
def test_a_message_names_the_call_the_attempts_and_the_safety(cls):
    text = str(make(cls))
    # With a client that is closed the same call would only end the same way.
    safety = "Nothing was sent." if cls is ClientClosedError else "Safe to try again."
    assert text.startswith(f"It went wrong. [PUT /v1/ext/x, 3 attempts] {safety}")


def test_a_message_says_when_trying_again_is_not_safe():
    error = ChakraError("Lost.", method="POST", path="/p", attempts=1, retry_safe=False)
    assert str(error) == "Lost. [POST /p, 1 attempt] Not safe to try again blindly."


def test_an_error_without_a_call_names_none():
    assert str(errors.SignatureError("The signature is wrong.")) == "The signature is wrong."


def test_a_request_id_stands_in_the_message():
    assert str(make(ApiError)).endswith("Request id: r-1.")
