"""The table of faults, and the tool that finds the tests of each."""

import importlib.util
from pathlib import Path

import pytest


SCRIPT = Path(__file__).parents[2] / "tools" / "faults.py"

ROWS = """
[T1]
fault = "refused"
expected = "told"

[P2]
fault = "broken"
expected = "told"
"""

TESTS = """
import pytest

def test_T1_a_refusal_is_told(): ...

@pytest.mark.parametrize("x", [1])
@pytest.mark.fault("P2")
async def test_what_is_broken_is_told(x): ...

class TestMore:
    def test_T1_P2_both(self): ...
"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The tool, on a tree of its own."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("faults", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path / "tests" / "faults"
    folder.mkdir(parents=True)
    (folder / "rows.toml").write_text(ROWS, encoding="utf-8")
    (folder / "test_some.py").write_text(TESTS, encoding="utf-8")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "TESTS", tmp_path / "tests")
    monkeypatch.setattr(module, "TARGET", tmp_path / "faults.md")
    return module


def change(tool, name, before, after):
    path = tool.TESTS / "faults" / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def link(name):
    return f"[faults/test_some.py::{name}](../tests/faults/test_some.py)"


def test_tests_are_found_by_name_and_by_mark(tool):
    assert tool.main([]) == 0
    lines = tool.TARGET.read_text(encoding="utf-8").splitlines()
    both = link("TestMore::test_T1_P2_both")
    assert f"| T1 | refused | told | {link('test_T1_a_refusal_is_told')}<br>{both} |" in lines
    assert f"| P2 | broken | told | {link('test_what_is_broken_is_told')}<br>{both} |" in lines


@pytest.mark.parametrize("marks", ['pytest.mark.fault("T1", "P2")', '[pytest.mark.fault("T1", "P2")]'])
def test_a_whole_module_may_hold_a_row(tool, marks):
    (tool.TESTS / "faults" / "test_some.py").write_text(f"pytestmark = {marks}\n", encoding="utf-8")
    assert "| [faults/test_some.py](../tests/faults/test_some.py) |" in tool.generate()


def test_a_row_that_no_test_holds_stops_it_unless_it_says_why(tool, capsys):
    change(tool, "rows.toml", "[P2]", '[P3]\nfault = "a bomb"\nexpected = "stopped"\n\n[P2]')
    assert tool.main(["--check"]) == 1
    assert "P3 is held by no test" in capsys.readouterr().err
    change(tool, "rows.toml", "[P3]", '[P3]\nopen = "no powder"')
    assert "| P3 | a bomb | stopped | not held: no powder |" in tool.generate()


def test_an_open_row_that_is_held_stops_it(tool, capsys):
    change(tool, "rows.toml", "[P2]", '[P2]\nopen = "later"')
    assert tool.main([]) == 1
    assert "P2 is held by tests" in capsys.readouterr().err
    assert not tool.TARGET.exists()


def test_a_test_of_no_known_row_stops_it(tool, capsys):
    change(tool, "test_some.py", '"P2"', '"P22"')
    assert tool.main([]) == 1
    assert "test_some.py:8: there is no row P22" in capsys.readouterr().err


def test_check_tells_by_its_exit_status(tool, capsys):
    assert tool.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().err
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0
    assert tool.main(["--help"]) == 2


def test_every_row_of_ours_has_a_place_in_the_table(tool):
    rows = tool.tomllib.loads((Path(__file__).parent / "rows.toml").read_text(encoding="utf-8"))
    for row, said in rows.items():
        assert row[0] in tool.AREAS
        assert row[1:].isdecimal()
        assert said.keys() - {"open"} == {"fault", "expected"}
        assert "|" not in "".join(said.values())
