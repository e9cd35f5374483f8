"""The table of defences that can be switched off fits the code; trying them is ``make mutations``."""

import ast
import importlib.util
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parent.parent


def load_tool():
    spec = importlib.util.spec_from_file_location("mutations", ROOT / "tools" / "mutations.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


TOOL = load_tool()
MUTATIONS = TOOL.load()


def names_in(path):
    """The names of the tests in a file, and of the classes that hold some."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[mutation.name for mutation in MUTATIONS])
def test_a_mutation_changes_one_place_into_sound_code(mutation):
    text = (ROOT / mutation.file).read_text(encoding="utf-8")
    changed = mutation.changed(text)
    assert changed != text
    compile(changed, mutation.file, "exec")


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[mutation.name for mutation in MUTATIONS])
def test_the_tests_that_must_notice_are_there(mutation):
    assert mutation.tests
    for test in mutation.tests:
        path, *names = test.split("::")
        assert (ROOT / path).exists(), path
        if names:
            assert set(names) <= names_in(ROOT / path), test


def test_ten_defences_and_more_are_switched_off():
    assert len({mutation.file for mutation in MUTATIONS}) >= 10
    assert len(MUTATIONS) >= 25


@pytest.mark.parametrize("text", ["", "old old"])
def test_a_text_that_is_gone_or_not_alone_is_refused(text):
    with pytest.raises(TOOL.MutationError, match=r"stands [02] times"):
        TOOL.Mutation("name", "file.py", "old", "new", []).changed(text)


def test_it_tells_what_survives_and_changes_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "package.py").write_text("def two():\n    return 2\n")
    (tmp_path / "test_it.py").write_text("import package\n\ndef test_it():\n    assert package.two() == 2\n")
    monkeypatch.setattr(TOOL, "ROOT", tmp_path)
    monkeypatch.setattr(TOOL, "NEEDED", ("package.py", "test_it.py"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    killed = TOOL.Mutation("three", "package.py", "return 2", "return 3", ["test_it.py"])
    survivor = killed._replace(name="two again", new="return 1 + 1")
    assert TOOL.try_all([killed]) == 0
    assert TOOL.try_all([killed, survivor]) == 1
    told = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert told == ["killed", "1", "killed", "SURVIVED", "1"]
    assert "return 2" in (tmp_path / "package.py").read_text()
