"""From request to answer: read, plan faults, authorise, route, handle, send."""

from __future__ import annotations

import asyncio

from aiohttp import web
from attrs import evolve

from chakra_async.emulator.answer import Answer, refused
from chakra_async.emulator.catalog import Token
from chakra_async.emulator.cross_origin import is_preflight, preflight, readable
from chakra_async.emulator.endpoints import ROUTES
from chakra_async.emulator.faults import Fault
from chakra_async.emulator.jobs import JobRunner
from chakra_async.emulator.multipart import FormParser
from chakra_async.emulator.ranges import ranged
from chakra_async.emulator.rate import Rate
from chakra_async.emulator.receive import Received, dispose, receive
from chakra_async.emulator.refusals import Forbidden, Refusal, TooLarge, Unauthorized, UnknownRoute
from chakra_async.emulator.request_log import Arrival, RequestLog
from chakra_async.emulator.routing import Call, Route, Router, parse_query
from chakra_async.emulator.service import Service
from chakra_async.emulator.wire import reset, respond, send_wrongly


_router = Router(ROUTES)

Found = tuple[Route, list[str]] | None


class App:
    """The handler of every request of one emulator."""

    def __init__(self, service: Service, jobs: JobRunner, log: RequestLog, rate: Rate) -> None:
        self._service = service
        self._jobs = jobs
        self._log = log
        self._rate = rate

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        arrival = self._log.arrived(request.method, request.raw_path, request.headers)
        if is_preflight(arrival.method, arrival.headers):
            arrival.status = 204
            return await respond(request, _identified(preflight(arrival.headers), arrival))
        token = self._token(arrival)
        too_soon = None if token is None else self._rate.refuse(token.token)
        if too_soon is not None:
            await receive(request, arrival, self._log, 0)
            arrival.status = too_soon.status
            return await respond(request, _identified(too_soon, arrival))
        found = _router.match(arrival.method, arrival.path)
        received = await receive(request, arrival, self._log, *self._limit(arrival, found))
        try:
            fault = self._service.faults.take(arrival.method, arrival.path)
            if fault is not None:
                return await self._hit(request, arrival, found, received, fault)
            answer = self._answer(arrival, found, received)
        finally:
            dispose(received, self._service.blobs)
        arrival.status = answer.status
        return await respond(request, answer)

    async def _hit(
        self, request: web.BaseRequest, arrival: Arrival, found: Found, received: Received, fault: Fault
    ) -> web.StreamResponse:
        answer = self._answer(arrival, found, received) if fault.apply else None
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.reset:
            return reset(request)
        altered = _identified(fault.alter(answer), arrival)
        arrival.status = altered.status
        return await send_wrongly(request, altered, fault)

    def _limit(self, arrival: Arrival, found: Found) -> tuple[int, FormParser | None]:
        """Say how much of a body to take, and whether to take it as a form."""
        content_type = arrival.headers.get("Content-Type", "")
        is_form = content_type.lower().startswith("multipart/form-data")
        if found is None or found[0].form is None or not is_form or self._token(arrival) is None:
            return self._service.settings.max_body_bytes, None
        return self._service.settings.max_upload_bytes, FormParser(content_type, self._service.blobs)

    def _answer(self, arrival: Arrival, found: Found, received: Received) -> Answer:
        try:
            answer = self._handled(arrival, found, received)
        except Refusal as refusal:
            answer = refused(refusal)
        return _identified(ranged(answer, arrival.headers), arrival)

    def _handled(self, arrival: Arrival, found: Found, received: Received) -> Answer:
        token = self._token(arrival)
        if token is None and not (found and found[0].public):
            raise Unauthorized("Unauthorized: the access token is missing or unknown")
        if found is None:
            raise UnknownRoute("Not Found")
        if received.body is None:
            size, limit = arrival.size, received.limit
            raise TooLarge(f"The request body has {size} bytes, more than the limit of {limit}")
        route, parameters = found
        _authorise(route, token)
        call = Call(
            service=self._service,
            jobs=self._jobs,
            token=token,
            request_id=arrival.request_id,
            origin=f"http://{arrival.headers.get('Host', '')}",
            query=parse_query(arrival.query),
            schema=route.body or {},
            body=received.body,
            form=None if received.form is None else received.form.finish(),
        )
        return route.handler(call, *parameters)

    def _token(self, arrival: Arrival) -> Token | None:
        scheme, _, token = arrival.headers.get("Authorization", "").partition(" ")
        return self._service.catalog.token(token.strip()) if scheme.lower() == "bearer" else None


def _authorise(route: Route, token: Token | None) -> None:
    if route.writes and token is not None and token.role == "read-only":
        raise Forbidden("Forbidden: the access role of this token may not change anything")


def _identified(answer: Answer, arrival: Arrival) -> Answer:
    added = {"X-Request-Id": arrival.request_id, **readable(arrival.headers)}
    return evolve(answer, headers={**added, **answer.headers})
