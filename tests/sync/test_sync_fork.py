"""After a fork the child has a loop of its own, and the parent notices nothing."""

import os

import pytest


pytestmark = [
    pytest.mark.fault("C5"),
    pytest.mark.timeout(60),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
]

# Python 3.12 warns of every fork while threads run; that it goes well is what is tested here.
OPTIONS = ("-X", "dev", "-W", "error", "-W", "ignore:This process:DeprecationWarning")

BEGIN = """
import asyncio, multiprocessing, os, sys, threading, time
from chakra_async import ClientClosedError
from chakra_async.sync import Client

def joined(pid):
    _, status = os.waitpid(pid, 0)
    assert status == 0, status

def use(chakra):
    assert chakra.health()
    assert chakra.processes.list("lead").first_page().items == []

chakra = Client()
use(chakra)
"""


@pytest.fixture
def run(run_script, emulator):
    def run(script):
        return run_script(BEGIN + script, emulator=emulator, options=OPTIONS)

    return run


@pytest.mark.parametrize(
    "ending", ["os._exit(0)", "sys.exit()", "chakra.close(); sys.exit()", "del chakra; sys.exit()"]
)
@pytest.mark.parametrize("used", ["use(chakra)", "pass"])
def test_the_child_works_and_the_parent_goes_on(run, ending, used):
    run(f"""
pid = os.fork()
if pid == 0:
    {used}
    {ending}
joined(pid)
for _ in range(3):
    use(chakra)
if {used == "pass"}:
    chakra.close()
""")


@pytest.mark.parametrize("ending", ["os._exit(0)", "sys.exit()"])
def test_the_parent_ends_its_client_first(run, ending):
    run(f"""
ours, theirs = os.pipe()
pid = os.fork()
if pid == 0:
    os.read(ours, 1)
    for _ in range(3):
        use(chakra)
    {ending}
use(chakra)
chakra.close()
os.write(theirs, b"x")
joined(pid)
""")


def test_both_at_once_and_a_grandchild(run):
    run("""
pid = os.fork()
if pid == 0:
    use(chakra)
    grandchild = os.fork()
    if grandchild == 0:
        use(chakra)
        sys.exit()
    for _ in range(20):
        use(chakra)
    joined(grandchild)
    use(chakra)
    sys.exit()
for _ in range(20):
    use(chakra)
joined(pid)
use(chakra)
""")


def test_many_threads_of_the_child_begin_one_loop(run):
    run("""
pid = os.fork()
if pid == 0:
    barrier = threading.Barrier(20)
    def work():
        barrier.wait()
        use(chakra)
    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert [thread.name for thread in threading.enumerate()].count("chakra-client") == 1
    sys.exit()
joined(pid)
use(chakra)
""")


def test_a_call_in_flight_at_the_fork_is_the_parents(run, emulator):
    emulator.faults.next("GET", "background-job", delay=1, status=418)
    run("""
from chakra_async import BadRequestError
seen = []
def call():
    try:
        chakra.jobs.get("x")
    except BadRequestError as error:
        seen.append(error.status)
thread = threading.Thread(target=call)
thread.start()
time.sleep(0.3)
pid = os.fork()
if pid == 0:
    use(chakra)
    sys.exit()
joined(pid)
thread.join()
assert seen == [418]
use(chakra)
""")


def test_a_closed_client_is_closed_in_the_child(run):
    run("""
chakra.close()
pid = os.fork()
if pid == 0:
    try:
        chakra.health()
    except ClientClosedError:
        sys.exit()
    sys.exit(1)
joined(pid)
""")


def test_a_client_first_used_in_the_child(run):
    run("""
fresh = Client()
pid = os.fork()
if pid == 0:
    use(fresh)
    fresh.close()
    sys.exit()
joined(pid)
use(fresh)
""")


def test_multiprocessing(run):
    run("""
context = multiprocessing.get_context("fork")

def work(number):
    use(chakra)
    return number

with context.Pool(3) as pool:
    assert pool.map(work, range(6)) == list(range(6))
process = context.Process(target=use, args=(chakra,))
process.start()
process.join(20)
assert process.exitcode == 0
use(chakra)
""")
