"""Templates: bring one to WhatsApp as it stands in this file, and wait until it is approved.

Run it as often as you like: it creates the template, or changes what is there, or finds nothing to do. The
account is the one that is connected to the plugin.

Needs CHAKRA_ACCESS_TOKEN and CHAKRA_PLUGIN_ID, and CHAKRA_BASE_URL unless the real service is meant::

    python examples/whatsapp_templates.py publish
    python examples/whatsapp_templates.py list [CURSOR]
    python examples/whatsapp_templates.py delete
"""

import sys
import time
from typing import Any

from chakra_async import Template
from chakra_async.sync import Client


NAME, LANGUAGE = "visit_tomorrow", "en"
COMPONENTS: list[dict[str, Any]] = [
    {"type": "BODY", "text": "May we visit you at {{1}}?", "example": {"body_text": [["10:30"]]}},
    {"type": "FOOTER", "text": "Reply STOP to hear no more from us"},
]


def find(chakra: Client, account: str) -> Template | None:
    """Return the template; ``name=`` also finds those whose name only holds it."""
    for found in chakra.whatsapp.templates.list(account, name=NAME):
        if (found.name, found.language) == (NAME, LANGUAGE):
            return found
    return None


def texts(components: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """Return what people read; WhatsApp may add other things to a component."""
    return [(part["type"], part.get("text")) for part in components]


def publish(chakra: Client, account: str, *, every: float = 30.0, patience: float = 3600.0) -> None:
    """Create or update the template, then look every so many seconds whether it was approved."""
    templates, found = chakra.whatsapp.templates, find(chakra, account)
    if found is None:
        made = templates.create(
            account, name=NAME, category="UTILITY", language=LANGUAGE, components=COMPONENTS
        )
        print(f"created {made.id}: {made.status}")
    elif found.id is not None and texts(found.components) != texts(COMPONENTS):
        templates.update(found.id, components=COMPONENTS)
        print(f"updated {found.id}")
    deadline = time.monotonic() + patience
    while (found := find(chakra, account)) and found.status == "PENDING" and time.monotonic() < deadline:
        time.sleep(every)
    if found is not None:
        print(f"{NAME} is {found.status}", *filter(None, [found.rejected_reason]))


def show(chakra: Client, account: str, after: str | None = None, *, limit: int = 100) -> None:
    """List the templates page by page; a list that was broken off goes on at the cursor printed last."""
    for page in chakra.whatsapp.templates.list(account, limit=limit, after=after).pages():
        for one in page.items:
            print(f"{one.name} ({one.language}, {one.category}): {one.status}")
        if page.has_more:
            print(f"-- the next page begins after {page.meta['paging']['cursors']['after']}")


def main(command: str, *rest: str) -> None:
    """Do as the command line says."""
    with Client() as chakra:
        for account in chakra.whatsapp.accounts.list():
            if account.id is None:
                continue
            if command == "publish":
                publish(chakra, account.id)
            elif command == "list":
                show(chakra, account.id, *rest)
            elif found := find(chakra, account.id):
                # Without the number of this one, the template would go in all its languages.
                chakra.whatsapp.templates.delete(account.id, name=NAME, hsm_id=found.id)
                print(f"deleted {NAME} ({LANGUAGE})")


if __name__ == "__main__":
    main(*sys.argv[1:])
