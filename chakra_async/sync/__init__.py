"""The sync facade: the same names and signatures as the async SDK, without ``await``.

Everything else (models, errors, settings) is shared with :mod:`chakra_async`.
"""

from chakra_async.sync.bulk import BulkRun
from chakra_async.sync.client import Client
from chakra_async.sync.paging import Pager
from chakra_async.sync.writer import Writer


__all__ = ["BulkRun", "Client", "Pager", "Writer"]
