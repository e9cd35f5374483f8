"""One contract for every store, the one in the documentation included."""

import gc
import inspect
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections import Counter

import fakeredis
import pytest

from chakra_async.webhooks import MemoryStore, SqliteStore, Store, Webhooks
from tests.webhooks import bodies
from tests.webhooks.bodies import SECRET, sign


class Clock:
    now = 1_790_000_000.0

    def __call__(self):
        return self.now


def documented(client):
    """The store of the docstring, as it stands there."""
    source = textwrap.dedent(Store.__doc__.partition("::\n")[2])
    assert len([line for line in source.splitlines() if line.strip()]) <= 15
    space = {}
    exec(source, space)
    return space["RedisStore"](client)


async def settled(result):
    return await result if inspect.isawaitable(result) else result


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["memory", "sqlite", "redis", "redis that decodes"])
async def store(request, clock, tmp_path):
    if request.param == "memory":
        yield MemoryStore(clock=clock)
    elif request.param == "sqlite":
        made = SqliteStore(tmp_path / "events.db", clock=clock)
        yield made
        made.close()
    else:
        async with fakeredis.FakeAsyncRedis(decode_responses="decodes" in request.param) as client:
            yield documented(client)


@pytest.mark.parametrize("acknowledge", ["after", "at_once"])
def test_W3_the_documented_store_in_a_sync_service(acknowledge):
    got, statuses = Counter(), []
    webhooks = Webhooks(SECRET, store=documented(fakeredis.FakeAsyncRedis()), acknowledge=acknowledge)

    @webhooks.on("message")
    def handle(event):
        got[event.message_id] += 1

    def request():
        for number in range(10):
            body = bodies.meta_messages(bodies.text(f"wamid.{number}"))
            statuses.append(webhooks.receive_sync(body, sign(body)).status)

    with webhooks:
        threads = [threading.Thread(target=request) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == {f"wamid.{number}": 1 for number in range(10)}
    assert len(statuses) == 40
    assert set(statuses) <= {200, 503}


async def test_a_claim_is_one_owners(store):
    assert await settled(store.claim("k", "a", 60)) == "claimed"
    assert await settled(store.claim("k", "b", 60)) == "busy"
    assert await settled(store.claim("k", "a", 60)) == "busy"
    assert await settled(store.claim("other", "b", 60)) == "claimed"


async def test_what_is_done_stays_done(store):
    await settled(store.claim("k", "a", 60))
    await settled(store.done("k", 60))
    assert await settled(store.claim("k", "b", 60)) == "done"
    await settled(store.release("k", "a"))
    assert await settled(store.claim("k", "b", 60)) == "done"
    await settled(store.done("never claimed", 60))
    assert await settled(store.claim("never claimed", "b", 60)) == "done"


async def test_a_claim_given_up_is_free(store):
    await settled(store.claim("k", "a", 60))
    await settled(store.release("k", "a"))
    assert await settled(store.claim("k", "b", 60)) == "claimed"


async def test_only_its_owner_gives_a_claim_up(store):
    await settled(store.claim("k", "a", 60))
    await settled(store.release("k", "late"))
    await settled(store.release("unknown", "late"))
    assert await settled(store.claim("k", "b", 60)) == "busy"


@pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
async def test_everything_passes(store, clock):
    store.claim("begun", "a", 60)
    store.claim("k", "a", 60)
    store.done("k", 600)
    clock.now += 59.9
    assert store.claim("begun", "b", 60) == "busy"
    clock.now += 0.1
    # The first was killed: the next may begin, and the first can no longer give that claim up.
    assert store.claim("begun", "b", 60) == "claimed"
    store.release("begun", "a")
    assert store.claim("begun", "c", 60) == "busy"
    assert store.claim("k", "b", 60) == "done"
    clock.now += 600
    assert store.claim("k", "b", 60) == "claimed"


def test_the_memory_of_the_memory_store_is_bounded(clock):
    store = MemoryStore(max_entries=100, clock=clock)
    for number in range(1000):
        store.claim(f"k{number}", "a", 60)
        store.done(f"k{number}", 600)
        assert len(store) <= 101
    assert [store.claim(f"k{number}", "b", 60) for number in (899, 900, 999)] == ["claimed", "done", "done"]
    clock.now += 601
    store.done("last", 600)
    assert len(store) == 2
    with pytest.raises(ValueError, match="max_entries"):
        MemoryStore(max_entries=0)


def test_the_file_of_the_sqlite_store_is_cleaned(clock, tmp_path):
    store = SqliteStore(tmp_path / "events.db", clock=clock)
    for number in range(100):
        store.done(f"k{number}", 600)
    clock.now += 601
    store.claim("new", "a", 60)
    with sqlite3.connect(tmp_path / "events.db") as db:
        assert db.execute("SELECT key FROM webhook_event").fetchall() == [("new",)]
    db.close()
    store.close()


def test_the_sqlite_store_survives_its_process(tmp_path):
    store = SqliteStore(tmp_path / "events.db")
    store.claim("begun", "a", 60)
    store.done("k", 60)
    store.close()
    store.close()
    assert store.claim("k", "b", 60) == "done"
    store.close()
    again = SqliteStore(str(tmp_path / "events.db"))
    assert [again.claim("begun", "b", 60), again.claim("k", "b", 60)] == ["busy", "done"]
    del again
    gc.collect()  # a store that nobody closed leaves nothing open
    with pytest.raises(TypeError):
        SqliteStore(None)
    with pytest.raises(ValueError, match=r"MemoryStore\(\)"):
        SqliteStore(":memory:")


def test_a_file_that_cannot_be_used(tmp_path):
    (tmp_path / "text").write_bytes(b"no database, but long enough to be looked at" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        SqliteStore(tmp_path / "text").claim("k", "a", 60)
    with pytest.raises(sqlite3.OperationalError):
        SqliteStore(tmp_path / "none" / "events.db").claim("k", "a", 60)


@pytest.fixture
def being_opened(tmp_path):
    """A new file as it is while another process opens it, which sqlite does not wait for."""
    path = tmp_path / "events.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield path, other
    other.close()


def test_a_file_that_others_open_at_the_same_time(being_opened):
    path, other = being_opened
    ends = threading.Timer(0.05, other.execute, ["COMMIT"])
    ends.start()
    store = SqliteStore(path)
    assert store.claim("k", "a", 60) == "claimed"
    store.close()
    ends.join()


def test_a_file_that_stays_locked(being_opened, monkeypatch):
    monkeypatch.setattr("chakra_async.webhooks.sqlite._PATIENCE", 0.02)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        SqliteStore(being_opened[0]).claim("k", "a", 60)


@pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
def test_W3_of_many_threads_one_gets_the_claim(store):
    got = Counter()
    start = threading.Barrier(16)

    def claim(name):
        start.wait()
        for number in range(50):
            got[number, store.claim(f"k{number}", name, 60)] += 1

    threads = [threading.Thread(target=claim, args=(f"t{number}",)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(got[number, "claimed"] == 1 and got[number, "busy"] == 15 for number in range(50))


CLAIMS = """
import sys
from chakra_async.webhooks.sqlite import SqliteStore
sys.stdin.readline()
store = SqliteStore(sys.argv[1])
print(sum(store.claim(f"k{number}", sys.argv[2], 60) == "claimed" for number in range(200)))
"""


def test_W3_of_many_processes_one_gets_the_claim(tmp_path):
    # They open the new file at the same instant, too.
    command = [sys.executable, "-W", "error", "-c", CLAIMS, str(tmp_path / "events.db")]
    running = [
        subprocess.Popen([*command, f"p{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    got = [int(process.communicate(timeout=60)[0]) for process in running]
    assert sum(got) == 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_the_file_for_itself(tmp_path):
    script = """
import gc, os, sys
from chakra_async.webhooks import SqliteStore
store = SqliteStore(sys.argv[1])
store.done("k", 60)
parents = store._db
if (child := os.fork()) == 0:
    assert store.claim("k", "child", 60) == "done"
    assert store.claim("of the child", "child", 60) == "claimed"
    assert store._db is not parents
    del store, parents
    gc.collect()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert store.claim("of the child", "parent", 60) == "busy"
"""
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path / "events.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
