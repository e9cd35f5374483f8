"""Starts what runs beside the parent: servers and contenders."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import field, frozen

from benchmarks.harness.figures import Sample
from benchmarks.harness.machine import cpu_seconds, processors


class ContenderError(Exception):
    """A contender has failed; its process has said why."""


@frozen
class Server:
    """A server that runs."""

    url: str
    pid: int
    token: str = "token"

    def statistics(self) -> dict[str, Any]:
        """Ask a sink what it has seen."""
        with urllib.request.urlopen(f"{self.url}/sink/statistics", timeout=10) as answer:
            return json.load(answer)


@frozen
class Contender:
    """Who takes part.

    Attributes:
        name: as shown.
        make: ``module:function``, a context manager that gives the function which runs one slice.
        arguments: further arguments of ``make``, beside ``url`` and ``token``.
        loop: event loop of an async contender.
    """

    name: str
    make: str
    arguments: Mapping[str, Any] = field(factory=dict)
    loop: str = "asyncio"


class Worker:
    """A contender's process, seen from the parent.

    Args:
        contender: who it is.
        server: the server it speaks to.
    """

    def __init__(self, contender: Contender, server: Server) -> None:
        self.name: str = contender.name
        self._server = server
        specification = {
            "make": contender.make,
            "loop": contender.loop,
            "cpu": processors()[0],
            "arguments": {"url": server.url, "token": server.token, **contender.arguments},
        }
        command = [sys.executable, "-m", "benchmarks.harness.worker", json.dumps(specification)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._server_cpu = 0.0

    def run(self, **arguments: Any) -> Sample:
        """Run one slice."""
        self.start(**arguments)
        return self.result()

    def start(self, **arguments: Any) -> None:
        """Begin a slice, to be ended by :meth:`result`."""
        self._server_cpu = cpu_seconds(self._server.pid)
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()

    def result(self) -> Sample:
        """Wait for the end of the slice.

        Raises:
            ContenderError: it has failed.
        """
        line = self._process.stdout.readline()
        if not line:
            raise ContenderError(f"the contender {self.name!r} has ended; its error stands above")
        return Sample(**json.loads(line), server_cpu=cpu_seconds(self._server.pid) - self._server_cpu)

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@contextmanager
def sink(*options: str) -> Iterator[Server]:
    """Start a sink with these options of its command line."""
    cpu = processors()[1]
    pinned = [] if cpu is None else [f"--cpu={cpu}"]
    with _serving("benchmarks.server.sink", *options, *pinned) as process:
        yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid)


@contextmanager
def emulator() -> Iterator[Server]:
    """Start an emulated Chakra whose jobs run as fast as they can."""
    with _serving("benchmarks.server.emulated") as process:
        url, token = process.stdout.readline().split()
        yield Server(url, process.pid, token)


@contextmanager
def _serving(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", module, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
