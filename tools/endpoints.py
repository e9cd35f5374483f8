"""Write ``docs/endpoints.md``: every endpoint known, what calls it, and how well it is known.

Read from the ``Endpoint:`` paragraphs of the docstrings in ``chakra_async/resources/*.py`` and of
``Client``, by ``ast``: nothing is imported. A public method without one stops the tool with file and line.

Usage: ``python tools/endpoints.py [--check]``. With ``--check`` nothing is written; the exit status tells
whether the table is up to date.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import document


ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "chakra_async"
TARGET = ROOT / "docs" / "endpoints.md"

# Sections of the table, in the order of the client's attributes.
AREAS = {
    "client": "The client itself",
    "processes": "Processes",
    "jobs": "Background jobs",
    "tasks": "Tasks",
    "users": "Users",
    "photos": "Photos",
    "config": "Config",
    "leads": "Leads",
    "chats": "Chats",
    "whatsapp_messages": "WhatsApp messages",
    "whatsapp_templates": "WhatsApp templates",
    "whatsapp_media": "WhatsApp media",
    "whatsapp_flows": "WhatsApp flows",
    "whatsapp_calling": "WhatsApp calling",
    "whatsapp_groups": "WhatsApp groups",
    "whatsapp_phone_numbers": "WhatsApp phone numbers",
    "whatsapp_accounts": "WhatsApp business accounts",
    "whatsapp_plugins": "WhatsApp plugins",
    "partner": "Partners",
}

# Known to exist from the documentation's navigation, but nothing more.
NOT_MODELLED = {
    "Add a phone number to a lead campaign": "`POST`, path not known",
    "Remove a phone number from a lead campaign": "neither method nor path known",
    "Disconnect a WhatsApp business account": "`POST`, path not known",
}

HEAD = """\
# Endpoints

Every endpoint of the API that is known, the method that calls it, and how well it is known. Written by
`tools/endpoints.py` from the docstrings; change those, then run `make generate`.

- *documented*: a page of the vendor's documentation or a repository of the vendor states it.
- *seen*: read in public client code; *live* where its author recorded an answer of the real service.
- *inferred*: our reasoning, a default that may have to change.
"""

TAIL = """
## Not modelled

What is known of these is not enough to call them. Once you know the path, the client's
`request(method, path, json=…)` calls them with the same care as everything else.

| endpoint | what is known |
| --- | --- |
"""

_CALL = re.compile(r"``([A-Z]+) (/[^`]*)``")
_AS = re.compile(r"\bas :meth:`(\w+)`")


class NoEndpointError(document.UntrueError):
    """A public method that does not say which endpoint it calls."""


class Endpoint(NamedTuple):
    """What one docstring says of one endpoint."""

    verb: str
    path: str
    confidence: str


def main(arguments: list[str]) -> int:
    """Generate, or check."""
    return document.run(arguments, __doc__, TARGET, generate)


def generate() -> str:
    """Return the whole text of the table."""
    parts = [HEAD]
    for area, rows in read().items():
        parts.append(f"\n## {AREAS[area]}\n\n| endpoint | method | confidence |\n| --- | --- | --- |\n")
        for endpoint, methods in rows.items():
            names = ", ".join(f"`{_attribute(area)}{name}`" for name in methods)
            parts.append(f"| `{endpoint.verb} {endpoint.path}` | {names} | {endpoint.confidence} |\n")
    parts.append(TAIL)
    parts += [f"| {name} | {known} |\n" for name, known in NOT_MODELLED.items()]
    return "".join(parts)


def read() -> dict[str, dict[Endpoint, list[str]]]:
    """Return, for each area, the methods that call each endpoint."""
    files = {path.stem: path for path in (PACKAGE / "resources").glob("*.py") if path.stem != "__init__"}
    files["client"] = PACKAGE / "client.py"
    if strange := sorted(files.keys() ^ AREAS.keys()):
        raise NoEndpointError(f"{', '.join(strange)}: list the areas in {Path(__file__).name}")
    return {area: _area(files[area]) for area in AREAS}


def _area(path: Path) -> dict[Endpoint, list[str]]:
    said = {node.name: _paragraph(node, path) for node in _methods(path)}
    rows: dict[Endpoint, list[str]] = {}
    for name, text in said.items():
        # Whoever calls what another method calls stands beside it.
        source = said.get(match[1], "") if (match := _AS.search(text)) else text
        for endpoint in _endpoints(source):
            rows.setdefault(endpoint, []).append(name)
    # What several methods say of one call differs in details only: the first one speaks for all.
    merged: dict[tuple[str, str], tuple[Endpoint, list[str]]] = {}
    for endpoint, names in rows.items():
        merged.setdefault(endpoint[:2], (endpoint, []))[1].extend(names)
    return dict(merged.values())


def _methods(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for owner in tree.body:
        if not isinstance(owner, ast.ClassDef) or owner.name.startswith("_") or owner.name == "WhatsApp":
            continue
        for node in owner.body:
            # Of the client, only what calls an endpoint of its own.
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            if owner.name != "Client" or "Endpoint:" in (ast.get_docstring(node) or ""):
                yield node


def _paragraph(node: ast.FunctionDef | ast.AsyncFunctionDef, path: Path) -> str:
    for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
        if paragraph.startswith("Endpoint:"):
            return " ".join(paragraph.split())
    raise NoEndpointError(f"{path}:{node.lineno}: {node.name} does not say which endpoint it calls")


def _endpoints(text: str) -> Iterator[Endpoint]:
    found = re.search(r"\((.*)\)\.?$", _CALL.sub("", text))
    confidence = found[1].replace("``", "`").replace("|", "\\|") if found else "not said"
    calls = _CALL.findall(text)
    if len(calls) > 1:
        # What follows the first clause is said of one of them only.
        confidence = confidence.partition(";")[0]
    for verb, path in calls:
        yield Endpoint(verb, path.partition("?")[0], confidence)


def _attribute(area: str) -> str:
    return "" if area == "client" else area.replace("whatsapp_", "whatsapp.") + "."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
