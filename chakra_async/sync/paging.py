"""Lists that follow their pages by themselves, one call of the loop a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from chakra_async import paging
from chakra_async.paging import Page
from chakra_async.sync._portal import Portal


__all__ = ["Page", "Pager"]

T = TypeVar("T")


class Pager(Generic[T]):
    """A list that is fetched as it is read: ``for`` over all items, :meth:`first_page` for the first page.

    Nothing is sent before that. A pager may be read again; every reading asks the service anew.
    """

    def __init__(self, portal: Portal, pager: paging.Pager[T]) -> None:
        self._portal = portal
        self._pager = pager

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def first_page(self) -> Page[T]:
        """Fetch the first page."""
        return self._portal.call(self._pager.first_page)

    def page_after(self, page: Page[T]) -> Page[T] | None:
        """Fetch the page that follows ``page``, or return ``None`` when it was the last."""
        return self._portal.call(self._pager.page_after, page)

    def pages(self) -> Iterator[Page[T]]:
        """Fetch page after page."""
        page: Page[T] | None = self.first_page()
        while page is not None:
            yield page
            page = self.page_after(page)
