"""Every fault is met by both clients, where both can meet it."""

import pytest

from tests.faults.callers import Async, Sync


@pytest.fixture(params=[Async, Sync], ids=["async", "sync"])
def flavour(request):
    """Who calls: see ``tests/faults/callers.py``."""
    return request.param
