"""Who may import whom. Read from the source, imports inside functions included."""

import ast
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

import chakra_async


ROOT = Path(chakra_async.__file__).parent

# A module imports only from rows above its own, and from its own package.
ROWS = [
    {"errors", "_endings", "_json", "_lazy", "_secrets", "_signals", "_version", "_shapes"},
    {"_own_thread", "_paths", "_phones", "_retry_after"},
    {"settings", "models", "_reading"},
    {"_codec", "_envelope", "_message_bodies", "_pages", "_retry"},
    {"_connections", "_pace", "_process_fields", "_redis_slots", "_transfer", "_whatsapp"},
    {"_exchange", "_gate", "_shared_rate"},
    {"_breaks", "_sessions"},
    {"_transfer_attempts"},
    {"_transport"},
    {"paging", "bulk"},
    {"resources"},
    {"client"},
    {"sync"},
    {"webhooks"},
    {"cli"},
    {"__main__"},
]
ROW_OF = {unit: number for number, row in enumerate(ROWS) for unit in row}

FILES = {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in sorted(ROOT.rglob("*.py"))}
SDK = [name for name in FILES if not name.startswith("emulator/") and name != "__init__"]
EMULATOR = [name for name in FILES if name.startswith("emulator/")]


def imports(name):
    """The dotted modules that a file imports, and whether each is for type checkers only."""
    package = ["chakra_async", *name.split("/")[:-1]]
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    for_checkers = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in for_checkers) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            base += node.module.split(".") if node.module else []
            # What is imported from a package may itself be a module.
            found += [(".".join([*base, alias.name]), id(node) in for_checkers) for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            found += [(str(arg.value), False) for arg in node.args if isinstance(arg, ast.Constant)]
    return found


def units(name):
    """The parts of this package that a file imports, such as ``bulk`` or ``_codec``."""
    return {module.split(".")[1] for module, _ in imports(name) if module.startswith("chakra_async.")}


def importers(library, *, checkers=True):
    return {
        name
        for name in SDK
        for module, for_checkers in imports(name)
        if module.split(".")[0] == library and (checkers or not for_checkers)
    }


def test_the_reading_finds_imports_of_every_kind():
    assert ("chakra_async._transport.Transport", False) in imports("client")
    assert ("aiohttp", True) in imports("client")
    assert "records" in {
        module.split(".")[2] for module, _ in imports("emulator/server") if "emulator." in module
    }


@pytest.mark.parametrize("name", SDK)
def test_a_module_imports_only_from_rows_above_its_own(name):
    unit = name.split("/")[0]
    assert unit in ROW_OF, f"{unit} stands in no row: put it into one"
    for other in units(name) - {unit, "__version__"}:
        if unit == "cli" and other == "emulator":
            continue
        # The cli is a user of the package like any other.
        if unit == "cli" and other in chakra_async.__all__:
            continue
        assert other in ROW_OF, f"{name} imports {other}"
        assert ROW_OF[other] < ROW_OF[unit], f"{name} imports {other}, which is not above it"


def test_resources_do_not_import_each_other():
    for name in SDK:
        if name.startswith("resources/"):
            assert "resources" not in units(name), name


def test_bulk_knows_no_resource_client_or_transport():
    for name in SDK:
        if name.startswith("bulk/"):
            assert not units(name) & {"resources", "client", "_transport", "_gate"}, name


def test_only_the_cli_imports_the_emulator():
    assert {name.split("/")[0] for name in SDK if "emulator" in units(name)} <= {"cli"}


@pytest.mark.parametrize("name", EMULATOR)
def test_the_emulator_imports_nothing_of_the_sdk(name):
    assert units(name) <= {"emulator"}


def test_only_the_transport_imports_aiohttp():
    ours = {
        "_breaks",
        "_connections",
        "_exchange",
        "_sessions",
        "_transfer/wire",
        "_transfer_attempts",
        "_transport",
    }
    servers = {"cli/webhooks/listening", "webhooks/aiohttp"}
    assert importers("aiohttp", checkers=False) == ours | servers
    assert importers("aiohttp") <= ours | servers | {"client"}


@pytest.mark.parametrize("library", ["click", "rich"])
def test_only_the_cli_imports_what_draws_on_terminals(library):
    assert {name.split("/")[0] for name in importers(library)} <= {"cli"}


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("stamina", {"_retry"}),
        ("cattrs", {"_codec"}),
        ("redis", {"_redis_slots"}),
        ("yarl", {"_exchange", "_transfer/wire", "_transfer_attempts"}),
    ],
)
def test_a_library_has_one_home(library, homes):
    assert importers(library) == homes


@pytest.mark.parametrize("framework", ["starlette", "flask", "django"])
def test_only_its_adapter_imports_a_framework(framework):
    assert importers(framework) == {f"webhooks/{framework}"}


def test_nothing_imports_what_is_not_depended_upon():
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text("utf-8"))["project"]
    declared = chain(project["dependencies"], *project["optional-dependencies"].values())
    imported = {module.partition(".")[0] for name in FILES for module, _ in imports(name)}
    # Whoever has a framework brings it along.
    ours = imported - sys.stdlib_module_names - {"chakra_async", "flask", "django", "starlette", "pytest"}
    assert ours == {one.partition(">=")[0] for one in declared}
