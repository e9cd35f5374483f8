"""Ctrl-C: the coroutine is cancelled, its clean-up waited for, and only then does the caller hear of it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import SLOW_STEP


pytestmark = [
    pytest.mark.fault("C2"),
    pytest.mark.timeout(60),
    pytest.mark.skipif("sys.platform == 'win32'", reason="sends SIGINT to itself"),
]

BEGIN = """
import asyncio, os, signal, sys, threading, time, traceback
from chakra_async import ProcessUpdate, Timeouts
from chakra_async.emulator import Emulator
from chakra_async.sync import Client

# Ignored where the tests themselves run in the background of a shell.
signal.signal(signal.SIGINT, signal.default_int_handler)

def interrupt_when(*conditions):
    # Each is to show that the one before was noticed, or two would be one for a process that stood still.
    def wait():
        for condition in conditions:
            while not condition():
                time.sleep(0.002)
            os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=wait, daemon=True).start()

def in_flight():
    return any(here.session.connector._acquired for here in list(chakra._client._transport._loops.values()))

def main_thread_is_in(*names):
    frame = sys._current_frames()[threading.main_thread().ident]
    return names == (frame.f_code.co_name, frame.f_back and frame.f_back.f_code.co_name)

def waiting():
    return in_flight() and main_thread_is_in("wait", "call")

start = time.monotonic()
"""


def test_it_waits_for_the_clean_up(run_script, emulator):
    script = """
order = []
begun = threading.Event()

async def slow():
    begun.set()
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        order.append("cancelled")
        raise
    finally:
        await asyncio.sleep(0.3)
        order.append("cleaned up")

with Client() as chakra:
    interrupt_when(begun.is_set)
    try:
        chakra._portal.call(slow)
    except KeyboardInterrupt:
        order.append("raised")
    order.append(chakra.health())
assert order == ["cancelled", "cleaned up", "raised", True], order
assert time.monotonic() - start < 10
"""
    run_script(BEGIN + script, emulator=emulator)


def test_it_is_raised_in_the_callers_line(run_script, emulator):
    emulator.faults.next("GET", "background-job", delay=30)
    script = """
import chakra_async

with Client() as chakra:
    interrupt_when(waiting)
    try:
        chakra.jobs.get("x")
    except KeyboardInterrupt as error:
        frames = traceback.extract_tb(error.__traceback__)
        chain = error.__cause__ or error.__context__
    assert not in_flight()  # its connection is given back
    assert chakra.health()
assert frames[0].filename == "<string>"
package = chakra_async.__path__[0]
assert all(f.filename == "<string>" or f.filename.startswith(package) for f in frames), frames
assert chain is None
assert time.monotonic() - start < 10
"""
    run_script(BEGIN + script, emulator=emulator)


def test_uncaught_it_ends_the_script_as_ever(emulator):
    emulator.faults.next("GET", "background-job", delay=30)
    script = """
with Client() as chakra:
    interrupt_when(waiting)
    chakra.jobs.get("x")
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", BEGIN + script],
        env=os.environ | {"CHAKRA_BASE_URL": emulator.url, "CHAKRA_ACCESS_TOKEN": emulator.token},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == -signal.SIGINT
    said = SLOW_STEP.sub("", done.stderr)
    assert said.strip().endswith("KeyboardInterrupt")
    assert said.count("Traceback") == 1
    assert "asyncio" not in said
    assert "anyio" not in said


def test_a_second_one_does_not_wait_for_the_clean_up(run_script, emulator):
    script = """
begun = threading.Event()
cancelled = threading.Event()
ended = threading.Event()

async def slow_to_clean_up():
    begun.set()
    try:
        await asyncio.sleep(30)
    finally:
        cancelled.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

with Client() as chakra:
    interrupt_when(begun.is_set, cancelled.is_set)
    try:
        chakra._portal.call(slow_to_clean_up)
    except KeyboardInterrupt:
        assert not ended.is_set()
assert ended.is_set()  # closing the client cut it short
"""
    run_script(BEGIN + script, emulator=emulator)


def test_an_error_in_the_clean_up_is_not_heard_of(run_script, emulator):
    script = """
import gc
begun = threading.Event()
async def fails():
    begun.set()
    try:
        await asyncio.sleep(30)
    finally:
        raise LookupError("during the clean-up")
with Client() as chakra:
    interrupt_when(begun.is_set)
    try:
        chakra._portal.call(fails)
    except KeyboardInterrupt:
        print("interrupted")
    gc.collect()
"""
    assert run_script(BEGIN + script, emulator=emulator) == "interrupted\n"


def test_a_handlers_own_exception_does_the_same(run_script, emulator):
    emulator.faults.next("GET", "background-job", delay=30)
    script = """
class TooLong(Exception): pass
def too_long(*_):
    raise TooLong
signal.signal(signal.SIGINT, too_long)
with Client() as chakra:
    interrupt_when(waiting)
    try:
        chakra.jobs.get("x")
    except TooLong:
        print("too long")
    assert chakra.health()
"""
    assert run_script(BEGIN + script, emulator=emulator) == "too long\n"


def test_it_wins_over_a_close_by_another_thread(run_script, emulator):
    script = """
begun = threading.Event()
closing = threading.Event()
interrupted = threading.Event()
async def slow():
    begun.set()
    try:
        await asyncio.sleep(30)
    finally:
        closing.set()
        while not interrupted.is_set():
            await asyncio.sleep(0.001)
chakra = Client()
def close_and_interrupt():
    begun.wait()
    threading.Thread(target=chakra.close).start()
    closing.wait()
    os.kill(os.getpid(), signal.SIGINT)
    interrupted.set()
threading.Thread(target=close_and_interrupt).start()
try:
    chakra._portal.call(slow)
except KeyboardInterrupt:
    print("interrupted")
"""
    assert run_script(BEGIN + script, emulator=emulator) == "interrupted\n"


BULK = """
def updates():
    for n in range(100_000):
        taken.append(n)
        yield ProcessUpdate(key=("tailnum", f"N{n % 1000}"), data={"n": n})

def enough():
    return emulator.ledger.count(kind="update") >= 500

def leaving():
    return run._engine._phase == "left"

def leaving_and_held_up():
    if leaving():
        chakra._portal._thread._loop.call_soon_threadsafe(go_on.wait)
    return leaving()

def cleaning_up():
    return main_thread_is_in("wait", "_withdraw")

taken = []
go_on = threading.Event()
with Emulator(rows_per_second=5_000, job_latency=0.01) as emulator:
    emulator.add_procedure("aircraft", primary_key="tailnum")
    rows = [{"data": {"tailnum": f"N{n}"}, "key": ("tailnum", f"N{n}")} for n in range(1000)]
    patient = Timeouts(drain=DRAIN)
    with Client(emulator.token, base_url=emulator.url, timeout=patient) as chakra:
        assert chakra.processes.bulk_create("aircraft", rows).run().created == 1000
        FAULT
        run = chakra.processes.bulk_update("aircraft", updates(), chunk_size=50, concurrency=4)
        results = []
        interrupt_when(MOMENTS)
        start = time.monotonic()
        try:
            BODY
        except KeyboardInterrupt:
            print("interrupted")
        took = time.monotonic() - start
        go_on.set()
        assert chakra.health()
        time.sleep(0.2)
        summary = run.summary
        assert summary.total == len(taken) < 100_000, (summary, len(taken))
        assert chakra.health()
    sent = emulator.ledger.count(kind="update")
"""
LOOP = """
            with run:
                for result in run:
                    results.append(result)
"""


def bulk(*, drain, body=LOOP, moments="enough", fault="pass"):
    script = BULK.replace("DRAIN", str(drain)).replace("BODY", body.strip()).replace("MOMENTS", moments)
    return BEGIN + script.replace("FAULT", fault)


@pytest.mark.parametrize("body", [LOOP, "run.run()"])
def test_a_bulk_run_stops_tidily(run_script, body):
    script = """
    assert summary.updated == sent >= 500, (summary, sent)
    assert summary.unknown == 0
    assert summary.failed == summary.total - sent  # taken from the source, and never sent
    assert took < 10
"""
    assert run_script(bulk(drain=5, body=body) + script) == "interrupted\n"


def test_interrupted_in_the_callers_own_code_as_well(run_script):
    script = """
    assert summary.updated == sent >= 500, (summary, sent)
    assert summary.unknown == 0
    assert took < 10
"""
    body = LOOP + "                    time.sleep(0.001)\n"
    assert run_script(bulk(drain=5, body=body) + script) == "interrupted\n"


def test_a_second_one_stops_waiting_for_the_jobs_in_flight(run_script):
    script = """
    assert took < 10, took
    assert summary.unknown >= 50, summary
    assert summary.updated <= sent
    assert summary.updated + summary.unknown + summary.failed == summary.total
    assert summary.updated + summary.unknown >= sent
"""
    fault = 'emulator.faults.next_job("stuck", after=6, times=1)'
    assert run_script(bulk(drain=60, moments="enough, leaving", fault=fault) + script) == "interrupted\n"


def test_a_third_one_neither_hangs(run_script):
    script = """
    assert took < 10, took
"""
    fault = 'emulator.faults.next_job("stuck", after=6, times=1)'
    moments = "enough, leaving_and_held_up, cleaning_up"
    assert run_script(bulk(drain=60, moments=moments, fault=fault) + script) == "interrupted\n"


def test_at_any_moment_of_a_call(run_script, emulator):
    # Also when the call has just ended, or has not quite begun.
    script = """
import random
signal.signal(signal.SIGALRM, signal.default_int_handler)
count = 0
with Client() as chakra:
    chakra.health()
    for n in range(200):
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, 0.003))
            for _ in range(1_000):
                chakra.health()
        except KeyboardInterrupt:
            count += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert chakra.health()
assert count == 200, count
"""
    run_script(BEGIN + script, emulator=emulator)


def test_at_any_moment_of_a_first_call(run_script, emulator):
    # It begins a thread and a loop, which an interrupted caller must not wait for without end.
    script = """
import random, sys
sys.unraisablehook = lambda _: None  # where a finalizer was interrupted, Python itself drops the exception
signal.signal(signal.SIGALRM, signal.default_int_handler)
count = 0
for n in range(300):
    with Client() as chakra:
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, 0.005))
            chakra.health()
            time.sleep(0.1)
        except KeyboardInterrupt:
            count += 1
        assert chakra.health()
assert count > 290, count
assert [thread.name for thread in threading.enumerate()].count("chakra-client") <= 300 - count
"""
    run_script(BEGIN + script, emulator=emulator)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("does", ["chakra.health()", "chakra.close()", "chakra.close(); raise Stop"])
def test_a_handler_uses_the_client_in_the_middle_of_a_call(run_script, emulator, moment, does):
    # Just before and just after the call reaches the loop.
    script = f"""
from chakra_async import ClientClosedError

class Stop(Exception): pass
handled = []
def handler(*_):
    handled.append(1)
    {does}

with Client() as chakra:
    chakra.health()
    loop = chakra._portal._thread._loop
    real = loop.call_soon_threadsafe
    def reached(*args):
        loop.call_soon_threadsafe = real
        if {moment == "before"}: signal.raise_signal(signal.SIGALRM)
        handle = real(*args)
        if {moment == "after"}: signal.raise_signal(signal.SIGALRM)
        return handle
    loop.call_soon_threadsafe = reached
    signal.signal(signal.SIGALRM, handler)
    try:
        chakra.health()
    except (ClientClosedError, Stop) as error:
        print(type(error).__name__)
assert handled == [1]
"""
    said = run_script(BEGIN + script, emulator=emulator, seconds=15)
    if does == "chakra.health()":
        assert said == ""
    elif "Stop" in does:
        assert said == "Stop\n"
    elif moment == "before":
        assert said == "ClientClosedError\n"


@pytest.mark.parametrize("does", ["chakra.health()", "chakra.close()"])
def test_a_finalizer_uses_the_client_while_its_loop_begins(run_script, emulator, does):
    script = f"""
from chakra_async import ClientClosedError
from chakra_async.sync import _loop_thread

real = _loop_thread.signals_later
def begins():
    _loop_thread.signals_later = real
    {does}
    return real()
_loop_thread.signals_later = begins
with Client() as chakra:
    try:
        print(chakra.health())
    except ClientClosedError:
        print("closed")
"""
    said = run_script(BEGIN + script, emulator=emulator, seconds=15)
    assert said == ("True\n" if "health" in does else "closed\n")


def test_a_finalizer_that_runs_in_the_loops_own_thread_does_not_wait_for_it(run_script, emulator):
    script = """
import anyio

real = anyio.run
def begins(*args):
    try:
        chakra.health()
    except RuntimeError as error:
        print(error)
    return real(*args)
anyio.run = begins
with Client() as chakra:
    assert chakra.health()
"""
    said = run_script(BEGIN + script, emulator=emulator, seconds=15)
    assert said == "a sync client was called inside its own loop; use the async client there\n"


def test_after_a_process_stood_still(emulator):
    # Then the system gives a signal to any thread, and Python hears of the main one's alone.
    emulator.faults.next("GET", "background-job", times=None, delay=60)
    script = """
with Client() as chakra:
    for _ in range(8):
        try:
            chakra.jobs.get("x")
        except KeyboardInterrupt:
            print("interrupted", flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", BEGIN + script],
        env=os.environ | {"CHAKRA_BASE_URL": emulator.url, "CHAKRA_ACCESS_TOKEN": emulator.token},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            for number in range(8):
                while emulator.request_count == number:
                    time.sleep(0.002)
                for one in (signal.SIGSTOP, signal.SIGINT, signal.SIGCONT):
                    process.send_signal(one)
                assert process.stdout.readline() == "interrupted\n"
            assert process.wait(30) == 0
        finally:
            process.kill()
