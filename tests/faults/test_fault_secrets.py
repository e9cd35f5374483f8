"""S5: no secret is ever shown, whatever goes wrong, however one looks."""

import asyncio
import contextlib
import copy
import gzip
import inspect
import logging
import pickle
from functools import partial
from pathlib import Path

import attrs
import click
import pytest
from click.testing import CliRunner

from chakra_async import (
    ChakraError,
    Client,
    Limits,
    ProcessCreate,
    ProcessUpdate,
    RetryPolicy,
    Settings,
    Timeouts,
    errors,
)
from chakra_async.bulk.journal import read_report
from chakra_async.cli.app import app
from chakra_async.sync import Client as SyncClient
from chakra_async.webhooks import SigningSecrets, verify_signature
from tests.faults.secrets import Search, forms_of
from tests.raw import FIN, RST, STALL, RawServer, answer, closed_port, refused, wrapped
from tests.test_errors import whole_tree


pytestmark = pytest.mark.timeout(60)

TOKEN = "S3cr3t/T0ken+abcdefghij=QRSTUVWXYZ~0123456789.klmnopqrstuvwxyz_98765432"
PASSWORD = "Redis-passw0rd-ABCDEFGHIJ-0123456789"
SIGNING = "Webh00k-signing-secret-abcdefghij-9876"
ECHO = f"You sent Authorization: Bearer {TOKEN}"

LEAD = wrapped({"id": "1"})
STATUSES = [
    301,
    302,
    303,
    307,
    308,
    400,
    401,
    402,
    403,
    404,
    408,
    409,
    413,
    418,
    422,
    429,
    500,
    502,
    503,
    504,
]
OPTIONS = {
    "retry": RetryPolicy(attempts=2, wait_initial=0.0001, wait_max=0.0002, budget=10),
    "timeout": Timeouts(read=0.1, total=1, queue=0.05, job=0.2, drain=0.0),
    "limits": Limits(connections=2, max_response_bytes=50_000),
}

BROKEN = {
    "reset": RST,
    "closed": FIN,
    "silence": STALL,
    "short": [answer(body=b"{}", length=1000), FIN],
    "too large": answer(body=b"x" * 60_000),
    "bomb": answer(body=gzip.compress(b"x" * 1_000_000), Content_Encoding="gzip"),
    "not packed": answer(body=b"{}", Content_Encoding="gzip"),
    "no json": answer(body=b"<html>"),
    "no object": answer(body=b"[]"),
    "empty": answer(),
    "errors in success": answer(body=b'{"_data":{},"_errors":["no"]}'),
    "chunked": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", FIN],
    "no http": [b"220 smtp ESMTP\r\n", FIN],
}
# A service, or what stands in front of it, may write back what it was sent, in any form.
ECHOES = {
    **{f"{status}": refused(status, ECHO, X_Request_Id=TOKEN) for status in STATUSES},
    "html": answer(502, f"<pre>{ECHO}</pre>".encode().replace(b"/", b"&#x2F;"), kind="text/html"),
    "long html": answer(502, b"x" * 970 + ECHO.encode() * 40, kind="text/html"),
    "cut": answer(502, b"x" * 1960 + ECHO.encode(), kind="text/html"),
    "escaped": answer(500, ('{"errors":["' + ECHO.replace("/", "\\/") + '"]}').encode()),
    "redirect": answer(307, Location=f"https://x.test/?next={TOKEN.replace('/', '%2F').replace('+', '%2B')}"),
    "errors in success": answer(body=b'{"_errors":["' + ECHO.encode() + b'"]}'),
    "no json": answer(body=ECHO.encode(), kind=TOKEN, X_Request_Id=TOKEN),
    "no http": [ECHO.encode() + b"\r\n\r\n", FIN],
    "long line": [b"HTTP/1.1 200 OK\r\nX-Echo: " + ECHO.encode() * 400 + b"\r\n\r\n", FIN],
    "short": [answer(body=ECHO.encode(), length=9999), FIN],
    "too large": answer(500, ECHO.encode() * 2000),
}


@pytest.fixture
def shown(caplog):
    """Where everything is looked for; at the end, nothing may have been found."""
    for name in ("", "aiohttp", "asyncio", "stamina", "chakra_async"):
        caplog.set_level(logging.DEBUG, logger=name)
    search = Search(TOKEN, PASSWORD, SIGNING)
    yield search
    search.logged(caplog.records)
    assert search.found == []


def client(url, **options):
    return Client(TOKEN, base_url=url, **{**OPTIONS, **options})


class Paths:
    """Every way to an error, by name: coroutine functions that raise."""

    def __init__(self, folder):
        self.folder = folder

    async def answers(self, script, call):
        async with RawServer(script) as server, client(server.url) as chakra:
            await call(chakra)

    async def refused_connection(self):
        async with client(f"http://127.0.0.1:{closed_port()}") as chakra:
            await chakra.health()

    async def no_tls(self):
        async with RawServer(b"") as server, client(server.url.replace("http", "https")) as chakra:
            await chakra.health()

    async def queue(self):
        async with (
            RawServer(STALL) as server,
            client(server.url) as chakra,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(4):
                group.create_task(chakra.health())

    async def cancelled(self):
        async with RawServer(STALL) as server, client(server.url) as chakra, asyncio.timeout(0.05):
            await chakra.processes.create("lead", data={})

    async def closed(self):
        chakra = client("http://127.0.0.1:9")
        await chakra.close()
        await chakra.health()

    async def job_that_never_ends(self):
        job = wrapped({"id": "1", "completionStatus": "IN_PROGRESS"})
        async with RawServer(job) as server, client(server.url) as chakra:
            await chakra.jobs.wait("1", timeout=0)

    async def source_that_fails(self):
        def pieces():
            yield b"x"
            raise OSError("the disk is gone")

        async with RawServer(LEAD) as server, client(server.url) as chakra:
            await chakra.photos.upload(pieces(), filename="a.jpg")

    async def upload_reset(self):
        async with RawServer(RST) as server, client(server.url) as chakra:
            await chakra.photos.upload(b"x" * 100_000, filename="a.jpg")

    async def download_elsewhere(self):
        there = answer(307, Location="http://169.254.169.254/latest/meta-data")
        async with RawServer(there) as server, client(server.url) as chakra:
            await chakra.photos.get("1", to=self.folder / "a.jpg")

    async def download_of_other_bytes(self):
        async with (
            RawServer(answer(body=b"x" * 9, kind="image/jpeg")) as server,
            client(server.url) as chakra,
        ):
            await chakra.whatsapp.media.show("1", sha256="0" * 64)

    async def page_elsewhere(self):
        page = wrapped([{"id": "1"}], {"nextPage": "https://elsewhere.test/x?skip=1"})
        async with RawServer(page) as server, client(server.url) as chakra:
            [entry async for entry in chakra.jobs.entries("1")]

    async def id_that_climbs(self):
        async with client("http://127.0.0.1:9") as chakra:
            await chakra.processes.get("lead", "..")

    async def run_that_is_refused(self):
        async with RawServer(refused(401, ECHO)) as server, client(server.url) as chakra:
            await chakra.processes.bulk_update(
                "lead", [ProcessUpdate("1", data={"a": 1})], journal=self.folder / "refused.db"
            ).run()

    async def journal_of_another_run(self):
        for number in range(2):
            async with RawServer(refused(400, ECHO)) as server, client(server.url) as chakra:
                rows = [ProcessCreate(data={"number": number})]
                await chakra.processes.bulk_create("lead", rows, journal=self.folder / "other.db").run()

    async def journal_that_is_none(self):
        (self.folder / "none.db").write_bytes(b"no database" * 100)
        async with client("http://127.0.0.1:9") as chakra:
            await chakra.processes.bulk_create("lead", [], journal=self.folder / "none.db").run()

    async def redis_that_is_away(self):
        shared = f"redis://:{PASSWORD}@127.0.0.1:{closed_port()}/0"
        limits = Limits(requests_per_second=5, shared_rate=shared)
        async with RawServer(LEAD) as server, client(server.url, limits=limits) as chakra:
            await chakra.health()

    async def webhook_of_another(self):
        verify_signature(b"{}", "0" * 64, SIGNING)

    async def settings(self):
        Client(TOKEN, base_url="ftp://x")

    async def settings_of_the_environment(self):
        Settings.from_env({"CHAKRA_ACCESS_TOKEN": TOKEN, "CHAKRA_BASE_URL": "ftp://x"})

    async def settings_of_the_sync_client(self):
        SyncClient(TOKEN, timeout=0)

    async def token_that_cannot_be_one(self):
        Client(f"{TOKEN}\n{TOKEN}")

    async def sync_call(self):
        async with RawServer(refused(403, ECHO)) as server:
            await asyncio.to_thread(self.without_await, server.url)

    def without_await(self, url):
        with SyncClient(TOKEN, base_url=url, **OPTIONS) as chakra:
            chakra.processes.create("lead", data={})


async def read(chakra):
    await chakra.processes.get("lead", "1")


async def create(chakra):
    await chakra.processes.create("lead", data={"a": 1})


def ways_to_an_error(paths):
    """Each as a name and a coroutine function."""
    for name, member in vars(Paths).items():
        if inspect.iscoroutinefunction(member) and name != "answers":
            yield name, getattr(paths, name)
    scripts = {
        **{f"{status}": refused(status, "no") for status in STATUSES},
        **BROKEN,
        **{f"{name}, echoed": script for name, script in ECHOES.items()},
    }
    for call in (read, create):
        for name, script in scripts.items():
            yield f"{call.__name__}: {name}", partial(paths.answers, script, call)


def commands(free):
    """Every command of the command line that calls something, with arguments that make it fail."""
    bulk = ("lead", "rows.csv", "--key", "lead_id", "--failures", "failed.csv", "--overwrite")
    return [
        ("processes", "get", "lead", "1"),
        ("processes", "list", "lead"),
        ("jobs", "get", "1"),
        ("jobs", "wait", "1"),
        ("bulk", "update", *bulk, "--journal", "run.db"),
        ("bulk", "create", *bulk),
        ("bulk", "delete", *bulk),
        ("bulk", "resume", "run.db"),
        ("bulk", "status", "none.db"),
        ("bulk", "failures", "none.db", "out.csv"),
        ("bulk", "plan", "lead", "rows.csv", "plan.db", "--key", "lead_id"),
        ("bulk", "apply", "none.db"),
        ("webhooks", "send", "message", f"http://127.0.0.1:{free}/", "--secret-file", "secret.txt"),
        ("webhooks", "replay", "none.jsonl", f"http://127.0.0.1:{free}/", "--secret-file", "secret.txt"),
        ("webhooks", "listen", "--host", "203.0.113.1", "--secret-file", "secret.txt"),
        ("processes", "list", "lead", "--token-file", "token.txt"),
        ("processes", "list", "lead", "--base-url", "ftp://x"),
    ]


def leaves(command, path=()):
    if not isinstance(command, click.Group):
        return {path}
    return {leaf for name, inner in command.commands.items() for leaf in leaves(inner, (*path, name))}


async def test_S5_no_secret_is_shown_whatever_goes_wrong(shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    met = set()
    for name, way in ways_to_an_error(Paths(tmp_path)):
        with pytest.raises(Exception) as caught:  # which one is looked at below
            await asyncio.create_task(way())
        met.add(type(caught.value))
        shown.error(caught.value, name, without=__file__)
        caught = None
    # The roots are raised by nobody.
    assert set(whole_tree()) - met == {errors.ChakraError, errors.TransportError}

    Path("rows.csv").write_text("lead_id,score\n" + "".join(f"L{n},{n}\n" for n in range(20)))
    Path("token.txt").write_text(f"{TOKEN}\n{TOKEN}\n")
    Path("secret.txt").write_text(SIGNING)
    async with RawServer(refused(403, ECHO)) as server:
        env = {"CHAKRA_ACCESS_TOKEN": TOKEN, "CHAKRA_BASE_URL": server.url}
        failing = commands(closed_port())
        for arguments in failing:
            verbose = () if arguments[0] == "webhooks" or arguments[1] in {"status", "failures"} else ("-v",)
            run = partial(CliRunner(env=env).invoke, app, [*arguments, *verbose])
            result = await asyncio.to_thread(run)
            assert result.exit_code > 0, (arguments, result.output)
            assert "no such option" not in result.output.lower()
            shown.text(result.output, " ".join(arguments[:2]))
    assert {arguments[:2] for arguments in failing} == leaves(app) - {("emulator",)}
    Path("token.txt").unlink()
    Path("secret.txt").unlink()
    shown.files(tmp_path)


async def test_S5_no_secret_is_shown_by_what_holds_it(shown, emulator, tmp_path):
    shared = f"redis://:{PASSWORD}@127.0.0.1:{closed_port()}/0"
    limits = Limits(requests_per_second=5, shared_rate=shared)
    settings = Settings(access_token=TOKEN, base_url=emulator.url, limits=limits)
    chakra, sync = Client(settings=settings), SyncClient(settings=settings)
    held = {
        "token": settings.access_token,
        "settings": settings,
        "settings as a dictionary": attrs.asdict(settings),
        "settings as a tuple": attrs.astuple(settings),
        "a copy": copy.deepcopy(settings),
        "settings with others": attrs.evolve(settings, plugin_id="1"),
        "client": chakra,
        "sync client": sync,
        "transport": chakra._transport,
        "its headers": dict(chakra._transport._headers),
        "rate": chakra._transport._shared,
        "portal": sync._portal,
        "processes": chakra.processes,
        "secrets of webhooks": SigningSecrets(SIGNING),
    }
    for name, value in held.items():
        shown.value(value, name)
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as refusal:
            pickle.dumps(value)
        shown.error(refusal.value, name, without=__file__)
    sync.close()


async def test_S5_a_proxy_of_the_environment_hears_nothing(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    async with RawServer(LEAD) as proxy, RawServer(LEAD) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with client(server.url) as chakra:
            await read(chakra)
            await chakra.photos.upload(b"x" * 100, filename="a.jpg")
    assert proxy.connections == 0
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {TOKEN}"}


async def test_S5_a_journal_and_what_stands_beside_it_hold_no_secret(shown, tmp_path):
    """Looked at while the run goes on as well, when there are more files than afterwards."""
    accepted = wrapped({"id": "job", "completionStatus": "IN_PROGRESS"})
    async with RawServer(accepted, refused(500, ECHO)) as server, client(server.url) as chakra:
        run = chakra.processes.bulk_update(
            "lead", [ProcessUpdate(str(n), data={"a": n}) for n in range(4)], journal=tmp_path / "run.db"
        )
        async with run:
            with contextlib.suppress(ChakraError):
                await anext(run)
            assert len(list(tmp_path.iterdir())) > 1
            shown.files(tmp_path)
        shown.value(run, "run")
    assert read_report(tmp_path / "run.db").pending_rows == 4
    shown.files(tmp_path)
    for result in run.leftover():
        shown.value(result, "result")


@pytest.mark.parametrize("leak", sorted(forms_of(TOKEN), key=repr))
def test_S5_the_search_finds_what_it_looks_for(leak, tmp_path):
    file = tmp_path / "x"
    ways = {
        "text": lambda search: search.text(f"a{leak}b", ""),
        "file": lambda search: file.write_bytes(leak.encode()) and search.files(tmp_path),
        "wide file": lambda search: file.write_bytes(leak.encode("utf-16")) and search.files(tmp_path),
        "log": lambda search: search.logged([logging.makeLogRecord({"msg": "%s", "args": (leak,)})]),
        "dictionary": lambda search: search.value({"a": [leak]}, ""),
        "error": lambda search: search.error(ValueError(leak), "", without=""),
        "cause": lambda search: search.error(_with_cause(leak), "", without=""),
        "attribute": lambda search: search.error(ChakraError("no", path=leak), "", without=""),
    }
    for name, way in ways.items():
        search = Search(TOKEN)
        way(search)
        assert search.found, name


def _with_cause(leak):
    error = LookupError("in front")
    error.__context__ = ValueError(leak)
    error.__suppress_context__ = True
    return error


@pytest.mark.parametrize("local", ["x", "self", "data"])
def test_S5_the_search_finds_the_variables_of_every_frame(local):
    namespace = {}
    exec(f"def fail({local}):\n    raise LookupError", namespace)
    search = Search(TOKEN)
    try:
        namespace["fail"]({"a": TOKEN})
    except LookupError as error:
        search.error(error, "", without=__file__)
    assert len(search.found) > 1
