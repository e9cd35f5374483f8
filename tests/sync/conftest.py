"""A sync client, a fleet to update, and the count of what crosses the portal."""

import threading
import traceback
from collections import Counter

import pytest

import chakra_async
from chakra_async import RetryPolicy
from chakra_async.emulator import Emulator
from chakra_async.sync import Client
from chakra_async.sync._portal import Portal


STATES = ("NEW", "IN_SERVICE", "RETIRED")
QUICK = RetryPolicy(wait_initial=0.001, wait_max=0.005)


@pytest.fixture
def emulator():
    with Emulator(rows_per_second=None, job_latency=0.0) as running:
        running.add_procedure("aircraft", primary_key="tailnum", states=STATES)
        yield running


@pytest.fixture
def chakra(emulator):
    with Client(emulator.token, base_url=emulator.url, retry=QUICK) as client:
        yield client


@pytest.fixture
def fleet(chakra):
    """Two hundred aircraft, ``N0`` to ``N199``."""
    names = [f"N{n}" for n in range(200)]
    rows = [{"data": {"tailnum": name}, "key": ("tailnum", name)} for name in names]
    assert chakra.processes.bulk_create("aircraft", rows).run().created == 200
    return names


@pytest.fixture
def crossings(monkeypatch):
    """How often each coroutine function was called through a portal."""
    count = Counter()
    real = Portal.call

    def call(self, function, *args, **kwargs):
        count[function.__name__] += 1
        return real(self, function, *args, **kwargs)

    monkeypatch.setattr(Portal, "call", call)
    return count


@pytest.fixture
def own_frames():
    """Fail when a traceback shows a frame that is neither the test's nor the package's."""
    package = chakra_async.__path__[0]

    def check(error, test_file):
        frames = traceback.extract_tb(error.__traceback__)
        foreign = [f for f in frames if f.filename != test_file and not f.filename.startswith(package)]
        assert not foreign, "".join(traceback.format_list(foreign))
        assert frames[0].filename == test_file
        return frames

    return check


def loop_threads():
    return [thread for thread in threading.enumerate() if thread.name == "chakra-client"]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = len(loop_threads())
    yield
    assert len(loop_threads()) <= before


@pytest.fixture
def running_loops():
    """The threads of sync clients that run now."""
    return loop_threads
