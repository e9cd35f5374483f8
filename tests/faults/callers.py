"""One scenario, two callers: the async client, and the sync client in a thread of its own."""

import asyncio
from contextlib import asynccontextmanager

import chakra_async
import chakra_async.sync
from tests.raw import QUICK, TOKEN


ONCE = chakra_async.RetryPolicy(attempts=1)


def _options(url, options):
    return {"access_token": TOKEN, "base_url": url, "retry": QUICK, **options}


class Async:
    """Calls as asyncio services do."""

    @staticmethod
    @asynccontextmanager
    async def client(url, **options):
        """A client of ``url``, as a function that awaits what is to be done with it."""
        async with chakra_async.Client(**_options(url, options)) as chakra:

            async def call(work):
                return await work(chakra)

            yield call


class Sync:
    """Calls as scripts do."""

    @staticmethod
    @asynccontextmanager
    async def client(url, **options):
        """A client of ``url``, as a function that awaits what is to be done with it."""
        chakra = chakra_async.sync.Client(**_options(url, options))
        try:
            yield lambda work: asyncio.to_thread(work, chakra)
        finally:
            await asyncio.to_thread(chakra.close)


def read(chakra):
    """A call that may be repeated."""
    return chakra.processes.get("lead", "1")


def update(chakra):
    """A call that may be repeated, with a body."""
    return chakra.processes.update("lead", "1", data={"score": 5})


def create(chakra):
    """A call that must not be repeated."""
    return chakra.processes.create("lead", data={"score": 5})


def create_large(chakra):
    """The same with more than a socket takes at once."""
    return chakra.processes.create("lead", data={"note": "x" * 8_000_000})


def show(chakra):
    """A download into memory."""
    return chakra.whatsapp.media.show("1")
