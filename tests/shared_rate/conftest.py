"""A Redis for each test, real or not, empty."""

from __future__ import annotations

import pytest
import redis

from tests.shared_rate.servers import KINDS, RedisServer


@pytest.fixture(scope="module", params=KINDS)
def running(request):
    server = RedisServer(request.param)
    try:
        server.wait()
        with redis.Redis.from_url(server.url) as client:
            yield server.url, client
    finally:
        server.stop()


@pytest.fixture
def url(running):
    url, client = running
    client.flushall()
    return url


@pytest.fixture
def keys(running):
    """A client to look into Redis with."""
    return running[1]


@pytest.fixture
def state(url, keys):
    """What is kept of the one rate there is."""

    def look():
        (name,) = keys.keys("*}")
        return name

    return look
