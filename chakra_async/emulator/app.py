"""From request to answer: read, plan faults, authorise, route, handle, send."""

from __future__ import annotations

import asyncio
import hashlib

from aiohttp import web
from attrs import evolve

from chakra_async.emulator.answer import Answer, refused
from chakra_async.emulator.catalog import Token
from chakra_async.emulator.endpoints import ROUTES
from chakra_async.emulator.faults import Fault
from chakra_async.emulator.jobs import JobRunner
from chakra_async.emulator.refusals import Forbidden, Refusal, TooLarge, Unauthorized, UnknownRoute
from chakra_async.emulator.request_log import Arrival, RequestLog
from chakra_async.emulator.routing import Call, Route, Router, parse_query
from chakra_async.emulator.service import Service
from chakra_async.emulator.wire import reset, respond, send_wrongly


_router = Router(ROUTES)


class App:
    """The handler of every request of one emulator."""

    def __init__(self, service: Service, jobs: JobRunner, log: RequestLog) -> None:
        self._service = service
        self._jobs = jobs
        self._log = log

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        arrival = self._log.arrived(request.method, request.raw_path, request.headers)
        body = await self._read(request, arrival)
        fault = self._service.faults.take(arrival.method, arrival.path)
        if fault is not None:
            return await self._hit(request, arrival, body, fault)
        answer = self._answer(arrival, body)
        arrival.status = answer.status
        return respond(answer)

    async def _hit(
        self, request: web.BaseRequest, arrival: Arrival, body: bytes | None, fault: Fault
    ) -> web.StreamResponse:
        answer = self._answer(arrival, body) if fault.apply else None
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.reset:
            return reset(request)
        altered = _identified(fault.alter(answer), arrival)
        arrival.status = altered.status
        return await send_wrongly(request, altered, fault)

    async def _read(self, request: web.BaseRequest, arrival: Arrival) -> bytes | None:
        """Read the whole body; ``None`` when it is too large, which does not spare the client sending it.

        To answer before the end would reset the connection and lose the answer.
        """
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        limit = self._service.settings.max_body_bytes
        chunks: list[bytes] = []
        size = 0
        digest = hashlib.sha256()
        async for chunk in request.content.iter_any():
            size += len(chunk)
            digest.update(chunk)
            if size <= limit:
                chunks.append(chunk)
            else:
                chunks.clear()
        body = b"".join(chunks) if size <= limit else None
        arrival.received(body, size, digest.hexdigest())
        return body

    def _answer(self, arrival: Arrival, body: bytes | None) -> Answer:
        try:
            if body is None:
                limit = self._service.settings.max_body_bytes
                raise TooLarge(f"The request body has {arrival.size} bytes, more than the limit of {limit}")
            answer = self._handled(arrival, body)
        except Refusal as refusal:
            answer = refused(refusal)
        return _identified(answer, arrival)

    def _handled(self, arrival: Arrival, body: bytes) -> Answer:
        found = _router.match(arrival.method, arrival.path)
        token = self._token(arrival)
        if token is None and not (found and found[0].public):
            raise Unauthorized("Unauthorized: the access token is missing or unknown")
        if found is None:
            raise UnknownRoute("Not Found")
        route, parameters = found
        _authorise(route, token)
        query = parse_query(arrival.query)
        call = Call(self._service, self._jobs, token, arrival.request_id, query, body)
        return route.handler(call, *parameters)

    def _token(self, arrival: Arrival) -> Token | None:
        scheme, _, token = arrival.headers.get("Authorization", "").partition(" ")
        return self._service.catalog.token(token.strip()) if scheme.lower() == "bearer" else None


def _authorise(route: Route, token: Token | None) -> None:
    if route.writes and token is not None and token.role == "read-only":
        raise Forbidden("Forbidden: the access role of this token may not change anything")


def _identified(answer: Answer, arrival: Arrival) -> Answer:
    return evolve(answer, headers={"X-Request-Id": arrival.request_id, **answer.headers})
