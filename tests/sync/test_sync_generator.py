"""The generated code says what the async code says, and the generator stops at what it does not know."""

import importlib
import inspect
import os
import pkgutil
import shutil
import subprocess
import sys
import textwrap
import typing
from pathlib import Path

import pytest

import chakra_async.client
import chakra_async.resources
import chakra_async.sync.client
import chakra_async.sync.resources
from chakra_async import Job, ProcessCreate, ProcessUpdate, Progress
from chakra_async.bulk import run as run_module
from chakra_async.bulk.run import BulkRun
from chakra_async.bulk.writer import Writer
from chakra_async.paging import Pager
from chakra_async.sync import BulkRun as SyncBulkRun
from chakra_async.sync import Pager as SyncPager
from chakra_async.sync import Writer as SyncWriter
from chakra_async.sync import bulk as sync_bulk_module


ROOT = Path(__file__).resolve().parent.parent.parent
VERSIONS = ("3.11", "3.12", "3.13")


def run(root, *arguments, python=sys.executable):
    command = [python, "-W", "error", root / "tools" / "generate_sync.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def tree(tmp_path):
    """A copy of all that the generator reads and writes."""
    for folder in ("tools", "chakra_async/resources", "chakra_async/sync/resources"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def bare(tmp_path):
    """The generator, and no resources yet."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "chakra_async" / "resources").mkdir(parents=True)
    target(tmp_path).mkdir(parents=True)
    assert run(tmp_path).returncode == 0
    return tmp_path


def target(tree):
    return tree / "chakra_async" / "sync" / "resources"


def texts(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.py")}


def test_the_generated_code_is_fresh(tree):
    committed = texts(ROOT / "chakra_async" / "sync" / "resources")
    shutil.rmtree(target(tree))
    assert run(tree).returncode == 0
    assert texts(target(tree)) == committed
    sources = {path.name for path in (ROOT / "chakra_async" / "resources").glob("*.py")}
    assert set(committed) == {name for name in sources if not name.startswith("_")} | {"__init__.py"}


def test_check_passes_when_all_is_fresh(tree):
    done = run(tree, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("change", ["left over", "missing", "out of date"])
def test_check_notices_and_generating_mends(tree, change):
    fresh = texts(target(tree))
    path = target(tree) / ("orphan.py" if change == "left over" else "jobs.py")
    if change == "missing":
        path.unlink()
    else:
        with path.open("a") as file:
            file.write("# one more line\n")
    done = run(tree, "--check")
    assert done.returncode == 1
    where = Path("chakra_async", "sync", "resources", path.name)
    assert done.stderr == f"{where} is {change}: run make generate\n"
    assert run(tree).returncode == 0
    assert texts(target(tree)) == fresh


def test_unknown_options_are_refused(tree):
    done = run(tree, "--chek")
    assert done.returncode == 2
    assert "Usage" in done.stderr


def find_python(version):
    """Find an interpreter of this version; a launcher on PATH may be a shim that cannot start."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [f"python{version}", *pyenv.glob(f"{version}.*/bin/python")]
    return next((found for name in candidates if (found := _works(name, version))), None)


def _works(name, version):
    path = shutil.which(name)
    if path is None:
        return None
    tell = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([path, "-c", tell], capture_output=True, text=True, timeout=30, check=False)
    return path if done.returncode == 0 and done.stdout.strip() == version else None


@pytest.mark.parametrize("version", VERSIONS)
def test_every_python_writes_the_same_bytes(tree, version):
    python = find_python(version)
    if python is None:
        pytest.skip(f"Python {version} is not on this machine")
    fresh = texts(target(tree))
    shutil.rmtree(target(tree))
    done = run(tree, python=python)
    assert done.returncode == 0, done.stderr
    assert texts(target(tree)) == fresh


HEADER = '''"""An area."""

from __future__ import annotations

import typing
from typing import Any as Anything

from chakra_async.bulk.run import BulkRun
from chakra_async.bulk.writer import Writer
from chakra_async.models.jobs import Job
from chakra_async.paging import Pager


class Things:
    """Things."""

'''
LINE = HEADER.count("\n") + 1


@pytest.mark.parametrize(
    ("method", "line", "why"),
    [
        ('def get(self) -> int:\n    """Get."""\n', 0, "returns int"),
        ('def get(self) -> Pager[Job] | None:\n    """Get."""\n', 0, "returns Pager[Job] | None"),
        ('def get(self) -> Pager:\n    """Get."""\n', 0, "returns Pager"),
        ('async def get(self):\n    """Get."""\n', 0, "does not say what it returns"),
        ('async def get(self) -> Pager[Job]:\n    """Get."""\n', 0, "returns Pager"),
        ('async def get(self) -> list[BulkRun]:\n    """Get."""\n', 0, "returns BulkRun"),
        ('async def get(self) -> Writer:\n    """Get."""\n', 0, "returns Writer"),
        ('async def get(self) -> AsyncIterator[bytes]:\n    """Get."""\n', 0, "returns AsyncIterator"),
        ('async def get(self) -> Job:\n    """Get."""\n    yield 1\n', 0, "is an async generator"),
        ("async def get(self) -> Job:\n    return 1\n", 0, "no docstring"),
        ('async def get(self) -> Job: """Get."""\n', 0, "on its own line"),
        ('async def get(self, job_id) -> Job:\n    """Get."""\n', 0, "positional-only or keyword-only"),
        ('async def get(self, *ids) -> Job:\n    """Get."""\n', 0, "positional-only or keyword-only"),
        ('async def get(self, **more) -> Job:\n    """Get."""\n', 0, "positional-only or keyword-only"),
        ('@property\ndef get(self) -> Job:\n    """Get."""\n', 1, "is decorated"),
        ('@overload\nasync def get(self) -> Job:\n    """Get."""\n', 1, "is decorated"),
        ("size = 3\n", 0, "methods and a docstring only"),
        ("size: int\n", 0, "methods and a docstring only"),
        ('class Inner:\n    """Inner."""\n', 0, "methods and a docstring only"),
        ("if True:\n    pass\n", 0, "methods and a docstring only"),
        ('async def get(self) -> typing.Any:\n    """Get."""\n', 0, "typing is not imported by its name"),
        ('async def get(self, *, a: Anything) -> Job:\n    """Get."""\n', 0, "Anything is not imported"),
        ('async def get(self, *, size: int = SIZE) -> Job:\n    """Get."""\n', 0, "SIZE is not imported"),
        ('async def get(self) -> Things:\n    """Get."""\n', 0, "Things is not imported"),
        ('async def get(self) -> "Job":\n    """Get."""\n', 0, "in quotes"),
    ],
)
def test_an_unknown_shape_stops_it_with_file_and_line(bare, method, line, why):
    path = bare / "chakra_async" / "resources" / "things.py"
    path.write_text(HEADER + textwrap.indent(method, "    "))
    before = texts(target(bare))
    for arguments in ((), ("--check",)):
        done = run(bare, *arguments)
        assert done.returncode == 1
        assert done.stderr.startswith(f"{path}:{LINE + line}: ")
        assert why in done.stderr
        assert "Traceback" not in done.stderr
    assert texts(target(bare)) == before


@pytest.mark.parametrize(
    ("name", "text", "line", "why"),
    [
        ("things.py", '"""An area."""\n\n\nclass Things(Base):\n    """Things."""\n', 4, "has a base class"),
        ("things.py", '"""An area."""\n\n\n@final\nclass Things:\n    """Things."""\n', 5, "a decorator"),
        ("things.py", '"""An area."""\n\n\nclass Things:\n    pass\n', 4, "Things has no docstring"),
        ("things.py", '"""An area."""\n', 1, "there is no resource"),
        ("things.py", 'class Things:\n    """Things."""\n', 1, "things has no docstring"),
        ("whatsapp/flows.py", '"""An area."""\n', 1, "in one folder"),
    ],
)
def test_an_unknown_file_stops_it(bare, name, text, line, why):
    path = bare / "chakra_async" / "resources" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    done = run(bare)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}:{line}: ")
    assert why in done.stderr


def test_all_four_shapes_are_written_and_private_methods_are_not(bare):
    body = '''
        def __init__(self, transport: Any) -> None:
            self._transport = transport

        async def get(self, thing_id: str, /, *, deep: bool = False) -> Job:
            """Get, with a form feed \f in the text."""
            raise NotImplementedError

        def list(self, *, where_a_name_is_long: str, and_another_is_long_too: str, a: int) -> Pager[Job]:
            """List."""
            raise NotImplementedError

        def bulk(self, rows: Sequence[Job], /) -> BulkRun:
            """Do."""
            raise NotImplementedError

        def writer(self, thing: str, /, *, linger: float = 1) -> Writer:
            """Do."""
            raise NotImplementedError

        def _helper(self) -> int:
            return 1
    '''
    text = HEADER.replace("import typing\n", "from collections.abc import Sequence\n") + textwrap.indent(
        textwrap.dedent(body).strip("\n"), "    "
    )
    (bare / "chakra_async" / "resources" / "things.py").write_text(text)
    assert run(bare).returncode == 0
    written = (target(bare) / "things.py").read_text()
    compile(written, "things.py", "exec")
    assert "    def get(self, thing_id: str, /, *, deep: bool = False) -> Job:\n" in written
    assert "        return self._portal.call(self._resource.get, thing_id, deep=deep)\n" in written
    assert "return Pager(self._portal, resource)" in written
    assert "return BulkRun(self._portal, self._resource.bulk(rows))" in written
    assert "from chakra_async.sync.bulk import BulkRun\n" in written
    assert "return Writer(self._portal, self._resource.writer(thing, linger=linger))" in written
    assert "from chakra_async.sync.writer import Writer\n" in written
    assert "from collections.abc import Sequence\n" in written
    assert "_helper" not in written
    assert "await" not in written


# -- both flavours, side by side


def methods(cls):
    found = {name: value for name, value in vars(cls).items() if inspect.isfunction(value)}
    return {name: method for name, method in found.items() if not name.startswith("_")}


def resources(package):
    """Find all resource classes by module and name."""
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            loaded = importlib.import_module(f"{package.__name__}.{module.name}")
            for name, value in vars(loaded).items():
                if inspect.isclass(value) and value.__module__ == loaded.__name__ and name[0] != "_":
                    found[module.name, name] = value
    return found


ASYNC = resources(chakra_async.resources)
SYNC = resources(chakra_async.sync.resources)
PAIRS = [
    pytest.param(method, methods(SYNC.get(key, object)).get(name), id=f"{key[1]}.{name}")
    for key, cls in ASYNC.items()
    for name, method in methods(cls).items()
]
PAIRS += [
    pytest.param(
        vars(chakra_async.client.Client)[name],
        vars(chakra_async.sync.client.Client)[name],
        id=f"Client.{name}",
    )
    for name in ("health", "request", "close")
]


def in_sync_terms(annotation):
    """Say what a type of the async side is called on the sync side."""
    if typing.get_origin(annotation) is Pager:
        return SyncPager[typing.get_args(annotation)]
    return {BulkRun: SyncBulkRun, Writer: SyncWriter}.get(annotation, annotation)


SHARED = {one.__name__: one for one in (Job, ProcessCreate, ProcessUpdate, Progress)}
SHARED |= {name: getattr(run_module, name) for name in ("CreateRow", "DeleteRow", "UpdateRow")}
ASYNC_NAMES = SHARED | {
    "BulkRun": BulkRun,
    "Pager": Pager,
    "Source": run_module.Source,
    "Writer": Writer,
}
SYNC_NAMES = SHARED | {
    "BulkRun": SyncBulkRun,
    "Pager": SyncPager,
    "Source": sync_bulk_module.Source,
    "Writer": SyncWriter,
}


def returned(method, late):
    """What a method returns; ``late`` has the names that its module imports for type checkers only."""
    return typing.get_type_hints(method, localns=late)["return"]


def test_both_sides_have_the_same_classes_and_methods():
    assert ASYNC.keys() == SYNC.keys()
    assert len(ASYNC) >= 2
    for key, cls in ASYNC.items():
        assert list(methods(cls)) == list(methods(SYNC[key]))


def test_both_clients_have_the_same_members():
    def members(cls):
        return methods(cls).keys() | inspect.get_annotations(cls).keys()

    for name in ("Client", "WhatsApp"):
        assert members(getattr(chakra_async.client, name)) == members(getattr(chakra_async.sync.client, name))


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_the_signatures_are_equal(theirs, ours):
    assert ours is not None
    # As written: parameters, kinds, defaults and annotations; "Pager[Job]" names each side's own Pager.
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert inspect.getdoc(ours) == inspect.getdoc(theirs)
    assert not inspect.iscoroutinefunction(ours)
    # As understood: what comes back is the same thing, or each side's own Pager, BulkRun or Writer.
    assert returned(ours, SYNC_NAMES) == in_sync_terms(returned(theirs, ASYNC_NAMES))


def test_the_constructors_differ_by_the_session_only():
    theirs = dict(inspect.signature(chakra_async.client.Client).parameters)
    del theirs["session"]
    assert theirs == dict(inspect.signature(chakra_async.sync.client.Client).parameters)


def test_what_type_checkers_alone_import_stays_so_and_is_loaded_by_the_method_that_makes_it(bare):
    late = "from chakra_async.bulk.run import BulkRun\nfrom chakra_async.models.jobs import Job\n"
    text = HEADER
    for line in late.splitlines(keepends=True):
        text = text.replace(line, "")
    block = "if TYPE_CHECKING:\n" + textwrap.indent(late, "    ")
    text = text.replace("class Things", f"{block}\n\nclass Things")
    method = 'def send(self, job: Job, /) -> BulkRun:\n    """Send."""\n'
    path = bare / "chakra_async" / "resources" / "things.py"
    path.write_text(text + textwrap.indent(method, "    "))
    assert run(bare).returncode == 0
    written = (target(bare) / "things.py").read_text()
    names = "    from chakra_async.models.jobs import Job\n    from chakra_async.sync.bulk import BulkRun\n"
    assert f"\n\n\nif TYPE_CHECKING:\n{names}\n\nclass " in written
    inside = "        from chakra_async.sync.bulk import BulkRun  # noqa: PLC0415\n\n        return BulkRun("
    assert inside in written


def test_imports_are_sorted_as_the_linter_wants_them(bare):
    method = (
        'async def get(self, *, a: Downloaded, b: DownloadTarget, c: T, d: MAX) -> Job:\n    """Get."""\n'
    )
    text = HEADER.replace(
        "import typing\n", "from collections.abc import DownloadTarget, MAX, T, Downloaded\n"
    )
    path = bare / "chakra_async" / "resources" / "things.py"
    path.write_text(text + textwrap.indent(method, "    "))
    assert run(bare).returncode == 0
    written = (target(bare) / "things.py").read_text()
    assert "from collections.abc import MAX, Downloaded, DownloadTarget, T\n" in written
