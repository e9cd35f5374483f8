"""Everything the README shows is run: the Python in order, and the tutorial's shell lines."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chakra_async.emulator import Emulator


ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
TUTORIAL = re.findall(r"^<!-- tutorial -->\n```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def service(tmp_path, monkeypatch):
    with Emulator(rows_per_second=None) as emulator:
        emulator.add_procedure("pet", primary_key="tag", states=("NEW", "ADOPTED"))
        monkeypatch.setenv("CHAKRA_BASE_URL", emulator.url)
        monkeypatch.setenv("CHAKRA_ACCESS_TOKEN", emulator.token)
        monkeypatch.setenv("CHAKRA_PLUGIN_ID", emulator.plugin_id)
        monkeypatch.setenv("CHAKRA_PHONE_NUMBER_ID", emulator.phone_number_id)
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.chdir(tmp_path)
        yield emulator


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_every_python_block_runs(service, number, capsys):
    Path("news.csv").write_text("tag,state,age\nP1,ADOPTED,five\n", encoding="utf-8")
    exec(compile(PYTHON[number], f"README block {number}", "exec"), {"__name__": "__main__"})
    if 'bulk_update("lead"' in PYTHON[number]:
        assert "5,000 rows: 5,000 updated" in capsys.readouterr().out
    if "news.csv" in PYTHON[number]:
        assert "line 2, P1: invalid: column 'age': 'five'" in capsys.readouterr().out


def test_the_quick_starts_are_short():
    assert all(len(block.strip().splitlines()) <= 15 for block in PYTHON[:3])


def test_the_tutorial_does_what_it_says(service):
    start, first, second, plan, journal = TUTORIAL
    assert start.startswith("chakra emulator --procedure pet:tag:NEW,ADOPTED")

    def run(script):
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)

    update = first.strip().splitlines()[-2]
    assert run(first.replace(update, f'{update}; echo "status $?"')).stdout.count("status 1") == 1
    failed = Path("failed.csv").read_text(encoding="utf-8").splitlines()
    assert sorted(line.split(",")[-3] for line in failed) == ["P2", "P3", "P9", "tag"]
    assert service.process("pet", "P1")["state"] == "ADOPTED"
    done = run(f"set -e\n{second}")
    assert done.returncode == 0, done.stderr
    held = {pet["data"]["tag"]: (pet["state"], pet["data"].get("age")) for pet in service.processes("pet")}
    assert held == {"P1": ("ADOPTED", 4), "P2": ("ADOPTED", 5), "P3": ("ADOPTED", 2)}
    planned = run(f"set -e\n{plan}")
    assert planned.returncode == 0, planned.stderr
    assert "line 2, P1\n    age: 4 -> 5\n" in planned.stdout
    assert "2 rows in ages.plan" in planned.stdout
    assert planned.stdout.count("pet: 1 unchanged, 2 valid") == 2
    assert [pet["data"]["age"] for pet in service.processes("pet")] == [5, 5, 3]
    kept = run(f"set -e\n{journal}")
    assert kept.returncode == 0, kept.stderr
    for said in (
        "The run is over, and every row was done.",
        "3 of them by earlier runs",
        "Every row was done; no file was written.",
    ):
        assert said in kept.stdout


def test_the_figures_in_the_text_are_those_that_were_measured():
    measured = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))["measured"]

    def middle(scenario, name):
        return measured[scenario][name]["spread"]["middle"]

    rate = middle("bulk_updates", "1,000 rows a job: chakra_async, journal / chakra_async")
    with_journal = middle("memory", "chakra_async, journal, 1,000,000 rows")
    without = middle("memory", "chakra_async, 1,000,000 rows")
    write = middle("json_libraries", "encode one update: msgspec / orjson")
    read = middle("json_libraries", "decode 1,000 entries: msgspec / orjson")
    memory = f"a million rows take {with_journal:.0f} MiB of memory instead of {without:.0f}"
    for page, said in {
        "README.md": f"{rate:.2f} of the rate, and {memory}",
        "benchmarks/README.md": memory.replace("rows take", "rows then take"),
        "docs/architecture.md": f"{write:.1f} times as long to write and {read:.1f} times as long to read",
    }.items():
        assert said in " ".join((ROOT / page).read_text(encoding="utf-8").split())
