"""Each framework with its adapter, served by a real server on a real port."""

import socket
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from socketserver import ThreadingMixIn
from types import ModuleType
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import anyio.from_thread
import django
import uvicorn
import werkzeug.serving
from aiohttp import web
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from django.urls import path
from fastapi import FastAPI
from flask import Flask
from flask import request as flask_request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from chakra_async.webhooks import aiohttp as for_aiohttp
from chakra_async.webhooks import django as for_django
from chakra_async.webhooks import flask as for_flask
from chakra_async.webhooks import starlette as for_starlette


PATH = "/webhooks/chakra"
HOST = "127.0.0.1"
READ_FIRST = "X-Read-First"


def reading_first(endpoint, read):
    """Put something before an endpoint that reads the body of requests with the header ``READ_FIRST``."""

    async def view(request: Request):
        if READ_FIRST in request.headers:
            await read(request)
        return await endpoint(request)

    return view


@contextmanager
def aiohttp(webhooks):
    async def closing(_app):
        async with webhooks:
            yield

    async def start():
        app = web.Application()
        app.cleanup_ctx.append(closing)
        app.router.add_post(PATH, reading_first(for_aiohttp.endpoint(webhooks), web.Request.read))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0).start()
        return runner

    with anyio.from_thread.start_blocking_portal() as portal:
        runner = portal.call(start)
        yield runner.addresses[0][1]
        portal.call(runner.cleanup)


@contextmanager
def served_by_uvicorn(app):
    listener = socket.create_server((HOST, 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1, http="h11")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    listener.close()


def closing(webhooks):
    @asynccontextmanager
    async def lifespan(_app):
        async with webhooks:
            yield

    return lifespan


def starlette(webhooks):
    view = reading_first(for_starlette.endpoint(webhooks), Request.body)
    route = Route(PATH, view, methods=["POST"])
    return served_by_uvicorn(Starlette(routes=[route], lifespan=closing(webhooks)))


def fastapi(webhooks):
    app = FastAPI(lifespan=closing(webhooks))
    view = reading_first(for_starlette.endpoint(webhooks), Request.body)
    app.add_api_route(PATH, view, methods=["POST"])
    return served_by_uvicorn(app)


@contextmanager
def served_in_threads(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def flask(webhooks):
    app = Flask(__name__)
    app.add_url_rule(PATH, view_func=for_flask.endpoint(webhooks), methods=["POST"])

    @app.before_request
    def read_first():
        if READ_FIRST in flask_request.headers:
            flask_request.get_data()

    class Quiet(werkzeug.serving.WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_):
            pass

    server = werkzeug.serving.make_server(HOST, 0, app, threaded=True, request_handler=Quiet)
    with served_in_threads(server) as port, webhooks:
        yield port


@contextmanager
def django_routing(view):
    """Give the view to Django, whose settings are the whole process's."""
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=[HOST],
            SECRET_KEY="for tests",
            USE_I18N=False,
            MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        )
        django.setup()

    @wraps(view)
    def reading(request):
        if READ_FIRST in request.headers:
            assert request.body
        return view(request)

    if iscoroutinefunction(view):
        markcoroutinefunction(reading)
    urls = ModuleType(f"urls_of_{id(view)}")
    urls.urlpatterns = [path(PATH[1:], reading)]
    sys.modules[urls.__name__] = urls
    with override_settings(ROOT_URLCONF=urls.__name__):
        yield
    del sys.modules[urls.__name__]


class ThreadingWSGIServer(ThreadingMixIn, WSGIServer):
    daemon_threads = False


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def django_wsgi(webhooks):
    with django_routing(for_django.endpoint(webhooks)):
        server = make_server(HOST, 0, WSGIHandler(), ThreadingWSGIServer, QuietHandler)
        with served_in_threads(server) as port, webhooks:
            yield port


@contextmanager
def django_asgi(webhooks):
    with django_routing(for_django.async_endpoint(webhooks)), served_by_uvicorn(ASGIHandler()) as port:
        yield port


SERVERS = {
    "aiohttp": aiohttp,
    "starlette": starlette,
    "fastapi": fastapi,
    "flask": flask,
    "django": django_wsgi,
    "django-asgi": django_asgi,
}
