"""Names and attributes that are loaded or made when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload


T = TypeVar("T")


if TYPE_CHECKING:

    class Maker(Protocol):
        """What has lazy attributes, and knows how to make them."""

        def _make(self, name: str, cls: type[Any], /) -> Any: ...


class Lazy(Generic[T]):
    """A resource that is loaded and made on first use.

    Most programs use two or three of the API's areas; loading the models of all of them takes longer than
    making the client. After the first use this is a plain attribute of the instance.
    """

    def __init__(self, home: str) -> None:
        """Take the home of a class inside the package, such as ``resources.tasks:Tasks``."""
        self._home = home
        self._name = ""

    def __set_name__(self, _: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, _: type[Any], /) -> Self: ...
    @overload
    def __get__(self, owner: Maker, _: type[Any] | None = None, /) -> T: ...
    def __get__(self, owner: Maker | None, _: type[Any] | None = None, /) -> Self | T:
        if owner is None:
            return self
        module, _separator, name = self._home.partition(":")
        made: T = owner._make(self._name, getattr(import_module(f"chakra_async.{module}"), name))  # pyright: ignore[reportPrivateUsage]
        vars(owner)[self._name] = made
        return made


def loader(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package that takes each name from the module it lives in."""

    def load(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f".{home}", package), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
