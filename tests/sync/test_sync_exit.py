"""An interpreter that ends with an open client ends at once, without a word."""

import pytest


pytestmark = pytest.mark.timeout(60)

WAYS = [("-W", "error"), ("-X", "dev", "-W", "error"), ("-I", "-W", "error")]

BEGIN = """
import atexit, os, sys, threading, time
from chakra_async import ClientClosedError
from chakra_async.sync import Client
"""


@pytest.mark.parametrize("options", WAYS, ids=" ".join)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_open_client(run_script, emulator, options, host):
    # A host name is looked up in a thread of the loop's own pool, which has to end as well.
    url = emulator.url.replace("127.0.0.1", host)
    script = f"chakra = Client(base_url={url!r})\nprint(chakra.health())"
    assert run_script(BEGIN + script, emulator=emulator, options=options) == "True\n"


def test_an_open_client_in_a_cycle_or_a_module(run_script, emulator):
    script = "chakra = Client()\nchakra.me = chakra\nchakra.health()\nsys.kept = chakra"
    run_script(BEGIN + script, emulator=emulator, options=("-X", "dev", "-W", "error"))


@pytest.mark.parametrize("options", WAYS, ids=" ".join)
def test_a_call_in_flight_in_a_daemon_thread(run_script, emulator, options):
    emulator.faults.next("GET", "background-job", delay=30, times=None)
    script = """
chakra = Client()
chakra.health()
for _ in range(3):
    threading.Thread(target=chakra.jobs.get, args=("x",), daemon=True).start()
time.sleep(0.3)
"""
    run_script(BEGIN + script, emulator=emulator, options=options, seconds=15)


def test_calls_again_and_again_in_a_daemon_thread(run_script, emulator):
    script = """
chakra = Client()
def work():
    while True:
        chakra.health()
threading.Thread(target=work, daemon=True).start()
time.sleep(0.3)
"""
    run_script(BEGIN + script, emulator=emulator, options=("-X", "dev", "-W", "error"), seconds=15)


def test_a_thread_that_is_no_daemon_is_waited_for(run_script, emulator):
    script = """
chakra = Client()
chakra.health()  # Python 3.12 starts no thread once the main one has ended, so the loop runs before that
def work():
    for _ in range(3):
        time.sleep(0.1)
        chakra.health()
    print("done")
threading.Thread(target=work).start()
"""
    assert run_script(BEGIN + script, emulator=emulator, options=("-X", "dev", "-W", "error")) == "done\n"


def test_a_call_in_a_handler_of_the_exit(run_script, emulator):
    script = """
chakra = Client()
def early():
    print(chakra.health())
atexit.register(early)
chakra.health()
"""
    assert run_script(BEGIN + script, emulator=emulator) == "True\n"


def test_a_close_in_a_handler_of_the_exit_that_was_there_before_the_client(run_script, emulator):
    # By then weakref has run its finalizers, and switched them off.
    script = """
atexit.register(lambda: chakra.close())
chakra = Client()
chakra.health()
"""
    run_script(BEGIN + script, emulator=emulator, seconds=15)


def test_a_call_after_the_clients_were_closed_by_the_exit(run_script, emulator):
    late = """
import atexit
def late():
    try:
        chakra.health()
    except ClientClosedError:
        print("closed")
atexit.register(late)
"""
    # Handlers run in reverse order, and ours is registered when the client is imported.
    script = late + BEGIN + "chakra = Client()\nchakra.health()\n"
    assert run_script(script, emulator=emulator) == "closed\n"


def test_a_bulk_run_left_open(run_script, emulator):
    script = """
chakra = Client()
run = chakra.processes.bulk_update("aircraft", [{"id": str(n), "data": {"a": 1}} for n in range(500)],
                                   chunk_size=50)
run.__enter__()
next(run)
"""
    run_script(BEGIN + script, emulator=emulator, options=("-X", "dev", "-W", "error"), seconds=15)


def test_importing_alone_starts_nothing(run_script):
    script = "assert threading.active_count() == 1\nassert 'aiohttp' not in sys.modules\n"
    run_script(BEGIN + script)
