"""A server that writes down what arrives and answers what it was told. It knows nothing of the service."""

import asyncio
import email
import threading
from collections import deque
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from attrs import define, field

from chakra_async import Client, RetryPolicy
from chakra_async.sync import Client as SyncClient


TOKEN = "s3cr3t-t0ken-0123456789"
QUICK = RetryPolicy(wait_initial=0.001, wait_max=0.005)


@define
class Arrived:
    """A request as it came."""

    method: str
    target: str
    """Path and query as they stood on the wire, percent-encoded."""
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes = field(repr=False)

    @property
    def path(self):
        """The path as it stood on the wire."""
        return self.target.partition("?")[0]

    @property
    def query(self):
        """The decoded pairs of the query, in order."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    @property
    def json(self):
        """The body as JSON; ``None`` when there is none."""
        return orjson.loads(self.body) if self.body else None

    @property
    def parts(self):
        """The parts of a multipart body by name: (file name or ``None``, content type, bytes)."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        return {
            part.get_param("name", header="content-disposition"): (
                part.get_filename(),
                part.get_content_type(),
                part.get_payload(decode=True),
            )
            for part in email.message_from_bytes(head + self.body).get_payload()
        }


class Recorder:
    """Answers each request with the next answer it was told; the last one is repeated.

    Use as ``with Recorder() as recorder``: it runs in a thread of its own, so that async and sync clients can
    both call it. Each way to tell an answer returns the recorder: ``recorder.data({…}).data({…})``.
    """

    token = TOKEN

    def __init__(self):
        self.requests = []
        self._answers = deque()

    # What to answer

    def data(self, data, meta=None, **headers):
        """The service's wrapper around ``data``."""
        return self.raw({"_data": data} if meta is None else {"_data": data, "_meta": meta}, **headers)

    def raw(self, value, status=200, **headers):
        """A JSON value as it is."""
        return self.send(orjson.dumps(value), status, "application/json", **headers)

    def refuse(self, status, *errors, **headers):
        """A refusal in the service's form."""
        return self.raw({"_data": [], "_errors": errors}, status, **headers)

    def send(self, body, status=200, kind="application/octet-stream", **headers):
        """Any bytes. Header names in Python's spelling: ``retry_after=1``."""
        named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        self._answers.append((status, body, {"Content-Type": kind, **named}))
        return self

    def forget(self):
        """Begin anew: no answers, no requests."""
        self._answers.clear()
        self.requests.clear()
        return self

    # What arrived

    @property
    def last(self):
        """The request that arrived last."""
        return self.requests[-1]

    @property
    def seen(self):
        """Method, target and JSON body of the last request."""
        return self.last.method, self.last.target, self.last.json

    # Clients

    def client(self, **options):
        """An async client of this server that loses no time between attempts."""
        return Client(TOKEN, base_url=self.url, **{"retry": QUICK, **options})

    def sync_client(self, **options):
        """The same for code that does not await."""
        return SyncClient(TOKEN, base_url=self.url, **{"retry": QUICK, **options})

    # Running

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="recorder", daemon=True)
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, *_):
        self._call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _start(self):
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    async def _handle(self, request):
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Arrived(request.method, request.raw_path, headers, body))
        if not self._answers:
            return web.Response(status=418, text="the recorder was not told what to answer")
        status, content, given = self._answers[0] if len(self._answers) == 1 else self._answers.popleft()
        return web.Response(status=status, body=content, headers=given)
