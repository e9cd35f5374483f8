"""The sync facade: the same names and signatures as the async SDK, without ``await``.

Everything else (models, errors, settings) is shared with :mod:`chakra_async`. Names are loaded when they are
first used, as there.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from chakra_async.sync.bulk import BulkRun
    from chakra_async.sync.client import Client
    from chakra_async.sync.paging import Pager
    from chakra_async.sync.writer import Writer


_HOME_OF = {"BulkRun": "bulk", "Client": "client", "Pager": "paging", "Writer": "writer"}

__all__ = ["BulkRun", "Client", "Pager", "Writer"]


if not TYPE_CHECKING:  # or every name would pass for one of ours

    def __getattr__(name: str) -> object:
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value


def __dir__() -> list[str]:
    return __all__
