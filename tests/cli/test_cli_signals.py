"""Signals, slow pipes and terminals, each in a process of its own."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chakra_async.emulator import Emulator
from tests.waiting import until


@pytest.fixture
def emulator():
    """Jobs of a few rows take a second."""
    with Emulator(rows_per_second=None, job_latency=0.0) as running:
        running.add_procedure("aircraft", primary_key="tailnum")
        yield running


@pytest.fixture
def many(chakra):
    text = "tailnum,seats\n" + "".join(f"N{number},{number}\n" for number in range(400))
    Path("many.csv").write_text(text)
    assert chakra("bulk", "create", "aircraft", "many.csv", "--key", "tailnum", "-q").exit_code == 0
    Path("many.csv").write_text(text + text.partition("\n")[2] * 20)


UPDATE = (
    "bulk",
    "update",
    "aircraft",
    "many.csv",
    "--key",
    "tailnum",
    "--chunk-size",
    "20",
    "--concurrency",
    "2",
)


def hears(process):
    """Whether the command has come to handle SIGTERM; where nobody can tell, after a while."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        time.sleep(2)
        return True
    caught = int(re.search(r"SigCgt:\s*(\w+)", status.read_text())[1], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def submitted(emulator):
    return sum(request.method == "PATCH" for request in emulator.requests)


@pytest.mark.fault("C2")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_tidily(spawn, emulator, many, number, status):
    emulator.job_settings.rows_per_second = 40.0
    with spawn(*UPDATE, "--failures", "f.csv", "--json") as process:
        until(lambda: submitted(emulator) >= 3)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == status, err
    done = int(re.search(r'"updated":(\d+)', out)[1])
    assert done >= 40
    assert '"unknown":0' in out
    assert '"ok":false' in out
    assert "Stopping: waiting up to 5 s" in err
    assert "Stopped by" in err
    # What was sent was done: no job was left behind.
    assert done == 20 * submitted(emulator)


@pytest.mark.fault("C2")
def test_a_second_ctrl_c_stops_at_once(spawn, emulator, many):
    emulator.job_settings.rows_per_second = 0.5
    with spawn(*UPDATE, "--failures", "f.csv") as process:
        until(lambda: submitted(emulator) >= 2)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        while "Stopping" not in process.stderr.readline():
            assert process.poll() is None
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert time.monotonic() - begin < 3
    assert "40 unknown" in out
    assert "Sending such a row again does no harm" in out
    lines = Path("f.csv").read_text().splitlines()
    assert sum(',"unknown",' in line for line in lines) == 40


def test_ctrl_c_ends_other_commands_quietly(spawn, emulator, many):
    emulator.job_settings.rows_per_second = 0.5
    begin = emulator.request_count

    def polled():
        return [request.path for request in emulator.requests[begin:] if "/background-job/" in request.path]

    with spawn(*UPDATE) as process:
        until(polled)
        process.kill()
    path = polled()[0]
    before = emulator.request_count
    with spawn("jobs", "wait", path.rpartition("/")[2]) as process:
        until(lambda: emulator.request_count > before)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "")


@pytest.mark.fault("C2")
def test_slow_standard_input_can_be_interrupted(spawn, many):
    arguments = ("bulk", "update", "aircraft", "-", "--format", "csv", "--key", "tailnum")
    with spawn(*arguments, stdin=subprocess.PIPE) as process:
        process.stdin.write("tailnum,seats\nN1,7\nN2,8\n")
        process.stdin.flush()
        assert "in flight" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "ended early" in out


def test_standard_input_in_which_nothing_comes(spawn):
    arguments = ("bulk", "update", "aircraft", "-", "--format", "csv", "--key", "tailnum")
    with spawn(*arguments, stdin=subprocess.PIPE) as process:
        until(lambda: hears(process))
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
        assert process.stderr.read() == "Stopped by SIGTERM; nothing was sent.\n"
    assert process.returncode == 143


def test_standard_input_that_does_not_block(spawn, emulator, many):
    emulator.job_settings.rows_per_second = None
    before = submitted(emulator)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    arguments = (
        "bulk",
        "update",
        "aircraft",
        "-",
        "--format",
        "csv",
        "--key",
        "tailnum",
        "--chunk-size",
        "1",
    )
    with (
        os.fdopen(reading, "rb") as stdin,
        spawn(*arguments, stdin=stdin) as process,
        os.fdopen(writing, "wb", 0) as pipe,
    ):
        pipe.write(b"tailnum,seats\nN1,7\n")
        until(lambda: submitted(emulator) > before)
        pipe.write(b"N2,8\nN3,9\n")
        pipe.close()
        out, err = process.communicate(timeout=20)
    assert (process.returncode, "3 updated" in out) == (0, True), err


def test_a_long_pipe(spawn, emulator, many):
    emulator.job_settings.rows_per_second = None
    with spawn(
        "bulk", "update", "aircraft", "-", "--format", "csv", "--key", "tailnum", stdin=subprocess.PIPE
    ) as process:
        out, err = process.communicate(Path("many.csv").read_text(), timeout=20)
    assert process.returncode == 0, err
    assert "8,400 updated" in out


def test_named_pipe(spawn, many):
    os.mkfifo("pipe.csv")
    with spawn("bulk", "update", "aircraft", "pipe.csv", "--key", "tailnum") as process:
        Path("pipe.csv").write_text("tailnum,seats\nN1,7\n")
        out, err = process.communicate(timeout=20)
    assert (process.returncode, "1 updated" in out) == (0, True), err


@pytest.mark.fault("C2")
def test_ctrl_c_that_ends_the_reader_of_the_output_as_well(spawn, emulator, many):
    """As in a terminal, of `chakra … 2>&1 | tee log`."""
    emulator.job_settings.rows_per_second = 40.0
    with spawn(*UPDATE, "--failures", "f.csv", stderr=subprocess.STDOUT) as process:
        until(lambda: submitted(emulator) >= 3)
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        process.stdout = None  # else communicate() would read it


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("verbose", [(), ("-v",)])
def test_a_full_stderr_costs_nothing(spawn, emulator, many, verbose):
    emulator.job_settings.rows_per_second = None
    with Path("/dev/full").open("w") as full, spawn(*UPDATE, *verbose, stderr=full) as process:
        out, _ = process.communicate(timeout=20)
    assert (process.returncode, "8,400 updated" in out) == (0, True), out


def test_lines_of_progress(spawn, emulator, many):
    emulator.job_settings.rows_per_second = 4000.0
    with spawn(*UPDATE, "--concurrency", "1") as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    first, *_, last = err.splitlines()
    assert re.fullmatch(
        r"[\d,]+ of about 8,400 rows \(\d+%\), [\d,]+ updated, 1 job in flight, [\d,]+ rows/s, about .* left",
        first,
    )
    assert re.fullmatch(r"8,400 rows in .* \([\d,]+ rows/s\): 8,400 updated", last)
    assert len(err.splitlines()) <= 5
    assert "\x1b" not in out + err


def test_a_terminal_gets_a_bar(emulator, many, environment):
    emulator.job_settings.rows_per_second = 20_000.0
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - another process
        root = str(Path(__file__).resolve().parents[2])
        changes = {"PYTHONPATH": root, "TERM": "xterm-256color", "COLUMNS": "100"}
        program = [sys.executable, "-W", "error", "-m", "chakra_async.cli", *UPDATE]
        os.execve(sys.executable, program, {**os.environ, **environment, **changes})
    shown = b""
    while select.select([terminal], [], [], 20)[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert re.search(r"\d+% [\d,]+ of about 8,400 rows", text)
    assert "in flight" in text
    assert text.rstrip().splitlines()[-3] == "aircraft: 8,400 updated"
    assert b"\x1b[?25h" in shown  # the cursor is back
    assert environment["CHAKRA_ACCESS_TOKEN"].encode() not in shown
