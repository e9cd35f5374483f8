"""Lists that follow their pages by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from attrs import define, field


T = TypeVar("T")


@define
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: the page's items.
        has_more: whether another page follows.
        meta: ``_meta`` as received.
    """

    items: Sequence[T]
    has_more: bool
    meta: Mapping[str, Any]
    cursor: Any = field(default=None, repr=False)
    """Where the next page begins, in the endpoint's own terms."""


class Pager(Generic[T]):
    """A list that is fetched as it is read: ``async for`` over all items, ``await`` for the first page.

    Nothing is sent before that. A pager may be read again; every reading asks the service anew.
    """

    def __init__(self, fetch: Callable[[Any], Awaitable[Page[T]]], start: Any = None) -> None:
        self._fetch = fetch
        self._start = start

    def __await__(self) -> Generator[Any, Any, Page[T]]:
        return self.first_page().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def first_page(self) -> Page[T]:
        """Fetch the first page."""
        return await self._fetch(self._start)

    async def page_after(self, page: Page[T]) -> Page[T] | None:
        """Fetch the page that follows ``page``, or return ``None`` when it was the last."""
        return await self._fetch(page.cursor) if page.has_more else None

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Fetch page after page."""
        page: Page[T] | None = await self.first_page()
        while page is not None:
            yield page
            page = await self.page_after(page)
