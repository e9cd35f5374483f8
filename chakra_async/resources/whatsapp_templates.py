"""WhatsApp message templates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chakra_async._codec import decode, encode
from chakra_async._message_bodies import language_code
from chakra_async._pages import Place, page_size
from chakra_async._transport import Transport
from chakra_async._whatsapp import (
    expect_success,
    items,
    meta_id,
    next_place,
    surroundings,
    version,
)
from chakra_async.models.templates import Template
from chakra_async.paging import Page, Pager


class Templates:
    """WhatsApp message templates, as Meta keeps them.

    They belong to a WhatsApp business account, whose id (``waba_id``, Meta's number) ``whatsapp.accounts``
    and the WhatsApp Setup page of the dashboard tell.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        waba_id: str,
        /,
        *,
        name: str | None = None,
        fields: Sequence[str] | None = None,
        limit: int | None = None,
        after: str | None = None,
        api_version: str | None = None,
    ) -> Pager[Template]:
        """List the templates of an account, following the pages by itself.

        Args:
            waba_id: WhatsApp business account.
            name: only templates whose name is or holds this.
            fields: which fields to send; without them Meta's choice, which holds all of :class:`Template`.
            limit: templates a page; ``Limits.page_size`` if not given. Not a limit on the whole list.
            after: where to begin: ``paging.cursors.after`` of a page read earlier.
            api_version: version of Meta's API, such as ``v19.0``.

        Endpoint: ``GET /v1/ext/plugin/whatsapp/api/{version}/{waba}/message_templates`` (seen, live).

        Raises:
            NotFoundError: there is no such account.
            ValueError: an argument cannot be sent.
        """
        if isinstance(fields, str):
            raise TypeError("fields must be a list of names, such as ['name', 'status']")
        size = page_size(limit, self._transport.settings.limits.page_size, "templates")
        given = {"limit": str(size), "after": after, "name": name, "fields": ",".join(fields or ()) or None}
        start = {key: value for key, value in given.items() if value is not None}
        path = self._templates(waba_id, api_version)

        async def fetch(place: Place) -> Page[Template]:
            reply = await self._transport.call("GET", path, query=place.query, repeatable=True)
            following = next_place(reply, place)
            return Page(items(reply, Template), following is not None, surroundings(reply), following)

        return Pager(fetch, Place(start))

    async def create(
        self,
        waba_id: str,
        /,
        *,
        name: str,
        category: str,
        language: str,
        components: Sequence[Mapping[str, Any]],
        parameter_format: str | None = None,
        fields: Mapping[str, Any] | None = None,
        api_version: str | None = None,
    ) -> Template:
        """Create a template, which Meta then reviews.

        Not idempotent: it is never sent twice. The answer holds ``id``, ``status`` and ``category``.

        Args:
            waba_id: WhatsApp business account.
            name: up to 512 lower-case letters, digits and underscores.
            category: ``MARKETING``, ``UTILITY`` or ``AUTHENTICATION``.
            language: such as ``en_US``.
            components: Meta's objects: header, body, footer, buttons.
            parameter_format: ``NAMED`` or ``POSITIONAL`` (Meta's default).
            fields: anything else that Meta takes, under its own name.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/api/{version}/{waba}/message_templates`` (documented; seen,
        live).

        Raises:
            AmbiguousResultError: the request left and no answer came; look before you create again.
            BadRequestError: Meta refuses it; ``whatsapp_code`` is its number.
            ValueError: an argument cannot be sent.
        """
        if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_]{1,512}", name):
            raise ValueError(
                f"name must be 1 to 512 lower-case letters, digits and underscores, not {name!r}"
            )
        if not components:
            raise ValueError("a template needs components, at least {'type': 'BODY', 'text': …}")
        body = {
            **(fields or {}),
            "name": name,
            "category": category,
            "language": language_code(language),
            "components": list(components),
        }
        if parameter_format is not None:
            body["parameter_format"] = parameter_format
        path = self._templates(waba_id, api_version)
        reply = await self._transport.call("POST", path, body=encode(body), repeatable=False)
        return decode(reply, Template)

    async def update(
        self,
        template_id: str,
        /,
        *,
        components: Sequence[Mapping[str, Any]] | None = None,
        category: str | None = None,
        fields: Mapping[str, Any] | None = None,
        api_version: str | None = None,
    ) -> None:
        """Change a template, which Meta then reviews again.

        Meta limits how often an approved template may be changed, so this is never sent twice.

        Args:
            template_id: Meta's number of the template, its ``id``.
            components: all components anew; those left out are gone.
            category: ``MARKETING``, ``UTILITY`` or ``AUTHENTICATION``.
            fields: anything else that Meta takes, under its own name.
            api_version: version of Meta's API.

        Endpoint: ``POST /v1/ext/plugin/whatsapp/api/{version}/{template}`` (documented; its answer is
        inferred).

        Raises:
            AmbiguousResultError: the request left and no answer came.
            BadRequestError: Meta refuses it.
            NotFoundError: there is no such template.
            ValueError: nothing is given to change.
        """
        body = dict(fields or {})
        if components is not None:
            body["components"] = list(components)
        if category is not None:
            body["category"] = category
        if not body:
            raise ValueError("nothing to change: give components or category")
        path = f"{self._base(api_version)}/{meta_id(template_id, 'template_id')}"
        reply = await self._transport.call("POST", path, body=encode(body), repeatable=False, any_body=True)
        expect_success(reply)

    async def delete(
        self, waba_id: str, /, *, name: str, hsm_id: str | None = None, api_version: str | None = None
    ) -> None:
        """Delete a template in all its languages, or with ``hsm_id`` in one.

        For 30 days Meta allows no new template of that name. A template that is gone already is an error of
        Meta's, also when an attempt before whose answer was lost had deleted it.

        Args:
            waba_id: WhatsApp business account.
            name: name of the template.
            hsm_id: Meta's number of the template (its ``id``), to delete this language alone.
            api_version: version of Meta's API.

        Endpoint: ``DELETE /v1/ext/plugin/whatsapp/api/{version}/{waba}/message_templates`` (seen, not
        documented).

        Raises:
            BadRequestError: Meta refuses it.
            NotFoundError: there is no such template.
            ValueError: ``name`` is empty.
        """
        if not isinstance(name, str) or not name.strip():
            raise ValueError("name is empty: Meta deletes templates by name, also where hsm_id is given")
        query = {"name": name}
        if hsm_id is not None:
            query["hsm_id"] = meta_id(hsm_id, "hsm_id")
        path = self._templates(waba_id, api_version)
        reply = await self._transport.call("DELETE", path, query=query, repeatable=True, any_body=True)
        expect_success(reply)

    def _base(self, api_version: str | None) -> str:
        # These paths name no plugin.
        return f"/v1/ext/plugin/whatsapp/api/{version(self._transport.settings, api_version)}"

    def _templates(self, waba_id: str, api_version: str | None) -> str:
        return f"{self._base(api_version)}/{meta_id(waba_id, 'waba_id')}/message_templates"
