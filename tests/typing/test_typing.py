"""The typing tests leave nothing out. What they say is checked by mypy and pyright (``make types``)."""

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import attrs
import pytest

import chakra_async
import chakra_async.sync
import chakra_async.webhooks


HERE = Path(__file__).parent
SIDES = {"async": chakra_async, "sync": chakra_async.sync}


def nodes(pattern: str) -> Iterator[ast.AST]:
    """Read some of the files; imports and what must not pass do not count as use."""
    paths = sorted(HERE.glob(pattern))
    assert paths
    for path in paths:
        for part in ast.parse(path.read_text(encoding="utf-8")).body:
            if getattr(part, "name", None) != "mistakes":
                yield from ast.walk(part)


def used(pattern: str) -> set[str]:
    """Find what is named, as it is written: ``Job``, ``run.stop``, ``chakra.photos.get``."""
    kinds = ast.Name | ast.Attribute
    return {ast.unparse(node) for node in nodes(pattern) if isinstance(node, kinds)}


def arguments(pattern: str) -> dict[str, set[str]]:
    """Find the keywords given to each function, in all its calls together."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in nodes(pattern):
        if isinstance(node, ast.Call):
            found[ast.unparse(node.func)] |= {word.arg for word in node.keywords if word.arg}
    return found


def methods(thing: object, path: str) -> Iterator[tuple[str, inspect.Signature]]:
    """Find the public methods of a client and of all its resources."""
    for name, function in inspect.getmembers(type(thing), inspect.isfunction):
        if not name.startswith("_"):
            yield f"{path}.{name}", inspect.signature(function)
    for name in inspect.get_annotations(type(thing)):
        if not name.startswith("_"):
            yield from methods(getattr(thing, name), f"{path}.{name}")


def keywords(signature: inspect.Signature) -> set[str]:
    return {it.name for it in signature.parameters.values() if it.kind is it.KEYWORD_ONLY}


def members(cls: type) -> set[str]:
    """Find the public fields, properties and methods of a class."""
    fields: set[str] = {it.name for it in attrs.fields(cls)} if attrs.has(cls) else set()
    return {name for name in fields | set(dir(cls)) if not name.startswith("_")}


def test_every_public_name_is_used() -> None:
    assert set(chakra_async.__all__) - {"__version__"} <= used("api_async*.py") | used("api_models*.py")
    own = {
        name
        for name in chakra_async.__all__
        if getattr(chakra_async.sync, name) is not getattr(chakra_async, name)
    }
    assert own <= used("api_sync*.py")
    assert "chakra_async.__version__" in used("api_async.py")


@pytest.mark.parametrize("side", SIDES)
def test_every_method_is_called_with_every_keyword(side: str) -> None:
    found = arguments(f"api_{side}*.py")
    with SIDES["sync"].Client("token") as client:
        expected = dict(methods(client, "chakra"))
    # The facade is generated, so that what holds for one side holds for the other.
    assert set(expected) == set(dict(methods(chakra_async.Client("token"), "chakra")))
    expected["Client"] = inspect.signature(SIDES[side].Client)
    assert len(expected) > 75
    left_out = {
        name: sorted(keywords(signature) - found.get(name, set())) or "never called"
        for name, signature in expected.items()
        if name not in found or not keywords(signature) <= found[name]
    }
    assert not left_out


@pytest.mark.parametrize("side", SIDES)
def test_all_of_runs_writers_and_pagers_is_used(side: str) -> None:
    inner = {"engine", "source", "group"}  # what the two sides of a run or a writer share
    found = used(f"api_{side}*.py")
    assert {f"run.{name}" for name in members(SIDES[side].BulkRun) - inner} <= found
    assert {f"writer.{name}" for name in members(SIDES[side].Writer) - inner} <= found
    assert {f"pager.{name}" for name in members(SIDES[side].Pager)} <= found


def test_everything_of_webhooks_is_used() -> None:
    found, given = used("api_webhooks.py"), arguments("api_webhooks.py")
    assert set(chakra_async.webhooks.__all__) <= found
    for name in ("Webhooks", "StatusTracker", "MemoryStore", "SqliteStore", "SigningSecrets"):
        cls = getattr(chakra_async.webhooks, name)
        inner = {f"{name.lower()}.{member}" for member in members(cls)}
        assert inner <= found
        assert keywords(inspect.signature(cls)) <= given[name]


@pytest.mark.parametrize(
    ("module", "pattern", "least"),
    [(chakra_async, "api_models*.py", 45), (chakra_async.webhooks, "api_webhooks.py", 11)],
)
def test_every_field_of_every_model_is_used(module: ModuleType, pattern: str, least: int) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for node in nodes(pattern):
        if isinstance(node, ast.FunctionDef):
            (it,) = node.args.args
            cls = ast.unparse(it.annotation).partition("[")[0] if it.annotation else ""
            found[cls] |= {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
    models = [cls for name in module.__all__ if attrs.has(cls := getattr(module, name))]
    assert len(models) > least
    left_out = {cls.__name__: members(cls) - found[cls.__name__] for cls in models}
    assert not {name: fields for name, fields in left_out.items() if fields}
