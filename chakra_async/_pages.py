"""What lists have in common: how long a page is, whether another follows, and which came before. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from attrs import field, frozen

from chakra_async._reading import read_flag


@frozen
class Place:
    """Where a list has got to: the query of a page, and of those before it."""

    query: Mapping[str, str] = field(factory=dict[str, str])
    _before: frozenset[str] = frozenset()

    def then(self, query: Mapping[str, str]) -> Place | None:
        """Go on to the next page, or return ``None`` when it came before: nothing new would ever come."""
        before = self._before | {urlencode(self.query)}
        return None if urlencode(query) in before else Place(query, before)


@frozen
class Repeats:
    """Notices a list that sends one page for ever.

    Once a page may come again, for as many new items as it holds move all the others on by a whole page.
    """

    _ids: tuple[str | None, ...] = ()
    _again: bool = False

    def then(self, ids: Iterable[str | None]) -> Repeats | None:
        """Go on after a page of items with these ids, or return ``None`` when it is the third of its kind."""
        page = tuple(ids)
        again = page == self._ids != () and None not in page
        return None if again and self._again else Repeats(page, again)


def says_more(meta: Mapping[str, Any]) -> bool | None:
    """Tell whether the service says that a page follows; ``None`` when it says nothing that can be read."""
    return read_flag(meta.get("hasMore"))


def whole(value: int, name: str) -> int:
    """Return an argument that must be a whole number.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    return value


def page_size(limit: int | None, default: int, items: str, *, most: int | None = None) -> int:
    """Return how many items to ask for at a time.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is out of range.
    """
    size = default if limit is None else whole(limit, "limit")
    if size < 1 or (most is not None and size > most):
        span = "at least 1" if most is None else f"1 to {most}"
        raise ValueError(f"limit must be {span} ({items} a page), not {size}")
    return size
