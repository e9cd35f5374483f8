"""The emulator as a command, in a process of its own."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from chakra_async.emulator import Emulator
from chakra_async.emulator.cli import main


COMMAND = [sys.executable, "-W", "error", "-m", "chakra_async.emulator"]


@pytest.fixture
def serve():
    running = []

    def start(*arguments):
        process = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        lines = [process.stdout.readline().rstrip("\n") for _ in range(3)]
        return SimpleNamespace(
            process=process, lines=lines, url=lines[0].split()[-1], token=lines[1].split()[-1]
        )

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_told_to_stop(serve, make_api, number):
    served = serve(
        "--token", "secret", "--procedure", "aircraft:tailnum:NEW,OLD:seats", "--procedure", "boat:a+b::c,d"
    )
    assert re.fullmatch(r"url    http://127\.0\.0\.1:\d+", served.lines[0])
    assert served.lines[1] == "token  secret"
    assert f"export CHAKRA_BASE_URL={served.url} CHAKRA_ACCESS_TOKEN=secret" in served.lines[2]
    api = make_api(served)
    aircraft = "/v1/ext/procedure/aircraft/process"
    assert api("POST", aircraft, {"data": {"tailnum": "N1"}}).data["state"] == "NEW"
    assert api("PUT", f"{aircraft}/tailnum/N1", {"state": "LOST"}).status == 400
    boat = "/v1/ext/procedure/boat/process"
    api.create({"a": 1, "b": 2}, path=boat)
    assert api("PUT", f"{boat}/b/2", {"state": "ANY"}).status == 200
    told = {one["shortId"] for one in api("GET", "/v1/ext/config").data["attributes"].values()}
    assert told >= {"tailnum", "seats", "a", "b", "c", "d"}
    served.process.send_signal(number)
    assert served.process.communicate(timeout=10) == ("", "")
    assert served.process.returncode == 0


def test_its_export_line_is_one_for_any_token(serve):
    served = serve("--token", "a b;c")
    words = shlex.split(served.lines[2])
    assert words[:3] == ["export", f"CHAKRA_BASE_URL={served.url}", "CHAKRA_ACCESS_TOKEN=a b;c"]
    assert "CHAKRA_ACCESS_TOKEN='a b;c' " in served.lines[2]


def test_a_file_survives_the_command(serve, make_api, tmp_path):
    file = str(tmp_path / "chakra.db")
    first = serve("--db", file, "--procedure", "aircraft:tailnum", "--rows-per-second", "0")
    make_api(first).create({"tailnum": "N1"})
    first.process.terminate()
    first.process.wait(10)
    second = serve("--db", file)
    assert second.token == first.token
    assert len(make_api(second).list().data) == 1


def test_help_explains_itself(capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["--help"])
    assert leaving.value.code == 0
    text = capsys.readouterr().out
    for word in ("--host", "--port", "--db", "--token", "--procedure", "--rows-per-second", "tailnum"):
        assert word in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--port", "70000"], "'70000' is no port"),
        (["--port", "x"], "'x' is no port"),
        (["--rows-per-second", "-1"], "'-1' is no speed"),
        (["--rows-per-second", "fast"], "'fast' is no speed"),
        (["--rows-per-second", "inf"], "'inf' is no speed"),
        (["--procedure", ":tailnum"], "':tailnum' is no procedure"),
        (["--procedure", "boat"], "'boat' is no procedure: expected a name and at least one key"),
        (["--procedure", "boat::NEW"], "'boat::NEW' is no procedure"),
        (["--procedure", "a:b:c:d:e"], "'a:b:c:d:e' is no procedure"),
        (["--procedure", "a:b::"], "'a:b::' is no procedure"),
        (["--procedure", "a:b:c:d,"], "'a:b:c:d,' is no procedure"),
        (["--procedure", "a:b+"], "'a:b+' is no procedure"),
        (["--procedure", "a:b:"], "'a:b:' is no procedure"),
        (["--what"], "--what"),
    ],
)
def test_bad_arguments_say_what_was_expected(capsys, arguments, text):
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    assert leaving.value.code == 2
    assert text in capsys.readouterr().err


def test_what_stops_it_from_starting_is_one_line(capsys, tmp_path):
    with Emulator() as emulator:
        port = emulator.url.rpartition(":")[2]
        assert main(["--port", port]) == 1
        assert capsys.readouterr().err.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")
    assert main(["--db", str(tmp_path)]) == 1
    assert "cannot use" in capsys.readouterr().err
    assert main(["--procedure", "boat:id"]) == 1
    assert "id cannot be a primary key" in capsys.readouterr().err
    for token in ("a\nb", " x "):
        assert main(["--token", token]) == 1
        assert "printable" in capsys.readouterr().err
    assert main(["--host", ""]) == 1
    assert capsys.readouterr().err.startswith("error: the host is empty: expected an address")
