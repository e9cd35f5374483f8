"""An emulator with aircraft, and two ways to run the command: in this process, and in one of its own."""

import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from chakra_async.cli.app import app
from chakra_async.emulator import Emulator


PLANES = """\
tailnum,year,model,seats
N10156,2004,EMB-145XR,55
N102UW,1998,A320-214,182
N103US,1999,A320-214,182
N104UW,NA,A320-214,182
"""


@pytest.fixture
def emulator():
    with Emulator(rows_per_second=None, job_latency=0.0) as running:
        running.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "IN_SERVICE", "RETIRED"))
        yield running


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory of one's own, with a CSV file in it."""
    monkeypatch.chdir(tmp_path)
    Path("planes.csv").write_text(PLANES)
    return tmp_path


@pytest.fixture
def environment(emulator):
    return {"CHAKRA_BASE_URL": emulator.url, "CHAKRA_ACCESS_TOKEN": emulator.token}


@pytest.fixture
def chakra(environment, here):
    """Run the command in this process."""

    def run(*arguments, stdin=None, **env):
        result = CliRunner(env={**environment, **env}).invoke(app, list(arguments), input=stdin)
        # Whatever it was asked, neither a traceback nor the token may be seen.
        assert "Traceback" not in result.output
        assert environment["CHAKRA_ACCESS_TOKEN"] not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def created(chakra):
    """The four aircraft exist."""
    result = chakra("bulk", "create", "aircraft", "planes.csv", "--key", "tailnum", "-q")
    assert result.exit_code == 0, result.output


@pytest.fixture
def spawn(environment, here):
    """Start the command in a process of its own, warnings being errors there too."""

    @contextmanager
    def start(*arguments, program=("-m", "chakra_async.cli"), env=(), **options):
        given = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            **options,
        }
        process = subprocess.Popen(
            [sys.executable, "-W", "error", *program, *arguments],
            env={**os.environ, **environment, "PYTHONPATH": str(_ROOT), **dict(env)},
            **given,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    return start


@pytest.fixture
def small_disk():
    """Options for `spawn`: no file may grow beyond 1,000 bytes."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))}


_ROOT = Path(__file__).resolve().parents[2]
