"""One suite that every adapter passes, in its framework, over a socket."""

import http.client
import itertools
import logging
import socket
import threading
import time
import tracemalloc
from collections import Counter
from contextlib import contextmanager

import orjson
import pytest

from chakra_async.webhooks import MessageEvent, Webhooks
from tests.webhooks import bodies
from tests.webhooks.bodies import SECRET, sign, unsigned
from tests.webhooks.servers import HOST, PATH, READ_FIRST, SERVERS


pytestmark = pytest.mark.timeout(60)

LARGE = 50 * 2**20
PIECE = bytes(65_536)

# Before any view runs, Django has read the whole body under ASGI.
READS_FIRST = {"django-asgi"}
# wsgiref knows neither, Werkzeug's development server no second request on a connection.
NO_CHUNKS = {"django"}
CLOSES_EACH = {"django", "flask"}


class Service:
    """A service that counts what its handlers get; one is async, one plain."""

    def __init__(self, name, **options):
        self.name = name
        self.webhooks = Webhooks([SECRET], **options)
        self.got, self.fail = Counter(), set()
        self.go, self.begun = threading.Event(), threading.Event()
        self.go.set()

        @self.webhooks.on("*")
        async def waiting(event):
            self.take("async", event)

        @self.webhooks.on("*")
        def plain(event):
            self.begun.set()
            assert self.go.wait(10)
            self.take("plain", event)

    def reset(self):
        self.got.clear()
        self.fail.clear()
        self.begun.clear()

    def take(self, kind, event):
        if kind in self.fail:
            raise LookupError("not yet")
        self.got[kind, event.id] += 1

    def post(self, body, headers=None, *, method="POST", connection=None):
        connection = connection or self.connect()
        try:
            connection.request(method, PATH, body, sign(body) if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def connect(self):
        return http.client.HTTPConnection(HOST, self.port, timeout=20)

    def send(self, *parts):
        """Send raw bytes, as far as they are taken, and return the status that is answered."""
        with socket.create_connection((HOST, self.port), timeout=20) as raw:
            try:
                for part in parts:
                    raw.sendall(part)
            except ConnectionError:
                pass
            try:
                line = raw.makefile("rb").readline()
            except ConnectionError:
                return None
        return int(line.split()[1]) if line else None


def head(headers, *more):
    lines = [
        f"POST {PATH} HTTP/1.1",
        f"Host: {HOST}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, *more, "", ""]).encode()


@contextmanager
def serving(name, **options):
    service = Service(name, **options)
    with SERVERS[name](service.webhooks) as service.port:
        yield service
        service.go.set()


@pytest.fixture(scope="module", params=SERVERS)
def running(request):
    with serving(request.param) as service:
        yield service


@pytest.fixture
def service(running):
    """One service for all tests of a framework, each with messages of its own."""
    running.reset()
    yield running
    running.go.set()


NUMBERS = itertools.count()


@pytest.fixture
def wamid():
    return f"wamid.{next(NUMBERS)}"


@pytest.fixture
def message(wamid):
    return bodies.meta_messages(bodies.text(wamid, "नमस्ते"))


def both(wamid):
    return {("async", f"message:{wamid}"): 1, ("plain", f"message:{wamid}"): 1}


def test_each_format_arrives(service, wamid, message):
    assert service.post(message) == (200, "OK")
    assert service.post(bodies.chakra_status(wamid, "READ"))[0] == 200
    assert service.post(bodies.delivery_status(wamid, "SENT"))[0] == 200
    assert {identity for _, identity in service.got} == {
        f"message:{wamid}",
        f"status:{wamid}:read",
        f"status:{wamid}:sent",
    }
    assert list(service.got.values()) == [1] * 6


def test_W1_the_raw_bytes_are_verified(service, wamid, message):
    spaced = b"\xef\xbb\xbf\r\n" + message.replace(b":", b" :  ") + b"\n"
    assert service.post(spaced, sign(message))[0] == 401
    assert (
        service.post(orjson.dumps(orjson.loads(message), option=orjson.OPT_SORT_KEYS), sign(message))[0]
        == 401
    )
    assert service.post(message, unsigned())[0] == 401
    assert service.post(message, sign(message, "other"))[0] == 401
    assert service.post(b"", sign(message))[0] == 401
    assert not service.got
    lower = {name.lower(): value for name, value in sign(spaced[3:]).items()}
    assert service.post(spaced[3:], lower)[0] == 200
    assert service.got == both(wamid)


MALFORMED = [
    (b"{", {}),
    (b"", {}),
    (b"[1]", {}),
    (b'{"event": "\xff"}', {}),
    (b"{}", {"Content-Type": "text/plain"}),
    (b"{}", {"Content-Type": "multipart/form-data; boundary=x"}),
    (b"{}", {"Content-Encoding": "gzip"}),
]


def test_malformed_bodies_are_answered_400(service):
    answers = [service.post(body, {**sign(body), **headers}) for body, headers in MALFORMED]
    assert [status for status, _ in answers] == [400] * len(MALFORMED)
    assert all(text.startswith("The ") for _, text in answers)
    assert not service.got


def test_nothing_but_POST(service, message):
    for method in ("GET", "PUT", "DELETE"):
        assert service.post(message, method=method)[0] == 405
    assert not service.got


def test_W3_same_event_twice_at_once_runs_one_handler(service, wamid, message):
    service.go.clear()
    statuses = Counter()

    def deliver():
        statuses[service.post(message)[0]] += 1

    threads = [threading.Thread(target=deliver) for _ in range(6)]
    for thread in threads:
        thread.start()
    assert service.begun.wait(10)
    while sum(statuses.values()) < 5:
        time.sleep(0.002)
    service.go.set()
    for thread in threads:
        thread.join()
    assert statuses == {200: 1, 503: 5}
    assert service.post(message)[0] == 200
    assert service.got == both(wamid)


def test_W4_a_failed_handler_runs_again_and_the_others_not(service, wamid, message):
    service.fail = {"plain"}
    assert service.post(message)[0] == 500
    service.fail = {"async"}
    assert service.post(message)[0] == 200
    assert service.got == both(wamid)


@pytest.mark.parametrize("name", SERVERS)
def test_W4_acknowledged_at_once(name, wamid, message):
    with serving(name, acknowledge="at_once") as service:
        service.go.clear()
        assert service.post(message) == (200, "OK")
        assert service.begun.wait(10)
        assert service.post(message)[0] == 200
        assert ("plain", f"message:{wamid}") not in service.got
        service.go.set()
        while service.got != both(wamid):
            time.sleep(0.002)


def test_a_slow_plain_handler_holds_up_nobody(service, message):
    service.go.clear()
    slow = threading.Thread(target=service.post, args=(message,))
    slow.start()
    assert service.begun.wait(10)
    assert service.post(b"{")[0] == 400
    service.go.set()
    slow.join()


def test_a_connection_is_used_again(service, wamid):
    connection = service.connect()
    connection.connect()
    first = connection.sock
    for number in range(3):
        body = bodies.meta_messages(bodies.text(f"{wamid}.{number}"))
        connection.request("POST", PATH, body, sign(body))
        assert connection.getresponse().read() == b"OK"
    assert (connection.sock is first) == (service.name not in CLOSES_EACH)
    connection.close()
    assert sum(service.got.values()) == 6


def test_a_body_in_chunks(service, wamid, message):
    pieces = [b"%x\r\n%s\r\n" % (len(part), part) for part in (message[:40], message[40:])]
    status = service.send(head(sign(message), "Transfer-Encoding: chunked"), *pieces, b"0\r\n\r\n")
    if service.name in NO_CHUNKS:
        assert (status, service.got) == (401, {})
    else:
        assert (status, service.got) == (200, both(wamid))


def test_a_body_that_was_read_before_the_view(service, wamid, message):
    first = {READ_FIRST: "yes"}
    assert service.post(message, {**sign(message, "other"), **first})[0] == 401
    assert service.post(message, {**sign(message), **first}) == (200, "OK")
    assert service.got == both(wamid)


@pytest.mark.parametrize("name", sorted(SERVERS.keys() - NO_CHUNKS))
def test_a_large_body_that_was_read_before_the_view(name, message):
    with serving(name, max_body_bytes=len(message) - 1) as service:
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(message), message)
        chunked = head({**sign(message), READ_FIRST: "yes"}, "Transfer-Encoding: chunked")
        assert (service.send(chunked, chunk), service.got) == (413, {})


def test_a_body_that_breaks_off_runs_nothing(service, message, caplog):
    with socket.create_connection((HOST, service.port), timeout=20) as raw:
        raw.sendall(head(sign(message), f"Content-Length: {len(message)}") + message[:50])
    assert service.post(b"{")[0] == 400
    assert not service.got
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert service.post(message)[0] == 200


def test_a_large_body_is_refused_before_it_is_read(service, message):
    def announced(headers, size):
        body = bytes(size) if service.name in READS_FIRST else b""
        return service.send(head(headers, f"Content-Length: {size}"), body)

    assert announced(sign(message), LARGE) == 413
    # And what is not signed, whatever its size.
    assert announced(unsigned(), 1000) == 401
    assert not service.got


@pytest.fixture
def memory():
    """Measures what Python allocates, in all threads of the process."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()


def most(service):
    # Werkzeug's development server throws away what a view left of a body 10 MB at a time.
    return {"flask": 24}.get(service.name, 10)


def test_a_body_of_50_MB_costs_no_memory_and_no_handler(service, memory, message):
    service.post(b"{")
    tracemalloc.reset_peak()
    pieces = [PIECE] * (LARGE // len(PIECE))
    status = service.send(head(sign(message), f"Content-Length: {LARGE}"), *pieces)
    assert status in {413, None}  # None: the server has closed a connection that nobody was listening to
    assert memory() < most(service)
    assert not service.got
    assert service.post(message)[0] == 200


def test_a_body_without_end_costs_no_memory_and_no_handler(service, memory, message):
    service.post(b"{")
    tracemalloc.reset_peak()
    chunk = b"10000\r\n" + PIECE + b"\r\n"
    pieces = [chunk] * (LARGE // len(PIECE))
    last = b"0\r\n\r\n" if service.name in READS_FIRST else b""
    status = service.send(head(sign(message), "Transfer-Encoding: chunked"), *pieces, last)
    assert status in ({401, None} if service.name in NO_CHUNKS else {413, None})
    assert memory() < most(service)
    assert not service.got
    assert service.post(message)[0] == 200


def test_malformed_bodies_cost_no_memory_and_no_handler(service, memory):
    nested, lists = b"[" * 2**20, b"[" + b"[]," * (2**20 // 3) + b"[]]"
    hostile = [
        (nested, sign(nested), 400),
        (lists[:-1], sign(lists[:-1]), 400),
        (lists, sign(lists, "other"), 401),
        (lists, {**sign(lists), "Content-Type": "text/plain"}, 400),
    ]
    service.post(b"{")
    for body, headers, status in hostile:
        tracemalloc.reset_peak()
        # None: it was refused by its headers, and the server has closed while it was being sent.
        assert service.send(head(headers, f"Content-Length: {len(body)}"), body) in {status, None}
        assert memory() < 24  # what is signed is parsed, for which the parser takes twelve times its size
    assert not service.got


@pytest.mark.parametrize("name", SERVERS)
def test_handlers_get_typed_events(name, message):
    with serving(name) as service:
        got = []
        service.webhooks.on("message", name="third")(got.append)
        service.post(message)
    [event] = got
    assert isinstance(event, MessageEvent)
    assert (event.text, event.sender_name) == ("नमस्ते", "Asha Rao")
