"""The command as a whole: help, version, missing extra, connection, emulator, pipes, and nothing leaks."""

import ast
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

import chakra_async
from chakra_async import Client
from chakra_async.cli.app import app


BLOCKED = """
import sys
from importlib.abc import MetaPathFinder
class Block(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {name!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
import runpy
runpy.run_module({module!r}, run_name="__main__")
"""
HIDDEN = """
import sys
sys.meta_path[:] = [type("F", (), {{"find_spec": staticmethod(
    lambda name, path=None, target=None, finder=finder:
        None if name.partition(".")[0] == {name!r} else finder.find_spec(name, path, target)
)}}) for finder in sys.meta_path]
import runpy
runpy.run_module({module!r}, run_name="__main__")
"""


@pytest.mark.parametrize("name", ["click", "rich"])
@pytest.mark.parametrize("script", [BLOCKED, HIDDEN], ids=["blocked", "hidden"])
@pytest.mark.parametrize("module", ["chakra_async", "chakra_async.cli"])
def test_the_extra_is_missing(name, script, module):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script.format(name=name, module=module)],
        capture_output=True,
        text=True,
        cwd=Path(chakra_async.__file__).parents[1],
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    # As the README words it: there is no index to take it from by its name.
    assert "pip install 'path/to/chakra_async[cli]'" in done.stderr


def test_the_package_is_the_command(spawn):
    with spawn("--version", program=("-m", "chakra_async")) as process:
        assert process.communicate(timeout=20) == (f"chakra-async {chakra_async.__version__}\n", "")


def test_only_the_command_imports_its_extra():
    package = Path(chakra_async.__file__).parent
    for path in package.rglob("*.py"):
        if path.is_relative_to(package / "cli") and path != package / "cli/__init__.py":
            continue
        top_level = [
            node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        names = {
            (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
            for node in top_level
        }
        assert not {name for name in names if name.partition(".")[0] in {"click", "rich"}}, path


def test_version(chakra):
    assert chakra("--version").stdout == f"chakra-async {chakra_async.__version__}\n"


@pytest.mark.parametrize(
    "command",
    [(), ("bulk",), ("bulk", "update"), ("bulk", "create"), ("bulk", "delete"), ("processes",),
     ("processes", "get"), ("processes", "list"), ("jobs",), ("jobs", "get"), ("jobs", "wait")],
)  # fmt: skip
def test_help(chakra, command):
    result = chakra(*command, "--help")
    assert result.exit_code == 0
    assert "--token " not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 82


def test_the_help_says_why_there_is_no_option_for_the_token(chakra):
    shown = " ".join(chakra("--help").stdout.split())
    assert "other users of the machine can see a command's arguments" in shown


class TestConnection:
    @pytest.mark.parametrize("place", [0, 2])
    def test_token_file_before_or_after_the_command(self, chakra, emulator, place):
        Path("token").write_text(f"\ufeff{emulator.token}\n")
        arguments = ["processes", "list", "aircraft"]
        arguments[place:place] = ["--token-file", "token", "--base-url", f"{emulator.url}/"]
        result = chakra(*arguments, CHAKRA_ACCESS_TOKEN="", CHAKRA_BASE_URL="")
        assert result.exit_code == 0, result.output

    def test_the_file_wins(self, chakra):
        Path("token").write_text("wr0ng")
        assert chakra("processes", "list", "aircraft", "--token-file", "token").exit_code == 3

    @pytest.mark.parametrize(
        ("content", "reason"), [(None, "No such file"), (b" \n", "empty"), (b"\xff\xfe\x00", "text")]
    )
    def test_a_file_that_is_none(self, chakra, content, reason):
        if content is not None:
            Path("token").write_bytes(content)
        result = chakra("processes", "list", "aircraft", "--token-file", "token")
        assert (result.exit_code, reason in result.stderr) == (2, True)

    def test_an_address_that_is_none(self, chakra):
        assert chakra("processes", "list", "aircraft", "--base-url", "chakra").exit_code == 2

    def test_verbose_shows_requests_and_where_an_error_came_from(self, spawn, emulator):
        emulator.faults.next("GET", status=503)
        with spawn("processes", "get", "aircraft", "nope", "-v") as process:
            out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (1, "")
        assert "chakra_async: GET /v1/ext/procedure/aircraft/process/nope: attempt 2" in err
        assert "Traceback" in err
        assert err.splitlines()[-1].startswith("Error: ")
        assert emulator.token not in err

    def test_retries_are_not_noisy(self, spawn, emulator):
        emulator.faults.next("POST", "/list", status=503, times=2)
        with spawn("processes", "list", "aircraft") as process:
            _, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "no processes\n")


def test_a_defect_is_one_sentence(chakra, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("chakra_async.resources.processes.Processes.list", broken)
    result = chakra("processes", "list", "aircraft")
    assert result.exit_code == 3
    assert result.stderr == "Error: ZeroDivisionError: oh (a defect of this program; -v shows where)\n"


INTERRUPTED = """
import sys
from importlib.abc import MetaPathFinder
class Press(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Press())
from chakra_async.cli import main
main()
"""


def test_ctrl_c_while_modules_load(spawn):
    with spawn(program=("-c", INTERRUPTED)) as process:
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("fd", "arguments", "status", "said"),
    [
        (0, ("bulk", "update", "aircraft", "-", "--format", "csv", "--key", "tailnum"), 2, "standard input"),
        (1, ("processes", "list", "aircraft", "--output", "jsonl"), 3, "standard output"),
    ],
)
def test_a_stream_that_is_closed(spawn, created, fd, arguments, status, said):
    with spawn(*arguments, preexec_fn=partial(os.close, fd)) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (status, "")
    assert f"Error: {said} is closed" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("bulk", "--help")])
def test_a_disk_that_is_full(spawn, arguments):
    with Path("/dev/full").open("w") as full, spawn(*arguments, stdout=full) as process:
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (3, "Error: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("setting", ["", "1"])
def test_no_color(environment, here, setting):
    runner = CliRunner(env={**environment, "NO_COLOR": setting})
    result = runner.invoke(app, ["bulk", "create", "aircraft", "planes.csv", "--key", "tailnum"], color=True)
    assert ("\x1b[" in result.stdout) == (not setting)


def test_a_cell_may_be_as_long_as_a_line(spawn, created):
    Path("long.csv").write_text(f"tailnum,model\nN10156,{'x' * 200_000}\n")
    with spawn("bulk", "update", "aircraft", "long.csv", "--key", "tailnum") as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, "1 updated" in out) == (0, True), err


def test_head_ends_a_list_quietly(spawn, chakra, here):
    Path("many.csv").write_text("tailnum,note\n" + "".join(f"N{n},{'x' * 500}\n" for n in range(1500)))
    assert chakra("bulk", "create", "aircraft", "many.csv", "--key", "tailnum", "-q").exit_code == 0
    with spawn("processes", "list", "aircraft", "--limit", "0", "--output", "jsonl") as process:
        assert process.stdout.readline().startswith("{")
        process.stdout.close()
        assert process.wait(timeout=20) == 141
        assert process.stderr.read() == ""


class TestEmulator:
    def test_it_serves(self, spawn):
        with spawn("emulator", "--procedure", "aircraft:tailnum:NEW,OLD", "--token", "sesame") as process:
            url = process.stdout.readline().split()[1]
            assert process.stdout.readline().split() == ["token", "sesame"]
            assert _count(url, "sesame") == 0
            process.terminate()
            process.communicate(timeout=10)
            assert process.returncode == 0

    def test_its_arguments_are_its_own(self, spawn):
        with spawn("emulator", "--help") as process:
            assert "--rows-per-second" in process.communicate(timeout=10)[0]
            assert process.returncode == 0
        with spawn("emulator", "--port", "x") as process:
            assert "is no port" in process.communicate(timeout=10)[1]
            assert process.returncode == 2


def _count(url, token):
    import asyncio

    async def count():
        async with Client(token, base_url=url) as client:
            return len((await client.processes.list("aircraft")).items)

    return asyncio.run(count())


def test_help_is_quick(spawn):
    with spawn("--help") as process:
        process.communicate(timeout=20)
    before = os.times()
    with spawn("--help") as process:
        process.communicate(timeout=20)
    after = os.times()
    # Of the processor, for how long it was let wait says nothing.
    assert after.children_user + after.children_system - before.children_user - before.children_system < 2
