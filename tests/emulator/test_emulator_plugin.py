"""The pytest fixture, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys


def test_each_test_gets_an_emulator_of_its_own(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["chakra_async.emulator.pytest_plugin"]\n')
    (tmp_path / "test_it.py").write_text(
        "import urllib.request\n"
        "seen = []\n"
        "def check(emulator):\n"
        "    with urllib.request.urlopen(emulator.url + '/v1/health') as answer:\n"
        "        assert answer.status == 200\n"
        "    assert emulator.request_count == 1\n"
        "    seen.append(emulator.token)\n"
        "def test_one(chakra_emulator): check(chakra_emulator)\n"
        "def test_two(chakra_emulator): check(chakra_emulator); assert len(set(seen)) == 2\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-p",
        "no:asyncio",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
