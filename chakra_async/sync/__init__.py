"""The sync facade: the same names and signatures as the async SDK, without ``await``.

Everything else (models, errors, settings) is shared with :mod:`chakra_async`. Names are loaded when they are
first used, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chakra_async._lazy import loader


if TYPE_CHECKING:
    from chakra_async.sync.bulk import BulkRun
    from chakra_async.sync.client import Client
    from chakra_async.sync.paging import Pager
    from chakra_async.sync.writer import Writer


_HOME_OF = {"BulkRun": "bulk", "Client": "client", "Pager": "paging", "Writer": "writer"}

__all__ = ["BulkRun", "Client", "Pager", "Writer"]


if not TYPE_CHECKING:  # or every name would pass for one of ours
    __getattr__ = loader(__name__, _HOME_OF)


def __dir__() -> list[str]:
    return __all__
