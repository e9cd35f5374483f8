"""The emulator as an object: its life, its threads, its file."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import gc
import socket
import sqlite3
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest

import chakra_async.emulator
from chakra_async.emulator import Emulator
from tests.waiting import until


AIRCRAFT = "/v1/ext/procedure/aircraft/process"
LEAD = "/v1/ext/procedure/lead/process"


def test_it_imports_nothing_of_the_sdk():
    folder = Path(chakra_async.emulator.__file__).parent
    allowed = {"aiohttp", "orjson", "attrs", "pytest"}
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                depth = len(file.relative_to(folder).parts)
                assert node.level <= depth, f"{file} reaches out of the emulator"
                names = [] if node.level else [node.module or ""]
            for name in names:
                root = name.partition(".")[0]
                inside = name.startswith("chakra_async.emulator")
                standard = root in __import__("sys").stdlib_module_names
                assert inside or standard or root in allowed, f"{file} imports {name}"


async def test_async_with_and_a_session_of_the_same_loop():
    async with Emulator() as emulator:
        headers = {"Authorization": f"Bearer {emulator.token}"}
        async with aiohttp.ClientSession(emulator.url, headers=headers) as session:
            answers = await asyncio.gather(*(_post(session) for _ in range(20)))
            assert {status for status, _ in answers} == {200}
        assert len(emulator.processes("lead")) == 20


@pytest.mark.parametrize("times", [1, 2])
async def test_a_start_that_is_cancelled_leaves_nothing_behind(times):
    pool, gate = ThreadPoolExecutor(1), threading.Event()
    asyncio.get_running_loop().set_default_executor(pool)
    pool.submit(gate.wait, 5)
    entering = asyncio.create_task(Emulator().__aenter__())
    for _ in range(times):
        await asyncio.sleep(0)
        entering.cancel()
    await asyncio.sleep(0.01)
    assert entering.done() is (times == 2)  # who is cancelled again does not wait for the end of it
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await entering
    pool.submit(int).result()
    assert not _serving()


async def test_a_start_that_is_cancelled_when_it_is_done_leaves_nothing_behind():
    pool = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(pool)
    entering = asyncio.create_task(Emulator().__aenter__())
    await asyncio.sleep(0)
    pool.submit(int).result()  # it has started, and the loop does not know
    assert _serving()
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert not _serving()


async def test_a_cancelled_start_does_not_close_what_somebody_else_started():
    with Emulator() as emulator:
        entering = asyncio.create_task(emulator.__aenter__())
        await asyncio.sleep(0)
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering
        assert emulator.url


def _serving():
    return [thread for thread in threading.enumerate() if thread.name == "chakra-emulator"]


async def _post(session):
    async with session.post(LEAD, json={}) as answer:
        return answer.status, await answer.json()


def test_closing_is_quiet_even_in_the_middle_of_things(make_api):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Emulator(job_latency=30) as emulator:
            api = make_api(emulator)
            api.update(path=LEAD)
            emulator.job_settings.latency = 0
            emulator.job_settings.rows_per_second = 1
            api.update(*[{}] * 100, path=LEAD)
            emulator.faults.next(delay=30)
            hanging = threading.Thread(target=_ignore_errors, args=(api.raw, "GET", "/v1/health"))
            hanging.start()
            until(lambda: emulator.request_count == 3)
        hanging.join(5)
        gc.collect()
    assert not hanging.is_alive()
    assert not _serving()


def _ignore_errors(call, *arguments):
    with pytest.raises((OSError, Exception)):
        call(*arguments)


def test_connections_that_come_at_the_end_are_closed(recwarn):
    arrived = threading.Semaphore(0)

    def connect_until_it_is_closed(address):
        with contextlib.suppress(OSError):
            while True:
                socket.create_connection(address, timeout=0.2).close()
                arrived.release()

    for _ in range(3):
        with Emulator() as emulator, ThreadPoolExecutor(3) as pool:
            address = ("127.0.0.1", int(emulator.url.rpartition(":")[2]))
            list(map(pool.submit, [connect_until_it_is_closed] * 3, [address] * 3))
            for _ in range(50):
                assert arrived.acquire(timeout=5)
            emulator.close()
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


def test_outside_of_its_context_it_says_so():
    emulator = Emulator()
    for touch in (lambda: emulator.url, lambda: emulator.token, lambda: emulator.ledger):
        with pytest.raises(RuntimeError, match="not running"):
            touch()
    with emulator, pytest.raises(RuntimeError, match="running already"):
        emulator.start()
    emulator.close()
    assert emulator.requests == []


def test_several_at_once_know_nothing_of_each_other(make_api):
    with Emulator() as one, Emulator() as two:
        assert one.url != two.url
        assert one.token != two.token
        make_api(one).create({"lead_id": 1}, path=LEAD)
        assert make_api(two).list(path=LEAD).data == []
        assert make_api(two)("POST", f"{LEAD}/list", {}, token=one.token).status == 401
        assert (one.request_count, two.request_count) == (1, 2)


def test_a_taken_port_is_an_error_and_leaves_nothing_behind():
    with Emulator() as emulator:
        port = int(emulator.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            Emulator(port=port).start()


def test_a_host_must_be_said():
    with pytest.raises(ValueError, match="the host is empty"):
        Emulator(host="").start()


def test_a_token_given_at_every_start_has_one_user(tmp_path, make_api):
    file = str(tmp_path / "chakra.db")
    creators = set()
    for _ in range(3):
        with Emulator(db=file, token="mine") as emulator:
            api = make_api(emulator)
            creators.add(api.create({}, path=LEAD)[0]["createdBy"])
            users = [user["id"] for user in api("GET", "/v1/ext/users").data]
    assert [users] == [list(creators)]


def test_a_token_given_again_keeps_its_place_in_the_file_and_its_last_role(tmp_path, make_api):
    file = str(tmp_path / "chakra.db")
    for token, role in (("first", "read-only"), ("second", "read-only"), ("first", "admin")):
        with Emulator(db=file, token=token) as emulator:
            emulator.add_token(role, "third")
    with Emulator(db=file) as emulator:
        assert emulator.token == "first"
        assert make_api(emulator)("POST", LEAD, {}, token="third").status == 200


def test_a_given_token_and_port(make_api):
    with Emulator(token="mine") as emulator:
        port = int(emulator.url.rpartition(":")[2])
        assert emulator.token == "mine"
    with Emulator(token="mine", port=port) as emulator:
        assert emulator.url == f"http://127.0.0.1:{port}"
        assert make_api(emulator).list(path=LEAD).status == 200


def test_it_may_be_used_from_many_threads(api, emulator):
    failures = []

    def work(number):
        try:
            for n in range(15):
                api.create({"tailnum": f"{number}-{n}"})
                emulator.add_procedure(f"p{number}-{n}", primary_key="k")
                token = emulator.add_token()
                assert api("POST", f"{AIRCRAFT}/list", {}, token=token).status == 200
                assert emulator.process("aircraft", f"{number}-{n}")
                assert len(emulator.processes("aircraft")) > n
                assert emulator.ledger.count(key=f"{number}-{n}") == 1
                assert emulator.requests
                emulator.faults.next("TRACE", status=500)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(emulator.ledger) == 90


def test_a_file_keeps_everything(tmp_path, make_api):
    file = str(tmp_path / "chakra.db")
    with Emulator(db=file) as first:
        token = first.token
        reader = first.add_token("read-only")
        procedure = first.add_procedure("aircraft", primary_key=("tailnum", "serial"), states=("A", "B"))
        api = make_api(first)
        api.create({"tailnum": "N1", "serial": 5}, {"tailnum": "N2"})
        job_id = api.update({"tailnum": "N1", "update": {"state": "B"}}, {"tailnum": "N9", "update": {}})
        api.wait(job_id)
        before = (first.processes("aircraft"), list(first.ledger), api.entries(job_id).data)
    with Emulator(db=file) as second:
        api = make_api(second)
        assert second.token == token
        assert (second.processes("aircraft"), list(second.ledger), api.entries(job_id).data) == before
        assert api("PUT", f"{AIRCRAFT}/serial/5", {"state": "C"}).status == 400
        assert api("PUT", f"{AIRCRAFT}/serial/5", {"state": "A"}).data["procedure"] == procedure
        assert api("POST", AIRCRAFT, {}, token=reader).status == 403
        assert len(api.create({"tailnum": "N3"})) == 1
        assert len({one["id"] for one in second.processes("aircraft")}) == 3
        assert second.add_procedure("aircraft", primary_key=("tailnum", "serial"), states=("C",)) == procedure
    with Emulator(db=file, token="other") as third:
        assert third.token == "other"
        assert make_api(third)("GET", f"{AIRCRAFT}/{before[0][0]['id']}", token=token).status == 200


def test_jobs_left_in_a_file_go_on(tmp_path, make_api):
    file = str(tmp_path / "chakra.db")
    with Emulator(db=file, rows_per_second=200, job_latency=0) as emulator:
        api = make_api(emulator)
        api.create({"lead_id": 1}, path=LEAD)
        job_id = api.update(*[{"lead_id": 1, "update": {"data": {"n": n}}} for n in range(60)], path=LEAD)
        until(lambda: api.counts(job_id)["SUCCESS"])
    with Emulator(db=file, rows_per_second=None, job_latency=0) as emulator:
        api = make_api(emulator)
        assert api.wait(job_id).meta["bjEntryCompletionStatusVsCount"]["SUCCESS"] == 60
        assert [one.index for one in emulator.ledger if one.job_id] == list(range(60))
        assert emulator.process("lead", 1)["data"]["n"] == 59


def test_a_file_of_the_version_before_is_taken_on(tmp_path):
    file = str(tmp_path / "a.db")
    with Emulator(db=file) as emulator:
        emulator.add_procedure("pet", primary_key="tag", states=("NEW", "ADOPTED"))
    connection = sqlite3.connect(file)
    connection.executescript("ALTER TABLE procedure DROP COLUMN attributes; PRAGMA user_version = 2")
    connection.close()
    for _ in range(2):
        with Emulator(db=file) as emulator:
            assert emulator.processes("pet") == []
            emulator.add_procedure("pet", primary_key="tag", attributes=["age"])


def test_a_file_serves_one_emulator_and_must_be_its_own(tmp_path):
    file, text, foreign = (str(tmp_path / name) for name in ("a.db", "b.txt", "c.db"))
    with Emulator(db=file), pytest.raises(ValueError, match="locked"):
        Emulator(db=file).start()
    Path(text).write_text("this is not a database, but long enough to be looked at" * 10)
    with pytest.raises(ValueError, match="not a database"):
        Emulator(db=text).start()
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    untouched = Path(foreign).read_bytes()
    with pytest.raises(ValueError, match="something else"):
        Emulator(db=foreign).start()
    assert Path(foreign).read_bytes() == untouched
    with pytest.raises(ValueError, match="unable to open"):
        Emulator(db=str(tmp_path / "no" / "such.db")).start()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("", {}),
        ("a/b", {}),
        ("ok", {"primary_key": "id"}),
        ("ok", {"primary_key": ("k", "k")}),
        ("ok", {"primary_key": ""}),
        ("ok", {"states": ()}),
        ("ok", {"states": ("",)}),
    ],
)
def test_procedures_that_cannot_work_are_refused(emulator, name, options):
    with pytest.raises(ValueError):
        emulator.add_procedure(name, **options)


@pytest.mark.parametrize("name", ["states", "tasks"])
def test_one_text_is_not_a_list_of_its_letters(emulator, name):
    with pytest.raises(TypeError, match=rf"{name} must be a list such as \['NEW'\]"):
        emulator.add_procedure("ok", **{name: "NEW"})


def test_keys_of_a_procedure_in_use_stay(api, emulator):
    emulator.add_procedure("aircraft", primary_key="other")
    emulator.add_procedure("aircraft", primary_key="tailnum")
    api.create({"tailnum": "N1"})
    with pytest.raises(ValueError, match="keys cannot change"):
        emulator.add_procedure("aircraft", primary_key="other")
    with pytest.raises(LookupError, match="add_procedure"):
        emulator.processes("nothing")


def test_garbage_on_the_wire_hurts_nobody(api, emulator):
    host, port = emulator.url.removeprefix("http://").split(":")
    short = b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"
    for garbage in (b"\x00\xff\r\n\r\n", b"GET /v1/health\r\n\r\n", short):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(garbage)
    assert api("GET", "/v1/health").status == 200
