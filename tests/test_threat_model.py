"""The threat model names tests that exist, and every defence that can be switched off has its place."""

import ast
import re
from pathlib import Path

import pytest


TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
TEXT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_every_test_it_names_exists(file, test):
    assert test in functions(TESTS / file)


def test_every_threat_is_answered_and_held():
    tables = re.findall(r"^\| (?!---|threat)(.+) \|$", TEXT, re.MULTILINE)
    assert len(tables) >= 30
    for row in tables:
        threat, answer, held = row.split(" | ")
        assert answer
        assert "::" in held, threat
    # Nothing that looks like a test has another form, which the pattern would miss.
    assert len(re.findall(r"::\w+`", TEXT)) == len(re.findall(r"`[\w/]+\.py::\w+`", TEXT))


@pytest.mark.parametrize("page", ["docs/threat-model.md", "SECURITY.md"])
def test_its_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        assert ((ROOT / page).parent / target).exists(), target
