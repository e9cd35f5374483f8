"""Message templates: their review, and the text a message has when it is made from one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from chakra_async.emulator import meta_objects
from chakra_async.emulator.documents import Document, Documents, numeric_id
from chakra_async.emulator.events import Event, Events
from chakra_async.emulator.refusals import Refusal
from chakra_async.emulator.settings import Settings
from chakra_async.emulator.store import Store, now_ms
from chakra_async.emulator.timers import Timers


CATEGORIES: Final = ("MARKETING", "UTILITY", "AUTHENTICATION")

_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class Templates:
    """The templates of a store."""

    def __init__(
        self, store: Store, documents: Documents, events: Events, timers: Timers, settings: Settings
    ) -> None:
        self._store = store
        self._documents = documents
        self._events = events
        self._timers = timers
        self._settings = settings

    def add(
        self,
        account_id: str,
        name: str,
        language: str,
        category: str,
        components: list[dict[str, Any]],
        *,
        parameter_format: str = "POSITIONAL",
        status: str = "PENDING",
    ) -> Document:
        """Add a template, to be reviewed unless it has a status already."""
        with self._store.transaction():
            if self.find(account_id, name, language):
                raise Refusal(f"(#100) Content in this language already exists: {name}, {language}")
            template = {
                "id": numeric_id(),
                "name": name,
                "language": language,
                "status": status,
                "category": category,
                "parameter_format": parameter_format,
                "components": components,
                "rejected_reason": "INVALID_FORMAT" if status == "REJECTED" else "NONE",
                "account": account_id,
                "review": 0,
            }
            self._documents.add("template", template, parent=account_id)
        self._review(template)
        return template

    def get(self, template_id: str) -> Document | None:
        """Find a template by its id."""
        return self._documents.get("template", template_id)

    def all(self, account_id: str | None = None) -> list[Document]:
        """List the templates, or those of one account."""
        return self._documents.all("template", account_id)

    def find(self, account_id: str, name: str, language: str | None = None) -> list[Document]:
        """List the templates with a name, in one language or in all."""
        return [
            one for one in self.all(account_id) if one["name"] == name and language in (None, one["language"])
        ]

    def update(self, template: Document, changes: Mapping[str, Any]) -> None:
        """Change a template, which has to be reviewed again."""
        template = {**template, **changes, "status": "PENDING", "review": template["review"] + 1}
        self._documents.replace("template", template)
        self._review(template)

    def delete(self, template: Document) -> None:
        """Forget a template."""
        self._documents.delete("template", template["id"])

    def resume(self) -> None:
        """Go on with the reviews that a former run left."""
        for template in self.all():
            self._review(template)

    def _review(self, template: Document) -> None:
        if template["status"] == "PENDING":
            approve = partial(self.decide, template["id"], "APPROVED", review=template["review"])
            self._timers.after(self._settings.approve_templates_after, approve)

    def decide(
        self, template_id: str, status: str, reason: str = "NONE", *, review: int | None = None
    ) -> Document | None:
        """Give a template a status, tell of it, and return the template, if there is one.

        Args:
            template_id: the template.
            status: its status from now on.
            reason: why it was rejected.
            review: decide only while this review of it goes on.
        """
        with self._store.transaction():
            template = self.get(template_id)
            if template is None:
                return None
            if review is not None and (template["status"], template["review"]) != ("PENDING", review):
                return None
            # Webhooks tell of it in whole seconds: what was decided twice within one would be told once.
            at = max(now_ms(), template.get("decided_at", 0) + 1000)
            changes = {"status": status, "rejected_reason": reason, "decided_at": at}
            self._documents.replace("template", template := {**template, **changes})
        meta = meta_objects.template_update(
            template["id"], template["name"], template["language"], status, reason
        )
        self._events.tell(
            Event(
                kind="template",
                at=at,
                plugin_id="",
                subject=shown(template),
                meta=meta,
                waba_id=template["account"],
            )
        )
        return template

    def sendable(self, account_id: str, name: str, language: str | None) -> Document:
        """Find the template a message is to be made from."""
        found = [one for one in self.find(account_id, name, language) if one["status"] == "APPROVED"]
        if not found:
            raise Refusal("(#132001) Template name does not exist in the translation")
        if len(found) > 1:
            languages = ", ".join(one["language"] for one in found)
            raise Refusal(
                f"Template '{name}' exists in several languages ({languages}): 'language' is needed"
            )
        return found[0]


def shown(template: Document) -> dict[str, Any]:
    """Shape a template as Meta shows it."""
    hidden = {"account", "review", "decided_at"}
    if template["status"] != "REJECTED":
        hidden.add("rejected_reason")
    return {name: value for name, value in template.items() if name not in hidden}


def text_of(template: Document, part: str) -> str:
    """Return the text of the header or the body."""
    components: list[dict[str, Any]] = template["components"]
    texts = (one.get("text", "") for one in components if str(one.get("type", "")).upper() == part)
    return str(next(texts, ""))


def render(text: str, values: Mapping[str, str]) -> str:
    """Fill in a text.

    Raises:
        Refusal: there are placeholders without a value, or values too many.
    """
    names = set(_PLACEHOLDER.findall(text))
    if names != set(values):
        raise Refusal("(#132000) Number of parameters does not match the expected number of params")
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)
