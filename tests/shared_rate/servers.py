"""A Redis in a process of its own: the real one where it is installed, and one written in Python."""

import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest


_FAKE = "import sys, fakeredis; fakeredis.TcpFakeServer(('127.0.0.1', int(sys.argv[1]))).serve_forever()"
KINDS = [
    "fakeredis",
    pytest.param(
        "redis-server",
        marks=pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed"),
    ),
]


class RedisServer:
    def __init__(self, kind):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._command = {
            "fakeredis": [sys.executable, "-c", _FAKE, str(self._port)],
            "redis-server": ["redis-server", "--port", str(self._port), "--save", "", "--bind", "127.0.0.1"],
        }[kind]
        self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self._port}"

    def start(self):
        # In a session of its own, where nobody but us thaws what we have frozen.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(self._command, start_new_session=True, **quiet)

    def wait(self):
        """Return when it serves."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                return socket.create_connection(("127.0.0.1", self._port)).close()
            except OSError:
                time.sleep(0.01)
        raise AssertionError("it never came up")

    def freeze(self):
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def stop(self):
        self._process.kill()
        self._process.wait()
