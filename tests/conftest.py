"""Fixtures of every test: the emulator, a client of it, mocked answers, time that costs none."""

import asyncio
import gc
import os
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import aioresponses.core
import pytest
from aiohttp import ClientResponse
from hypothesis import settings

from chakra_async import Client, RetryPolicy
from chakra_async._gate import Gate
from chakra_async.emulator import Emulator
from tests.recorder import Recorder


# Where others wait for the verdict the same examples are tried each time; new ones are for whoever can look.
settings.register_profile("chakra", deadline=None, max_examples=80, derandomize="CI" in os.environ)
# For another round on another interpreter, which finds what is another there with fewer examples.
settings.register_profile("brief", settings.get_profile("chakra"), max_examples=15)
settings.load_profile("brief" if os.environ.get("CHAKRA_BRIEF") else "chakra")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a shell; programs that the tests start would not hear Ctrl-C either.
    signal.signal(signal.SIGINT, signal.default_int_handler)

QUICK = RetryPolicy(wait_initial=0.001, wait_max=0.005)
SLOW_STEP = re.compile(r"^Executing <.*> took \d+\.\d+ seconds\n", re.MULTILINE)
"""What asyncio says in debug mode of whatever a busy machine made slow."""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("CHAKRA_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def emulator():
    with Emulator(rows_per_second=None, job_latency=0.0) as running:
        yield running


@pytest.fixture
async def client(emulator):
    async with Client(emulator.token, base_url=emulator.url, retry=QUICK) as chakra:
        yield chakra


@pytest.fixture
def recorder():
    """A server that writes down what arrives: see ``tests/recorder.py``."""
    with Recorder() as running:
        yield running


@pytest.fixture
async def recorded(recorder):
    """A client of the recorder."""
    async with recorder.client() as chakra:
        yield chakra


class _Response(ClientResponse):
    """aioresponses 0.7.9 does not know the argument: https://github.com/pnuckowski/aioresponses/issues/289."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, stream_writer=SimpleNamespace(output_size=0), **kwargs)


@pytest.fixture
def mocked(monkeypatch):
    """Answers without a server: ``mocked.get(url, payload=…)``."""
    monkeypatch.setattr(aioresponses.core, "ClientResponse", _Response)
    with aioresponses.aioresponses() as answers:
        yield answers


class _JumpingLoop(asyncio.SelectorEventLoop):
    """A loop that never waits: its clock jumps to the next timer when nothing is ready.

    Else a turn takes 10 µs, however long it really took.
    """

    now = 0.0

    def time(self):
        return self.now

    def _run_once(self):
        self.now += 0.00001
        if self._scheduled and not self._ready:
            self.now = max(self.now, self._scheduled[0].when())
        super()._run_once()


class VirtualTime:
    """Runs coroutines in virtual time. Nothing in them may wait for a socket or a thread."""

    @staticmethod
    def run(main):
        with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
            return runner.run(main)

    @staticmethod
    def client(base_url="http://chakra.test", **options):
        """A client whose gate goes by the clock of the running loop."""
        chakra = Client("t0ken", base_url=base_url, **options)
        chakra._transport.gate = Gate(clock=asyncio.get_running_loop().time)
        return chakra


@pytest.fixture
def virtual_time():
    return VirtualTime()


@pytest.fixture
def run_script():
    """Run a script in an interpreter of its own, warnings being errors there too."""

    def run(script, *, emulator=None, options=("-W", "error"), seconds=30):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAKRA_")}
        if emulator is not None:
            environment |= {"CHAKRA_BASE_URL": emulator.url, "CHAKRA_ACCESS_TOKEN": emulator.token}
        done = subprocess.run(
            [sys.executable, *options, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        # A warning raised as an error inside __del__ is printed, but does not change the exit code.
        assert SLOW_STEP.sub("", done.stderr) == ""
        return done.stdout

    return run


@pytest.fixture
def collect_garbage():
    """Whatever a test leaves open shall warn inside that test."""
    yield
    gc.collect()
