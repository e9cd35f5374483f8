"""A service that is away is waited for, from its first failure on."""

import asyncio
from types import SimpleNamespace

import pytest

from chakra_async import ServerError
from chakra_async.bulk.patience import Patience


def away():
    return ServerError("The service answered 503.", status=503, retry_safe=True)


@pytest.fixture(autouse=True)
def _virtual_clock(monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: asyncio.get_running_loop().time())
    monkeypatch.setattr("chakra_async.bulk.patience.time", clock)


class Service:
    """Answers from a list, and with a yes once that has ended."""

    def __init__(self, *script):
        self.script = list(script)

    async def call(self):
        if self.script and (answer := self.script.pop(0)) is not None:
            raise answer
        return "yes"


def test_a_run_that_was_idle_for_long_waits_for_the_service_all_the_same(virtual_time):
    patience = Patience(20)
    service = Service(None, away(), away())

    async def main():
        assert await patience(service.call) == "yes"
        await asyncio.sleep(30)
        return await patience(service.call)

    assert virtual_time.run(main()) == "yes"


def test_a_service_that_stays_away_is_given_up(virtual_time):
    patience = Patience(20)

    async def down():
        await asyncio.sleep(0)
        raise away()

    async def main():
        assert await patience(Service().call) == "yes"
        with pytest.raises(ServerError):
            await patience(down)
        # Whoever comes next need not wait as long again.
        with pytest.raises(ServerError):
            await patience(Service(away()).call)

    virtual_time.run(main())


def test_a_service_that_never_answered_is_given_up_at_once(virtual_time):
    with pytest.raises(ServerError):
        virtual_time.run(Patience(60)(Service(away()).call))
