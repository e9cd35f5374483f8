"""Faults on demand: which request or job is hit next, and what happens to it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from http import HTTPMethod
from typing import Generic, Literal, TypeVar

import orjson
from attrs import define, field, frozen, validators

from chakra_async.emulator.answer import JSON, Answer, failure
from chakra_async.emulator.options import one_of, optional, several, within


@frozen(kw_only=True)
class Fault:
    """What happens to a request instead of, or on top of, its right answer."""

    apply: bool = True
    status: int | None = optional(within(200, 599))
    errors: tuple[str, ...] = ()
    body: bytes | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(factory=dict[str, str])
    delay: float = field(default=0.0, validator=validators.ge(0))
    reset: Literal["before", "after"] | None = optional(one_of("before", "after"))
    cut: int | None = optional(validators.ge(0))
    broken_json: bool = False
    empty: bool = False
    huge: int | None = optional(validators.ge(0))
    gzip: bool = False
    errors_in_success: tuple[str, ...] = ()

    def alter(self, answer: Answer | None) -> Answer:
        """Change the answer; ``None`` stands for a request that was not applied."""
        status = self.status or (answer.status if answer else 200)
        if answer is None or (self.status or 0) >= 300:
            answer = failure(status, *(self.errors or (f"A fault on demand: {status}",)))
        content_type, body, blob = answer.content_type, answer.body, answer.blob
        if self.errors_in_success and answer.status < 300 and content_type == JSON:
            body = orjson.dumps({**orjson.loads(body), "_errors": self.errors_in_success})
        if self.body is not None:
            content_type, body, blob = JSON, self.body, None
        if self.empty:
            body, blob = b"", None
        elif self.broken_json:
            body = body[: max(len(body) // 2, 1)]
            blob = blob and blob.part(0, blob.size // 2)
        headers = {**answer.headers, **self.headers}
        return Answer(status, body, self.content_type or content_type, headers, blob)


@frozen(kw_only=True)
class JobFault:
    """What happens to a background job instead of running to its end."""

    ending: Literal["stuck", "vanish", "stop"] | None = optional(one_of("stuck", "vanish", "stop"))
    after_rows: int = field(default=0, validator=validators.ge(0))
    rows_per_second: float | None = optional(validators.gt(0))
    latency: float | None = optional(validators.ge(0))
    pages: Literal["repeat", "skip"] | None = optional(one_of("repeat", "skip"))


@frozen(kw_only=True)
class MessageFault:
    """Why a message that was accepted fails afterwards."""

    code: int = field(validator=validators.ge(0))
    title: str


_F = TypeVar("_F", Fault, JobFault, MessageFault)


@define(kw_only=True)
class Planned(Generic[_F]):
    """A fault that waits to happen.

    Attributes:
        fired: how many requests or jobs it has hit.
    """

    fault: _F
    method: str | None = None
    path: str = ""
    after: int = field(default=0, validator=validators.ge(0))
    times: int | None = optional(validators.ge(0), default=1)
    fired: int = 0

    def takes(self, method: str, path: str) -> bool:
        """Say whether this call is the one, counting it when it passes."""
        if self.times == self.fired or self.method not in (None, method) or self.path not in path:
            return False
        if self.after:
            self.after -= 1
            return False
        self.fired += 1
        return True


class Faults:
    """The faults that wait to happen. Each request is hit by the first of them that matches it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Planned[Fault]] = []
        self._jobs: list[Planned[JobFault]] = []
        self._messages: list[Planned[MessageFault]] = []

    def next(
        self,
        method: str | None = None,
        path: str = "",
        *,
        times: int | None = 1,
        after: int = 0,
        apply: bool | None = None,
        status: int | None = None,
        errors: Sequence[str] = (),
        body: str | bytes | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | str | None = None,
        delay: float = 0.0,
        reset: Literal["before", "after"] | None = None,
        cut: int | None = None,
        broken_json: bool = False,
        empty: bool = False,
        huge: int | None = None,
        gzip: bool = False,
        errors_in_success: Sequence[str] = (),
        redirect: str | None = None,
    ) -> Planned[Fault]:
        """Plan a fault for the next requests that match.

        A request that a fault turns away is not applied, unless ``apply`` says so; one whose answer is
        merely late, cut or wrong is applied first.

        Args:
            method: only requests with this method.
            path: only requests whose raw path contains this text.
            times: how many requests are hit; ``None`` is every one until ``clear``.
            after: let this many matching requests pass first.
            apply: whether the request takes effect. By default it does not for a ``status`` of 300 and
                above, a ``redirect`` and ``reset="before"``, and does for everything else.
            status: answer with this status, 200 to 599; 204 and 304 have no body, whatever else is given.
            errors: the texts in ``_errors`` of that answer.
            body: answer with these bytes.
            content_type: content type of the answer.
            headers: further headers of the answer.
            retry_after: the ``Retry-After`` header: seconds, or any text such as a date.
            delay: seconds between applying the request and answering it.
            reset: close the connection with RST: ``"before"`` the request is applied or ``"after"``,
                in both cases with no byte of an answer.
            cut: announce the whole answer, send this many bytes of its body, then close the connection.
            broken_json: answer with half of the JSON.
            empty: answer with no body.
            huge: pad the JSON answer to this many bytes, counted before compression.
            gzip: compress the answer.
            errors_in_success: put these texts into ``_errors`` of the otherwise right answer.
            redirect: answer with this address in ``Location``; 307 unless ``status`` is given.

        Returns:
            The planned fault; its ``fired`` counts the requests it has hit.

        Raises:
            ValueError: there is no such method, or an option is none of what it may be.
            TypeError: ``errors`` or ``errors_in_success`` is one text instead of several.
        """
        if method is not None and method.upper() not in HTTPMethod.__members__:
            raise ValueError(f"no method {method!r}: expected one of {', '.join(HTTPMethod)}")
        extra = dict(headers or {})
        if retry_after is not None:
            extra["Retry-After"] = str(retry_after)
        if redirect is not None:
            extra["Location"] = redirect
            status = status or 307
        if apply is None:
            apply = (status is None or status < 300) and reset != "before"
        fault = Fault(
            apply=apply,
            status=status,
            errors=several(errors, "errors"),
            body=body.encode() if isinstance(body, str) else body,
            content_type=content_type,
            headers=extra,
            delay=delay,
            reset=reset,
            cut=cut,
            broken_json=broken_json,
            empty=empty,
            huge=huge,
            gzip=gzip,
            errors_in_success=several(errors_in_success, "errors_in_success"),
        )
        method = None if method is None else method.upper()
        planned = Planned(fault=fault, method=method, path=path, after=after, times=times)
        with self._lock:
            self._requests.append(planned)
        return planned

    def next_job(
        self,
        ending: Literal["stuck", "vanish", "stop"] | None = None,
        *,
        times: int | None = 1,
        after: int = 0,
        after_rows: int = 0,
        rows_per_second: float | None = None,
        latency: float | None = None,
        pages: Literal["repeat", "skip"] | None = None,
    ) -> Planned[JobFault]:
        """Plan a fault for the next background jobs.

        Args:
            ending: what happens instead of finishing: ``"stuck"`` never ends, ``"vanish"`` is answered
                with 404 from then on, ``"stop"`` ends with entries left ``NOT_STARTED``.
            times: how many jobs are hit; ``None`` is every one until ``clear``.
            after: let this many jobs pass first.
            after_rows: items worked through before that ending.
            rows_per_second: a speed of its own.
            latency: seconds of its own before it starts.
            pages: pages of entries after the first ``"repeat"`` the one before or ``"skip"`` one.

        Returns:
            The planned fault; its ``fired`` counts the jobs it has hit.

        Raises:
            ValueError: an option is none of what it may be.
        """
        fault = JobFault(
            ending=ending,
            after_rows=after_rows,
            rows_per_second=rows_per_second,
            latency=latency,
            pages=pages,
        )
        planned = Planned(fault=fault, after=after, times=times)
        with self._lock:
            self._jobs.append(planned)
        return planned

    def next_message(
        self,
        code: int = 131026,
        title: str = "Message undeliverable",
        *,
        times: int | None = 1,
        after: int = 0,
    ) -> Planned[MessageFault]:
        """Let the next messages be accepted and then fail, instead of being sent, delivered and read.

        Args:
            code: Meta's number of the error.
            title: Meta's title of the error.
            times: how many messages are hit; ``None`` is every one until ``clear``.
            after: let this many messages pass first.

        Returns:
            The planned fault; its ``fired`` counts the messages it has hit.

        Raises:
            ValueError: a number is below 0.
        """
        planned = Planned(fault=MessageFault(code=code, title=title), after=after, times=times)
        with self._lock:
            self._messages.append(planned)
        return planned

    def clear(self) -> None:
        """Forget every planned fault. Jobs already hit stay as they are."""
        with self._lock:
            self._requests.clear()
            self._jobs.clear()
            self._messages.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for this request, if one waits for it."""
        return self._take(self._requests, method, path)

    def take_job(self) -> JobFault:
        """Return the fault for a new job; one with nothing in it when none waits."""
        return self._take(self._jobs, "", "") or JobFault()

    def take_message(self) -> MessageFault | None:
        """Return the fault for a new message, if one waits for it."""
        return self._take(self._messages, "", "")

    def _take(self, waiting: list[Planned[_F]], method: str, path: str) -> _F | None:
        if not waiting:
            return None
        with self._lock:
            hit = next((planned for planned in waiting if planned.takes(method, path)), None)
            waiting[:] = [planned for planned in waiting if planned.fired != planned.times]
        return None if hit is None else hit.fault
